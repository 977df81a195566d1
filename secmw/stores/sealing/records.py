"""What a sealed session looks like to the store that keeps it, and how it is read. Pure.

The store gets a record like any other, and moves it as it moves all. What it must know is in clear: the name, how often
it changed, when it was last seen, until when it lives, and when its user signed in, under an alias. Everything else is in
boxes, which fit this session and this place alone:

    owner       the alias, the time of the sign-in, and the head: whose session it is, the verifier, and the limits
    data        each value with its own name under an alias of that name, so that the store merges without understanding
    "activity"  among the data, when it was last changed: the time in clear lengthens no life by itself

Aliases are made with a key of their own, which stays when the others are replaced: see :mod:`secmw.stores.sealing.plans`.
"""

from __future__ import annotations

import struct
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Final

import msgspec

from secmw.sealer import OVERHEAD, Scope, Sealer, Unopened
from secmw.sessions import codec
from secmw.sessions.record import Identity, Record
from secmw.sessions.writes import Update


class _Owner(Identity, frozen=True, array_like=True, omit_defaults=True):
    """Be an identity that says no more than a store must know, with the head, which stores pass over."""

    head: bytes = b""


_read_owner: Final = msgspec.msgpack.Decoder(_Owner).decode
_write: Final = msgspec.msgpack.Encoder().encode

#: Created, last seen, expires, idle until, inactivity, verifier; then the identity.
_HEAD: Final = struct.Struct("<ddddI32s")
_TIME: Final = struct.Struct("<d")
#: MessagePack's header of bytes in its longest form, so that every box takes as much more than its value.
_BYTES: Final = struct.Struct(">BI")
_LONG: Final = 0xC6
_NOBODY: Final = bytes(32)

_ALIAS: Final = 16
_ACTIVITY: Final = "activity"

#: Bytes that a sealed value and its alias take beyond the value and its name. The activity takes just as many.
EXTRA: Final = 1 + _ALIAS + _BYTES.size + OVERHEAD


