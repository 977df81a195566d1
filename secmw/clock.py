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
