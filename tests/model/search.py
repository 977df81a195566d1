"""The search: hypothesis makes histories up, and shrinks the one in which library and model part."""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from hypothesis import HealthCheck, example, given, reject, settings
from hypothesis import strategies as st

from secmw.stores.base import Store
from secmw.stores.memory import MemoryStore
from secmw.stores.sqlite import SQLiteStore
from tests.model.book import Terms
from tests.model.shared import Slow
from tests.model.steps import LENGTH
from tests.model.watched import Clocks
from tests.model.world import World

Opener = Callable[[Clocks], Store]

#: How histories are counted that were not played to their end, and do not count.
TOO_SLOW: Final = "too slow to be judged"

HISTORIES: Final = st.binary(min_size=LENGTH, max_size=LENGTH)


def in_memory(clocks: Clocks) -> Store:
    """Open a store in memory."""
    return MemoryStore(clock=clocks)


@contextmanager
def in_files(folder: Path) -> Iterator[Opener]:
    """Open a file of its own for every history."""
    stores: list[SQLiteStore] = []
    count = 0

    def forget() -> None:
        while stores:
            stores.pop().close()
        for path in folder.glob("history-*"):
            path.unlink()

    def opener(clocks: Clocks) -> Store:
        nonlocal count
        forget()
        count += 1
        stores.append(SQLiteStore(folder / f"history-{count}.db", clock=clocks))
        return stores[0]

    try:
        yield opener
    finally:
        forget()


@contextmanager
def untraced() -> Iterator[None]:
    """Keep coverage from tracing: it would double the time, and measures nothing that other tests don't."""
    before = sys.gettrace()
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(before)


@contextmanager
def silence() -> Iterator[None]:
    """Keep the log quiet: outages are made here by the thousand."""
    log = logging.getLogger("secmw")
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before


def play(data: bytes, terms: Terms, opener: Opener, tally: Counter[str] | None = None) -> None:
    """Play a history; a WrongError says which steps led to it. ``tally`` counts the rarer things that came about."""
    quick = bool(data[0] & 1) and opener is in_memory
    world = World(data, terms, opener, quick=quick)
    try:
        world.play()
    except Slow:
        if tally is not None:
            tally[TOO_SLOW] += 1
        reject()
    except Exception as error:
        error.add_note(f"{terms}, {'looked into' if quick else 'asked'}")
        for step in world.trace:
            error.add_note(f"  {step}")
        raise
    finally:
        world.close()
    if tally is not None:
        tally.update(world.ledger.tally)


def search(
    terms: Terms,
    opener: Opener,
    how: settings,
    tally: Counter[str] | None = None,
    *,
    known: Iterable[bytes] = (),
) -> None:
    """Search for a history that goes wrong, the ``known`` ones first; raise what went wrong in the shortest one."""

    @settings(how, suppress_health_check=list(HealthCheck), deadline=None, report_multiple_bugs=False)
    @given(HISTORIES)
    def history(data: bytes) -> None:
        play(data, terms, opener, tally)

    for data in known:
        history = example(data)(history)
    with silence(), untraced():
        history()
