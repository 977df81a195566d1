"""What a policy costs: time added to a request, as a multiple of what a wrapper adds that does nothing.

python -m benchmarks.overhead              print the tables
python -m benchmarks.overhead --write      put them into docs/explanation/benchmarks.md as well
python -m benchmarks.overhead --short      a third of the rounds, for `make bench`
python -m benchmarks.overhead --quick      a hundredth of the work
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from benchmarks import applications, page, parts, sessions
from benchmarks.page import Budget, Section
from benchmarks.timing import Added, Ratio, figure
from secmw.cli.bench.plot import bars

#: Rounds, and requests in each sample.
FULL: Final = (60, 200)
SHORT: Final = (24, 200)
QUICK: Final = (3, 10)

Whole = Mapping[str, sessions.Row]
Deeds = Mapping[str, applications.Row]
Parts = Mapping[str, tuple[Added, Ratio]]


# --- tables


def _wholes(interfaces: Mapping[str, Whole]) -> Iterator[str]:
    for name, rows in interfaces.items():
        yield ""
        yield f"| {name} | × no-op | of the fastest samples | budget | met | µs added |"
        yield "|---|--:|--:|--:|---|--:|"
        for row, found in rows.items():
            ratio, budget = found.ratio, _held(found.ratio, found.budget)
            yield f"| {row} | {figure(ratio.median)} | {figure(ratio.least)} | {budget} | {found.added.told(2)} |"


def _deeds(interfaces: Mapping[str, Deeds]) -> Iterator[str]:
    for name, rows in interfaces.items():
        yield ""
        yield f"| an application on {name}, asked by somebody signed in | × fast path | budget | met | µs added | × no-op |"
        yield "|---|--:|--:|---|--:|--:|"
        for row, found in rows.items():
            budget = _held(found.ratio, found.budget)
            yield f"| {row} | {found.ratio.told(2)} | {budget} | {found.added.told(2)} | {found.units} |"


def _held(ratio: Ratio, budget: float | None) -> str:
    """Write two cells: the budget, and whether it is met."""
    return "|" if budget is None else f"{budget:g} | {ratio.meets(budget)}"


def _messages(rows: Parts) -> Iterator[str]:
    yield "| on ASGI | × async closure | budget | met | ns added |"
    yield "|---|--:|--:|---|--:|"
    for name, (added, ratio) in rows.items():
        budget = _held(ratio, applications.MESSAGE_BUDGET)
        yield f"| {name} | {ratio.told(2)} | {budget} | {added.median * 1000:.0f} ({added.least * 1000:.0f}) |"


def _parts(interfaces: Mapping[str, Parts], wholes: Mapping[str, Whole]) -> Iterator[str]:
    yield "| part | of a | ASGI, µs | × no-op | WSGI, µs | × no-op |"
    yield "|---|---|--:|--:|--:|--:|"
    for part in parts.PARTS:
        cells = (
            f"{added.told(2)} | {figure(ratio.median)}"
            for added, ratio in (rows[part.name] for rows in interfaces.values())
        )
        yield f"| {part.name} | {part.kind} | {' | '.join(cells)} |"
    for name in ("anonymous, GET", "signed in, session read, GET", "signed in, POST with token"):
        found = [rows[name] for rows in wholes.values()]
        cells = (
            f"**{row.added.median:.2f}** ({row.added.least:.2f}) | {figure(row.ratio.median)}"
            for row in found
        )
        yield f"| **everything** | {name} | {' | '.join(cells)} |"


def _headers(rows: Sequence[tuple[str, Added, int]]) -> Iterator[str]:
    yield "| header, alone, on ASGI | µs | bytes |"
    yield "|---|--:|--:|"
    for name, added, size in rows:
        yield f"| {name} | {added.told(2)} | {size} |"
    yield f"| all of them | | {sum(size for *_, size in rows)} |"


#: What a request pays before any question is asked.
_FLOOR: Final = "the middleware itself: nothing asked, no header"
_LOOK: Final = "the look at a request: its host and doubled headers"


def _why(interfaces: Mapping[str, Parts], wholes: Mapping[str, Whole]) -> Iterator[str]:
    """Say how much of the cheapest request's time nothing can be saved of, next to what it may take."""
    for name, rows in interfaces.items():
        whole = wholes[name]["anonymous, GET"]
        floor, look = rows[_FLOOR][1].median, rows[_LOOK][1].median
        yield (
            f"Of the {figure(whole.ratio.median)} × no-op of a stranger's GET on {name} (budget {whole.budget:g}), {figure(floor)} are the "
            f"middleware itself and {figure(look)} the walk over the request's headers; one closure that does nothing but look at the host and "
            f"add the headers takes {figure(wholes[name][sessions.FUSED].ratio.median)}."
        )
    yield (
        "The first is one object for the request, one function around what sends the response, and a head of our own for it; the second "
        "finds a second `Host`, and proxies' headers that no proxy of ours has sent. Neither is left out for a budget."
    )


