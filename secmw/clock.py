"""The one source of time: whatever asks for the time takes a Clock, so that a test can stop it.

Nothing here waits, and nothing here knows about time zones: times are Unix seconds.
"""

from __future__ import annotations

import time
from typing import Final, Protocol


class Clock(Protocol):
    """Tell the time. :class:`secmw.testing.FrozenClock` is the other one."""

    def now(self) -> float:
        """Return the seconds since 1970-01-01 00:00 UTC, without leap seconds."""
        ...


class _System:
    __slots__ = ()

    def now(self) -> float:
        return time.time()


system: Final[Clock] = _System()
"""The machine's clock, which an administrator may set back."""
