"""What it costs to find our cookie: in the Cookie headers that browsers send, and in ones made to be slow, beside other parsers.

python -m benchmarks.cookies               print the tables
python -m benchmarks.cookies --write       put them into docs/explanation/benchmarks.md as well
python -m benchmarks.cookies --short       a few seconds; --quick: hardly anything

secmw looks for its own cookies and leaves the rest unread; the others make a dictionary of all there are. Times are of this
thread's processor, so that a busy machine does not count. Nothing here looks up a header by its hash, so one object will do.
"""

from __future__ import annotations

import gc
import random
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import version
from platform import python_version
from statistics import median
from time import thread_time_ns
from types import FrameType
from typing import Any, Final

from benchmarks import page
from benchmarks.cookie_headers import HOSTILE, LARGE, NAME, SMALL, VALUE, ordinary
from benchmarks.probe import WrongAnswerError
from benchmarks.timing import verdict
from secmw.cli.bench.plot import bars
from secmw.cookies import fold_twins
from secmw.http import ASGI
from secmw.sessions.identifier import id_finder

#: How many cookies the ordinary headers hold; ours is the last.
ORDINARY: Final = (1, 3, 10, 50)

#: The budget for any header: how much longer 64 KB may take than 8 KB, and how long, in milliseconds.
MOST_GROWTH: Final = 10.0
MOST_MS: Final = 3.0

#: Microseconds that no header can be too slow for: less counts as this where growth is asked for.
NOTHING: Final = 20.0

#: Seconds of this process after which a call is cut off.
PATIENCE: Final = 2.0

Parser = Callable[[str], Any]


# --- who reads --------------------------------------------------------------------------------------------------------


#: Only measured: secmw may not use it.
_SIMPLE: Final[Any] = import_module("http.cookies")


def _simple(header: str) -> Any:
    jar = _SIMPLE.SimpleCookie()
    try:
        jar.load(header)
    except _SIMPLE.CookieError:
        return None
    return {name: morsel.value for name, morsel in jar.items()}.get(NAME)


def _reader(module: str, name: str) -> Parser:
    parse = getattr(import_module(module), name)
    return lambda header: parse(header).get(NAME)


def theirs() -> dict[str, Parser]:
    """Return the parsers of others that are installed, by name and version."""
    found: dict[str, Parser] = {f"http.cookies {python_version()}": _simple}
    for package, module, name in (
        ("Starlette", "starlette.requests", "cookie_parser"),
        ("Werkzeug", "werkzeug.http", "parse_cookie"),
        ("Django", "django.http.cookie", "parse_cookie"),
    ):
        try:
            found[f"{package} {version(package)}"] = _reader(module, name)
        except ImportError:
            continue
    return found


_find: Final = id_finder(NAME, ASGI)


def _folding(header: str) -> Any:
    """Find the id where old browsers are sent a twin of each cookie."""
    return _find(fold_twins(header)[0].encode("latin-1"))


#: What a policy has: a look-up in the header's bytes, and one that folds twins first, for policies that send these.
OURS: Final[Mapping[str, Callable[[Any], Any]]] = {"secmw": _find, "secmw, twins": _folding}


def _for(name: str, header: str) -> Any:
    """Spell a header as its reader is given it."""
    return header.encode("latin-1") if name == "secmw" else header


# --- how long -----------------------------------------------------------------------------------------------------------


class _Cut(BaseException):
    """Somebody has taken longer than anybody waits; no parser catches it."""


@contextmanager
def _patience(seconds: float) -> Iterator[None]:
    def cut(_number: int, _frame: FrameType | None) -> None:
        raise _Cut

    # Of the process's own time, and another timer than the one that ends tests that hang.
    before = signal.signal(signal.SIGVTALRM, cut)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _sample(work: Callable[[Any], Any], header: Any, calls: int) -> float:
    """Return the microseconds of one call."""
    gc.disable()
    try:
        start = thread_time_ns()
        for _ in range(calls):
            work(header)
        return (thread_time_ns() - start) / calls / 1000
    finally:
        gc.enable()


def first(work: Callable[[Any], Any], header: Any, patience: float) -> float | None:
    """Return the microseconds of one first call, or None where it has to be cut off."""
    try:
        with _patience(patience):
            return _sample(work, header, 1)
    except _Cut:
        return None


