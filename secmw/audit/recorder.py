"""Recorder and AsyncRecorder: events go to the trail, and from there to every sink.

The two are twins: take ``async`` and ``await`` away and they are the same text. What is counted, and what is bounded, is
decided in :mod:`secmw.audit.losses` and :mod:`secmw.audit.budget`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from secmw.audit.budget import Budget
from secmw.audit.event import Event
from secmw.audit.losses import Losses
from secmw.audit.outlets import AsyncOutlets, Outlets
from secmw.audit.trail import AsyncTrail, Trail
from secmw.clock import Clock, system
from secmw.config.settings import Audit
from secmw.errors import SinkError
from secmw.sinks.base import Sink


class Recorder:
    """Record events, in the thread of the request; its trail and its sinks are closed with it."""

    def __init__(
        self, trail: Trail, sinks: Sequence[Sink] = (), *, settings: Audit, clock: Clock = system
    ) -> None:
        self.trail = trail
        self._outlets = Outlets(sinks, clock)
        self._budget = Budget(settings.refusals_per_minute)
        self._losses = Losses(clock)
        self._refuse = settings.on_failure == "refuse"
        self._clock = clock

    @property
    def lost(self) -> int:
        """How many events the trail did not take."""
        return self._losses.count

    @property
    def missed(self) -> int:
        """How many events sinks did not take, all sinks together."""
        return self._outlets.missed

    def record(self, events: Sequence[Event]) -> None:
        """Commit events to the trail, then pass them to every sink, with the trail's numbers.

        Where the trail does not take them they are counted, an alarm is raised, and the sinks get them with the number 0;
        the next events it takes are preceded by an ``audit_gap``. Under ``on_failure = "refuse"`` no sink gets them, and
        SinkError is raised.
        """
        now = self._clock.now()
        events = (*self._budget.due(now), *events)
        if not events:
            return
        gap = self._losses.claim(now)
        try:
            events = self.trail.append((*gap, *events))
        except Exception as error:
            self._losses.add(len(events), gap, error)
            if self._refuse:
                raise SinkError("the audit trail did not take the events") from error
        self._outlets.write(events)

    def note(self, event: Event) -> None:
        """Record what became of a request without a session, within the allowance of its kind and its network.

        The others are counted, and recorded as one ``suppressed`` event once their minute is over. Never raises SinkError:
        a refusal stays what it is.
        """
        due = self._budget.take(event)
        if due:
            with suppress(SinkError):
                self.record(due)

    def flush(self) -> None:
        """Record the counts of minutes that are over; SinkError is not raised."""
        with suppress(SinkError):
            self.record(())

    def close(self) -> None:
        """Record all counts, and close the sinks and the trail."""
        with suppress(SinkError):
            self.record(self._budget.rest(self._clock.now()))
        self._outlets.close()
        self.trail.close()


class AsyncRecorder:
    """Record events without holding up the event loop; its trail and its sinks are closed with it."""

    def __init__(
        self, trail: AsyncTrail, sinks: Sequence[Sink] = (), *, settings: Audit, clock: Clock = system
    ) -> None:
        self.trail = trail
        self._outlets = AsyncOutlets(sinks, clock)
        self._budget = Budget(settings.refusals_per_minute)
        self._losses = Losses(clock)
        self._refuse = settings.on_failure == "refuse"
        self._clock = clock

    @property
    def lost(self) -> int:
        """How many events the trail did not take."""
        return self._losses.count

    @property
    def missed(self) -> int:
        """How many events sinks did not take, all sinks together."""
        return self._outlets.missed

    async def record(self, events: Sequence[Event]) -> None:
        """Commit events to the trail, then pass them to every sink, with the trail's numbers.

        Where the trail does not take them they are counted, an alarm is raised, and the sinks get them with the number 0;
        the next events it takes are preceded by an ``audit_gap``. Under ``on_failure = "refuse"`` no sink gets them, and
        SinkError is raised.
        """
        now = self._clock.now()
        events = (*self._budget.due(now), *events)
        if not events:
            return
        gap = self._losses.claim(now)
        try:
            events = await self.trail.append((*gap, *events))
        except Exception as error:
            self._losses.add(len(events), gap, error)
            if self._refuse:
                raise SinkError("the audit trail did not take the events") from error
        await self._outlets.write(events)

    async def note(self, event: Event) -> None:
        """Record what became of a request without a session, within the allowance of its kind and its network.

        The others are counted, and recorded as one ``suppressed`` event once their minute is over. Never raises SinkError:
        a refusal stays what it is.
        """
        due = self._budget.take(event)
        if due:
            with suppress(SinkError):
                await self.record(due)

    async def flush(self) -> None:
        """Record the counts of minutes that are over; SinkError is not raised."""
        with suppress(SinkError):
            await self.record(())

    async def close(self) -> None:
        """Record all counts, and close the sinks and the trail."""
        with suppress(SinkError):
            await self.record(self._budget.rest(self._clock.now()))
        await self._outlets.close()
        await self.trail.close()
