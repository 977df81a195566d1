"""Record: what a store keeps of one session, and its layout in bytes. Pure.

    byte 0      the version of the layout
    byte 1      what it is: RECORD or TOMBSTONE
    a record    revision, created, last seen, expires, idle until, inactivity, verifier's digest, length of the data;
                then the data (name to value), the identity (absent for most anonymous sessions), and a checksum
    a tombstone the reason for the end, and until when it is remembered

One bytes value, because a million of them cost the garbage collector nothing, and a store may move it unread. A layout
that is not known, and anything the checksum does not fit, is no session: :func:`opened` says ``UNREADABLE``.
"""

from __future__ import annotations

import enum
import math
import struct
from typing import Final
from zlib import crc32

import msgspec

VERSION: Final = 1

#: The second byte of a session; that of a tombstone is another.
RECORD: Final = 1
_TOMBSTONE: Final = 2

_HEAD: Final = struct.Struct("<BBIddddI32sI")
_STONE: Final = struct.Struct("<BBdB")
_DATA: Final = _HEAD.size
_SUM: Final = struct.Struct("<I")
_DATA_LENGTH: Final = _SUM.unpack_from
#: The first two bytes of a session.
OURS: Final = bytes((VERSION, RECORD))
#: How long a session is at least; a tombstone is shorter.
LEAST: Final = _HEAD.size + _SUM.size
#: What says whether a record is an ordinary one: its first two bytes, last seen, expires, idle until, verifier's digest.
_GLANCE: Final = struct.Struct("<2s12xddd4x32s")
glance: Final = _GLANCE.unpack_from
#: What CRC-32 makes of anything that is followed by its own CRC-32, least significant byte first.
_RESIDUE: Final = 0x2144DF1C


class Over(enum.StrEnum):
    """Why a session is over, or why what a browser presented is none."""

    LOGGED_OUT = "logged_out"
    REVOKED = "revoked"
    EXPIRED = "expired"
    IDLE = "idle"
    REPLACED = "replaced"
    CREDENTIALS_CHANGED = "credentials_changed"
    UNREADABLE = "unreadable"
    UNKNOWN = "unknown"
    ROTATED = "rotated"
    FORGED = "forged"
    AMBIGUOUS = "ambiguous"


_CODES: Final = {
    reason: code
    for code, reason in enumerate(
        # In this order forever: a tombstone holds the number.
        (
            Over.LOGGED_OUT,
            Over.REVOKED,
            Over.EXPIRED,
            Over.IDLE,
            Over.REPLACED,
            Over.CREDENTIALS_CHANGED,
            Over.UNREADABLE,
        )
    )
}
_REASONS: Final = {code: reason for reason, code in _CODES.items()}


class Ended(msgspec.Struct, frozen=True):
    """Say that a session is over, and why, for as long as a request that began before may last."""

    reason: Over


