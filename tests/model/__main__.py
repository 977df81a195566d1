"""Search for long: ``python -m tests.model 100000 [memory|sqlite|redis|...]``. Exits 0 if library and model never part.

A store that many processes share gets a server of its own.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from hypothesis import settings

from tests.model.search import Opener, in_files, in_memory, search
from tests.model.shared import NAMES, on_server
from tests.model.stage import TERMS
from tests.model.steps import STEPS

#: So many histories in one search: what hypothesis remembers of each is forgotten then.
_BATCH: Final = 5_000


def main(words: list[str]) -> None:
    """Play histories and print a line about them; raise what goes wrong in the shortest history found."""
    count = int(words[0]) if words else 100_000
    kind = words[1] if len(words) > 1 else "memory"
    tally: Counter[str] = Counter()
    began, played = time.perf_counter(), 0
    with ExitStack() as stack:
        opener = _opened(kind, stack)
        while played < count:
            batch = min(_BATCH, count - played)
            for index, terms in enumerate(TERMS):
                share = len(range(index, batch, len(TERMS)))
                if share:
                    search(terms, opener, settings(max_examples=share, database=None), tally)
            played += batch
    for name, times in sorted(tally.items()):
        sys.stdout.write(f"{times:>10}  {name}\n")
    took = time.perf_counter() - began
    sys.stdout.write(
        f"{played} histories of {STEPS} steps on {kind}, {took:.0f} s: library and model agree\n"
    )


def _opened(kind: str, stack: ExitStack) -> Opener:
    if kind == "memory":
        return in_memory
    if kind == "sqlite":
        return stack.enter_context(in_files(Path(stack.enter_context(TemporaryDirectory()))))
    if kind not in NAMES:
        raise SystemExit(f"no store is called {kind}; there are memory, sqlite, {', '.join(NAMES)}")
    return stack.enter_context(on_server(kind))


if __name__ == "__main__":
    main(sys.argv[1:])
