"""Losses and Alarm: what could not be written, counted exactly, and said once a minute. They wait for nothing.

A log that can't be written is the one thing that can't be logged, so it is said on stderr too. Nothing here holds more of an
event than that there was one.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from typing import Final

from secmw.audit.action import Action
from secmw.audit.event import Event
from secmw.clock import Clock

_log = logging.getLogger("secmw")

#: Seconds between two alarms of one kind.
QUIET: Final = 60.0


class Alarm:
    """Say that something could not be written, at most once a minute; ``count`` is exact. From any thread."""

    def __init__(self, what: str, clock: Clock) -> None:
        self._what = what
        self._clock = clock
        self._lock = threading.Lock()
        self._said: float | None = None
        self.count = 0

    def sound(self, count: int, error: Exception) -> None:
        """Count so many events, and say so if that was not said within the last minute."""
        now = self._clock.now()
        with self._lock:
            self.count += count
            if self._said is not None and 0 <= now - self._said < QUIET:
                return
            self._said = now
            total = self.count
        text = f"{self._what}: {total} audit events not written since the start; {error!r}"
        _log.critical("%s", text)
        # Where logging goes to the same full disk, this may still be seen. Where nothing works, the count remains.
        with contextlib.suppress(Exception):
            sys.stderr.write(f"secmw: {ascii(text)[1:-1]}\n")


class Losses:
    """Count the events that the trail did not take, and have the trail say so once it takes events again."""

    def __init__(self, clock: Clock) -> None:
        self._alarm = Alarm("the audit trail can't be written", clock)
        self._lock = threading.Lock()
        self._untold = 0

    @property
    def count(self) -> int:
        """How many events were lost, in all."""
        return self._alarm.count

    def claim(self, now: float) -> tuple[Event, ...]:
        """Return the event that says what was lost before, to be recorded first; nothing if nothing was."""
        with self._lock:
            count, self._untold = self._untold, 0
        if not count:
            return ()
        return (
            Event(
                time=now,
                action=Action.AUDIT_GAP,
                event_description=f"{count} events before this one could not be recorded",
                outcome="failure",
                extra={"count": count},
            ),
        )

    def add(self, count: int, claimed: tuple[Event, ...], error: Exception) -> None:
        """Count what was lost; what was claimed with it is still to be told."""
        with self._lock:
            self._untold += count + sum(event.extra["count"] for event in claimed)
        self._alarm.sound(count, error)
