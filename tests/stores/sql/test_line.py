"""A line: nobody is overtaken, nobody is forgotten, and never are more in than there are places."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from random import Random

from secmw.stores.sql.line import Line


def together(*works: Callable[[], None]) -> None:
    wrong: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - it is the test's
            wrong.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    if wrong:
        raise wrong[0]


def waits(line: Line, many: int) -> None:
    """Wait until so many stand in the line."""
    until = time.monotonic() + 40
    while len(line._waiting) < many:
        assert time.monotonic() < until
        time.sleep(0.001)


def test_who_waits_gets_in_in_the_order_they_came() -> None:
    line, came = Line(1), []
    assert line.enter(1)

    def enter(name: int) -> None:
        assert line.enter(10)
        came.append(name)
        line.leave()

    def queue() -> None:
        threads = []
        for name in range(20):
            threads.append(threading.Thread(target=enter, args=(name,)))
            threads[-1].start()
            waits(line, name + 1)
        line.leave()
        for thread in threads:
            thread.join()

    together(queue)
    assert came == list(range(20))


def test_who_leaves_and_comes_again_stands_behind_who_waits() -> None:
    line, came = Line(1), []
    assert line.enter(1)

    def other() -> None:
        assert line.enter(10)
        came.append("other")
        line.leave()

    def again() -> None:
        waits(line, 1)
        line.leave()
        assert line.enter(10)
        came.append("again")
        line.leave()

    together(other, again)
    assert came == ["other", "again"]


def test_who_has_waited_long_enough_goes_and_is_given_nothing() -> None:
    line = Line(1)
    assert line.enter(1)
    assert not line.enter(0.01)
    line.leave()
    assert line.enter(0)
    assert not line.enter(0)


def test_no_place_is_lost_or_given_twice_however_they_come_and_go() -> None:
    line, lock, inside = Line(3), threading.Lock(), [0]
    got, refused = [0], [0]

    def come_and_go(seed: int) -> None:
        random = Random(seed)  # noqa: S311 - no secret
        for _ in range(200):
            if not line.enter(random.choice((0.0, 0.0005, 0.002, 1.0))):
                refused[0] += 1
                continue
            with lock:
                inside[0] += 1
                assert inside[0] <= 3
            if random.random() < 0.3:
                time.sleep(0.0005)
            with lock:
                inside[0] -= 1
                got[0] += 1
            line.leave()

    together(*[partial(come_and_go, seed) for seed in range(12)])
    assert refused[0]
    assert got[0]
    # All three are free again, and no more than three.
    assert [line.enter(0) for _ in range(4)] == [True, True, True, False]
