"""What a session costs in each store: waiting, the client's CPU, bytes, and round trips.

python -m benchmarks.stores                                 a thousand, a hundred thousand and a million sessions
python -m benchmarks.stores --sessions 1000,100000 redis    some of it
python -m benchmarks.stores --write                         puts the tables into docs/explanation/performance.md

Each operation is timed with 1, 16 and 64 of them at a time, by threads on a store for threads and by tasks on one for an
event loop, and every answer is looked at. CPU is that of this process. Bytes are by the server's own account, with all
indexes and the user's entry. Round trips are counted past the store (``benchmarks.trips``), one operation at a time,
and the run stops where they are others than designed.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from threading import Thread
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from benchmarks import memory, page, visits
from benchmarks.places import PLACES, Place, record, selector, user, value
from secmw.clock import system
from secmw.errors import StoreError
from secmw.sessions.record import Over, Record
from secmw.sessions.writes import Create, End, Touch, Update, Written

CONCURRENT: Final = (1, 16, 64)
SESSIONS: Final = (1_000, 100_000, 1_000_000)
OPERATIONS: Final = ("load", "load, touch", "update", "sign in", "sign out")

#: Round trips of each operation. In a database a write is BEGIN, what is read, what is written and COMMIT; a sign-in
#: reads and writes its user's row besides. In a Redis a sign-in looks for the session, reads and joins the index of its
#: user and puts the session there, and a sign-out leaves that index.
_NONE: Final = ((0, 0, 0, 0, 0), visits.IN_PROCESS)
_REDIS: Final = ((1, 2, 1, 4, 2), visits.REDIS)
_DATABASE: Final = ((1, 5, 4, 5, 4), visits.DATABASE)
DESIGNED: Final[Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]]] = {
    "memory": _NONE,
    "sqlite": _NONE,
    "redis": _REDIS,
    "valkey": _REDIS,
    "sentinel": _REDIS,
    "cluster": _REDIS,
    "postgresql": _DATABASE,
    "mariadb": _DATABASE,
}

#: Which of the colours are measured: for threads, for an event loop.
_BOTH: Final = (False, True)
_COLOURS: Final = {"valkey": (True,), "sentinel": (True,), "cluster": (True,)}

#: Operations of each kind that are timed, or as many of them as go into some seconds.
_COUNT: Final = 5_000
_SECONDS: Final = 0.7

#: Operations of each kind before round trips are counted.
_FIRST: Final = 16

#: Numbers from here on are of sessions that begin and end in the run.
_fresh: Final = itertools.count(50_000_000)

Steps = Sequence[tuple[str, Any]]


class WrongTripsError(Exception):
    """Say that an operation takes other round trips than it was designed to."""


class Time(NamedTuple):
    """Say what one operation takes, in microseconds: half of them are faster than ``p50``; ``cpu`` is the client's own.

    ``refused`` is the share of those that a store said no to, being busy.
    """

    p50: float
    p99: float
    cpu: float
    refused: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Say what one operation costs in one store, for each number of them at a time."""

    store: str
    operation: str
    sessions: int
    trips: int
    times: Mapping[int, Time]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """Say how many bytes a session takes."""

    store: str
    sessions: int
    bytes: float


def steps_of(operation: str, number: int) -> Steps:
    """Return the calls that an operation on a session consists of."""
    name, now = selector(number), system.now()
    match operation:
        case "load":
            return [("load", name)]
        case "load, touch":
            return [("load", name), ("write", Touch(selector=name, at=now))]
        case "touch":
            return [("write", Touch(selector=name, at=now))]
        case "update":
            return [("write", Update(selector=name, at=now, changes={"cart": value(number)}))]
        case "sign in":
            return [("write", Create(record=record(number), user_id=user(number), checked_at=now))]
    return [("write", End(selector=name, at=now, reason=Over.LOGGED_OUT))]


