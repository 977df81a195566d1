"""Threads in place of an event loop: in order, within a second, and whatever becomes of who asked."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from secmw.errors import StoreError
from secmw.stores.threads import PATIENCE, Threads
from tests.forks import forked
from tests.patience import quickest


def test_a_call_runs_in_a_thread_and_its_answer_comes_back() -> None:
    async def main() -> tuple[str, str]:
        threads = Threads(1)
        name = await threads.run(lambda: threading.current_thread().name)
        answer = await threads.run(str.upper, "answer")
        threads.close()
        return name, answer

    name, answer = asyncio.run(main())
    assert name.startswith("secmw-store")
    assert answer == "ANSWER"


def test_what_a_call_raises_comes_back() -> None:
    async def main() -> None:
        await Threads(1).run(int, "no number")

    with pytest.raises(ValueError, match="no number"):
        asyncio.run(main())


def test_calls_are_carried_out_in_their_order() -> None:
    done: list[int] = []

    async def main() -> None:
        threads = Threads(1)
        await asyncio.gather(*(threads.run(done.append, number) for number in range(50)))

    asyncio.run(main())
    assert done == list(range(50))


def test_a_call_is_carried_out_whether_or_not_anybody_waits_for_it() -> None:
    """RB-02: cancelling a request leaves nothing half done, and nothing undone."""
    done: list[int] = []

    async def main() -> None:
        threads = Threads(1)
        first = asyncio.create_task(threads.run(time.sleep, 0.1))
        others = [asyncio.create_task(threads.run(done.append, number)) for number in range(10)]
        await asyncio.sleep(0)
        for task in [first, *others]:
            task.cancel()
        outcomes = await asyncio.gather(first, *others, return_exceptions=True)
        assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
        await threads.run(int)

    asyncio.run(main())
    assert done == list(range(10))


def test_a_call_that_finds_no_thread_in_time_is_refused_and_not_made_later() -> None:
    """RB-02: a caller that was told no shall not find it done."""
    done: list[int] = []

    async def main() -> float:
        threads = Threads(1)
        enough = threading.Event()
        slow = asyncio.create_task(threads.run(enough.wait, 30))
        await asyncio.sleep(0)
        start = time.monotonic()
        with pytest.raises(StoreError, match="busy"):
            await threads.run(done.append, 1)
        waited = time.monotonic() - start
        enough.set()
        assert await slow
        await threads.run(done.append, 2)
        return waited

    assert PATIENCE - 0.05 < quickest(lambda: asyncio.run(main()), PATIENCE + 0.5) < PATIENCE + 0.5
    assert set(done) == {2}


def test_a_call_that_outlives_its_loop_is_carried_out_without_a_word() -> None:
    done: list[int] = []

    def slow() -> None:
        time.sleep(0.1)
        done.append(1)

    async def main(threads: Threads) -> None:
        task = asyncio.create_task(threads.run(slow))
        await asyncio.sleep(0.01)
        task.cancel()

    threads = Threads(1)
    asyncio.run(main(threads))
    asyncio.run(threads.run(int))
    assert done == [1]


def test_threads_serve_one_loop_after_another_and_begin_anew_after_a_close() -> None:
    threads = Threads(2)
    threads.close()
    for _ in range(3):
        assert asyncio.run(threads.run(int, "1")) == 1
        threads.close()


def test_a_forked_process_has_threads_of_its_own() -> None:
    """RB-03"""
    threads = Threads(1)
    assert asyncio.run(threads.run(int, "1")) == 1
    forked(lambda: asyncio.run(threads.run(int, "2")) == 2)
    assert asyncio.run(threads.run(int, "3")) == 3
    threads.close()


def test_at_the_end_of_the_process_nothing_can_be_asked() -> None:
    threads = Threads(1)
    threads._started().shutdown()
    with pytest.raises(StoreError, match="ending"):
        asyncio.run(threads.run(int))
