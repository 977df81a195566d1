"""Time-outs that count the time for which the event loop ran: while it was held up, nobody could look for what had come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

LOOK: Final = 0.05
"""Seconds between two looks at the clock."""


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """Raise TimeoutError after so many seconds; those between two looks that are far apart count as two looks."""
    loop = asyncio.get_running_loop()
    left, looked = seconds, loop.time()
    limit = asyncio.timeout(None)
    timer: asyncio.TimerHandle | None = None

    def look() -> None:
        nonlocal left, looked, timer
        now = loop.time()
        left, looked = left - min(now - looked, 2 * LOOK), now
        if left > 0:
            timer = loop.call_later(min(left, LOOK), look)
        else:
            limit.reschedule(now)

    try:
        async with limit:
            look()
            yield
    finally:
        if timer is not None:
            timer.cancel()