def costs(asked: Mapping[Any, tuple[Callable[[Any], Any], Any]], *, rounds: int, patience: float) -> Any:
    """Measure each call, in rounds of a new order; return to each (median, least) in microseconds, None where cut off.

    What takes more than a tenth of the patience is measured once.
    """
    once = {key: first(work, header, patience) for key, (work, header) in asked.items()}
    samples: dict[Any, list[float]] = {}
    calls: dict[Any, int] = {}
    for key, took in once.items():
        if took is not None:
            slow = took > patience * 1e5
            samples[key] = [took] if slow else []
            calls[key] = 0 if slow else max(1, min(2_000, int(400 / max(took, 0.2))))
    order = list(calls)
    for _ in range(rounds):
        random.shuffle(order)
        for key in order:
            if calls[key]:
                samples[key].append(_sample(*asked[key], calls[key]))
    return {key: (median(samples[key]), min(samples[key])) if key in samples else None for key in once}


# --- the tables ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Hold one reader's times on one header, in microseconds: the median, and the least; None where it was cut off."""

    header: str
    size: int
    reader: str
    median: float | None
    least: float | None


def prove(peers: Mapping[str, Parser]) -> None:
    """Raise WrongAnswerError unless everybody finds our cookie in ordinary headers, and secmw in hostile ones what is there."""
    for cookies in ORDINARY:
        header = ordinary(cookies)
        for name, work in {**OURS, **peers}.items():
            answer = work(_for(name, header))
            if answer not in (VALUE, VALUE.encode()):
                raise WrongAnswerError(f"{name} finds {answer!r} among {cookies} cookies")
    for shape, (make, there) in HOSTILE.items():
        wanted = there.encode() if isinstance(there, str) else there
        for size in (SMALL, LARGE):
            for name, work in OURS.items():
                answer = work(_for(name, make(size)))
                if answer != wanted:
                    raise WrongAnswerError(f"{name} finds {answer!r} in {shape}, {size}")


def measure(
    peers: Mapping[str, Parser], headers: Mapping[str, Sequence[str]], *, rounds: int, patience: float
) -> list[Found]:
    """Measure everybody on some headers; to each name there may be several, of different sizes."""
    readers = {**OURS, **peers}
    rows = []
    for name, made in headers.items():
        asked = {
            (header, reader): (work, _for(reader, header))
            for header in made
            for reader, work in readers.items()
        }
        for (header, reader), found in costs(asked, rounds=rounds, patience=patience).items():
            middle, least = found or (None, None)
            rows.append(Found(header=name, size=len(header), reader=reader, median=middle, least=least))
    return rows


def _told(found: Found, patience: float) -> str:
    if found.median is None:
        return f"> {patience:g} s"
    took, unit = (found.median, "µs") if found.median < 1_000 else (found.median / 1_000, "ms")
    return f"{took:.{2 if took < 10 else 1 if took < 100 and unit == 'ms' else 0}f} {unit}"


def growth(rows: Sequence[Found]) -> dict[str, float]:
    """Return how much longer secmw takes for the larger header of each name; what takes next to nothing counts as a little."""
    both: dict[str, list[Found]] = {}
    for row in rows:
        if row.reader == "secmw":
            both.setdefault(row.header, []).append(row)
    return {
        name: larger.least / max(smaller.least, NOTHING)
        for name, (smaller, larger) in both.items()
        if smaller.least is not None and larger.least is not None
    }


def _ordinary_table(rows: Sequence[Found], readers: Sequence[str], patience: float) -> Iterator[str]:
    yield f"| | bytes | {' | '.join(readers)} |"
    yield f"|---|{'--:|' * (1 + len(readers))}"
    for name in dict.fromkeys(row.header for row in rows):
        line = [row for row in rows if row.header == name]
        yield f"| {name} | {line[0].size:,} | {' | '.join(_told(row, patience) for row in line)} |"


def _hostile_table(rows: Sequence[Found], peers: Sequence[str], patience: float) -> Iterator[str]:
    yield f"| 64 KB of | secmw, 8 KB | secmw | × | secmw, twins | {' | '.join(peers)} |"
    yield f"|---|{'--:|' * (4 + len(peers))}"
    times = growth(rows)
    for name, ratio in times.items():
        line = [row for row in rows if row.header == name]
        half = len(line) // 2
        cells = [_told(line[0], patience), _told(line[half], patience), f"{ratio:.1f}"]
        cells += [_told(row, patience) for row in line[half + 1 :]]
        yield f"| {name} | {' | '.join(cells)} |"


