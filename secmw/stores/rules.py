"""What every store decides: which sign-in is undone, which session goes at the cap, how long a counter runs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from secmw.sessions.record import Record
from secmw.sessions.writes import Create


class Ends(NamedTuple):
    """Tell of the times when all sessions of a user were ended: how often, when last, and when the time before."""

    number: int
    last: float
    before: float

    def again(self, now: float) -> Ends:
        """Return what is told after one more time."""
        return Ends(self.number + 1, now, self.last)


NEVER: Final = Ends(0, 0.0, 0.0)


def undone(write: Create, ends: Ends) -> bool:
    """Say whether all sessions of the user were ended after the credentials of this sign-in were checked.

    The end that the request itself brought about does not count, but the one before it may.
    """
    return (ends.before if ends.number == write.generation else ends.last) > write.checked_at


def living(records: Iterable[Record], now: float) -> list[Record]:
    """Return the records that live, the one signed in last first; ``records`` are in the order of their arrival."""
    found = [record for record in records if record.over(now) is None]
    # Of those that signed in at the same time, the one that came last is first.
    found.reverse()
    found.sort(key=lambda record: record.identity.authenticated, reverse=True)
    return found


def excess(records: Sequence[Record], write: Create) -> Sequence[Record]:
    """Return those of the living records that leave no place for one more, the oldest.

    The one that is about to end for the new one takes no place.
    """
    staying = [record for record in records if record.selector != write.replaces]
    return staying[write.cap - 1 :] if write.cap else ()


def running(first: float, until: float, now: float) -> tuple[float, float]:
    """Return from when until when something lasts that began at ``first``.

    A clock that was set back does not make it last longer than it was to last at first.
    """
    return (first, until) if first <= now else (now, now + (until - first))
