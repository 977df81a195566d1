"""What requests notice of a sweep: a million sessions, nine tenths of them over, are swept while others go on.

python -m benchmarks.sweep                            SQLite, PostgreSQL, MariaDB and Redis
python -m benchmarks.sweep --sessions 100000 sqlite
python -m benchmarks.sweep --write                    puts the table into docs/explanation/performance.md

Requests come at times of their own, from a few threads, whether or not the one before has been answered, and what each
waits is counted from when it was due: first without a sweep, then with the one that a server's thread does, batch by
batch, in the same process.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks import page
from benchmarks.places import PLACES, Place, selector, value
from secmw import sweep
from secmw.clock import system
from secmw.errors import StoreError
from secmw.sessions.record import Record
from secmw.sessions.writes import Touch, Update, Written
from secmw.sweep import Sweeper

SWEPT: Final = ("sqlite", "postgresql", "mariadb", "redis")

#: Threads that make requests, and how many of these each makes in a second.
_THREADS: Final = 4
_RATE: Final = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Say how long requests waited, in milliseconds, and how many the store refused, being busy."""

    count: int
    refused: int
    p50: float
    p99: float
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """Say what a sweep did: things removed, seconds, batches, milliseconds of the longest, and what requests waited.

    ``failed``: how often the store was too busy, and was left alone for a minute.
    """

    place: str
    sessions: int
    removed: int
    seconds: float
    batches: int
    longest: float
    failed: int
    before: Waits
    during: Waits


class Timed:
    """Be a store as a sweeper uses it, and note how long each batch takes."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.took: list[float] = []
        self.failed = 0
        self.removed = 0
        self.lease = store.lease

    def run(self) -> None:
        """Sweep all there is, as the thread of a server does: after a failure, once more in a minute."""
        sweeper = Sweeper(self, 3_600.0)  # type: ignore[arg-type] # it is as much of a store as that takes
        while True:
            try:
                sweeper.sweep()
            except StoreError:
                self.failed += 1
                time.sleep(sweep._CHORES)
            else:
                return

    def sweep(self, now: float, limit: int) -> int:
        start = time.perf_counter()
        removed: int = self._store.sweep(now, limit)
        self.took.append(time.perf_counter() - start)
        self.removed += removed
        return removed


def requests(store: Any, living: range, going_on: Callable[[], bool]) -> Waits:
    """Make requests of sessions that live, for as long as that goes on, and a hundred at least."""
    waited: list[float] = []
    refused: list[StoreError] = []
    wrong: list[BaseException] = []

    def some(thread: int) -> None:
        due, turn = time.monotonic() + thread / _THREADS / _RATE, 0
        try:
            while going_on() or turn < 100 // _THREADS:
                time.sleep(max(0.0, due - time.monotonic()))
                try:
                    _request(store, living[(turn * _THREADS + thread) * 7_919 % len(living)], turn)
                except StoreError as error:
                    refused.append(error)
                waited.append(time.monotonic() - due)
                due, turn = due + 1 / _RATE, turn + 1
        except BaseException as error:  # noqa: BLE001 - it is the caller's
            wrong.append(error)

    threads = [threading.Thread(target=some, args=(number,)) for number in range(_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise wrong[0]
    waited.sort()
    done = len(waited)
    return Waits(
        count=done,
        refused=len(refused),
        p50=waited[done // 2] * 1e3,
        p99=waited[done * 99 // 100] * 1e3,
        most=waited[-1] * 1e3,
    )


def _request(store: Any, number: int, turn: int) -> None:
    """Be a request: one in two only reads, one in four is the first in a minute, one in four changes something."""
    name = selector(number)
    assert isinstance(store.load(name), Record), number
    if turn % 4 == 1:
        assert isinstance(store.write(Touch(selector=name, at=system.now())), Written)
    elif turn % 4 == 3:
        changed = Update(selector=name, at=system.now(), changes={"cart": value(turn)})
        assert isinstance(store.write(changed), Written)


def measure(place: Place, sessions: int, *, quiet: float) -> Swept:
    """Fill a place, make requests for some quiet seconds, and then sweep while they go on."""
    over = sessions * 9 // 10
    place.fill(0, over, True)
    place.fill(over, sessions, False)
    living = range(over, sessions)
    store = place.open(place.url, False)
    try:
        end = time.monotonic() + quiet
        before = requests(store, living, lambda: time.monotonic() < end)
        timed = Timed(store)
        sweeping = threading.Thread(target=timed.run)
        start = time.perf_counter()
        sweeping.start()
        ended: list[float] = []

        def going_on() -> bool:
            if not sweeping.is_alive() and not ended:
                ended.append(time.perf_counter())
            return sweeping.is_alive()

        during = requests(store, living, going_on)
        sweeping.join()
        # All that was over is gone, and nothing else; some of it a Redis has removed by itself.
        least = 0 if place.forgets else over - timed.failed * sweep.BATCH
        assert least <= timed.removed <= over, timed.removed
        assert store.sweep(system.now(), sweep.BATCH) == 0
        for number in range(over, sessions, max(1, len(living) // 1_000)):
            assert isinstance(store.load(selector(number)), Record), number
        assert store.load(selector(0)) is None
    finally:
        store.close()
    return Swept(
        place=place.name,
        sessions=sessions,
        removed=timed.removed if place.forgets else over,
        seconds=ended[0] - start,
        batches=len(timed.took),
        longest=max(timed.took) * 1e3,
        failed=timed.failed,
        before=before,
        during=during,
    )


def table(found: Sequence[Swept]) -> str:
    """Write the figures as a table."""
    lines = [
        "| | removed | of | seconds | batches | the longest | failed | | requests | half within | 99 % within | all within | refused |",
        "|---|--:|--:|--:|--:|--:|--:|---|--:|--:|--:|--:|--:|",
    ]
    for one in found:
        swept = f"{one.removed:,} | {one.sessions:,} | {one.seconds:.0f} | {one.batches:,} | {one.longest:.0f} ms | {one.failed}"
        lines += [
            f"| {cells} | {waits.count:,} | {waits.p50:.1f} ms | {waits.p99:.1f} ms | {waits.most:.0f} ms | {waits.refused} |"
            for cells, waits in (
                (f"{one.place} | {swept} | before", one.before),
                (" | | | | | | | during", one.during),
            )
        ]
    return "\n".join(lines)


def main(words: Sequence[str] | None = None) -> None:
    """Print the table, or put it into the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("places", nargs="*", metavar="place", help=f"some of {', '.join(SWEPT)}")
    parser.add_argument("--sessions", type=int, default=1_000_000)
    parser.add_argument("--quiet", type=float, default=30.0, help="seconds without a sweep")
    parser.add_argument("--write", action="store_true", help="put the table into the documentation")
    told = parser.parse_args(words)
    found = []
    for name in told.places or SWEPT:
        with PLACES[name]() as place:
            found.append(measure(place, told.sessions, quiet=told.quiet))
            print(found[-1], file=sys.stderr, flush=True)
    text = f"Measured {page.machine()}.\n\n{table(found)}\n"
    print(text)
    if told.write:
        page.write(text, page.EXPLANATION / "performance.md", "sweep")


if __name__ == "__main__":
    main()
