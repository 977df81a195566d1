"""Bounds of real time that hold on a busy machine too: it slows some tries, and wrong code all of them."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from secmw.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

_Answer = TypeVar("_Answer")

_TURN: Final = 0.01

#: Seconds that a store may need, by :func:`waiting`, when what held it up is over.
_BACK: Final = 1.0


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


def back(ask: Callable[[], _Answer]) -> _Answer:
    """Return what a store says that is to be well at once; the machine may still be busy with what was held up."""
    with waiting() as waited:
        while True:
            try:
                return ask()
            except StoreError:
                if waited() > _BACK:
                    raise
                time.sleep(_TURN)


async def aback(ask: Callable[[], Awaitable[_Answer]]) -> _Answer:
    """Be :func:`back` on an event loop."""
    with waiting() as waited:
        while True:
            try:
                return await ask()
            except StoreError:
                if waited() > _BACK:
                    raise
                await asyncio.sleep(_TURN)