def _extremes(rows: Sequence[Found]) -> tuple[tuple[str, float], tuple[str, float]]:
    """Return the header that grows most, and how much; and the one that takes secmw longest, and how many milliseconds."""
    steepest = max(growth(rows).items(), key=lambda item: item[1])
    slowest = max((row for row in rows if row.reader == "secmw"), key=lambda row: row.median or 0.0)
    return steepest, (slowest.header, (slowest.median or 0.0) / 1000)


def _budgets(rows: Sequence[Found]) -> Iterator[page.Budget]:
    (steepest, ratio), (slowest, took) = _extremes(rows)
    what = "Cookie header, 64 KB over 8 KB"
    yield page.Budget(
        f"{what}, {steepest}", f"{ratio:.1f} times", f"{MOST_GROWTH:g}", verdict(ratio <= MOST_GROWTH)
    )
    yield page.Budget(
        f"Cookie header, 64 KB, {slowest}", f"{took:.2f} ms", f"{MOST_MS:g}", verdict(took <= MOST_MS)
    )


def _verdict(rows: Sequence[Found]) -> str:
    ratios = growth(rows)
    (steepest, ratio), (slowest, milliseconds) = _extremes(rows)
    return (
        f"In {len(ratios)} shapes 64 KB take secmw at most {ratio:.1f} times as long as 8 KB ({steepest}; budget "
        f"{MOST_GROWTH:g}; less than {NOTHING:g} µs count as that), and at most {milliseconds:.2f} ms ({slowest}; budget "
        f"{MOST_MS:g}). Met: {' and '.join(budget.met for budget in _budgets(rows))}."
    )


def worst(rows: Sequence[Found], patience: float) -> dict[str, float]:
    """Return how long each reader takes for the larger header that it takes longest for, in microseconds; cut off, so long."""
    found: dict[str, float] = {}
    for row in rows:
        if row.size > LARGE / 2:
            took = patience * 1e6 if row.median is None else row.median
            found[row.reader] = max(took, found.get(row.reader, 0.0))
    return found


def _plots(
    common: Sequence[Found], hostile: Sequence[Found], readers: Sequence[str], patience: float
) -> dict[str, str]:
    names = dict.fromkeys(row.header for row in common)
    longest = worst(hostile, patience)
    return {
        "ordinary": bars(
            "Finding our cookie in ordinary headers",
            readers,
            [(name, [row.median for row in common if row.header == name]) for name in names],
            unit="microseconds",
            log=True,
        ),
        "hostile": bars(
            f"The worst of {len(HOSTILE)} headers of 64 KB",
            ["the worst"],
            [
                (f"{reader}, cut off" if took >= patience * 1e6 else reader, [took / 1e3])
                for reader, took in longest.items()
            ],
            unit="milliseconds",
            log=True,
        ),
    }


def report(*, quick: bool = False, short: bool = False) -> page.Section:
    """Measure all headers on all parsers that are installed."""
    rounds, patience = (2, 0.2) if quick else (7, 0.5) if short else (30, PATIENCE)
    peers = theirs()
    prove(peers)
    common = measure(
        peers,
        {f"{count} cookie{'s' * (count > 1)}": [ordinary(count)] for count in ORDINARY},
        rounds=rounds * 5,
        patience=patience,
    )
    hostile = measure(
        peers,
        {name: [make(SMALL), make(LARGE)] for name, (make, _) in HOSTILE.items()},
        rounds=rounds,
        patience=patience,
    )
    readers = [*OURS, *peers]
    lines = [
        f"Measured {page.machine()}; medians of the thread's own time, {rounds} rounds.",
        "",
        *_ordinary_table(common, readers, patience),
        "",
        _verdict(hostile),
        "",
        *_hostile_table(hostile, list(peers), patience),
        "",
        f"A call was cut off after {patience:g} seconds; what took more than a tenth of that was measured once.",
        "",
        "![Ordinary headers](benchmarks/cookies-ordinary.svg)",
        "",
        "![Hostile headers](benchmarks/cookies-hostile.svg)",
    ]
    data = {
        "patience": patience,
        "growth": growth(hostile),
        "ordinary": [asdict(row) for row in common],
        "hostile": [asdict(row) for row in hostile],
    }
    plots = _plots(common, hostile, readers, patience)
    return page.Section("cookies", "\n".join(lines) + "\n", data, plots, list(_budgets(hostile)))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    page.run(report, (__doc__ or "").partition("\n")[0], arguments)


if __name__ == "__main__":
    main()