class Identity(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """Say whose session it is; written by sign-in, never by data.

    ``authenticated``, ``sudo`` (granted, until) and the times in ``replaced`` (digests of earlier verifiers, the last
    first, and when they were replaced) are Unix seconds. ``address`` and ``agent``: the client that signed in.
    ``credentials``: the version of the credentials it signed in with. ``closes``: sockets and streams that were opened
    before this time are closed.
    """

    user_id: str | None = None
    description: str = ""
    authenticated: float = 0.0
    address: str = ""
    agent: str = ""
    credentials: str | None = None
    sudo: tuple[float, float] | None = None
    replaced: tuple[tuple[bytes, float], ...] = ()
    closes: float = 0.0


NOBODY: Final = Identity()
_write_identity: Final = msgspec.msgpack.Encoder().encode
_read_identity: Final = msgspec.msgpack.Decoder(Identity).decode


class Record(msgspec.Struct, frozen=True, gc=False):
    """Be one living session as a store keeps it.

    Times are Unix seconds. ``inactivity`` is seconds, 0 for none (then ``idle_until`` is infinite). ``verifier`` is the
    SHA-256 of the secret half of the id. ``data`` and ``owner`` are written out (:mod:`secmw.sessions.codec`); few
    requests look into both. ``revision`` counts what changed, so that two readers can tell.
    """

    selector: str
    revision: int
    created: float
    seen: float
    expires: float
    idle_until: float
    inactivity: int
    verifier: bytes
    data: bytes
    owner: bytes = b""

    @property
    def identity(self) -> Identity:
        """Whose session it is; decoded on each call."""
        return _read_identity(self.owner) if self.owner else NOBODY

    @property
    def user_id(self) -> str | None:
        """The user's id; None while anonymous."""
        return self.identity.user_id

    def over(self, now: float) -> Over | None:
        """Say why the session is over at a time, None while it lives; a clock that ran back never revives it."""
        if now < self.seen:  # noqa: PLR1730 - max() costs as much as all the rest, on every request
            now = self.seen
        if now >= self.expires:
            return Over.EXPIRED
        return Over.IDLE if now >= self.idle_until else None

    def pack(self) -> bytes:
        """Write the record out."""
        raw = b"".join(
            (
                _HEAD.pack(
                    VERSION,
                    RECORD,
                    self.revision & 0xFFFF_FFFF,
                    self.created,
                    self.seen,
                    self.expires,
                    self.idle_until,
                    self.inactivity,
                    self.verifier,
                    len(self.data),
                ),
                self.data,
                self.owner,
            )
        )
        return raw + _SUM.pack(crc32(raw))

    def __repr__(self) -> str:
        """Show what a log may hold: neither verifier nor data."""
        return f"<Record {self.selector} revision {self.revision}>"


def written(identity: Identity) -> bytes:
    """Write an identity out; nothing for nobody."""
    return b"" if identity == NOBODY else _write_identity(identity)


def tombstone(reason: Over, until: float) -> bytes:
    """Write the mark that a session leaves when it ends, kept until a time."""
    return _STONE.pack(VERSION, _TOMBSTONE, until, _CODES[reason])


def is_tombstone(raw: bytes) -> bool:
    """Say whether this is what is left of a session, not a session."""
    return raw[1:2] == b"\x02"


def forgotten(raw: bytes, now: float) -> bool:
    """Say whether a store may remove this: a record that is over, or a tombstone whose time has come."""
    if is_tombstone(raw):
        return len(raw) != _STONE.size or _STONE.unpack(raw)[2] <= now
    found = opened("", raw, now)
    return not isinstance(found, Record) or found.over(now) is not None


def unpacked(selector: str, raw: bytes) -> Record:
    """Read what :meth:`Record.pack` wrote and nobody can have touched since: in the memory of this very process."""
    _, _, revision, created, seen, expires, idle, inactivity, verifier, length = _HEAD.unpack_from(raw)
    end = _HEAD.size + length
    return Record(
        selector,
        revision,
        created,
        seen,
        expires,
        idle,
        inactivity,
        verifier,
        raw[_HEAD.size : end],
        raw[end:-4],
    )


def data_of(raw: bytes) -> bytes:
    """Return the data of such a record, which is all that most requests look into."""
    return raw[_DATA : _DATA + _DATA_LENGTH(raw, _DATA - 4)[0]]


def sound(selector: str, raw: bytes) -> Record | None:
    """Read a session as a record; None for a tombstone, and for whatever is not what was written."""
    # Bit rot, a truncated file, another program's value: the checksum of all, its own bytes included, is one number.
    if raw[:2] != OURS or crc32(raw) != _RESIDUE or len(raw) < LEAST:
        return None
    return unpacked(selector, raw)


def opened(selector: str, raw: bytes | None, now: float) -> Record | Ended | None:
    """Read what a store holds under a selector.

    A tombstone says why the session is over until its time has come; a record of an unknown layout, and one that is
    not what was written, is over as ``UNREADABLE``. A record past its limits is still returned: :meth:`Record.over`
    judges it.

    >>> opened("s", tombstone(Over.LOGGED_OUT, 100.0), 99.0)
    Ended(reason=<Over.LOGGED_OUT: 'logged_out'>)
    >>> opened("s", b"?", 0.0)
    Ended(reason=<Over.UNREADABLE: 'unreadable'>)
    """
    if raw is None:
        return None
    record = sound(selector, raw)
    if record is not None:
        return record
    if raw[0:1] == OURS[0:1] and is_tombstone(raw) and len(raw) == _STONE.size:
        _, _, until, code = _STONE.unpack(raw)
        if code in _REASONS:
            return Ended(_REASONS[code]) if now < until else None
    return Ended(Over.UNREADABLE)


FOREVER: Final = math.inf