# --- the section


def report(*, quick: bool = False, short: bool = False) -> Section:
    """Measure everything and return it as the page's section ``overhead``."""
    rounds, count = QUICK if quick else SHORT if short else FULL
    work = {"rounds": rounds, "count": count}
    kinds = {"ASGI": True, "WSGI": False}
    wholes = {name: sessions.measure(sessions.Variants.on(asgi=asgi), **work) for name, asgi in kinds.items()}
    deeds = {name: applications.measure(asgi=asgi, **work) for name, asgi in kinds.items()}
    messages = applications.measure_messages(**work)
    components = {name: parts.measure(parts.Variants.on(asgi=asgi), **work) for name, asgi in kinds.items()}
    headers = list(parts.each_header(**work))
    lines = [
        f"Measured {page.machine()}; {rounds} rounds of {count} requests. In brackets the fastest samples.",
        "",
        "![What secmw adds to a request, in multiples of a wrapper that does nothing](benchmarks/overhead-whole.svg)",
        *_wholes(wholes),
        "",
        " ".join(_why(components, wholes)),
        "",
        "### What ordinary applications do",
        *_deeds(deeds),
        "",
        *_messages(messages),
        "",
        "### Part by part",
        "",
        *_parts(components, wholes),
        "",
        "![What each part of a policy adds](benchmarks/overhead-parts.svg)",
        "",
        "### Header by header",
        "",
        *_headers(headers),
    ]
    data: dict[str, Any] = {
        "rounds": rounds,
        "count": count,
        "whole": {kind: {name: asdict(row) for name, row in rows.items()} for kind, rows in wholes.items()},
        "applications": {
            kind: {name: asdict(row) for name, row in rows.items()} for kind, rows in deeds.items()
        },
        "messages": _plain(messages),
        "parts": {kind: _plain(rows) for kind, rows in components.items()},
        "headers": {name: {"added": asdict(added), "bytes": size} for name, added, size in headers},
    }
    plots = {
        "whole": bars(
            "What secmw adds to a request",
            list(kinds),
            [(name, [rows[name].ratio.median for rows in wholes.values()]) for name in sessions.BUDGET],
            unit="times what a wrapper adds that does nothing",
        ),
        "parts": bars(
            "What each part of a policy adds",
            list(kinds),
            [
                (f"{part.name} ({part.kind})", [rows[part.name][0].median for rows in components.values()])
                for part in parts.PARTS
            ],
            unit="µs",
        ),
    }
    held = [*_budgets(wholes, "× no-op"), *_budgets(deeds, "× fast path")]
    held += [
        Budget(name, f"{figure(ratio.median, 2)} × closure", f"{bound:g}", ratio.meets(bound))
        for name, (_, ratio) in messages.items()
        for bound in [applications.MESSAGE_BUDGET]
    ]
    return Section("overhead", "\n".join(lines) + "\n", data, plots, held)


def _budgets(interfaces: Mapping[str, Whole] | Mapping[str, Deeds], unit: str) -> Iterator[Budget]:
    for kind, rows in interfaces.items():
        for name, row in rows.items():
            if row.budget is not None:
                found = f"{figure(row.ratio.median)} {unit}"
                yield Budget(f"{kind}, {name}", found, f"{row.budget:g}", row.ratio.meets(row.budget))


def _plain(rows: Parts) -> dict[str, Any]:
    return {name: {"added": asdict(added), "ratio": asdict(ratio)} for name, (added, ratio) in rows.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    page.run(report, "What a policy costs.", arguments)


if __name__ == "__main__":
    main()
