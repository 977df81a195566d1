"""What secmw adds to a request next to what people put together for the same work: ASGI, Flask and Django.

python -m benchmarks.stacks.side_by_side            print the tables
python -m benchmarks.stacks.side_by_side --write    put them into docs/explanation/benchmarks.md as well
python -m benchmarks.stacks.side_by_side --short    what `make bench` runs of it
python -m benchmarks.stacks.side_by_side --quick    a hundredth of the work

It runs in the environment that `make peers` makes from requirements/peers.txt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from benchmarks import page
from benchmarks.page import Budget, Section
from benchmarks.stacks.stack import KINDS, STACK_A, Stack, Table, measure, plain
from benchmarks.timing import Ratio, figure
from secmw.cli.bench.plot import bars

#: Rounds, and requests in each sample.
FULL: Final = (60, 100)
SHORT: Final = (30, 60)
QUICK: Final = (2, 10)


@dataclass(frozen=True, slots=True)
class Family:
    """Be the rows of one framework: how they are made, in a folder of their own, and which of them is secmw's."""

    name: str
    ours: str
    make: Callable[[Path], Sequence[Stack]]
    over: str


def _asgi(_: Path) -> Sequence[Stack]:
    rows: list[Stack] = import_module("benchmarks.stacks.asgi").stacks()
    return rows


def _flask(folder: Path) -> Sequence[Stack]:
    rows: list[Stack] = import_module("benchmarks.stacks.flask").stacks(folder)
    return rows


def _django(folder: Path) -> Sequence[Stack]:
    stacks = import_module("benchmarks.stacks.django")
    stacks.set_up(folder)
    rows: list[Stack] = stacks.stacks()
    return rows


#: The frameworks, in the order of the page.
FAMILIES: Final = (
    Family("ASGI", "secmw, everything", _asgi, "a bare ASGI application"),
    Family("Flask", "secmw_flask, everything", _flask, "a Flask application without a session"),
    Family("Django", "secmw_django, everything", _django, "a Django project with `MIDDLEWARE = []`"),
)


class Wanted(NamedTuple):
    """Say how many times what secmw adds another row should add, at least: one figure for each kind of request."""

    family: str
    stack: str
    least: tuple[float, float, float]


#: What secmw is built to be.
WANTED: Final = (
    Wanted("ASGI", STACK_A, (25, 8, 10)),
    Wanted("ASGI", "secure, BALANCED", (1, 1, 1)),
    Wanted("Flask", "Talisman, SeaSurf, signed cookie", (15, 15, 15)),
)


@dataclass(frozen=True, slots=True)
class Found:
    """Hold what was measured of one framework."""

    family: Family
    stacks: Mapping[str, Stack]
    table: Table


def measured(families: Sequence[Family], *, rounds: int, count: int) -> list[Found]:
    """Measure every row of every framework."""
    found = []
    for family in families:
        with TemporaryDirectory() as folder:
            stacks = family.make(Path(folder))
            table = measure(stacks, ours=family.ours, rounds=rounds, count=count)
            found.append(Found(family, {stack.name: stack for stack in stacks}, table))
    return found


# --- tables


def _rows(found: Found) -> Iterator[str]:
    yield f"| | {' | '.join(f'{kind}, µs | × secmw' for kind in KINDS)} | does not do |"
    yield f"|---|{'--:|--:|' * len(KINDS)}---|"
    for name, cells in found.table.items():
        stack = found.stacks.get(name)
        said = (
            f"{cell.added.told(1)} | {figure(cell.times.median)}" for cell in (cells[kind] for kind in KINDS)
        )
        bold = f"**{name}**" if name == found.family.ours else name
        yield f"| {bold} | {' | '.join(said)} | {'' if stack is None else stack.lacks} |"


def _wanted(found: Sequence[Found]) -> Iterator[tuple[Wanted, list[Ratio]]]:
    """Pair what is wanted of each row with what was measured of it."""
    tables = {one.family.name: one.table for one in found}
    for wanted in WANTED:
        row = tables.get(wanted.family, {}).get(wanted.stack)
        if row is not None:
            yield wanted, [row[kind].times for kind in KINDS]


def _wishes(found: Sequence[Found]) -> Iterator[str]:
    yield f"| adds, times what secmw adds | wanted | {' | '.join(KINDS)} | met |"
    yield f"|---|---|{'--:|' * len(KINDS)}---|"
    for wanted, times in _wanted(found):
        met = [ratio.reaches(least) for ratio, least in zip(times, wanted.least, strict=True)]
        bounds = " / ".join(f"{least:g}" for least in wanted.least)
        yield f"| {wanted.family}: {wanted.stack} | {bounds} | {' | '.join(map(str, times))} | {_said(met)} |"


def _budgets(found: Sequence[Found]) -> Iterator[Budget]:
    for wanted, times in _wanted(found):
        for kind, ratio, least in zip(KINDS, times, wanted.least, strict=True):
            what = f"{wanted.family}, {wanted.stack}, {kind}"
            said = f"{figure(ratio.median)} × secmw"
            yield Budget(what, said, f"at least {least:g}", ratio.reaches(least))


def _said(met: Sequence[str]) -> str:
    return met[0] if len(set(met)) == 1 else " / ".join(met)


# --- sections


def report(*, quick: bool = False, short: bool = False, families: Sequence[Family] = FAMILIES) -> Section:
    """Measure every framework and return it as the page's section ``peers``; the libraries must be installed."""
    rounds, count = QUICK if quick else SHORT if short else FULL
    found = measured(families, rounds=rounds, count=count)
    lines = [
        f"Measured {page.machine()}; {rounds} rounds of {count} requests. In brackets the fastest samples.",
        "",
        *_wishes(found),
    ]
    plots = {}
    for one in found:
        name = one.family.name
        lines += [
            "",
            f"### {name}",
            "",
            f"![Time added on {name}](benchmarks/peers-{name.lower()}.svg)",
            "",
            f"Added to {one.family.over}, with {_versions(one.stacks.values())}.",
            "",
            *_rows(one),
        ]
        plots[name.lower()] = bars(
            f"Time added to {one.family.over.replace('`', '')}",
            KINDS,
            [(row, [cells[kind].added.median for kind in KINDS]) for row, cells in one.table.items()],
            unit="µs",
        )
    data = {
        "rounds": rounds,
        "count": count,
        "families": {one.family.name: plain(one.table) for one in found},
        "ours": {one.family.name: one.family.ours for one in found},
        "lacks": {one.family.name: {name: row.lacks for name, row in one.stacks.items()} for one in found},
    }
    return Section("peers", "\n".join(lines) + "\n", data, plots, list(_budgets(found)))


def _versions(stacks: Iterable[Stack]) -> str:
    names = sorted({name for stack in stacks for name in stack.packages}, key=str.lower)
    return ", ".join(f"{name} {version(name)}" for name in names)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    page.run(report, "What other stacks cost.", arguments)


if __name__ == "__main__":
    main()
