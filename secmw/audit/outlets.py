"""Outlets and AsyncOutlets: all the sinks as one, which never fails. The async one leaves the writing to a thread."""

from __future__ import annotations

from collections.abc import Sequence

from secmw.audit.event import Event
from secmw.audit.losses import Alarm
from secmw.audit.worker import Worker
from secmw.clock import Clock
from secmw.sinks.base import Sink


class Outlets:
    """Write to every sink, from the thread that asks; a sink that fails is reported and keeps none from its events."""

    def __init__(self, sinks: Sequence[Sink], clock: Clock) -> None:
        self._sinks = [(sink, Alarm(f"the sink {type(sink).__name__} failed", clock)) for sink in sinks]

    @property
    def missed(self) -> int:
        """How many events sinks did not take, all sinks together."""
        return sum(alarm.count for _, alarm in self._sinks)

    def write(self, events: Sequence[Event]) -> None:
        """Pass the events to every sink."""
        for sink, alarm in self._sinks:
            try:
                sink.write(events)
            except Exception as error:  # noqa: BLE001 - whatever a sink raises, the request goes on
                alarm.sound(len(events), error)

    def close(self) -> None:
        """Close every sink."""
        for sink, alarm in self._sinks:
            try:
                sink.close()
            except Exception as error:  # noqa: BLE001 - the others are to be closed too
                alarm.sound(0, error)


class AsyncOutlets:
    """Be :class:`Outlets` for the event loop: one thread does the writing, in order."""

    def __init__(self, sinks: Sequence[Sink], clock: Clock) -> None:
        self._outlets = Outlets(sinks, clock) if sinks else None
        self._worker = Worker("secmw-sinks")

    @property
    def missed(self) -> int:
        """How many events sinks did not take, all sinks together."""
        return self._outlets.missed if self._outlets else 0

    async def write(self, events: Sequence[Event]) -> None:
        """Pass the events to every sink."""
        if self._outlets:
            await self._worker.run(self._outlets.write, events)

    async def close(self) -> None:
        """Close every sink, and end the thread."""
        if self._outlets:
            await self._worker.run(self._outlets.close)
        self._worker.close()