class Seals:
    """Seal records and open them; ``names`` is the key of the aliases."""

    __slots__ = ("_activity", "_era", "_sealer", "_state")

    def __init__(self, sealer: Sealer, names: bytes) -> None:
        self._sealer = sealer
        # A keyed state that is copied costs a fifth of a one-shot HMAC, and every name needs one.
        self._state = blake2b(key=names, digest_size=_ALIAS * 3 // 4)
        # Under another key of aliases nothing would find its place.
        self._era = _raw(self._alias(b"era"))[:8]
        self._activity = b"activity" + self._era

    def user(self, user_id: str | None) -> str | None:
        """Return the alias of a user."""
        return None if user_id is None else self._alias(b"user", _raw(user_id))

    def key(self, kind: bytes, space: str, key: str) -> str:
        """Return the alias of the key of a value or a counter."""
        return self._alias(kind, _raw(space), _raw(key))

    # --- sessions

    def seal(self, record: Record) -> Record:
        """Return a record as the store is to keep it, all of it sealed by the newest key."""
        scope, identity = self._scope(record.selector), record.identity
        owner = _Owner(self.user(identity.user_id), authenticated=identity.authenticated)
        limits = (record.created, record.seen, record.expires, record.idle_until, record.inactivity)
        head = scope.seal(self._about(owner), _HEAD.pack(*limits, record.verifier) + record.owner)
        values = {}
        for name, value in codec.split(record.data).items():
            alias = self._name(record.selector, name)
            values[alias] = self._box(scope, alias, name, bytes(value))
        return msgspec.structs.replace(
            record,
            created=0.0,
            verifier=_NOBODY,
            data=codec.join(values),
            owner=_write(msgspec.structs.replace(owner, head=head)),
        )

    def update(self, write: Update) -> Update:
        """Return the update that does to the sealed record what this one, of changes alone, does to its plain one."""
        scope = self._scope(write.selector)
        changes: dict[str, bytes | None] = {}
        for name, value in write.changes.items():
            alias = self._name(write.selector, name)
            changes[alias] = None if value is None else self._box(scope, alias, name, value)
        changes[_ACTIVITY] = _boxed(scope.seal(self._activity, _TIME.pack(write.at)))
        return replace(write, changes=changes, overhead=EXTRA)

    def open(self, found: Record) -> Record:
        """Return the record that was sealed; raise Unopened where anything of it was not sealed by us, for this session."""
        owner, values = _parts(found)
        scope = self._scope(found.selector)
        head = scope.open(self._about(owner), owner.head)
        created, seen, expires, idle, inactivity, verifier = _HEAD.unpack_from(head)
        if (activity := values.pop(_ACTIVITY, None)) is not None:
            (used,) = _TIME.unpack(scope.open(self._activity, activity))
            seen = max(seen, used)
            idle = max(idle, used + inactivity) if inactivity else idle
        opened = [scope.open(b"value" + _raw(alias), box) for alias, box in values.items()]
        return Record(
            selector=found.selector,
            revision=found.revision,
            created=created,
            # What is in clear may end a session sooner, and never later.
            seen=max(seen, found.seen),
            expires=min(expires, found.expires),
            idle_until=min(idle, found.idle_until),
            inactivity=inactivity,
            verifier=verifier,
            data=_joined(opened),
            owner=head[_HEAD.size :],
        )

    def stale(self, found: Record) -> bool:
        """Say whether any of it is sealed by another key than the newest."""
        if self._sealer.alone:
            return False
        owner, values = _parts(found)
        return not all(map(self._sealer.newest, (owner.head, *values.values())))

    def _box(self, scope: Scope, alias: str, name: str, value: bytes) -> bytes:
        """Put a value with its name into a box."""
        return _boxed(scope.seal(b"value" + _raw(alias), _write(name) + value))

    # --- values

    def put(self, space: str, alias: str, until: float, value: bytes) -> bytes:
        """Return a value as the store is to keep it."""
        return self._sealer.scope(b"value " + _raw(alias)).seal(_raw(space), _TIME.pack(until) + value)

    def taken(self, space: str, alias: str, box: bytes) -> tuple[float, bytes]:
        """Return until when a value lasts, and the value; raise Unopened."""
        message = self._sealer.scope(b"value " + _raw(alias)).open(_raw(space), box)
        return _TIME.unpack_from(message)[0], message[_TIME.size :]

    # --- names

    def _scope(self, selector: str) -> Scope:
        return self._sealer.scope(b"session " + _raw(selector))

    def _about(self, owner: _Owner) -> bytes:
        """Return what the head is sealed with, so that neither alias nor sign-in can be another's."""
        return b"head" + self._era + _TIME.pack(owner.authenticated) + _raw(owner.user_id or "-")

    def _name(self, selector: str, name: str) -> str:
        return self._alias(b"name", _raw(selector), _raw(name))

    def _alias(self, *parts: bytes) -> str:
        state = self._state.copy()
        for part in parts:
            state.update(b"%d:%b" % (len(part), part))
        return urlsafe_b64encode(state.digest()).decode()


def _parts(found: Record) -> tuple[_Owner, dict[str, bytes]]:
    """Take apart what a store keeps; raise Unopened for what we have not written."""
    try:
        owner, values = _read_owner(found.owner), codec.split(found.data)
    except codec.UNREADABLE:
        raise Unopened from None
    return owner, {name: _unboxed(bytes(value)) for name, value in values.items()}


def _boxed(box: bytes) -> bytes:
    return _BYTES.pack(_LONG, len(box)) + box


def _unboxed(value: bytes) -> bytes:
    # Anything else than bytes is no box either, and does not open.
    return value[_BYTES.size :]


def _joined(values: Sequence[bytes]) -> bytes:
    """Return data of names and values as they are written."""
    count = len(values)
    if count < 16:
        head = bytes((0x80 + count,))
    else:
        head = struct.pack(">BH", 0xDE, count) if count < 1 << 16 else struct.pack(">BI", 0xDF, count)
    return head + b"".join(values)


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
