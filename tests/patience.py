"""Bounds of real time that hold on a busy machine too: it slows some tries, and wrong code all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def quickest(seconds: Callable[[], float], enough: float, tries: int = 5) -> float:
    """Return the first of a few measurements that is below ``enough``, or else the shortest."""
    found = seconds()
    for _ in range(tries - 1):
        if found < enough:
            break
        found = min(found, seconds())
    return found
