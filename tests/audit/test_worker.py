"""One thread works for the event loop, in order, and a forked process has its own."""

from __future__ import annotations

import asyncio
import threading

import pytest

from secmw.audit.worker import Worker
from tests.forks import forked

pytestmark = pytest.mark.anyio


async def test_it_works_in_one_thread_of_its_own() -> None:
    worker = Worker("secmw-test")
    names = {await worker.run(lambda: threading.current_thread().name) for _ in range(5)}
    assert names == {"secmw-test_0"}
    worker.close()


async def test_work_is_done_in_its_order() -> None:
    worker = Worker("secmw-test")
    done: list[int] = []
    await asyncio.gather(*(worker.run(done.append, number) for number in range(50)))
    assert done == list(range(50))
    worker.close()


async def test_what_is_raised_there_is_raised_here() -> None:
    worker = Worker("secmw-test")
    with pytest.raises(ZeroDivisionError):
        await worker.run(divmod, 1, 0)
    worker.close()


async def test_work_is_done_though_nobody_waits_any_more() -> None:
    worker = Worker("secmw-test")
    gate = threading.Event()
    done: list[int] = []
    task = asyncio.create_task(worker.run(gate.wait, 5))
    other = asyncio.create_task(worker.run(done.append, 1))
    await asyncio.sleep(0.01)
    task.cancel()
    other.cancel()
    await asyncio.gather(task, other, return_exceptions=True)
    gate.set()
    assert await worker.run(list, done) == [1]
    worker.close()


async def test_it_begins_anew_after_its_end() -> None:
    worker = Worker("secmw-test")
    worker.close()
    assert await worker.run(len, "ab") == 2
    worker.close()
    assert await worker.run(len, "abc") == 3
    worker.close()


async def test_it_serves_one_event_loop_after_another() -> None:
    worker = Worker("secmw-test")

    def elsewhere() -> int:
        return asyncio.run(worker.run(len, "ab"))

    assert await worker.run(len, "abc") == 3
    assert await asyncio.to_thread(elsewhere) == 2
    worker.close()


# Python 3.12 warns of forks beside threads, which is what servers that preload do.
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
async def test_a_forked_process_has_its_own() -> None:
    worker = Worker("secmw-test")
    await worker.run(len, "ab")

    def answers() -> bool:
        # The parent's thread is not here to do so.
        length = asyncio.run(asyncio.wait_for(worker.run(len, "abc"), 5))
        worker.close()
        return length == 3

    await asyncio.to_thread(forked, answers)
    worker.close()
