"""Time-outs that don't count the time for which the loop was held up, on loops whose clock goes on when nothing else does."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from selectors import BaseSelector
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.stores.redis.patience import LOOK, within

_Outcome = TypeVar("_Outcome")

#: Seconds that a turn of the loop takes, and those that many of them may take.
TURN = 1e-9
NEARLY = 1e-6


class Skipping(asyncio.SelectorEventLoop):
    """Be a loop whose clock goes on at once where it would wait, and hardly while it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        selector: BaseSelector = self._selector  # type: ignore[attr-defined] # asyncio's own
        select = selector.select

        def skip(seconds: float | None = None) -> Any:
            assert seconds is not None, "it would wait for ever"
            self.now += seconds + TURN
            return select(0)

        selector.select = skip  # type: ignore[method-assign, assignment] # of this one

    def time(self) -> float:
        return self.now


def run(main: Coroutine[Any, Any, _Outcome]) -> _Outcome:
    """Run something on such a loop, and see that no timer outlives it."""
    loop = Skipping()
    try:
        outcome = loop.run_until_complete(main)
        assert [timer for timer in loop._scheduled if not timer.cancelled()] == []  # type: ignore[attr-defined] # asyncio's own
        return outcome
    finally:
        loop.close()


def running() -> Skipping:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, Skipping)
    return loop


durations = st.floats(0.0, 1.0)


@given(durations, st.lists(st.tuples(durations, durations), max_size=8))
def test_it_is_over_after_so_many_seconds_of_a_loop_that_ran(
    seconds: float, parts: list[tuple[float, float]]
) -> None:
    """Never sooner by the clock, never later by what of it the loop was not held up."""

    async def main() -> None:
        loop, held_up = running(), 0.0
        try:
            async with within(seconds):
                for pause, held in parts:
                    await asyncio.sleep(pause)
                    loop.now += held
                    held_up += held
                    # Timers that are due.
                    await asyncio.sleep(0)
                    await asyncio.sleep(0)
        except TimeoutError:
            assert loop.now >= seconds - NEARLY
            assert loop.now - held_up <= seconds + NEARLY
        else:
            assert loop.now - held_up <= seconds + NEARLY

    run(main())


@given(st.floats(0.001, 2.0))
def test_a_loop_that_is_not_held_up_keeps_the_deadline_to_the_moment(seconds: float) -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with within(seconds):
                await asyncio.sleep(seconds + 1)
        assert running().now == pytest.approx(seconds, abs=NEARLY)
        async with within(seconds):
            await asyncio.sleep(seconds - 0.0005)

    run(main())


def test_a_loop_that_is_always_held_up_gives_up_too() -> None:
    """RB-06: each time it is held up counts, but not for long."""
    turns = 0

    async def be_held_up() -> None:
        nonlocal turns
        async with within(0.5):
            while True:
                running().now += 10 * LOOK
                turns += 1
                await asyncio.sleep(LOOK)

    with pytest.raises(TimeoutError):
        run(be_held_up())
    assert turns <= 5


def test_who_is_cancelled_is_cancelled_and_not_out_of_time() -> None:
    async def main() -> None:
        async def wait() -> None:
            async with within(0.5):
                await asyncio.sleep(1.0)

        task = asyncio.ensure_future(wait())
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert running().now == pytest.approx(0.2)

    run(main())


def test_who_is_cancelled_in_the_moment_of_the_deadline_is_cancelled() -> None:
    """Whoever cancelled waits for that, and nobody else would tell."""

    async def main() -> None:
        async def wait() -> None:
            async with within(0.5):
                await asyncio.sleep(1.0)

        task = asyncio.ensure_future(wait())
        cancelled = False
        while not task.done():
            # The time-out has cancelled the task, which has not run since.
            if task.cancelling() and not cancelled:
                cancelled = task.cancel()
            running().now += LOOK / 10
            await asyncio.sleep(0)
        assert cancelled
        assert task.cancelled()

    run(main())


def test_of_two_the_one_whose_time_is_over_says_so() -> None:
    async def main() -> None:
        said: list[str] = []
        try:
            async with within(0.3):
                try:
                    async with within(0.5):
                        await asyncio.sleep(1.0)
                except TimeoutError:
                    said.append("inner")
        except TimeoutError:
            said.append("outer")
        assert said == ["outer"]
        async with within(0.5):
            with pytest.raises(TimeoutError):
                async with within(0.3):
                    await asyncio.sleep(1.0)
            await asyncio.sleep(0.1)

    run(main())


def test_what_happens_within_is_told_as_it_is() -> None:
    async def main() -> None:
        for error in (ValueError("x"), TimeoutError("its own")):
            with pytest.raises(type(error)) as caught:
                async with within(0.5):
                    raise error
            assert caught.value is error
        current = asyncio.current_task()
        assert current is not None
        assert current.cancelling() == 0

    run(main())


def test_no_time_is_no_time() -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with within(0.0):
                await asyncio.sleep(1.0)
        assert running().now == pytest.approx(0.0, abs=NEARLY)

    run(main())
