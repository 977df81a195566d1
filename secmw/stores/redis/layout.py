"""How things lie in Redis: the names of keys, and what is in their values. Pure.

A session is one string: what :meth:`secmw.sessions.record.Record.pack` writes, but for its checksum, which is the first
eight digits of a SHA-1, for that is what a script can compute; a tombstone is as it is everywhere. A user is one hash:
the generation, a version that grows with each sign-in, and an entry for each session. Values, counters and leases are
strings that begin with their times. A key's own time to live is our limit and a margin: it collects garbage and judges
nothing.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from hashlib import sha1
from typing import Final, NamedTuple
from zlib import crc32

from secmw.sessions import codec
from secmw.sessions.record import (
    FOREVER,
    LEAST,
    OURS,
    Ended,
    Identity,
    Record,
    is_tombstone,
    opened,
    unpacked,
    written,
)
from secmw.stores.rules import NEVER, Ends

MARGIN: Final = 300.0
"""Seconds that Redis keeps what is over: clocks differ, and may be set back a little."""

TOLD_MARGIN: Final = b"%d" % MARGIN
"""The same, for scripts."""

PENDING: Final = 5.0
"""Seconds in which a sign-in that has joined the index of its user puts its session there, or never will."""

_SUM: Final = 8
_LEAST: Final = LEAST + 4
_LONGEST: Final = 1 << 52

#: What is read of each kind of thing to see whether it is over: the head of a record holds all its times.
HEAD: Final = 77

_double: Final = struct.Struct("<d").pack
_two: Final = struct.Struct("<dd").unpack_from
_one: Final = struct.Struct("<d").unpack_from
_ends: Final = struct.Struct("<ddd")
_entry: Final = struct.Struct("<dddd")
_limits: Final = struct.Struct("<2s12xddd").unpack_from
_crc: Final = struct.Struct("<I").pack


class Keys:
    """Name the keys of a store; nothing else is ever touched. ``sessions``: what the keys of sessions begin with."""

    __slots__ = ("_user", "pattern", "prefix", "sessions")

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix.encode()
        self.sessions = self.prefix + b"s:"
        self._user = self.prefix + b"u:"
        escaped = "".join(f"\\{letter}" if letter in "*?[]\\^-" else letter for letter in prefix)
        self.pattern = escaped.encode() + b"?:*"

    def session(self, selector: str) -> bytes:
        """Name a session."""
        return self.sessions + text(selector)

    def user(self, user_id: str) -> bytes:
        """Name what is known of a user."""
        return self._user + text(user_id)

    def value(self, space: str, key: str) -> bytes:
        """Name a value."""
        return self._pair(b"v:", space, key)

    def counter(self, space: str, key: str) -> bytes:
        """Name a counter."""
        return self._pair(b"c:", space, key)

    def lease(self, name: str) -> bytes:
        """Name a lease."""
        return self.prefix + b"l:" + text(name)

    def kind(self, key: bytes) -> tuple[bytes, str]:
        """Return what kind of thing a key names, and its own name."""
        rest = key[len(self.prefix) :]
        return rest[:1], rest[2:].decode("utf-8", "surrogatepass")

    def _pair(self, kind: bytes, space: str, key: str) -> bytes:
        first = text(space)
        # Its length tells where the space ends, whatever the two hold.
        return b"%b%b%d:%b:%b" % (self.prefix, kind, len(first), first, text(key))


def text(name: str) -> bytes:
    """Return text as bytes; what is no Unicode has its own too."""
    return name.encode("utf-8", "surrogatepass")


def number(value: float) -> bytes:
    """Write a time for a script, to the last bit."""
    return _double(value)


def lasting(seconds: float) -> bytes:
    """Return the time to live of what ends in so many seconds, in whole milliseconds."""
    milliseconds = (max(seconds, 0.0) + MARGIN) * 1000
    return b"%d" % (math.ceil(milliseconds) if milliseconds < _LONGEST else _LONGEST)


# --- sessions


def sealed(record: Record) -> bytes:
    """Write a record out.

    >>> record = Record("s", 0, 0.0, 0.0, 9.0, 9.0, 9, bytes(32), codec.EMPTY)
    >>> found("s", sealed(record), 0.0) == record
    True
    """
    raw = record.pack()[:-4]
    return raw + _sum(raw)


def found(selector: str, raw: bytes | None, now: float) -> Record | Ended | None:
    """Read what is kept under a selector, as :func:`secmw.sessions.record.opened` does."""
    if raw is None:
        return None
    if _sound(raw):
        # Half of our checksum stands where the other layout has all of its own.
        return unpacked(selector, raw[:-4])
    # An ordinary record of the other layout is none of ours.
    return opened(selector, raw if is_tombstone(raw) else b"", now)


def unsealed(raw: bytes) -> bytes:
    """Return what is kept under a selector as :func:`secmw.sessions.record.opened` reads it; nothing for what is no session.

    >>> record = Record("s", 0, 0.0, 0.0, 9.0, 9.0, 9, bytes(32), codec.EMPTY)
    >>> unsealed(sealed(record)) == record.pack()
    True
    """
    if _sound(raw):
        body = raw[:-_SUM]
        return body + _crc(crc32(body))
    return raw if is_tombstone(raw) else b""


def until(record: Record) -> float:
    """Return until when a record lives."""
    return min(record.expires, record.idle_until)


def _sound(raw: bytes) -> bool:
    """Say whether this is a session, just as it was written."""
    return raw[:2] == OURS and len(raw) >= _LEAST and _sum(raw[:-_SUM]) == raw[-_SUM:]


def _sum(raw: bytes) -> bytes:
    return sha1(raw, usedforsecurity=False).hexdigest()[:_SUM].encode()


# --- users


class Entry(NamedTuple):
    """Tell of a session in the index of its user; ``added`` is by the clock of Redis."""

    selector: str
    authenticated: float
    expires: float
    added: float
    order: float

    def stub(self, user_id: str) -> Record:
        """Return a record in the place of one that is not there yet."""
        owner = written(Identity(user_id, "", self.authenticated))
        start = min(self.authenticated, self.expires)
        return Record(self.selector, 0, start, start, self.expires, FOREVER, 0, b"", codec.EMPTY, owner)


class Index(NamedTuple):
    """Tell of a user: how often all was ended, the sessions in the order of their arrival, and the time of Redis."""

    ends: Ends
    generation: bytes
    version: bytes
    now: float
    entries: list[Entry]

    def pending(self, entry: Entry) -> bool:
        """Say whether the session of an entry may still come."""
        return abs(self.now - entry.added) < PENDING


def entered(record: Record) -> bytes:
    """Write the part of an entry that the client knows."""
    return struct.pack("<dd", record.identity.authenticated, record.expires)


def index(answer: Sequence[object]) -> Index:
    """Read what the scripts tell of a user: the time, then names and values."""
    now, flat = answer
    ends, generation, version, entries = NEVER, b"", b"", []
    assert isinstance(flat, list)  # noqa: S101 - the script says so
    for name, value in zip(flat[::2], flat[1::2], strict=True):
        if name == b"g":
            generation, ends = value, generations(value)
        elif name == b"v":
            version = value
        elif name[:1] == b"s" and len(value) == _entry.size:
            entries.append(Entry(name[1:].decode("utf-8", "surrogatepass"), *_entry.unpack(value)))
    entries.sort(key=lambda entry: entry.order)
    assert isinstance(now, bytes)  # noqa: S101 - the same
    return Index(ends, generation, version, float(now), entries)


def generations(value: bytes | None) -> Ends:
    """Read the generation of a user."""
    if value is None or len(value) != _ends.size:
        return NEVER
    times, last, before = _ends.unpack(value)
    return Ends(int(times), last, before)


# --- everything else


def kept(value: bytes, ends: float) -> bytes:
    """Write a value that is kept until a time."""
    return _double(ends) + value


def taken(raw: bytes | None, now: float) -> bytes | None:
    """Read a value, None where its time has come."""
    return raw[8:] if raw is not None and len(raw) >= 8 and now < _one(raw)[0] else None


def over(kind: bytes, head: bytes, now: float) -> bool:
    """Say of any key whether it may go, by the first bytes of its value.

    What is unreadable is left to its time to live: telling takes all of it.
    """
    if kind == b"s":
        return _past(head, now)
    if kind == b"v":
        return len(head) >= 8 and _one(head)[0] <= now
    # Counters and leases: from when, until when.
    return kind in (b"c", b"l") and len(head) >= 16 and _two(head)[1] <= now


def _past(head: bytes, now: float) -> bool:
    if is_tombstone(head):
        # One that is over opens as nothing.
        return opened("", head, now) is None
    if head[:2] != OURS or len(head) < HEAD:
        return False
    _, seen, expires, idle = _limits(head)
    return bool(max(now, seen) >= min(expires, idle))
