"""The short answer at the top of the page, made of what the sections have written down: nothing is measured here.

python -m benchmarks.summary            print it
python -m benchmarks.summary --write    put it into docs/explanation/benchmarks.md, as `make bench` does at the end
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks import held, page
from benchmarks.page import Section
from benchmarks.stacks.stack import KINDS, STACK_A
from benchmarks.timing import figure
from secmw.cli.bench.plot import bars

_WRITTEN: Final = page.BENCHMARKS.with_suffix("")

#: The sections that it is made of; what has never been measured is left out.
SOURCES: Final = ("overhead", "peers", "servers", "redis", "cookies", "memory", "imports")


class Beside(NamedTuple):
    """Be a row of the table: whose it is, what it is called in the long table, and here."""

    family: str
    row: str
    known: str


#: The first of each framework is what secmw is compared with in a sentence.
BESIDE: Final = (
    Beside(
        "ASGI",
        STACK_A,
        "Starlette's middleware, secure, starlette-csrf and starsessions",
    ),
    Beside("ASGI", "secure, BALANCED", "secure alone"),
    Beside("Flask", "Talisman, SeaSurf, signed cookie", "Talisman, SeaSurf and Flask's session"),
    Beside("Flask", "Talisman, Flask-WTF, Flask-Session in files", "Talisman, Flask-WTF and Flask-Session"),
    Beside(
        "Django",
        "Django's whole chain, sessions in a database (SQLite)",
        "its own chain, sessions in SQLite",
    ),
    Beside(
        "Django", "Django's whole chain, sessions in memory (locmem)", "its own chain, sessions in memory"
    ),
)


def read(folder: Path = _WRITTEN) -> dict[str, Any]:
    """Return what :func:`benchmarks.page.publish` has written down of each section, as far as it is there."""
    files = {name: folder / f"{name}.json" for name in SOURCES}
    return {
        name: json.loads(file.read_text(encoding="utf-8")) for name, file in files.items() if file.exists()
    }


# --- sentences


def _listed(values: Sequence[str]) -> str:
    return ", ".join(values[:-1]) + f" and {values[-1]}" if len(values) > 1 else "".join(values)


def _frameworks(found: Mapping[str, Any]) -> Iterator[str]:
    data = found["data"]
    for family, ours in data["ours"].items():
        rows = data["families"][family]
        added = [figure(rows[ours][kind]["added"]["median"]) for kind in KINDS]
        said = f"- **{family}**: {added[0]} µs for a stranger, {added[1]} for somebody signed in, {added[2]} for their POST with a token"
        beside = next((one for one in BESIDE if one.family == family and one.row in rows), None)
        if beside is not None:
            times = [figure(rows[beside.row][kind]["times"]["median"]) for kind in KINDS]
            said += f". {beside.known[0].upper()}{beside.known[1:]}: {_listed(times)} times as much"
        yield f"{said}."


def _servers(found: Mapping[str, Any]) -> Iterator[str]:
    rows = {(row["server"], row["variant"]): row for row in found["data"]["rows"]}
    shares = found["data"]["shares"]
    said = []
    for server in dict.fromkeys(server for server, _ in rows):
        ours = rows.get((server, "secmw, memory"))
        if ours is not None:
            share = shares.get(server, {}).get("secmw, memory")
            beside = (
                f", 1/{1 / share:.1f} of [stack A's](#on-real-servers)"
                if share is not None and share > 0
                else ""
            )
            said.append(f"{server} {ours['added']:.1f} of {ours['cpu'][0]:.1f} µs{beside}")
    if said:
        yield f"- **On servers**, added to the processor time of a request from somebody signed in: {'; '.join(said)}."


def _redis(found: Mapping[str, Any]) -> Iterator[str]:
    row = next((row for row in found["data"]["rows"] if row["variant"] == "secmw, Redis"), None)
    if row is not None:
        ratio = found["data"]["ratio"]
        beside = "" if ratio is None else f"; [stack B](#on-real-servers) adds {ratio:.1f} times as much"
        yield f"- **Sessions in a Redis**: one round trip, and {row['added']:.1f} µs of the application's process{beside}."


def _memory(found: Mapping[str, Any]) -> Iterator[str]:
    data = found["data"]
    cost = next((one for one in data["sessions"] if one["kind"] == "signed in"), None)
    under_way = data["added"].get(held.REQUEST, {}).get(held.SIGNED_IN)
    if cost is not None and under_way is not None:
        yield (
            f"- **Memory**: {cost['bytes']:,.0f} bytes for a session of somebody signed in, in the memory store; "
            f"{under_way:,.0f} for their request while it is under way."
        )


def _imports(found: Mapping[str, Any]) -> Iterator[str]:
    starts = {row["program"]: row for row in found["data"]["starts"]}
    ours, app = starts["import secmw"], starts["a protected ASGI application"]
    yield (
        f"- **Starting**: `import secmw` takes {ours['times'][0]:.1f} times as long as an interpreter that does nothing; "
        f"a protected ASGI application is there after {app['clock'][0]:.0f} ms."
    )


def _missed(found: Mapping[str, Any]) -> tuple[int, list[Mapping[str, str]]]:
    """Return how many budgets there are, and those that are not met, in the order of the page."""
    budgets = [one for section in found.values() for one in section.get("budgets", ())]
    return len(budgets), [one for one in budgets if one["met"] == "**no**"]


def _budgets(found: Mapping[str, Any]) -> Iterator[str]:
    count, missed = _missed(found)
    if count:
        yield f"- **Budgets**: {count - len(missed)} of {count} are met{'; those that are not are listed below' if missed else ''}."


def _listing(found: Mapping[str, Any]) -> Iterator[str]:
    _, missed = _missed(found)
    if missed:
        yield ""
        yield "| budget that is not met | budget | found |"
        yield "|---|--:|--:|"
        for one in missed:
            yield f"| {one['what']} | {one['bound']} | {one['found']} |"


_SENTENCES: Final = {
    "peers": _frameworks,
    "servers": _servers,
    "redis": _redis,
    "memory": _memory,
    "imports": _imports,
}


# --- the table


def _rows(found: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    data = found["data"]
    for family, ours in data["ours"].items():
        rows = data["families"][family]
        yield f"{family}: secmw, everything", rows[ours]
        for beside in BESIDE:
            if beside.family == family and beside.row in rows:
                yield f"{family}: {beside.known}", rows[beside.row]


def section(found: Mapping[str, Any]) -> Section:
    """Make the section ``summary`` of what :func:`read` returns; raise ValueError where the table has nothing to stand on."""
    if "peers" not in found:
        raise ValueError(
            "nothing has been measured next to others: python -m benchmarks --only peers --write"
        )
    days = sorted(one["date"] for one in found.values())
    when, where = " to ".join(dict.fromkeys((days[0], days[-1]))), found["peers"]
    rows = list(_rows(found["peers"]))
    lines = [
        f"Measured {when}, {where['python']} on {where['machine']}, {where['cores']} cores. Everything on, what secmw *adds*:",
        "",
        *(line for name, say in _SENTENCES.items() if name in found for line in say(found[name])),
        *_budgets(found),
        "",
        f"| µs added to a request | {' | '.join(KINDS)} |",
        f"|---|{'--:|' * len(KINDS)}",
    ]
    for name, cells in rows:
        bold = "**" if name.endswith("secmw, everything") else ""
        values = (figure(cells[kind]["added"]["median"]) for kind in KINDS)
        lines.append(f"| {bold}{name}{bold} | {' | '.join(f'{bold}{value}{bold}' for value in values)} |")
    lines += ["", "![Time added to a request](benchmarks/summary-added.svg)", *_listing(found)]
    plot = bars(
        "Time added to a request",
        KINDS,
        [(name, [cells[kind]["added"]["median"] for kind in KINDS]) for name, cells in rows],
        unit="µs",
    )
    data = {name: {kind: cells[kind]["added"] for kind in KINDS} for name, cells in rows}
    return Section("summary", "\n".join(lines) + "\n", data, {"added": plot})


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="The short answer.")
    parser.add_argument("--write", action="store_true", help=f"put it into {page.BENCHMARKS.name}")
    options = parser.parse_args(arguments)
    try:
        made = section(read())
    except ValueError as error:
        # One section may be measured before there is anything to sum up.
        print(f"no short answer yet: {error}")
        return
    if options.write:
        page.publish(made)
    print(made.text)


if __name__ == "__main__":
    main()
