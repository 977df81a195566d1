"""The one source of time: whatever asks for the time takes a Clock, so that a test can stop it.

Nothing here waits, and nothing here knows about time zones: times are Unix seconds.
"""

from __future__ import annotations

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

    __slots__ = ("_last", "_offset", "_steady", "_wall")

    def __init__(
        self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._wall = wall
        self._steady = steady
        self._last = 0.0
        self._offset: float | None = None

    def now(self) -> float:
        """Return the seconds since 1970-01-01 00:00 UTC, never less than before."""
        wall = self._wall()
        if self._offset is not None or wall < self._last:
            return self._set_back(wall)
        self._last = wall
        return wall

    def _set_back(self, wall: float) -> float:
        monotonic = self._steady()
        if self._offset is None:
            self._offset = self._last - monotonic
        steady = monotonic + self._offset
        if wall >= steady:
            self._offset = None
            steady = wall
        self._last = max(self._last, steady)
        return self._last


system: Final[Clock] = Steady()
"""The machine's clock, which an administrator may set back."""
