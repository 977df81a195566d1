"""MemoryTrail: the last events of one process, for tests, for development and for sessions kept in memory."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from itertools import islice

import msgspec

from secmw.audit.event import Event


class MemoryTrail:
    """Keep the last ``limit`` events, as long as the process lives; older ones go, their numbers are not used again.

    >>> trail = MemoryTrail(limit=2)
    >>> [event.id for event in trail.append([Event(time=0.0, action="web_sudo")] * 3)]
    [1, 2, 3]
    >>> [event.id for event in trail.recent(10)]
    [3, 2]
    """

    def __init__(self, limit: int = 10_000) -> None:
        self._events: deque[Event] = deque(maxlen=limit)
        self._last = 0
        self._lock = threading.Lock()

    def append(self, events: Sequence[Event]) -> tuple[Event, ...]:
        """Keep the events, and return them with their numbers."""
        with self._lock:
            numbered = tuple(
                msgspec.structs.replace(event, id=number)
                for number, event in enumerate(events, self._last + 1)
            )
            self._last += len(numbered)
            self._events.extend(numbered)
        return numbered

    def recent(self, limit: int, before: int | None = None) -> list[Event]:
        """Return at most ``limit`` events, the newest first; with ``before`` those with a lower number than that."""
        with self._lock:
            found = (event for event in reversed(self._events) if before is None or event.id < before)
            return list(islice(found, max(limit, 0)))

    def count(self) -> int:
        """Return how many events are kept."""
        return len(self._events)

    def close(self) -> None:
        """Do nothing: there is nothing to give back."""


class AsyncMemoryTrail:
    """Be a :class:`MemoryTrail` for the event loop, which it never holds up. ``blocking``: the trail it is made of."""

    def __init__(self, limit: int = 10_000) -> None:
        self.blocking = MemoryTrail(limit)

    async def append(self, events: Sequence[Event]) -> tuple[Event, ...]:
        """Keep the events, and return them with their numbers."""
        return self.blocking.append(events)

    async def recent(self, limit: int, before: int | None = None) -> list[Event]:
        """Return at most ``limit`` events, the newest first; with ``before`` those with a lower number than that."""
        return self.blocking.recent(limit, before)

    async def count(self) -> int:
        """Return how many events are kept."""
        return self.blocking.count()

    async def close(self) -> None:
        """Do nothing: there is nothing to give back."""
