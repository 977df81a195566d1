"""The contract finds what is wrong with a sink."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from secmw.audit import Event
from secmw.sinks import MemorySink, Sink
from secmw.testing import SinkContract

TESTS = [name for name in dir(SinkContract) if name.startswith("test_")]


def failures(make: type[MemorySink]) -> list[str]:
    """Run the whole contract on a sink, and return what failed."""

    class Contract(SinkContract):
        def make(self) -> Sink:
            self.sink = make()
            return self.sink

        def read(self) -> Sequence[Mapping[str, Any]]:
            return [
                {name: getattr(event, name) for name in event.__struct_fields__} for event in self.sink.events
            ]

    failed = []
    for name in TESTS:
        try:
            getattr(Contract(), name)()
        except AssertionError:
            failed.append(name)
    return failed


class Forgetful(MemorySink):
    def write(self, events: Sequence[Event]) -> None:
        super().write(events[:1])


class Backwards(MemorySink):
    def write(self, events: Sequence[Event]) -> None:
        self.events[:0] = events


class Tidy(MemorySink):
    """Takes line ends out, as if they were noise."""

    def write(self, events: Sequence[Event]) -> None:
        super().write(
            [Event(id=event.id, time=event.time, action=" ".join(event.action.split())) for event in events]
        )


class Loud(MemorySink):
    """Says something about nothing."""

    def write(self, events: Sequence[Event]) -> None:
        super().write(events or [Event(time=0.0, action="nothing")])


class Final(MemorySink):
    def close(self) -> None:
        self.events.clear()


def test_a_good_sink_passes() -> None:
    assert failures(MemorySink) == []
    assert len(TESTS) == 6


@pytest.mark.parametrize(
    ("sink", "failed"),
    [
        (Forgetful, "test_many_threads_may_write_at_once"),
        (Backwards, "test_events_arrive_in_their_order"),
        (Tidy, "test_an_event_comes_through_as_it_went_in"),
        (Loud, "test_nothing_written_is_nothing_passed_on"),
        (Final, "test_it_may_be_closed_twice_and_used_again"),
    ],
)
def test_a_bad_one_is_found(sink: type[MemorySink], failed: str) -> None:
    assert failed in failures(sink)


def test_who_inherits_it_says_how_a_sink_is_made_and_read() -> None:
    with pytest.raises(NotImplementedError):
        SinkContract().make()
    with pytest.raises(NotImplementedError):
        SinkContract().read()
