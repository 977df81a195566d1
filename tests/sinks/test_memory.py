"""MemorySink keeps what it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from secmw.sinks import MemorySink, Sink
from secmw.testing import SinkContract


class TestMemorySink(SinkContract):
    def make(self) -> Sink:
        self.sink = MemorySink()
        return self.sink

    def read(self) -> Sequence[Mapping[str, Any]]:
        return [
            {name: getattr(event, name) for name in event.__struct_fields__} for event in self.sink.events
        ]
