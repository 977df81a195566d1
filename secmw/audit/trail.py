"""The trail protocol, in both colours: where audit events are numbered and kept.

A trail only ever adds. It changes no event but for its number, and it can't be switched off; what repeats its events
elsewhere is a sink (:mod:`secmw.sinks`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from secmw.audit.event import Event


@runtime_checkable
class Trail(Protocol):
    """Number events and keep them, from the thread that asks; every method may raise SinkError, and nothing else.

    All methods may be called from any thread.
    """

    def append(self, events: Sequence[Event]) -> tuple[Event, ...]:
        """Keep all the events or none, and return them with their numbers.

        When it returns they are committed: they outlive the process. Numbers go up by one or more, across all processes
        that use the same trail, and are never used again.
        """
        ...

    def recent(self, limit: int, before: int | None = None) -> list[Event]:
        """Return at most ``limit`` events, the newest first; with ``before`` those with a lower number than that."""
        ...

    def count(self) -> int:
        """Return how many events are kept."""
        ...

    def close(self) -> None:
        """Give back connections and files; a trail that is used afterwards opens them again."""
        ...


@runtime_checkable
class AsyncTrail(Protocol):
    """Number events and keep them without holding up the event loop; otherwise exactly a :class:`Trail`."""

    async def append(self, events: Sequence[Event]) -> tuple[Event, ...]:
        """Be :meth:`Trail.append`; once begun it is carried out, whether or not the caller is cancelled."""
        ...

    async def recent(self, limit: int, before: int | None = None) -> list[Event]:
        """Be :meth:`Trail.recent`."""
        ...

    async def count(self) -> int:
        """Be :meth:`Trail.count`."""
        ...

    async def close(self) -> None:
        """Be :meth:`Trail.close`."""
        ...