class Caller:
    """Ask one store what it is asked by its kind of application: by threads, or by tasks of an event loop."""

    def __init__(self, place: Place, *, asynchronous: bool, url: str = "") -> None:
        self._store: Any = place.open(url or place.url, asynchronous)
        self._runner = asyncio.Runner() if asynchronous else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is None:
            self._store.close()
        else:
            self._runner.run(self._store.close())
            self._runner.close()

    def time(
        self, operation: str, numbers: Sequence[int], concurrent: int, seconds: float
    ) -> tuple[Time, list[int]]:
        """Carry out an operation on each of some sessions, so many at a time, until all are done or the time is up.

        Return on which it was done, too; what the store refuses, being busy, is not.
        """
        took: list[float] = []
        done: list[int] = []
        refused: list[int] = []
        left = iter([(number, steps_of(operation, number)) for number in numbers])
        until = time.perf_counter() + seconds

        def note(number: int, start: float) -> bool:
            end = time.perf_counter()
            took.append(end - start)
            done.append(number)
            return end > until

        def some() -> None:
            for number, steps in left:
                start = time.perf_counter()
                try:
                    for method, argument in steps:
                        answer = getattr(self._store, method)(argument)
                        assert isinstance(answer, Record | Written), answer
                except StoreError:
                    refused.append(number)
                    continue
                if note(number, start):
                    return

        async def some_waiting() -> None:
            for number, steps in left:
                start = time.perf_counter()
                try:
                    for method, argument in steps:
                        answer = await getattr(self._store, method)(argument)
                        assert isinstance(answer, Record | Written), answer
                except StoreError:
                    refused.append(number)
                    continue
                if note(number, start):
                    return

        async def all_waiting() -> None:
            await asyncio.gather(*[some_waiting() for _ in range(concurrent)])

        cpu = time.process_time()
        if self._runner is not None:
            self._runner.run(all_waiting())
        elif concurrent == 1:
            some()
        else:
            _side_by_side(some, concurrent)
        cpu = time.process_time() - cpu
        took.sort()
        many = len(took)
        assert took, f"all {len(refused)} were refused"
        p50, p99 = took[many // 2] * 1e6, took[many * 99 // 100] * 1e6
        return Time(p50, p99, cpu / many * 1e6, len(refused) / (many + len(refused))), done


def _side_by_side(some: Any, concurrent: int) -> None:
    wrong: list[BaseException] = []

    def run() -> None:
        try:
            some()
        except BaseException as error:  # noqa: BLE001 - it is the caller's
            wrong.append(error)

    threads = [Thread(target=run) for _ in range(concurrent)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise wrong[0]


def trips_of(place: Place, *, asynchronous: bool) -> dict[str, int]:
    """Count the round trips of each operation."""
    found: dict[str, set[int]] = {operation: set() for operation in OPERATIONS}
    fresh = [next(_fresh) for _ in range(_FIRST + 3)]
    with place.counted() as (url, trips), Caller(place, asynchronous=asynchronous, url=url) as caller:
        for operation in OPERATIONS:
            numbers = fresh if operation.startswith("sign") else range(_FIRST + 3)
            # What is said once does not count: greetings, whether there are tables, a script that a node does not know.
            caller.time(operation, numbers[:_FIRST], 1, 60.0)
            trips.read()
            for number in numbers[_FIRST:]:
                caller.time(operation, [number], 1, 60.0)
                found[operation].add(trips.read())
    # A server that others keep busy may have to be asked once more.
    return {operation: min(counts) for operation, counts in found.items()}


def times_of(
    place: Place, sessions: int, concurrent: Sequence[int], count: int, *, asynchronous: bool
) -> dict[str, dict[int, Time]]:
    """Time each operation."""
    found: dict[str, dict[int, Time]] = {operation: {} for operation in OPERATIONS}
    random = Random(sessions)  # noqa: S311 - which is loaded next is no secret
    with Caller(place, asynchronous=asynchronous) as caller:
        for many in concurrent:
            known = [random.randrange(sessions) for _ in range(count)]
            fresh = [next(_fresh) for _ in range(count)]
            # Connections are made before they are timed.
            caller.time("load", known[: 4 * many], many, _SECONDS)
            for operation in OPERATIONS:
                numbers = fresh if operation.startswith("sign") else known
                # Who has signed in signs out, however long it takes.
                seconds = 600.0 if operation == "sign out" else _SECONDS
                found[operation][many], done = caller.time(operation, numbers, many, seconds)
                if operation == "sign in":
                    fresh = done
    return found


class Figures(NamedTuple):
    """Hold all that was measured."""

    rows: Sequence[Row]
    weights: Sequence[Weight]
    visits: Mapping[str, Mapping[str, int]]


def measure(
    names: Sequence[str], sizes: Sequence[int], concurrent: Sequence[int] = CONCURRENT, count: int = _COUNT
) -> Figures:
    """Measure places; raise WrongTripsError where round trips are not as designed."""
    rows: list[Row] = []
    weights: list[Weight] = []
    visiting: dict[str, Mapping[str, int]] = {}
    for name in names:
        with PLACES[name]() as place:
            filled = 0
            for sessions in sizes:
                before = place.weigh()
                place.fill(filled, sessions, False)
                if name == "memory":
                    weight = memory.measure("signed in", sessions).bytes
                else:
                    weight = (place.weigh() - before) / (sessions - filled)
                filled = sessions
                weights.append(Weight(store=place.name, sessions=sessions, bytes=weight))
                for colour in _COLOURS.get(name, _BOTH):
                    trips = trips_of(place, asynchronous=colour)
                    _judge(place, trips, OPERATIONS, DESIGNED[name][0])
                    times = times_of(place, sessions, concurrent, count, asynchronous=colour)
                    for operation in OPERATIONS:
                        row = Row(
                            store=f"{place.name}, {'event loop' if colour else 'threads'}",
                            operation=operation,
                            sessions=sessions,
                            trips=trips[operation],
                            times=times[operation],
                        )
                        rows.append(row)
                        print(row, file=sys.stderr, flush=True)
            # By now each node of a Cluster knows all scripts.
            visiting[place.name] = visits.trips_of(place)
            _judge(place, visiting[place.name], visits.REQUESTS, DESIGNED[name][1])
    return Figures(rows, weights, visiting)


def _judge(place: Place, found: Mapping[str, int], names: Sequence[str], designed: Sequence[int]) -> None:
    if found != dict(zip(names, designed, strict=True)):
        raise WrongTripsError(f"{place.name}: {found}, and not {designed}")


# --- the tables


def report(figures: Figures) -> str:
    """Write the tables."""
    parts = [f"Measured {page.machine()}.", _visits(figures), _weights(figures)]
    sizes = sorted({row.sessions for row in figures.rows})
    parts += [_times([row for row in figures.rows if row.sessions == size]) for size in sizes]
    return "\n\n".join(parts)


def _visits(figures: Figures) -> str:
    names = list(figures.visits)
    lines = [f"| round trips of a request | {' | '.join(names)} |", f"|---|{'--:|' * len(names)}"]
    for request in visits.REQUESTS:
        counts = (str(figures.visits[name][request]) for name in names)
        lines.append(f"| {request} | {' | '.join(counts)} |")
    return "\n".join(lines)


def _weights(figures: Figures) -> str:
    sizes = sorted({weight.sessions for weight in figures.weights})
    found = {(weight.store, weight.sessions): weight.bytes for weight in figures.weights}
    lines = [
        f"| bytes of a session, among | {' | '.join(f'{size:,}' for size in sizes)} |",
        f"|---|{'--:|' * len(sizes)}",
    ]
    lines += [
        f"| {store} | {' | '.join(f'{found[store, size]:.0f}' for size in sizes)} |"
        for store in dict.fromkeys(weight.store for weight in figures.weights)
    ]
    return "\n".join(lines)


def _times(rows: Sequence[Row]) -> str:
    many = " / ".join(str(number) for number in rows[0].times)
    lines = [
        f"**{rows[0].sessions:,} sessions**, {many} at a time, in microseconds:",
        "",
        "| store | operation | round trips | p50 | p99 | client's CPU |",
        "|---|---|--:|--:|--:|--:|",
    ]
    refused: list[str] = []
    for row in rows:
        p50, p99, cpu, _ = (
            " / ".join(_short(number) for number in column)
            for column in zip(*row.times.values(), strict=True)
        )
        lines.append(f"| {row.store} | {row.operation} | {row.trips} | {p50} | {p99} | {cpu} |")
        refused += [
            f"{row.store}, {row.operation}, {many} at a time: {time.refused:.1%}"
            for many, time in row.times.items()
            if time.refused
        ]
    if refused:
        lines += ["", f"Refused, because the store was too busy: {'; '.join(refused)}."]
    return "\n".join(lines)


def _short(number: float) -> str:
    return f"{number:.1f}" if number < 10 else f"{number:,.0f}"


def main(words: Sequence[str] | None = None) -> None:
    """Print the tables, or put them into the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("stores", nargs="*", metavar="store", help=f"some of {', '.join(PLACES)}")
    parser.add_argument("--sessions", default=",".join(map(str, SESSIONS)))
    parser.add_argument("--count", type=int, default=_COUNT, help="operations of each kind, at most")
    parser.add_argument("--write", action="store_true", help="put the tables into the documentation")
    told = parser.parse_args(words)
    sizes = [int(number) for number in told.sessions.split(",")]
    text = report(measure(told.stores or list(PLACES), sizes, count=told.count))
    print(text)
    if told.write:
        page.write(text, page.EXPLANATION / "performance.md", "stores")


if __name__ == "__main__":
    main()
