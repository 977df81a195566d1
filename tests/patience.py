"""Bounds of real time that hold on a busy machine too: it slows some tries, and wrong code all of them."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TURN: Final = 0.01


def quickest(seconds: Callable[[], float], enough: float, tries: int = 5) -> float:
    """Return the first of a few measurements that is below ``enough``, or else the shortest."""
    found = seconds()
    for _ in range(tries - 1):
        if found < enough:
            break
        found = min(found, seconds())
    return found


@contextmanager
def waiting() -> Iterator[Callable[[], float]]:
    """Give a clock of the seconds since, for who waits: it stands still while the machine lets nobody go on.

    >>> with waiting() as waited:
    ...     _ = threading.Event().wait(0.2)
    ...     assert 0.05 < waited() < 0.25
    """
    turns = 0
    over = threading.Event()

    def count() -> None:
        nonlocal turns
        # A turn that comes late counts as one all the same.
        while not over.wait(_TURN):
            turns += 1

    counting = threading.Thread(target=count, daemon=True)
    counting.start()
    try:
        yield lambda: turns * _TURN
    finally:
        over.set()
        counting.join()
