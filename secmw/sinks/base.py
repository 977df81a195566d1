"""The sink protocol: where events go besides the trail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from secmw.audit.event import Event


@runtime_checkable
class Sink(Protocol):
    """Take events that the trail has numbered and kept; from any thread, several at a time.

    What a sink raises fails no request: it is reported, and counted. There is one colour: for the event loop a thread does
    the writing. ``secmw.testing.SinkContract`` is this page as a test suite.
    """

    def write(self, events: Sequence[Event]) -> None:
        """Pass the events on, in their order and whole, or raise."""
        ...

    def close(self) -> None:
        """Give back what it holds; a sink that is written to afterwards opens it again."""
        ...
