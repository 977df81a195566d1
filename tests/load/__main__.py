"""Play load and report: ``python -m tests.load [SECONDS] [TARGET ...]``. Exits 1 if anything was wrong."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime

from tests.load.run import TARGETS, run


def main() -> int:
    """Print a line for each application, everything that was wrong, and when it was played."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=main.__doc__)
    parser.add_argument("seconds", nargs="?", type=float, default=30)
    parser.add_argument("targets", nargs="*", choices=[[], *TARGETS])
    words = parser.parse_args()
    wrong = 0
    for target in words.targets or TARGETS:
        report = run(target, words.seconds)
        faults = [*report.wrong, *([report.load.example] if report.load.example else [])]
        sys.stdout.write("\n".join([str(report), *(f"  {fault}" for fault in faults)]) + "\n")
        sys.stdout.flush()
        wrong += report.load.errors + report.load.wrong + len(report.wrong)
    sys.stdout.write(
        f"load {datetime.now(UTC):%Y-%m-%d %H:%M} UTC: {words.seconds:.0f} s each, {wrong} wrong\n"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
