"""What it costs to start: a new interpreter that imports secmw, against one that does nothing, and what is loaded.

python -m benchmarks.imports               print the tables
python -m benchmarks.imports --write       put them into docs/explanation/benchmarks.md as well
python -m benchmarks.imports --short       a few seconds; --quick: hardly anything

Everything runs in an environment of its own, made of the files of secmw and of what its core depends on, as they are installed
here: no framework could be imported there, and nothing else is on the path (``python -P``). All of it is compiled beforehand.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import tempfile
import time
import venv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import distribution
from pathlib import Path
from statistics import median
from typing import Any, Final

import secmw
from benchmarks import page
from benchmarks.probe import WrongAnswerError
from benchmarks.timing import verdict
from secmw.cli.bench.plot import bars

#: The budget: how many times as long as nothing `import secmw` may take.
BUDGET: Final = 5.0

NOTHING: Final = "pass"
_PROTECT: Final = (
    "from secmw import Policy\n"
    "from secmw.{wire} import Middleware\n"
    'Middleware(print, Policy.recommended(secret_keys=["AcBFdJr4wMOsGxPvGpi0VONEjBOVMSM+lnbH5jVTxGg="],'
    ' public_url="https://app.example.org", store="memory://"))'
)

#: What is started, by the name of its row.
PROGRAMS: Final[Mapping[str, str]] = {
    "nothing": NOTHING,
    "import secmw": "import secmw",
    "from secmw import Policy": "from secmw import Policy",
    "import secmw.wsgi": "import secmw.wsgi",
    "import secmw.asgi": "import secmw.asgi",
    "a protected WSGI application": _PROTECT.format(wire="wsgi"),
    "a protected ASGI application": _PROTECT.format(wire="asgi"),
    # What most applications load anyway, and secmw can't do without.
    "for comparison: import logging, dataclasses, msgspec": "import logging, dataclasses, msgspec",
    "for comparison: import asyncio": "import asyncio",
}

#: What none of the imports may load: event loops, TLS, drivers, template engines, frameworks, and what few policies need.
HEAVY: Final = frozenset(
    {
        *("asyncio", "concurrent", "multiprocessing", "socket", "ssl", "sqlite3", "subprocess", "email"),
        *("aiohttp", "anyio", "click", "cryptography", "jinja2", "redis", "rich", "sqlalchemy", "uvicorn"),
        *("django", "fastapi", "flask", "starlette", "werkzeug", "unittest", "xml"),
        *("difflib", "html", "json", "tomllib"),
    }
)

_LINE: Final = re.compile(r"import time:\s*(\d+) \|\s*(\d+) \| ( *)(\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Hold what starting a program costs, in milliseconds: by the clock, and of the processor; and both as multiples of nothing.

    The first of two figures is the median, the second one the least.
    """

    program: str
    clock: tuple[float, float]
    processor: tuple[float, float]
    times: tuple[float, float]
    processor_times: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Be one module that an import loads: microseconds of its own, and who asked for it first."""

    module: str
    own: int
    asked_by: str


# --- the environment ----------------------------------------------------------------------------------------------------


def needed(name: str = "secmw") -> set[str]:
    """Return what a distribution depends on without any extra, directly or not."""
    found = set()
    for line in distribution(name).requires or ():
        if "extra ==" not in line:
            word = re.match(r"[\w.-]+", line)
            assert word is not None
            found |= {word[0].lower(), *needed(word[0])}
    return found


@contextmanager
def environment() -> Iterator[Path]:
    """Make an environment that has secmw and what its core needs; hand out its interpreter."""
    with tempfile.TemporaryDirectory(prefix="secmw-imports-") as folder:
        venv.create(folder, with_pip=False, symlinks=True)
        (site,) = Path(folder).glob("lib/python*/site-packages")
        unwanted = shutil.ignore_patterns("__pycache__")
        shutil.copytree(Path(secmw.__file__).parent, site / "secmw", ignore=unwanted)
        for name in needed():
            for file in distribution(name).files or ():
                if ".." not in file.parts and file.suffix != ".pyc":
                    (site / file).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(str(file.locate()), site / file)
        python = Path(folder, "bin", "python")
        _run(python, "-m", "compileall", "-q", str(site))
        for program in PROGRAMS.values():
            # Modules of the standard library are compiled when they are first imported.
            _run(python, "-c", program)
        yield python


def _clean() -> dict[str, str]:
    """Return the environment without what would load, or hide, modules."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV"))}


