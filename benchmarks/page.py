"""Where figures go: the line that says how they came about, the marks of a page that they stand between, their data and plots."""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any, Final, Protocol

EXPLANATION = Path(__file__).parents[1] / "docs" / "explanation"

#: The page that says what everything costs; the data and plots of its sections are in the folder of its name.
BENCHMARKS: Final = EXPLANATION / "benchmarks.md"


@dataclass(frozen=True, slots=True)
class Budget:
    """Say of one figure what it is held to, and whether that is met: ``yes``, ``by its minima``, ``**no**`` or a dash."""

    what: str
    found: str
    bound: str
    met: str


@dataclass(frozen=True, slots=True)
class Section:
    """Be one part of the page of benchmarks.

    ``text`` is Markdown; it names its plots as ``benchmarks/NAME-STEM.svg``. ``data`` is what JSON can hold: every row with
    all its figures. ``plots`` are SVG documents by the stem of their file, ``budgets`` what its figures are held to.
    """

    name: str
    text: str
    data: Any = None
    plots: Mapping[str, str] = field(default_factory=dict)
    budgets: Sequence[Budget] = ()


def machine() -> str:
    """Say when and on what this runs."""
    return (
        f"{datetime.now(UTC).date()}, {platform.python_implementation()} {platform.python_version()} on "
        f"{platform.machine()}, {os.cpu_count()} cores"
    )


def versions() -> dict[str, str]:
    """Return the version of every distribution of which something is loaded right now."""
    loaded = {name.partition(".")[0] for name in list(sys.modules)}
    owners = packages_distributions()
    found = {owner for name in loaded for owner in owners.get(name, ())}
    return {name: version(name) for name in sorted(found, key=str.lower)}


def circumstances() -> dict[str, Any]:
    """Return what figures depend on: the day, the Python and how it was built, the machine, and what is loaded."""
    built = sysconfig.get_config_var("CONFIG_ARGS") or ""
    return {
        "date": str(datetime.now(UTC).date()),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "optimised": "--enable-optimizations" in built,
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "versions": versions(),
    }


def _processor() -> str:
    """Return the processor's name where the system tells it, or nothing."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def quiet() -> None:
    """Keep what secmw says of a policy at start-up out of the tables."""
    # A handler of its own: without one, logging prints warnings to stderr.
    logging.getLogger("secmw").addHandler(logging.NullHandler())


def write(text: str, page: Path, mark: str) -> None:
    """Put a text between ``<!-- mark: begin -->`` and ``<!-- mark: end -->``; raise ValueError if they are not there."""
    begin, end = f"<!-- {mark}: begin -->", f"<!-- {mark}: end -->"
    before, found, rest = page.read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{page} has no {begin} and {end}")
    page.write_text(f"{before}{begin}\n\n{text.strip()}\n\n{end}{after}", encoding="utf-8")


def publish(section: Section, page: Path = BENCHMARKS) -> None:
    """Put a section's text between the marks of its name, its data and its plots into the folder beside the page.

    Plots of the section that it no longer has are removed. Raise ValueError if the page has no such marks, and TypeError or
    ValueError for data that JSON can't hold; nothing is written then.
    """
    held = [asdict(budget) for budget in section.budgets]
    data = json.dumps(
        {**circumstances(), "budgets": held, "data": section.data},
        indent=1,
        allow_nan=False,
        ensure_ascii=False,
    )
    write(section.text, page, section.name)
    folder = page.with_suffix("")
    folder.mkdir(exist_ok=True)
    (folder / f"{section.name}.json").write_text(f"{data}\n", encoding="utf-8")
    kept = {f"{section.name}-{stem}.svg": svg for stem, svg in section.plots.items()}
    for old in folder.glob(f"{section.name}-*.svg"):
        if old.name not in kept:
            old.unlink()
    for name, svg in kept.items():
        (folder / name).write_text(svg, encoding="utf-8")


class Report(Protocol):
    """Be what makes a section of the page."""

    def __call__(self, *, quick: bool = False, short: bool = False) -> Section:
        """Measure and return the section; ``short``: its share of `make bench`; ``quick``: for tests, means nothing."""
        ...


def run(report: Report, description: str, arguments: Sequence[str] | None = None) -> Section:
    """Be the command line of a benchmark: print its section, and publish it where that was asked for."""
    parser = argparse.ArgumentParser(description=description)
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--short", action="store_true", help="what `make bench` runs of it")
    amount.add_argument(
        "--quick", action="store_true", help="a hundredth of the work; the figures mean nothing"
    )
    parser.add_argument(
        "--write", action="store_true", help=f"put it into docs/explanation/{BENCHMARKS.name}"
    )
    options = parser.parse_args(arguments)
    if options.quick and options.write:
        parser.error("--quick measures nothing that is worth writing down")
    quiet()
    section = report(quick=options.quick, short=options.short)
    if options.write:
        publish(section)
    print(section.text)
    return section
