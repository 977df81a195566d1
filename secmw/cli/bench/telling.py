"""Tell what a study found: as text for a terminal or a file, as JSON, as two plots. Nothing here measures."""

from __future__ import annotations

import os
import platform
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Final

from secmw.cli.bench.measuring import Difference, Times
from secmw.cli.bench.plot import bars
from secmw.cli.bench.study import Row, Study, Visit

_WIDTH: Final = 110
#: Of a request's time; less is not worth a protection.
_LITTLE: Final = 0.05
#: Of the policy's time; a part that takes more is worth a word.
_DEAR: Final = 0.2
#: Parts that are several at once, or spoken of already.
_TOGETHER: Final = frozenset({"screening", "the settings of headers", "paths"})


_HIDDEN: Final = "The application varies by more than secmw adds; what that is, the next table says better, or a longer run (--seconds)."

_ELSEWHERE: Final = "A redirect: to measure the page that it leads to, ask for that one (--path)."
_NO_PAGE: Final = (
    "No page, but an error: to measure one that people see, ask for it (--path, --method, --data)."
)

#: What a page may ask of secmw, in words.
USES: Final[Mapping[str, str]] = {
    "reads": "the page reads its session",
    "nonce": "the page takes a nonce",
    "token": "the page makes a token",
}


def machine() -> str:
    """Say when and on what this runs."""
    return (
        f"{datetime.now(UTC).date()}, {platform.python_implementation()} {platform.python_version()} on "
        f"{platform.machine()}, {os.cpu_count()} cores"
    )


def told(studies: Sequence[Study], *, name: str, source: str, remarks: Iterable[str] = ()) -> Iterator[str]:
    """Write everything as lines of text."""
    for study in studies:
        yield f"{study.wanted.method} {study.url}"
        yield f"{name} on {'ASGI' if study.asgi else 'WSGI'}; policy: {source}"
        yield f"Measured {machine()}."
        for remark in remarks:
            yield from _wrapped(remark)
        for visit in study.visits:
            yield ""
            yield from _visit(visit)
        for why in study.skipped:
            yield ""
            yield from _wrapped(f"Not measured: {why}.")
        yield ""
        yield from _questions(study)
        yield from _headers(study)
        yield ""
        yield from _advice(study)
        yield ""


def _visit(visit: Visit) -> Iterator[str]:
    alone, whole, added = visit.alone, visit.whole, visit.added
    share = f"{100 * added.median / alone.p50:.0f} %" if alone.p50 > 0 and added.told_apart else ""
    hidden = "" if added.told_apart else _HIDDEN
    yield f"{visit.who[0].upper()}{visit.who[1:]}: {visit.status}, {len(whole.single):,} requests each"
    yield from _table(
        ("", "p50, µs", "p99, µs", "header bytes"),
        [
            ("the application alone", _time(alone.p50), _time(alone.p99), f"{visit.sizes[0]:,}"),
            ("with secmw", _time(whole.p50), _time(whole.p99), f"{visit.sizes[1]:,}"),
            ("secmw adds", _difference(added), share, f"{visit.sizes[1] - visit.sizes[0]:+,}"),
        ],
    )
    yield from _wrapped(hidden)
    if visit.status >= 300:
        yield from _wrapped(_ELSEWHERE if visit.status < 400 else _NO_PAGE)
    yield ""
    unit = visit.no_op.median
    times = f"{visit.around.median / unit:.1f}" if unit > 0 else ""
    lines = [
        ("a wrapper that does nothing", _difference(visit.no_op), "1.0", "", ""),
        (
            "the whole policy",
            _difference(visit.around),
            times,
            f"{visit.sizes[1] - visit.sizes[0]:,}",
            "",
        ),
    ]
    remarks = []
    for row in visit.rows:
        if row.part.header and row.time is None:
            continue
        if row.time is None:
            remarks.append(f"{row.part.name}: {row.remark}.")
            continue
        ratio = f"{row.time.median / unit:.1f}" if unit > 0 and row.time.told_apart else ""
        lines.append(
            (f"  {row.part.name}", _difference(row.time), ratio, f"{row.size or 0:,}", row.part.setting)
        )
    for name, time in visit.uses.items():
        ratio = f"{time.median / unit:.1f}" if unit > 0 and time.told_apart else ""
        lines.append((f"  {USES[name]}", _difference(time), ratio, "", ""))
    left = f"{visit.left.median / unit:.1f}" if unit > 0 else ""
    lines.append(("  without any part: the look at a request", _difference(visit.left), left, "0", ""))
    yield from _table(("around a stand-in with the same answer", "µs", "× no-op", "bytes", "setting"), lines)
    for remark in (*remarks, *visit.notes):
        yield from _wrapped(remark)


