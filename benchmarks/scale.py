"""How far each store goes: what a million, a hundred million and a thousand million live sessions need.

python -m benchmarks.scale            measures what operations cost each server, works out the rest, and checks it
python -m benchmarks.scale --write    puts the tables into docs/explanation/scale.md

``benchmarks.capacity`` is the model. What it says of a Cluster's memory, from a Redis alone, and of its cores, from a
Cluster of one, is then compared with a real Cluster of three masters on this machine.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from benchmarks import page
from benchmarks.capacity import GIB, Cost, Depth, Kind, Load, Machine, deep, need, waits, weight_in_cluster
from benchmarks.places import Place, in_cluster, in_mariadb, in_postgresql, in_redis
from benchmarks.stores import Caller
from benchmarks.trips import relayed
from secmw import sweep
from secmw.clock import system

SIZES: Final = (1e6, 1e8, 1e9)
OPERATIONS: Final = ("load", "touch", "update", "sign in", "sign out")

Opened = Callable[[], AbstractContextManager[Place]]

#: Servers of each kind, and the cores that one puts to use. A Redis has a replica, and may be one of a Cluster.
KINDS: Final[Sequence[tuple[Opened, int]]] = (
    (lambda: in_cluster(1, replicas=1), 1),
    (in_postgresql, 16),
    (in_mariadb, 16),
)

#: Operations at a time in the comparison.
_MANY: Final = 64

ROUNDS: Final = 5
"""How often each operation is measured."""

#: Commands of which an operation consists.
_COMMANDS: Final = {"load": 1, "touch": 1, "update": 1, "sign in": 4, "sign out": 2}

#: Numbers of sessions that sign in here.
_fresh: Final = itertools.count(60_000_000)


class Measured(NamedTuple):
    """Say what sessions weigh, and what operations on them cost."""

    name: str
    weight: float
    costs: Mapping[str, Cost]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Put what was predicted of a Cluster beside what was measured: bytes of a session, operations a second of a core."""

    what: str
    unit: str
    predicted: float
    measured: float

    @property
    def error(self) -> float:
        """Return the error, as a share of what was measured."""
        return self.predicted / self.measured - 1


def busy(pids: Sequence[int]) -> dict[int, float]:
    """Return the seconds of a core that each process has had so far."""
    found = {}
    for pid in pids:
        threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
        found[pid] = sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9
    return found


