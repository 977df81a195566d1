"""Run the counting program under callgrind, and read what it has counted."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.counting.child import PARTS, REQUESTS, VARIANTS

ROOT: Final = Path(__file__).parents[2]

_OPTIONS: Final = (
    "--tool=callgrind",
    "--quiet",
    "--trace-children=no",
    "--instr-atstart=no",
    "--combine-dumps=yes",
    "--zero-before=getpgrp",
    "--dump-before=getppid",
)

#: At the end of the path: the package that is installed is counted, wherever the tree is.
_PROGRAM: Final = """
import sys
sys.path.append(sys.argv[1])
{before}
from benchmarks.counting.child import main
main(sys.argv[2:])
"""


class CountingError(Exception):
    """The instructions could not be counted."""


@dataclass(frozen=True, slots=True)
class Count:
    """Hold the instructions of one request: of the application as it is, in a wrapper that does nothing, behind secmw."""

    bare: float
    noop: float
    app: float

    @property
    def added(self) -> float:
        """What secmw adds."""
        return self.app - self.bare

    @property
    def times(self) -> float:
        """What secmw adds, as a multiple of what the wrapper adds that does nothing."""
        return self.added / (self.noop - self.bare)


def version() -> str:
    """Return which valgrind this is, as it says itself."""
    done = subprocess.run([_valgrind(), "--version"], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _valgrind() -> str:
    found = shutil.which("valgrind")
    if found is None:
        raise CountingError("valgrind is not installed; on Debian: apt-get install valgrind")
    return found


def counts(names: Sequence[str], *, before: str = "") -> dict[str, Count]:
    """Count rows of :mod:`benchmarks.counting.rows`; ``before`` is Python that the program runs first.

    Raise CountingError where valgrind is missing or the program fails: a variant that answers wrongly, say.
    """
    valgrind = _valgrind()
    with tempfile.TemporaryDirectory() as folder:
        program = [sys.executable, "-P", "-c", _PROGRAM.format(before=before), str(ROOT), *names]
        done = subprocess.run(
            [valgrind, *_OPTIONS, f"--callgrind-out-file={folder}/%p", *program],
            # Nothing of ours: what measures coverage, for one, would be counted too.
            env={"PATH": os.environ.get("PATH", os.defpath), "PYTHONHASHSEED": "0"},
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise CountingError(done.stderr.strip() or f"the program ended with {done.returncode}")
        found = [line.partition(" ") for line in done.stdout.splitlines()]
        return {name: _read(Path(folder) / pid) for pid, _, name in found}


def _read(file: Path) -> Count:
    totals = [int(total) for total in re.findall(r"^totals: (\d+)$", file.read_text(), re.MULTILINE)]
    if len(totals) < PARTS * len(VARIANTS):
        raise CountingError(f"callgrind was told of {len(totals)} parts only")
    parts = [totals[PARTS * index : PARTS * (index + 1)] for index in range(len(VARIANTS))]
    # Not the mean: now and then something that happens once, as to a table that grows, falls into one of them.
    return Count(*(median(counted[1:]) / REQUESTS for counted in parts))
