"""What a policy costs in CPU instructions, as a multiple of what a wrapper adds that does nothing.

Instructions are counted under callgrind, so other work on the machine changes nothing: runs differ by less than half a
hundredth, and a change for the worse shows at once. Time also depends on caches and branches, which nobody counts here, and
garbage collection is off.

python -m benchmarks.instructions                          print the table, and what has changed since it was written down
python -m benchmarks.instructions --only "asgi anonymous"  the same of one row, or of all that begin so
python -m benchmarks.instructions --check                  fail where a row has become more than 5 % dearer
python -m benchmarks.instructions --write                  put the figures into docs/explanation/benchmarks.md and beside it
python -m benchmarks.instructions --quick                  two rows
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from benchmarks import page
from benchmarks.counting.callgrind import Count, counts, version
from benchmarks.counting.rows import KINDS, names
from benchmarks.page import Section

#: The figures that are written down, which others are compared with.
COMMITTED: Final = page.BENCHMARKS.with_suffix("") / "instructions.json"

#: By how much a row may become dearer; and where the same Python was built otherwise, which makes a twentieth by itself.
TOLERANCE: Final = 0.05
OTHER_BUILD: Final = 0.15

_METHOD: Final = (
    "the instructions that secmw adds to a request, and what multiple that is of what a wrapper adds that does nothing. "
    "Two runs differ by less than half a hundredth."
)

_ROWS: Final = (
    "*Signed in* is with three foreign cookies beside ours, *POST with token* with one that this worker has seen before, and "
    "*path without sessions* the signed-in person's request to a path that has none. In the four rows after it the application "
    "takes the response off the shortest way: it sets Cache-Control on a page for one person, sets a cookie, asks for the "
    "nonce, or reads a list from the session, which may change in its hands. The last two come through a trusted proxy."
)

ACCEPT: Final = "python -m benchmarks.instructions --write"


def committed(file: Path = COMMITTED) -> dict[str, Any]:
    """Return what :func:`benchmarks.page.publish` has written down."""
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def tolerance(here: Mapping[str, Any], there: Mapping[str, Any]) -> float | None:
    """Say by how much a row may become dearer, as a fraction; None where two Pythons can't be compared.

    Both are as :func:`benchmarks.page.circumstances` tells them.
    """
    if _minor(here["python"]) != _minor(there["python"]):
        return None
    same = all(here[name] == there[name] for name in ("optimised", "machine"))
    return TOLERANCE if same else OTHER_BUILD


def _minor(python: str) -> str:
    return python.rpartition(".")[0]


def change(found: Count, there: Mapping[str, Any], name: str) -> float | None:
    """Return by what fraction a row has become dearer since it was written down; None where it is new."""
    row = there["data"]["rows"].get(name)
    return None if row is None else found.times / row["times"] - 1


def dearer(found: Mapping[str, Count], there: Mapping[str, Any], limit: float) -> list[str]:
    """Say of each row that has become dearer than a limit allows, or was never written down, what to do about it."""
    said = []
    for name, counted in found.items():
        by = change(counted, there, name)
        if by is None:
            said.append(f"{name}: never written down; to do so: {ACCEPT}")
        elif by > limit:
            said.append(
                f"{name}: {counted.times:.2f} times the no-op's instructions, and was "
                f"{there['data']['rows'][name]['times']:.2f}: {by:+.1%}, where {limit:.0%} are allowed. "
                f"If that is worth it: {ACCEPT}"
            )
    return said


def cheaper(found: Mapping[str, Count], there: Mapping[str, Any]) -> list[str]:
    """Say of each row that has become so much cheaper that it should be written down."""
    changes = ((name, counted, change(counted, there, name)) for name, counted in found.items())
    return [
        f"{name}: {counted.times:.2f} times the no-op's instructions, {by:+.1%}. To keep it so: {ACCEPT}"
        for name, counted, by in changes
        if by is not None and by < -TOLERANCE
    ]


def lines(found: Mapping[str, Count], there: Mapping[str, Any] | None) -> Iterator[str]:
    """Write each row on a line, with what has changed since it was written down."""
    for name, counted in found.items():
        by = None if there is None else change(counted, there, name)
        since = "" if by is None else f"  {by:+7.1%}"
        yield f"{name:38} {counted.added:9.0f} instructions added  {counted.times:7.2f} x no-op{since}"


def table(found: Mapping[str, Count]) -> Iterator[str]:
    """Write the rows of both interfaces side by side."""
    yield "| | ASGI, instructions added | × no-op | WSGI, instructions added | × no-op |"
    yield "|---|--:|--:|--:|--:|"
    for kind in KINDS:
        pair = [found.get(f"{interface} {kind}") for interface in ("asgi", "wsgi")]
        cells = ["|" if one is None else f"{one.added:,.0f} | {one.times:.1f}" for one in pair]
        if any(pair):
            yield f"| {kind} | {' | '.join(cells)} |"


def section(found: Mapping[str, Count]) -> Section:
    """Make the section of what has been counted."""
    from secmw.cli.bench.plot import bars

    said = f"Counted {page.machine()}, by callgrind of {version()}: {_METHOD}"
    image = "![Instructions added to a request](benchmarks/instructions-added.svg)"
    text = "\n".join([said, "", *table(found), "", _ROWS, "", image])
    figures = {name: {**asdict(one), "added": one.added, "times": one.times} for name, one in found.items()}
    rows = {name: {key: round(value, 3) for key, value in row.items()} for name, row in figures.items()}
    groups = [
        (kind, [None if one is None else round(one.times, 1) for one in pair])
        for kind in KINDS
        if any(pair := [found.get(f"{interface} {kind}") for interface in ("asgi", "wsgi")])
    ]
    plot = bars("Instructions added to a request", ["ASGI", "WSGI"], groups, unit="times the no-op wrapper's")
    return Section("instructions", text + "\n", {"valgrind": version(), "rows": rows}, {"added": plot})


def report(*, quick: bool = False, short: bool = False) -> Section:  # noqa: ARG001 (all of it is short)
    """Count every row, or with ``quick`` the first of each interface, and write it down."""
    chosen = [name for name in names() if not quick or name.endswith(" anonymous")]
    return section(counts(chosen))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="What a policy costs in CPU instructions.")
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--quick", action="store_true", help="two rows alone")
    either.add_argument("--only", metavar="ROW", help="rows that begin so: asgi, or 'wsgi nonce'")
    either.add_argument("--write", action="store_true", help=f"put it into {page.BENCHMARKS.name} as well")
    parser.add_argument("--short", action="store_true", help="what `make bench` takes of it: all")
    parser.add_argument("--check", action="store_true", help="fail where a row has become dearer")
    options = parser.parse_args(arguments)
    begin = "" if options.only is None else options.only
    chosen = [name for name in names() if name.startswith(begin)]
    if not chosen:
        parser.error(f"no such row; there are: {', '.join(names())}")
    if options.quick:
        chosen = [name for name in chosen if name.endswith(" anonymous")]
    found = counts(chosen)
    there = committed() if COMMITTED.exists() else None
    print("\n".join(lines(found, there)))
    if options.write:
        page.publish(section(found))
    elif there is not None:
        limit = tolerance(page.circumstances(), there)
        worse = [] if limit is None else dearer(found, there, limit)
        if limit is None:
            print(f"not compared: the figures that are written down are of {there['python']}")
        else:
            print("\n".join([*worse, *cheaper(found, there)]))
        if options.check and worse:
            sys.exit(1)


if __name__ == "__main__":
    main()
