"""MemorySink: events in a list, for tests."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from secmw.audit.event import Event


class MemorySink:
    """Keep all events in ``events``, for as long as the sink lives.

    >>> sink = MemorySink()
    >>> sink.write([Event(time=0.0, action="web_sudo")])
    >>> sink.actions
    ['web_sudo']
    """

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._lock = threading.Lock()

    @property
    def actions(self) -> list[str]:
        """What happened, in order."""
        return [event.action for event in self.events]

    def write(self, events: Sequence[Event]) -> None:
        """Keep the events."""
        with self._lock:
            self.events.extend(events)

    def close(self) -> None:
        """Do nothing: there is nothing to give back."""
