"""The one source of time."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from secmw import clock
from secmw.clock import Steady
from secmw.testing import FrozenClock

START = 1_750_000_000.0


class Machine:
    """Be a machine whose clock an administrator sets."""

    def __init__(self) -> None:
        self.wall = START
        self.monotonic = 17.0
        self.clock = Steady(lambda: self.wall, lambda: self.monotonic)

    def passes(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds

    def set_by(self, seconds: float) -> None:
        self.wall += seconds

    def now(self) -> float:
        return self.clock.now()


def test_the_system_clock_tells_unix_seconds() -> None:
    before = time.time()
    now = clock.system.now()
    assert before <= now <= time.time()


def test_a_clock_that_was_set_back_goes_on_at_its_rate() -> None:
    """SE-21"""
    machine = Machine()
    machine.now()
    machine.set_by(-3600)
    assert machine.now() == START
    machine.passes(10)
    assert machine.now() == START + 10
    machine.passes(3000)
    assert machine.now() == START + 3010


def test_nobody_has_to_look_at_it_meanwhile() -> None:
    """SE-21: it would lose what it had not been asked for"""
    machine = Machine()
    machine.now()
    machine.set_by(-30.25)
    machine.now()
    machine.passes(31.5)
    assert machine.now() == START + 31.5


def test_once_the_clock_has_caught_up_it_counts_again() -> None:
    machine = Machine()
    machine.now()
    machine.set_by(-60)
    machine.now()
    machine.set_by(60)
    machine.passes(1)
    assert machine.now() == START + 1
    machine.set_by(500)
    assert machine.now() == START + 501


def test_it_may_be_set_back_again_and_again() -> None:
    """SE-21"""
    machine = Machine()
    machine.now()
    for number in range(5):
        machine.set_by(-100)
        assert machine.now() == START + number
        machine.passes(1)
    assert machine.now() == START + 5


def test_a_clock_that_is_set_forward_is_believed() -> None:
    """SE-21: sessions only get shorter"""
    machine = Machine()
    machine.now()
    machine.set_by(1000)
    assert machine.now() == START + 1000


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["passes", "set_by"]), st.floats(-10_000, 10_000).map(lambda x: round(x, 3))
        ),
        max_size=30,
    )
)
def test_it_never_goes_back_and_never_stands_still_while_time_passes(events: list[tuple[str, float]]) -> None:
    """SE-21"""
    machine = Machine()
    last, elapsed_at_last = machine.now(), machine.monotonic
    for what, seconds in events:
        if what == "passes":
            machine.passes(abs(seconds))
        else:
            machine.set_by(seconds)
        now = machine.now()
        assert now >= last
        # It goes on at least as fast as the machine's own count of seconds, but for rounding and a clock set back.
        if what == "passes":
            assert now - last >= machine.monotonic - elapsed_at_last - 1e-3
        last, elapsed_at_last = now, machine.monotonic


@given(st.floats(0, 1e6), st.lists(st.floats(0, 1e5), max_size=3))
def test_a_mark_says_later_what_the_time_was(passed: float, set_back: list[float]) -> None:
    machine = Machine()
    assert machine.now() == START
    mark, marked = clock.marking(machine.clock)
    moment = mark()
    machine.passes(passed)
    for seconds in set_back:
        machine.now()
        machine.set_by(-seconds)
    assert abs(marked(moment) - START) < 1e-3


def test_a_clock_that_can_not_mark_tells_the_time_at_once() -> None:
    stopped = FrozenClock(START)
    mark, marked = clock.marking(stopped)
    moment = mark()
    stopped.move(60)
    assert marked(moment) == START
