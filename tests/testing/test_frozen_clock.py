"""A clock that moves only when it is told to."""

from __future__ import annotations

from secmw.clock import Clock
from secmw.testing import FrozenClock


def test_it_stands_still_until_it_is_moved_also_backwards() -> None:
    clock: Clock = FrozenClock(at=1_000.0)
    assert clock.now() == clock.now() == 1_000.0
    assert isinstance(clock, FrozenClock)
    clock.move(60)
    clock.move(-0.5)
    assert clock.now() == 1_059.5
