"""The report: each store in a process of its own, a line for each suite, and a table of what does not apply."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from benchmarks import page
from benchmarks.django_tests import source
from benchmarks.django_tests.play import Outcome, Played
from benchmarks.django_tests.suites import STORED, STORELESS
from tests.services.redis import serve_redis

_ROOT: Final = Path(__file__).parents[2]

#: What was played on each store; "" for what needs none.
Found = Mapping[str, Sequence[Played]]


def report() -> str:
    """Play everything and write it down as Markdown; exit with every traceback if anything fails."""
    tests = source.tests()
    with stores() as places:
        found = {name: in_process(tests, store) for name, store in {**places, "": None}.items()}
    wrong = faults(found)
    if wrong:
        raise SystemExit("\n\n".join([*lines(found), *wrong]))
    return markdown(found)


@contextmanager
def stores() -> Iterator[dict[str, str]]:
    """Give the address of a store of each kind that the tests are played on."""
    with tempfile.TemporaryDirectory() as folder, serve_redis() as redis:
        yield {"memory": "memory://", "SQLite": f"sqlite:///{folder}/sessions.db", "Redis": redis.url}


def in_process(tests: Path, store: str | None) -> list[Played]:
    """Play what is played on a store, or without one; raise RuntimeError, with what was said, if that breaks off."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "found.json"
        words = [str(tests), str(found), *([] if store is None else [store])]
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.django_tests.play", *words],
            cwd=_ROOT,
            capture_output=True,
            check=False,
        )
        if done.returncode or not found.exists():
            raise RuntimeError(done.stderr.decode(errors="replace"))
        return msgspec.json.decode(found.read_bytes(), type=list[Played])


def lines(found: Found) -> list[str]:
    """Sum up each suite on each store."""
    order = [suite.name for suite in (*STORED, *STORELESS)]
    summed = []
    for suite in order:
        for store, played in found.items():
            counts = Counter(one.outcome for one in played if one.suite == suite)
            if counts:
                where = f" on {store}" if store else ""
                summed.append(f"{suite}{where}: {_counted(counts)}")
    return summed


def faults(found: Found) -> list[str]:
    """Say everything that has to be seen to: what fails, and what is listed and passes."""
    return [
        f"{one.outcome}: {one.test}{f' on {store}' if store else ''}\n{one.said}"
        for store, played in found.items()
        for one in played
        if one.outcome in ("failed", "stale")
    ]


def markdown(found: Found) -> str:
    """Write down who was asked what and what came of it."""
    reasons = {one.test: one.said for played in found.values() for one in played if one.said}
    every = Counter(one.outcome for played in found.values() for one in played)
    return "\n".join(
        [
            f"Django {source.release()}, run {page.machine()}.",
            "",
            *(f"- {line}" for line in [*lines(found), f"all: {_counted(every)}"]),
            "",
            "| What does not apply | Why |",
            "|---|---|",
            *(f"| `{test}` | {reason} |" for test, reason in reasons.items()),
        ]
    )


def _counted(counts: Mapping[Outcome, int]) -> str:
    said = [f"{counts.get('passed', 0)} passed", f"{counts.get('failed', 0)} failed"]
    apart = counts.get("does not apply", 0)
    said += [f"{apart} do{'es' if apart == 1 else ''} not apply"] if apart else []
    stale = counts.get("stale", 0)
    return ", ".join([*said, *([f"{stale} stale"] if stale else [])])