def _questions(study: Study) -> Iterator[str]:
    """Say of each part that is no header what it is for."""
    found = {row.part.name: row.part for visit in study.visits for row in visit.rows}
    parts = [part for part in found.values() if not part.header and part.setting not in _TOGETHER]
    if not parts:
        return
    yield "Questions, and what leaving one out would let in"
    width = max(len(part.name) for part in parts)
    for part in parts:
        yield from _item(f"  {part.name:<{width}}  ", part.protects)
    yield ""


def _headers(study: Study) -> Iterator[str]:
    """Say of each header what it weighs and what for, so that nobody drops one for its bytes alone."""
    rows = [row for row in study.visits[0].rows if row.part.header]
    if not rows:
        yield "The policy sends no headers of its own."
        return
    yield "Headers: bytes with each response of HTTP/1.1, and what leaving one out would let in"
    width = max(len(row.part.name) for row in rows)
    for row in sorted(rows, key=lambda row: -(row.size or 0)):
        size = "" if row.size is None else f"{row.size:,}"
        yield from _item(f"  {row.part.name:<{width}}  {size:>5}  ", _what_for(row))


def _item(start: str, text: str) -> Iterator[str]:
    width = max(_WIDTH, len(start) + 40)
    yield from textwrap.wrap(text, width, initial_indent=start, subsequent_indent=" " * len(start))


def _what_for(row: Row) -> str:
    if row.size is None:
        return f"{row.part.protects} (Not weighed: {row.remark}.)"
    if row.size == 0:
        return f"{row.part.protects} (Your application sends it itself, or it is not sent here.)"
    return row.part.protects


def _advice(study: Study) -> Iterator[str]:
    yield "What could be changed"
    found = list(advice(study))
    for one in found:
        yield from textwrap.wrap(one, _WIDTH, initial_indent="  - ", subsequent_indent="    ")


