"""Play many rounds of every race and report: ``python -m tests.races [ROUNDS] [STORE]``. Exits 1 if any was broken."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Final

from tests.races.run import KINDS, play, workers
from tests.races.scenarios import SCENARIOS
from tests.services.shared import KINDS as SHARED
from tests.services.shared import shared

STORES: Final = ("sqlite", *SHARED)


def main() -> int:
    """Print a line for each scenario on each kind of server, every broken round, and the sum."""
    parser = argparse.ArgumentParser(prog="python -m tests.races", description=main.__doc__)
    parser.add_argument("rounds", nargs="?", type=int, default=1_000)
    parser.add_argument("store", nargs="?", default="sqlite", choices=STORES)
    words = parser.parse_args()
    rounds, store = words.rounds, words.store
    tallies = []
    with ExitStack() as stack:
        url = "" if store == "sqlite" else stack.enter_context(shared(store)).url
        for kind in KINDS:
            with workers(kind) as server:
                for scenario in SCENARIOS:
                    tally = play(kind, server, scenario, rounds, store=store, url=url)
                    tallies.append(tally)
                    lines = [str(tally), *(f"  {line}" for line in tally.broken)]
                    sys.stdout.write("\n".join(lines) + "\n")
                    sys.stdout.flush()
    played = sum(tally.rounds for tally in tallies)
    broken = sum(len(tally.broken) for tally in tallies)
    requests = sum(tally.requests for tally in tallies)
    repeats = sum(tally.repeats for tally in tallies)
    sys.stdout.write(
        f"races {datetime.now(UTC):%Y-%m-%d %H:%M} UTC: {rounds} rounds of {len(SCENARIOS)} scenarios on"
        f" {' and '.join(KINDS)}, 4 workers each, on {store}: {played} played, {broken} broken, {requests} requests,"
        f" {repeats} told to come back\n"
    )
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
