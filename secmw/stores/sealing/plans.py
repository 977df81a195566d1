"""What each method of a sealed store asks of the store below it, once, for both colours. Waits for nothing itself.

A plan is a generator: it hands out what to call, is sent the answer, and returns what the method returns. A change is
merged by the store, which does not understand it. What has to understand (a rotation, a use, a strict change) reads the
record, works out another, and has it swapped if nothing came between. Either way what is written is sealed by the newest
key, and a record that has older boxes is written anew.

The key of the aliases must not change when others are put in front, or nobody would find a user's sessions any more. So it
is made once, of the last key in the list, and kept in the store itself, sealed, under a name that no session can have. It
is looked at once a minute: another process may have had to make another.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import time
from collections.abc import Callable, Generator, Iterator
from functools import partial
from typing import Any, Final, TypeVar

from secmw.errors import StoreError
from secmw.keys import KeyRing
from secmw.sealer import Sealer, Unopened
from secmw.sessions import codec
from secmw.sessions.record import FOREVER, Ended, Over, Record
from secmw.sessions.writes import (
    Create,
    End,
    Lost,
    Revoked,
    Rotate,
    Swap,
    Touch,
    Update,
    Why,
    Write,
    Written,
    apply,
)
from secmw.stores.sealing import KEPT_UNDER
from secmw.stores.sealing.records import Seals

_Outcome = TypeVar("_Outcome")
Plan = Generator[Callable[[], Any], Any, _Outcome]

#: Seconds after which it is looked at again.
_LOOK: Final = 60.0

#: Seconds for which what others change under our hands is tried again.
_PATIENCE: Final = 0.4

_log: Final = logging.getLogger("secmw")


class Plans:
    """Make the plans of one store, which may be of either colour."""

    def __init__(self, store: Any, keys: KeyRing, now: Callable[[], float]) -> None:
        self._store = store
        self._now = now
        self._sealer = Sealer(keys.derive("seal"))
        self._names = keys.derive("aliases")[-1]
        self._seals = Seals(self._sealer, self._names)
        self._looked: float | None = None

    # --- sessions

    def load(self, selector: str) -> Plan[Record | Ended | None]:
        """Read a session."""
        seals = yield from self._ready()
        found = yield partial(self._store.load, selector)
        return self._opened(seals, found)

    def write(self, write: Write) -> Plan[Written | Lost]:
        """Carry out one write."""
        seals = yield from self._ready()
        if isinstance(write, Create):
            return (yield from self._create(seals, write))
        if isinstance(write, End):
            return (yield from self._end(seals, write))
        if isinstance(write, Update) and not (write.expected or write.overhead or write.drop_sudo):
            return (yield from self._merge(seals, write))
        return (yield from self._change(seals, write))

    def of_user(self, user_id: str) -> Plan[list[Record]]:
        """List the living sessions of a user."""
        seals = yield from self._ready()
        found = yield partial(self._store.of_user, seals.user(user_id))
        records = [self._opened(seals, one) for one in found]
        now = self._now()
        return [one for one in records if isinstance(one, Record) and one.over(now) is None]

    def generation(self, user_id: str) -> Plan[int]:
        """Return how often all sessions of a user have been ended."""
        seals = yield from self._ready()
        number: int = yield partial(self._store.generation, seals.user(user_id))
        return number

    def end_all(self, user_id: str, except_: str | None, reason: Over) -> Plan[Revoked]:
        """End all sessions of a user but one."""
        seals = yield from self._ready()
        revoked: Revoked = yield partial(self._store.end_all, seals.user(user_id), except_, reason=reason)
        return revoked

    # --- everything else

    def put(self, space: str, key: str, value: bytes, ttl: float, *, once: bool) -> Plan[bool]:
        """Keep a value."""
        seals = yield from self._ready()
        alias = seals.key(b"value", space, key)
        box = seals.put(space, alias, self._now() + ttl, bytes(value))
        kept: bool = yield partial(self._store.put, space, alias, box, ttl, once=once)
        return kept

    def take(self, space: str, key: str) -> Plan[bytes | None]:
        """Return a value and remove it."""
        seals = yield from self._ready()
        alias = seals.key(b"value", space, key)
        box = yield partial(self._store.take, space, alias)
        if box is None:
            return None
        try:
            until, value = seals.taken(space, alias, box)
        except Unopened as error:
            self._tell(f"a value of {space!r}", error)
            return None
        return value if self._now() < until else None

    def count(self, space: str, key: str, ttl: float) -> Plan[int]:
        """Add one to a counter."""
        seals = yield from self._ready()
        number: int = yield partial(self._store.count, space, seals.key(b"counter", space, key), ttl)
        return number

    # --- writes

    def _create(self, seals: Seals, write: Create) -> Plan[Written | Lost]:
        user = seals.user(write.user_id)
        outcome = yield partial(
            self._store.write, dataclasses.replace(write, record=seals.seal(write.record), user_id=user)
        )
        return Written(write.record, outcome.displaced) if isinstance(outcome, Written) else outcome

    def _merge(self, seals: Seals, write: Update) -> Plan[Written | Lost]:
        outcome = yield partial(self._store.write, seals.update(write))
        if isinstance(outcome, Lost):
            return outcome
        record = self._opened(seals, outcome.record)
        if not isinstance(record, Record):
            return Lost(Why.ENDED)
        if seals.stale(outcome.record):
            renew = Swap(at=write.at, before=outcome.record, after=seals.seal(record))
            # If another write comes between, that one or the next does it.
            with contextlib.suppress(StoreError):
                yield partial(self._store.write, renew)
        return Written(record)

    def _change(self, seals: Seals, write: Update | Touch | Rotate | Swap) -> Plan[Written | Lost]:
        """Work out what becomes of a record, and have it swapped if it is still what that was worked out from."""
        for _ in _patiently():
            found = yield partial(self._store.load, write.selector)
            record = self._opened(seals, found)
            if not isinstance(record, Record):
                return Lost(Why.UNKNOWN if record is None else Why.ENDED)
            _, outcome = apply(record.pack(), write)
            if isinstance(outcome, Lost):
                return outcome
            after = seals.seal(outcome.record)
            swap = Swap(at=write.at, before=found, after=after, takes=_takes(write))
            answer = yield partial(self._store.write, swap)
            if answer != Lost(Why.CONFLICT):
                return outcome if isinstance(answer, Written) else answer
        raise StoreError("the store is busy: others changed the same again and again")

    def _end(self, seals: Seals, write: End) -> Plan[Written | Lost]:
        outcome = yield partial(self._store.write, write)
        if outcome == Lost(Why.CONFLICT):
            # By the times in clear, which somebody may have moved, it lives.
            found = yield partial(self._store.load, write.selector)
            record = self._opened(seals, found)
            if isinstance(record, Record) and record.over(write.at) is not None:
                yield partial(
                    self._store.write, Swap(at=write.at, before=found, after=seals.seal(record), takes=True)
                )
                outcome = yield partial(self._store.write, write)
        if isinstance(outcome, Lost):
            return outcome
        record = self._opened(seals, outcome.record)
        return Written(record) if isinstance(record, Record) else Lost(Why.ENDED)

    # --- reading

    def _opened(self, seals: Seals, found: Record | Ended | None) -> Record | Ended | None:
        """Return the record that was sealed; what does not open is no session."""
        if not isinstance(found, Record):
            return found
        try:
            return seals.open(found)
        except Unopened as error:
            self._tell(f"session {found.selector}", error)
            return Ended(Over.UNREADABLE)

    def _tell(self, what: str, error: Unopened) -> None:
        if error.key:
            known = ", ".join(self._sealer.ids)
            _log.error(
                "%s is sealed with the key %s, which is not in secret_keys (%s): put that key back at their end until"
                " what it has sealed is over",
                what,
                error.key,
                known,
            )
        else:
            _log.error("%s is not as it was sealed, or never was: it is taken for none", what)

    # --- the key of the aliases

    def _ready(self) -> Plan[Seals]:
        """Return what seals, with the key of the aliases that the store keeps."""
        now = time.monotonic()
        if self._looked is None or now - self._looked >= _LOOK:
            found = yield partial(self._store.load, KEPT_UNDER)
            if found is None:
                create = Create(record=self._kept())
                if (yield partial(self._store.write, create)) == Lost(Why.EXISTS):
                    found = yield partial(self._store.load, KEPT_UNDER)
            if isinstance(found, Record):
                yield from self._adopt(found)
            elif isinstance(found, Ended):
                # A fault of the disk: it goes with the next sweep, and is kept anew.
                yield partial(
                    self._store.write, End(selector=KEPT_UNDER, at=self._now(), reason=found.reason)
                )
            self._looked = now
        return self._seals

    def _adopt(self, found: Record) -> Plan[None]:
        """Take the key that is kept; where it can't be read, or is sealed by an older key, keep ours in its place."""
        scope = self._sealer.scope(b"aliases")
        box = b""
        try:
            box = codec.decode(found.data)["key"]
            names = scope.open(b"", box)
        except (ValueError, KeyError, TypeError):
            names = None
        except Unopened as error:
            self._tell("what this store calls users by", error)
            names = None
        if names is not None and names != self._names:
            self._names = names
            self._seals = Seals(self._sealer, names)
        if names is None or not self._sealer.newest(box):
            yield partial(self._store.write, Swap(at=self._now(), before=found, after=self._kept()))

    def _kept(self) -> Record:
        box = self._sealer.scope(b"aliases").seal(b"", self._names)
        data = codec.join({"key": codec.encode("key", box)})
        return Record(KEPT_UNDER, 0, 0.0, 0.0, FOREVER, FOREVER, 0, bytes(32), data)


def _patiently() -> Iterator[None]:
    """Go on for as long as it makes sense to try again."""
    start = time.monotonic()
    yield
    while time.monotonic() - start < _PATIENCE:
        yield


def _takes(write: Write) -> bool:
    """Say whether a write takes a right from somebody."""
    match write:
        case Rotate():
            return True
        case Update():
            return write.drop_sudo
        case Swap():
            return write.takes
    return False