def advice(study: Study) -> Iterator[str]:
    """Say what could be changed, what it would save, and what would be lost; no protection goes without that word."""
    yield _together(max(study.visits, key=lambda visit: visit.around.median))
    by_setting = {row.part.setting: row for row in study.visits[0].rows}
    row = by_setting.get("csp_report_only")
    if row is not None and row.size:
        yield (
            f"csp_report_only sends {row.size} bytes and blocks nothing. Once browsers report nothing any more, write the same"
            " as csp; or leave it out, and lose sight of what a full policy would block."
        )
    sessions = by_setting.get("sessions")
    if sessions is not None and not any(visit.use.reads or visit.use.changes for visit in study.visits):
        saved = _saved(sessions.time)
        yield (
            f'No request here looked at its session. sessions = "off" for such paths (policy.at) saves {saved} for a stranger,'
            " more for who is signed in. Lost there: sign-ins, their activity, and what the audit trail keeps of them."
        )
    if study.wanted.method in ("GET", "HEAD") and any(visit.use.token for visit in study.visits):
        yield (
            f"This page makes a token ({_most(study, 'token')}), so it is one person's and no cache may keep it. If no form needs"
            " it, have scripts ask /_secmw/xsrf when they need one. Lost: nothing, as long as every unsafe request still"
            " carries a token."
        )
    if any(visit.use.nonce for visit in study.visits):
        yield (
            f"This page takes a nonce ({_most(study, 'nonce')}), so each response has headers of its own. Scripts and styles in"
            " files need none. Lost: nothing, as long as csp does not get 'unsafe-inline' instead."
        )
    if any(visit.use.changes for visit in study.visits):
        yield (
            "The session is changed with every such request, and each is a write to the store: change it when there is something"
            " new. Lost: nothing."
        )
    paths = by_setting.get("paths")
    if paths is not None and paths.time is not None and paths.time.told_apart and paths.time.median > 0:
        yield f"Path classes cost {_saved(paths.time)}: fewer are faster. Lost: what they make different."
    yield from _dear(study)
    shares = [_share(visit) for visit in study.visits]
    if max(shares) < _LITTLE:
        yield (
            f"For time, nothing: secmw takes {100 * max(shares):.1f} % of what this application takes. Everything else in the"
            " policy protects people, and none of it is worth so little."
        )
    else:
        yield (
            "Everything else protects people, and the lists say from what. Switch a part off only where something else does its"
            " work."
        )
    yield (
        "Bytes of headers count in HTTP/1.1. In HTTP/2 and 3 a header that stays the same takes about one byte from the second"
        " response of a connection on."
    )


def _together(visit: Visit) -> str:
    """Say what could be saved at the most, before anything is said of each."""
    whole, left = visit.around, visit.left
    saved = Difference(whole.median - left.median, whole.give_or_take + left.give_or_take)
    return (
        f"All that can be switched off, and all that the page asks of secmw, is {_saved(saved)} of the policy's {whole.median:.1f} µs for"
        f" {visit.who}, and {visit.sizes[1] - visit.sizes[0]:,} bytes. The rest is the look at a request, which any"
        " policy takes. Each part protects people; the lists say what from."
    )


def _dear(study: Study) -> Iterator[str]:
    """Name the parts that take most of the policy's time, with what to think of before doing without them."""
    told_of: set[str] = set()
    for visit in study.visits:
        for row in visit.rows:
            time = row.time
            if row.part.header or row.part.setting in (*_TOGETHER, *told_of) or time is None:
                continue
            if not time.told_apart or time.median < _DEAR * visit.around.median:
                continue
            told_of.add(row.part.setting)
            yield (
                f"{row.part.name} ({row.part.setting}): {time.median:.1f} of the policy's {visit.around.median:.1f} µs for"
                f" {visit.who}. Before you do without it: {row.part.protects}"
            )


def _share(visit: Visit) -> float:
    """Say what part of the application's own time secmw takes; where chance hides it there, by the stand-in's figure."""
    added = visit.added if visit.added.told_apart else visit.around
    return added.median / visit.alone.p50 if visit.alone.p50 > 0 else float("inf")


def _most(study: Study, use: str) -> str:
    """Write what a use takes for the visitor for whom it takes most."""
    found = [visit.uses[use] for visit in study.visits if use in visit.uses]
    return _saved(max(found, key=lambda time: time.median, default=None))


def _saved(time: Difference | None) -> str:
    if time is None or not time.told_apart or time.median <= 0:
        return "next to nothing"
    return f"{time.median:.1f} µs"


# --- for machines


def as_json(studies: Sequence[Study], *, name: str, source: str) -> dict[str, Any]:
    """Return everything as what JSON can hold; times in microseconds, sizes in bytes."""
    return {
        "application": name,
        "policy": source,
        "measured": machine(),
        "secmw": version("secmw"),
        "studies": [
            {
                "method": study.wanted.method,
                "url": study.url,
                "interface": "asgi" if study.asgi else "wsgi",
                "visitors": [_visit_json(visit) for visit in study.visits],
                "skipped": list(study.skipped),
                "advice": list(advice(study)),
            }
            for study in studies
        ],
    }


