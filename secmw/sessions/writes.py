"""What a store is asked to do to a session, and what doing it means. Pure: bytes in, bytes out.

A store keeps bytes under a selector, and applies a write to them in one step that nobody can get between (a lock, a
transaction, a script). :func:`apply` says what comes out:

- Create   insert-only: never replaces anything, living or dead
- Update   merges the names that a request changed into what is there now; the others stay
- Touch    moves last seen and the idle limit forward, never back
- Rotate   replaces the verifier, if the one presented is still the one in force
- Swap     replaces a record by another, if it is still the one that was read
- End      leaves a tombstone

All but Create apply to a living record only. Nothing is ever put where there is nothing, so a request in flight cannot
bring back a session that has ended.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Final, Literal

import msgspec

from secmw.sessions import codec
from secmw.sessions.record import Over, Record, opened, tombstone, written

#: Seconds that an end is remembered: as long as a request that began before it may last.
REMEMBERED: Final = 60.0

#: Seconds in which a re-authentication may still present the verifier that another one has just replaced: a browser
#: drops the answer of a request that a second click superseded, and the new cookie with it.
GRACE: Final = 10.0

_KEPT: Final = 3


class Why(enum.StrEnum):
    """Why a write was not carried out."""

    EXISTS = "exists"
    ENDED = "ended"
    UNKNOWN = "unknown"
    ROTATED = "rotated"
    CONFLICT = "conflict"
    TOO_LARGE = "too_large"
    CAP = "cap"
    GENERATION = "generation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """Put a new record where nothing is.

    ``user_id``: the index it joins, None for none. ``checked_at``: when the credentials were checked; if all sessions of
    the user were ended later than that, other than by the bump ``generation`` (0: none) that this request made itself,
    the record is refused (GENERATION). ``cap``: how many living sessions the user may have, this one included, 0 for
    any number; at the cap the ``oldest`` (by authentication) are ended as REVOKED, or this one is refused (CAP).
    ``replaces``: a session that is about to end for this one, and does not count.
    """

    record: Record
    user_id: str | None = None
    checked_at: float = 0.0
    generation: int = 0
    cap: int = 0
    at_cap: Literal["oldest", "refuse"] = "oldest"
    replaces: str | None = None

    @property
    def selector(self) -> str:
        """The record's name."""
        return self.record.selector


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """Merge the names that a request changed.

    ``changes``: name to written value, None to remove the name. ``expected``: the same for names that must not have
    changed since they were read, None for a name that was not there (CONFLICT otherwise). ``limit``: bytes that all data
    may have after it (TOO_LARGE). ``overhead``: bytes of each name with its value that do not count. ``drop_sudo``:
    whether an elevation ends with it.
    """

    selector: str
    at: float
    changes: Mapping[str, bytes | None]
    expected: Mapping[str, bytes | None] = field(default_factory=dict)
    limit: int = 16_384
    overhead: int = 0
    drop_sudo: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """Note that a session is in use."""

    selector: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotate:
    """Replace the verifier; ``presented`` and ``verifier`` are digests.

    ``grace``: seconds for which one that has been replaced is taken too. ``sudo``: until when the elevation granted with
    it lasts; None leaves what there is. ``close``: whether sockets and streams opened before are closed.
    """

    selector: str
    at: float
    presented: bytes
    verifier: bytes
    grace: float = 0.0
    sudo: float | None = None
    close: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """Replace a record, if what is there is still what it was made from to the last byte (CONFLICT otherwise).

    For what no store can do by itself, such as writing a sealed record anew. ``before`` and ``after`` are of one selector
    and one user. ``takes``: whether it takes a right from somebody, which a power cut must not give back.
    """

    at: float
    before: Record
    after: Record
    takes: bool = False

    @property
    def selector(self) -> str:
        """The name of the record."""
        return self.after.selector


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """End a session; EXPIRED and IDLE only if it is so at that time by what is stored now (CONFLICT otherwise)."""

    selector: str
    at: float
    reason: Over


Write = Create | Update | Touch | Rotate | Swap | End


