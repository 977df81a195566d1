"""The short set of all benchmarks, each in a process of its own, in less than ten minutes: what `make bench` runs.

Where tables are written down, the short answer at the top of the page is made of them afterwards.

python -m benchmarks               print all tables
python -m benchmarks --write       put them into docs/explanation/benchmarks.md as well
python -m benchmarks --only peers  one of them
python -m benchmarks --full        everything of each, which takes far longer
python -m benchmarks --quick       a hundredth of the work
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Final

#: Section by section, the module that measures it, in the order of the page.
SECTIONS: Final[Mapping[str, str]] = {
    "overhead": "benchmarks.overhead",
    "duties": "benchmarks.duties",
    "peers": "benchmarks.stacks.side_by_side",
    "instructions": "benchmarks.instructions",
    "servers": "benchmarks.servers",
    "redis": "benchmarks.redis_clients",
    "cookies": "benchmarks.cookies",
    "memory": "benchmarks.memory",
    "imports": "benchmarks.imports",
}


def run(names: Sequence[str], flags: Sequence[str], *, sections: Mapping[str, str] = SECTIONS) -> list[str]:
    """Run these one after another, and return those that failed; one that fails stops no other."""
    failed = []
    for name in names:
        print(f"== {name}", flush=True)
        began = monotonic()
        done = subprocess.run([sys.executable, "-m", sections[name], *flags], check=False)
        print(f"== {name}: {monotonic() - began:.0f} seconds\n", flush=True)
        if done.returncode:
            failed.append(name)
    return failed


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="What secmw costs, in less than ten minutes.")
    parser.add_argument("--only", choices=SECTIONS, action="append", help="run this one, and others named so")
    parser.add_argument("--write", action="store_true", help="put the figures into docs/explanation as well")
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--full", action="store_true", help="everything of each; takes far longer")
    amount.add_argument("--quick", action="store_true", help="a hundredth of the work; means nothing")
    options = parser.parse_args(arguments)
    if options.quick and options.write:
        parser.error("--quick measures nothing that is worth writing down")
    flags = ["--quick"] if options.quick else [] if options.full else ["--short"]
    if options.write:
        flags.append("--write")
    failed = run(options.only or list(SECTIONS), flags)
    if options.write:
        failed += run(["summary"], ["--write"], sections={"summary": "benchmarks.summary"})
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