def _visit_json(visit: Visit) -> dict[str, Any]:
    return {
        "who": visit.who,
        "status": visit.status,
        "alone": _times_json(visit.alone) | {"header_bytes": visit.sizes[0]},
        "whole": _times_json(visit.whole) | {"header_bytes": visit.sizes[1]},
        "added": _difference_json(visit.added),
        "stand_in": {
            "no_op": _difference_json(visit.no_op),
            "whole": _difference_json(visit.around),
            "left": _difference_json(visit.left),
            "uses": {name: _difference_json(time) for name, time in visit.uses.items()},
        },
        "parts": [_row_json(row) for row in visit.rows],
        "notes": list(visit.notes),
    }


def _times_json(times: Times) -> dict[str, Any]:
    return {
        "p50": times.p50,
        "p99": times.p99,
        "requests": len(times.single),
        "rounds": len(times.rounds),
    }


def _difference_json(difference: Difference | None) -> Mapping[str, float] | None:
    if difference is None:
        return None
    return {"median": difference.median, "give_or_take": difference.give_or_take}


def _row_json(row: Row) -> dict[str, Any]:
    return {
        "name": row.part.name,
        "setting": row.part.setting,
        "time": _difference_json(row.time),
        "bytes": row.size,
        "protects": row.part.protects,
        "remark": row.remark,
    }


# --- to look at


def time_plot(study: Study, name: str) -> str:
    """Draw what the policy and its parts take around a stand-in, for each visitor, as SVG."""
    names = list(
        dict.fromkeys(row.part.name for visit in study.visits for row in visit.rows if row.time is not None)
    )
    rows: list[tuple[str, list[float | None]]] = [
        ("a wrapper that does nothing", [visit.no_op.median for visit in study.visits]),
        ("the whole policy", [visit.around.median for visit in study.visits]),
    ]
    for part in names:
        figures = [
            next(
                (row.time.median for row in visit.rows if row.part.name == part and row.time is not None),
                None,
            )
            for visit in study.visits
        ]
        rows.append((part, figures))
    rows += [
        (USES[use], [time.median if (time := visit.uses.get(use)) else None for visit in study.visits])
        for use in USES
        if any(use in visit.uses for visit in study.visits)
    ]
    rows.append(("without any part: the look at a request", [visit.left.median for visit in study.visits]))
    title = f"{study.wanted.method} {study.wanted.target} of {name}: what the policy takes"
    return bars(title, [visit.who for visit in study.visits], rows, unit="microseconds a request")


def size_plot(study: Study, name: str) -> str:
    """Draw what each header weighs, as SVG; raise ValueError where the policy sends none."""
    rows = [
        (row.part.name, [row.size])
        for row in study.visits[0].rows
        if row.part.header and row.size is not None
    ]
    title = f"{study.wanted.method} {study.wanted.target} of {name}: what the headers weigh"
    return bars(title, ["bytes"], rows, unit="bytes with each response of HTTP/1.1")


# --- how figures are written


def _time(figure: float | None) -> str:
    if figure is None:
        return "too few"
    return f"{figure:,.0f}" if figure >= 1000 else f"{figure:,.1f}"


def _difference(difference: Difference) -> str:
    digits = 1 if abs(difference.median) >= 100 else 2
    if not difference.told_apart:
        return f"0 ± {max(difference.give_or_take, abs(difference.median)):.{digits}f}"
    return f"{difference.median:,.{digits}f} ± {difference.give_or_take:.{digits}f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]
    for row in (head, *rows):
        first, *rest = (cell for cell in row)
        # What a setting is called is text, and figures end where others do.
        cells = [
            cell if name == "setting" else f"{cell:>{width}}"
            for cell, width, name in zip(rest, widths[1:], head[1:], strict=True)
        ]
        yield "  ".join(["  " + first.ljust(widths[0]), *cells]).rstrip()


def _wrapped(text: str) -> Iterator[str]:
    yield from textwrap.wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="  ")
