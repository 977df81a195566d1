"""A clock that moves only when it is told to."""

from __future__ import annotations


class FrozenClock:
    """Stand still at ``at``, in Unix seconds, until moved; for whatever takes a :class:`secmw.clock.Clock`.

    >>> clock = FrozenClock(at=1_000.0)
    >>> clock.move(60)
    >>> clock.now()
    1060.0
    """

    __slots__ = ("_now",)

    def __init__(self, at: float = 1_750_000_000.0) -> None:
        self._now = float(at)

    def now(self) -> float:
        """Return the time it stands at."""
        return self._now

    def move(self, seconds: float) -> None:
        """Move on by so many seconds; backwards if they are negative, as clocks do when they are set."""
        self._now += seconds
