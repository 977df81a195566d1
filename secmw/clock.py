"""The one source of time: whatever asks for the time takes a Clock, so that a test can stop it.

Nothing here waits, and nothing here knows about time zones: times are Unix seconds.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Final, Protocol


class Clock(Protocol):
    """Tell the time. :class:`secmw.testing.FrozenClock` is the other one."""

    def now(self) -> float:
        """Return the seconds since 1970-01-01 00:00 UTC, without leap seconds."""
        ...


class Steady:
    """Tell the machine's time, which never goes back while the process runs.

    When an administrator sets the clock back, time goes on from where it was, at the rate of the monotonic clock, until the
    clock has caught up: a session that was over stays over.
    """

    __slots__ = ("_last", "_least", "_offset", "_steady", "_wall")

    def __init__(
        self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._wall = wall
        self._steady = steady
        self._last = 0.0
        self._offset = 0.0
        # What the wall clock must say at least to be believed: while it is set back, nothing it says.
        self._least = 0.0

    def now(self) -> float:
        """Return the seconds since 1970-01-01 00:00 UTC, never less than before."""
        wall = self._wall()
        if wall >= self._least:
            self._least = wall
            return wall
        return self._set_back(wall)

    @property
    def mark(self) -> Callable[[], float]:
        """Marks a moment: for half of what the time costs, a number of which :meth:`marked` makes the time."""
        return self._steady

    def marked(self, mark: float) -> float:
        """Return what the time was when :attr:`mark` gave this."""
        return self.now() - (self._steady() - mark)

    def _set_back(self, wall: float) -> float:
        monotonic = self._steady()
        if self._least != math.inf:
            self._last, self._least = self._least, math.inf
            self._offset = self._last - monotonic
        self._last = max(self._last, monotonic + self._offset)
        if wall >= self._last:
            self._last = self._least = wall
        return self._last


system: Final[Clock] = Steady()
"""The machine's clock, which an administrator may set back."""


def marking(clock: Clock) -> tuple[Callable[[], float], Callable[[float], float]]:
    """Return how to mark a moment, and how to say later what the time was; a clock that can't do so tells the time at once.

    >>> mark, marked = marking(system)
    >>> 0 <= system.now() - marked(mark()) < 1
    True
    """
    return (clock.mark, clock.marked) if isinstance(clock, Steady) else (clock.now, _told)


def _told(time: float) -> float:
    return time