class Costs:
    """Measure what operations cost the server of a place, which has so many sessions, so many operations at a time.

    Each is measured several times, and between two of them others may be: what a machine does besides makes things dearer,
    and nothing makes them cheaper.
    """

    def __init__(self, place: Place, sessions: int, count: int, many: int = 1) -> None:
        self._place = place
        self._sessions = sessions
        self._count = count
        self._many = many
        self._rounds: list[dict[str, Cost]] = []

    def measure(self) -> None:
        """Measure each operation once."""
        place, count, found = self._place, self._count // ROUNDS, {}
        fresh = [next(_fresh) for _ in range(count)]
        with Caller(place, asynchronous=True) as caller:
            # A connection and scripts are made known first.
            caller.time("touch", self._known(4 * self._many + 20), self._many, 600.0)
            for operation in OPERATIONS:
                numbers = fresh if operation.startswith("sign") else self._known(count)
                before, logged, looks = busy(place.pids()), place.logged(), place.looks()
                _, done = caller.time(operation, numbers, self._many, 600.0)
                after, logged, looks = busy(place.pids()), place.logged() - logged, place.looks() - looks
                spent = sum(after[pid] - before.get(pid, 0.0) for pid in after)
                found[operation] = Cost(
                    busy=spent / len(done),
                    moved=0.0,
                    logged=logged / len(done),
                    depth=_COMMANDS[operation] * len(done) / max(1, looks),
                )
                if operation == "sign in":
                    fresh = done
        self._rounds.append(found)

    def least(self, *, wire: bool = False) -> dict[str, Cost]:
        """Return the least of what was measured; with ``wire``, what is sent to and fro is counted now."""
        moved = self._moved() if wire else dict.fromkeys(OPERATIONS, 0.0)
        return {
            operation: Cost(
                busy=min(found[operation].busy for found in self._rounds),
                moved=moved[operation],
                logged=median(found[operation].logged for found in self._rounds),
                depth=median(found[operation].depth for found in self._rounds),
            )
            for operation in OPERATIONS
        }

    def _known(self, count: int) -> list[int]:
        random = Random(count)  # noqa: S311 - which is next is no secret
        return [random.randrange(self._sessions) for _ in range(count)]

    def _moved(self) -> dict[str, float]:
        place, count = self._place, min(100, self._count)
        if "+" in place.url.partition(":")[0]:
            # What is sent to a master is what is sent to a Redis alone.
            with in_redis() as alone:
                alone.fill(0, self._sessions // 10, False)
                return Costs(alone, self._sessions // 10, count)._moved()
        port = urlsplit(place.url).port
        assert port is not None
        fresh = [next(_fresh) for _ in range(2 * count)]
        found: dict[str, float] = {}
        with relayed(port) as (other, trips):
            url = place.url.replace(f":{port}", f":{other}")
            with Caller(place, asynchronous=True, url=url) as caller:
                for operation in OPERATIONS:
                    numbers = fresh if operation.startswith("sign") else self._known(2 * count)
                    # The first ones greet, and make scripts known.
                    caller.time(operation, numbers[:count], 1, 600.0)
                    before = trips.bytes
                    caller.time(operation, numbers[count:], 1, 600.0)
                    found[operation] = (trips.bytes - before) / len(numbers[count:])
        return found


def measure(opened: Opened, sessions: int, count: int) -> Measured:
    """Fill a place and measure it."""
    with opened() as place:
        weight = filled(place, sessions)
        costs = Costs(place, sessions, count)
        for _ in range(ROUNDS):
            costs.measure()
        found = Measured(place.name, weight, costs.least(wire=True))
    print(found, file=sys.stderr, flush=True)
    return found


def filled(place: Place, sessions: int) -> float:
    """Fill a place; return the bytes of each session."""
    before = place.weigh()
    place.fill(0, sessions, False)
    return (place.weigh() - before) / sessions


def removes(opened: Opened, sessions: int) -> float:
    """Return how many sessions that are over a sweep removes in a second, from a store that holds nothing else."""
    with opened() as place:
        place.fill(0, sessions, True)
        store = place.open(place.url, False)
        store.load("nobody")
        start, removed = system.now(), 0
        while (count := store.sweep(system.now(), sweep.BATCH)) == sweep.BATCH:
            removed += count
        took = system.now() - start
        store.close()
    return removed / (took + sweep._PAUSE * removed / sweep.BATCH)


def check(sessions: int, count: int, masters: int = 3) -> list[Check]:
    """Predict a Cluster and compare it with a real one.

    Its memory from a Redis alone; what operations cost it from a Cluster of one, asked one by one and many at a time.
    """
    others = sessions * masters
    with in_redis() as alone:
        weight = filled(alone, sessions)
    with in_cluster(1) as one, in_cluster(masters) as cluster:
        filled(one, sessions)
        weighed = filled(cluster, others)
        every = (
            Costs(one, sessions, count),
            Costs(one, sessions, count, _MANY),
            Costs(cluster, others, count, _MANY),
        )
        for _ in range(ROUNDS):
            for costs in every:
                costs.measure()
        single, crowded, found = (costs.least() for costs in every)
    predicted = {
        operation: deep(
            Depth(single[operation].depth, single[operation].busy),
            Depth(crowded[operation].depth, crowded[operation].busy),
            found[operation].depth,
        )
        for operation in OPERATIONS
    }
    rates = Load().rates(1.0)
    rows = [
        Check(
            what=f"memory of a session among {others:,}",
            unit="bytes",
            predicted=weight_in_cluster(weight, sessions, masters, others),
            measured=weighed,
        )
    ]
    rows += [
        Check(
            what=f"{operation}, {found[operation].depth:.0f} commands at a look",
            unit="a second of one core",
            predicted=1 / predicted[operation],
            measured=1 / found[operation].busy,
        )
        for operation in OPERATIONS
    ]
    rows.append(
        Check(
            what="requests as assumed, with all they ask",
            unit="a second of one core",
            predicted=rates["load"] / sum(rates[one] * predicted[one] for one in OPERATIONS),
            measured=rates["load"] / sum(rates[one] * found[one].busy for one in OPERATIONS),
        )
    )
    return rows


# --- the tables


def inputs(kinds: Sequence[Kind]) -> str:
    """Write what was measured."""
    lines = [
        f"| | {' | '.join(kind.name for kind in kinds)} |",
        f"|---|{'--:|' * len(kinds)}",
        f"| a session, bytes | {' | '.join(f'{kind.weight:,.0f}' for kind in kinds)} |",
    ]
    for what, factor, unit in (
        ("busy", 1e6, "µs of a core"),
        ("moved", 1, "bytes on the wire"),
        ("logged", 1, "bytes for a replica or the log"),
    ):
        for operation in OPERATIONS:
            cells = (f"{getattr(kind.costs[operation], what) * factor:,.0f}" for kind in kinds)
            lines.append(f"| {operation}, {unit} | {' | '.join(cells)} |")
    swept = ("by itself" if kind.removes is None else f"{kind.removes:,.0f}" for kind in kinds)
    lines.append(f"| over and swept, a second | {' | '.join(swept)} |")
    return "\n".join(lines)


def needs(kinds: Sequence[Kind], load: Load, machine: Machine) -> str:
    """Write what is needed."""
    names = (
        "sessions",
        "requests a second",
        "",
        "memory",
        "masters for memory, cores, network",
        "masters",
        "cores of each busy",
        "to and fro",
        "to a replica",
        "a new replica after",
        "of the time swept",
        "p50, p99 at the server",
    )
    lines = [f"| {' | '.join(names)} |", "|--:|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"]
    for sessions in SIZES:
        for kind in kinds:
            found = need(kind, sessions, load, machine)
            p50, p99 = waits(kind, load, min(found.busy, machine.busy))
            sweeping = "—" if found.removing is None else f"{found.removing:.0%}"
            lines.append(
                f"| {sessions:,.0f} | {found.requests:,.0f} | {kind.name} | {found.memory / GIB:,.1f} GiB "
                f"| {found.by_memory:,.2f}, {found.by_cores:,.2f}, {found.by_network:,.2f} | {found.masters:,} | {found.busy:.0%} "
                f"| {found.moved / 1e6:,.1f} MB/s | {found.logged / 1e6:,.1f} MB/s | {found.resync:,.0f} s | {sweeping} "
                f"| {p50 * 1e6:,.0f} µs, {p99 * 1e6:,.0f} µs |"
            )
    return "\n".join(lines)


def compared(checks: Sequence[Check]) -> str:
    """Write what was predicted beside what was measured."""
    lines = ["| | | predicted | measured | error |", "|---|---|--:|--:|--:|"]
    lines += [
        f"| {one.what} | {one.unit} | {one.predicted:,.0f} | {one.measured:,.0f} | {one.error:+.1%} |"
        for one in checks
    ]
    return "\n".join(lines)


def report(sessions: int, count: int) -> str:
    """Measure, work out, check, and write it all."""
    kinds = []
    for opened, cores in KINDS:
        found = measure(opened, sessions, count)
        rate = removes(opened, sessions) if cores > 1 else None
        name = found.name.partition(" Cluster")[0]
        kinds.append(Kind(name=name, weight=found.weight, costs=found.costs, cores=cores, removes=rate))
    parts = [
        f"Measured {page.machine()}; {sessions:,} sessions in each, {count:,} operations of each kind.",
        inputs(kinds),
        needs(kinds, Load(), Machine()),
        compared(check(sessions, count)),
    ]
    return "\n\n".join(parts)


def main(words: Sequence[str] | None = None) -> None:
    """Print the tables, or put them into the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sessions", type=int, default=100_000)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--write", action="store_true", help="put the tables into the documentation")
    told = parser.parse_args(words)
    text = report(told.sessions, told.count)
    print(text)
    if told.write:
        page.write(text, page.EXPLANATION / "scale.md", "scale")


if __name__ == "__main__":
    main()
