"""LoggingSink: events as records of Python's logging, for whatever handlers the application has."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from secmw.audit.event import Event
from secmw.audit.lines import json_line


class LoggingSink:
    """Log each event to the logger ``secmw.audit``; the event itself is the record's attribute ``audit``.

    The message is one line of JSON with every field, so that a formatter which knows nothing of events can do no harm.
    logging reports what a handler raises by itself, on stderr: this sink never fails.
    """

    def __init__(self, logger: str = "secmw.audit", level: int = logging.INFO) -> None:
        self._log = logging.getLogger(logger)
        self._level = level

    def write(self, events: Sequence[Event]) -> None:
        """Log the events."""
        if self._log.isEnabledFor(self._level):
            for event in events:
                line = json_line(event, extended=True).decode().removesuffix("\n")
                self._log.log(self._level, "%s", line, extra={"audit": event})

    def close(self) -> None:
        """Do nothing: handlers are the application's."""