def _run(python: Path, *words: str) -> str:
    done = subprocess.run([python, "-P", *words], env=_clean(), capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


# --- how long -----------------------------------------------------------------------------------------------------------


def start(python: Path, program: str) -> tuple[float, float]:
    """Run a program; return the milliseconds it took, by the clock, and of the processor."""
    begin = time.perf_counter()
    running = subprocess.Popen(
        [python, "-P", "-c", program], env=_clean(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(running.pid, 0)
    took = time.perf_counter() - begin
    running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode:
        raise WrongAnswerError(f"{program!r} ends with {running.returncode}")
    return took * 1e3, (used.ru_utime + used.ru_stime) * 1e3


def starts(python: Path, rounds: int) -> list[Start]:
    """Run every program once a round, in a new order each time."""
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in PROGRAMS}
    order = list(PROGRAMS)
    for _ in range(rounds):
        random.shuffle(order)
        for name in order:
            samples[name].append(start(python, PROGRAMS[name]))
    nothing = samples["nothing"]
    return [
        Start(
            program=name,
            clock=_middle_and_least([one[0] for one in found]),
            processor=_middle_and_least([one[1] for one in found]),
            times=_times(found, nothing, 0),
            processor_times=_times(found, nothing, 1),
        )
        for name, found in samples.items()
    ]


def _middle_and_least(found: Sequence[float]) -> tuple[float, float]:
    return median(found), min(found)


def _times(
    found: Sequence[Sequence[float]], nothing: Sequence[Sequence[float]], kind: int
) -> tuple[float, float]:
    """Return the median of the ratios within a round, and the ratio of the least of both."""
    ratios = median(one[kind] / base[kind] for one, base in zip(found, nothing, strict=True))
    return ratios, min(one[kind] for one in found) / min(base[kind] for base in nothing)


# --- what is loaded -----------------------------------------------------------------------------------------------------


def listed(text: str) -> list[Loaded]:
    """Read what ``-X importtime`` prints: a module stands above the one that asked for it, which is a step less indented."""
    waiting: dict[int, list[tuple[str, int]]] = {}
    found: list[Loaded] = []
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if match is not None:
            depth, name = len(match[3]) // 2, match[4]
            found += [Loaded(module=one, own=own, asked_by=name) for one, own in waiting.pop(depth + 1, ())]
            waiting.setdefault(depth, []).append((name, int(match[1])))
    return found + [Loaded(module=one, own=own, asked_by="") for one, own in waiting.get(0, ())]


def loaded(python: Path, program: str, runs: int) -> list[Loaded]:
    """Return what a program loads beyond an interpreter that does nothing; of several runs the least of each module's own time."""
    before = {one.module for one in listed(_run(python, "-X", "importtime", "-c", NOTHING))}
    least: dict[str, Loaded] = {}
    for _ in range(runs):
        for one in listed(_run(python, "-X", "importtime", "-c", program)):
            known = least.get(one.module)
            if one.module not in before and (known is None or one.own < known.own):
                least[one.module] = one
    return sorted(least.values(), key=lambda one: -one.own)


def prove(name: str, modules: Sequence[Loaded]) -> None:
    """Raise WrongAnswerError where something heavy is loaded."""
    heavy = [f"{one.module} (by {one.asked_by})" for one in modules if _top(one.module) in HEAVY]
    if heavy:
        raise WrongAnswerError(f"{name} loads {', '.join(heavy)}")


def _top(module: str) -> str:
    return module.partition(".")[0]


def groups(modules: Sequence[Loaded]) -> dict[str, tuple[int, int]]:
    """Return how many modules each package has, the standard library as one, and the microseconds they take."""
    known = {*needed(), "secmw"}
    found: dict[str, tuple[int, int]] = {}
    for one in modules:
        owner = _top(one.module) if _top(one.module) in known else "the standard library"
        count, own = found.get(owner, (0, 0))
        found[owner] = count + 1, own + one.own
    return dict(sorted(found.items(), key=lambda item: -item[1][1]))


# --- the tables ---------------------------------------------------------------------------------------------------------


def _table(rows: Sequence[Start]) -> Iterator[str]:
    yield "| a new interpreter and | ms, median (least) | × nothing | processor, ms | × nothing |"
    yield "|---|--:|--:|--:|--:|"
    for row in rows:
        name = f"`{row.program}`" if row.program.startswith(("import ", "from ")) else row.program
        yield (
            f"| {name} | {row.clock[0]:.1f} ({row.clock[1]:.1f}) | {row.times[0]:.1f} ({row.times[1]:.1f}) "
            f"| {row.processor[0]:.1f} ({row.processor[1]:.1f}) | {row.processor_times[0]:.1f} ({row.processor_times[1]:.1f}) |"
        )


def _counted(name: str, modules: Sequence[Loaded]) -> str:
    whose = ", ".join(
        f"{count} of {owner} ({own / 1e3:.1f} ms)" for owner, (count, own) in groups(modules).items()
    )
    return f"`{name}` loads {len(modules)} modules: {whose}."


def _listing(modules: Sequence[Loaded], most: int) -> Iterator[str]:
    yield "| module | ms | asked for by |"
    yield "|---|--:|---|"
    for one in modules[:most]:
        yield f"| {one.module} | {one.own / 1e3:.1f} | {one.asked_by or 'the program'} |"


def _ours(rows: Sequence[Start]) -> Start:
    return next(row for row in rows if row.program == "import secmw")


def _budget(rows: Sequence[Start]) -> page.Budget:
    median_, least = _ours(rows).times
    met = verdict(median_ <= BUDGET, least <= BUDGET)
    return page.Budget("import secmw", f"{median_:.1f} × nothing", f"{BUDGET:g}", met)


def _verdict(rows: Sequence[Start]) -> str:
    ours = _ours(rows)
    return (
        f"`import secmw` takes {ours.times[0]:.1f} times as long as nothing, and {ours.processor_times[0]:.1f} times the processor (budget {BUDGET:g}; met: {_budget(rows).met}). No import of secmw loads "
        f"any of {', '.join(sorted(HEAVY))}; one that did would stop this run."
    )


def report(*, quick: bool = False, short: bool = False) -> page.Section:
    """Start everything, and list what the imports load."""
    rounds, runs = (1, 1) if quick else (10, 3) if short else (60, 10)
    with environment() as python:
        listings = {
            name: loaded(python, PROGRAMS[name], runs)
            for name in ("import secmw", "import secmw.wsgi", "import secmw.asgi")
        }
        for name, modules in listings.items():
            prove(name, modules)
        rows = starts(python, rounds)
    lines = [
        f"Measured {page.machine()}; {rounds} rounds, in an environment with {', '.join(sorted(needed()))} and nothing else.",
        "",
        *_table(rows),
        "",
        _verdict(rows),
        "",
        " ".join(_counted(name, modules) for name, modules in listings.items())
        + " Those of the last that take longest by themselves:",
        "",
        *_listing(listings["import secmw.asgi"], 12),
        "",
        "![Starting](benchmarks/imports-starts.svg)",
    ]
    data: dict[str, Any] = {
        "starts": [asdict(row) for row in rows],
        "loaded": {name: [asdict(one) for one in modules] for name, modules in listings.items()},
    }
    plot = bars(
        "Starting an interpreter",
        ["by the clock", "of the processor"],
        [(row.program, [row.clock[0], row.processor[0]]) for row in rows],
        unit="milliseconds",
    )
    return page.Section("imports", "\n".join(lines) + "\n", data, {"starts": plot}, [_budget(rows)])


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    page.run(report, (__doc__ or "").partition("\n")[0], arguments)


if __name__ == "__main__":
    main()