@dataclass(frozen=True, slots=True)
class Written:
    """Say that a write was carried out.

    ``record``: what stands there now, or what stood there before an End. ``displaced``: selectors of the sessions that a
    Create ended to keep within its cap; its own where others that signed in at the same time have ended it already.
    """

    record: Record
    displaced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lost:
    """Say that a write came to nothing, and that nothing was changed."""

    reason: Why


@dataclass(frozen=True, slots=True)
class Revoked:
    """Say what ending all sessions of a user did: the number of that bump, and the sessions it ended."""

    generation: int
    selectors: tuple[str, ...]


def apply(raw: bytes | None, write: Write) -> tuple[bytes | None, Written | Lost]:
    """Carry out a write on what a store holds under its selector.

    Return what to put there, None to leave it as it is, and the outcome. Cap and generation are the store's, which alone
    sees the other sessions of the user.
    """
    if isinstance(write, Create):
        # Over a tombstone neither: no id is ever used twice.
        return (None, Lost(Why.EXISTS)) if raw is not None else (write.record.pack(), Written(write.record))
    record = opened(write.selector, raw, write.at)
    if isinstance(write, End):
        return _end(record, raw, write)
    if record is None:
        return None, Lost(Why.UNKNOWN)
    if not isinstance(record, Record) or record.over(write.at) is not None:
        return None, Lost(Why.ENDED)
    changed: Record | Lost
    match write:
        case Touch():
            changed = _seen(record, write.at)
        case Update():
            changed = _update(record, write)
        case Rotate():
            changed = _rotate(record, write)
        case Swap():
            changed = write.after if record == write.before else Lost(Why.CONFLICT)
    return (None, changed) if isinstance(changed, Lost) else (changed.pack(), Written(changed))


def _end(record: object, raw: bytes | None, write: End) -> tuple[bytes | None, Written | Lost]:
    if raw is None or record is None:
        return None, Lost(Why.UNKNOWN)
    stone = tombstone(write.reason, write.at + REMEMBERED)
    if not isinstance(record, Record):
        # What can't be read is ended by whoever finds it; a tombstone keeps its first reason.
        return (stone if write.reason is Over.UNREADABLE else None), Lost(Why.ENDED)
    if write.reason in (Over.EXPIRED, Over.IDLE) and record.over(write.at) is None:
        return None, Lost(Why.CONFLICT)
    return stone, Written(record)


def _seen(record: Record, at: float) -> Record:
    seen = max(record.seen, at)
    idle = record.idle_until
    if record.inactivity:
        idle = max(idle, seen + record.inactivity)
    return msgspec.structs.replace(record, seen=seen, idle_until=idle)


def _update(record: Record, write: Update) -> Record | Lost:
    values = codec.split(record.data)
    for name, expected in write.expected.items():
        found = values.get(name)
        if (None if found is None else bytes(found)) != expected:
            return Lost(Why.CONFLICT)
    merged = codec.changed(values, write.changes)
    data = codec.rejoin(merged)
    size = len(data) - write.overhead * len(merged)
    # What is too large already may still shrink.
    if size > write.limit and size > len(record.data) - write.overhead * len(values):
        return Lost(Why.TOO_LARGE)
    owner = record.owner
    if write.drop_sudo:
        owner = written(msgspec.structs.replace(record.identity, sudo=None))
    record = _seen(record, write.at)
    return msgspec.structs.replace(record, data=data, owner=owner, revision=record.revision + 1)


def _rotate(record: Record, write: Rotate) -> Record | Lost:
    identity = record.identity
    at = max(write.at, record.seen)
    taken = [record.verifier]
    if write.grace:
        taken += [digest for digest, when in identity.replaced if at - when <= write.grace]
    if not any(compare_digest(digest, write.presented) for digest in taken):
        return Lost(Why.ROTATED)
    changes: dict[str, object] = {"replaced": ((record.verifier, at), *identity.replaced)[:_KEPT]}
    if write.sudo is not None:
        changes["sudo"] = (write.at, min(write.sudo, record.expires))
    if write.close:
        changes["closes"] = at
    return msgspec.structs.replace(
        _seen(record, at),
        verifier=write.verifier,
        owner=written(msgspec.structs.replace(identity, **changes)),
        revision=record.revision + 1,
    )
