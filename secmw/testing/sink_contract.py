"""SinkContract: what every sink owes, as a suite for pytest.

    class TestMySink(SinkContract):
        def make(self) -> Sink: ...
        def read(self) -> list[Mapping[str, object]]: ...

Our own sinks pass it, and yours should.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from secmw.audit.event import Event
from secmw.sinks.base import Sink

#: What has broken logs: line ends of every kind, NUL, escapes, quotes, formulas, text that turns the others round.
TEXTS: Final = (
    "a\nb",
    "a\r\nb",
    "a\rb",
    "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029",
    "\0",
    "\x1b[2J\x1b[31mred\x9b0m",
    '"quoted", \'twice\', back\\slash, {"json": true}',
    "=1+1",
    "\t@SUM(A1)",
    "\u202eesrever\u202c",
    "\ufeffJos\u00e9 \u4f1a\u8bae \U0001f600",
    " ",
    "",
)

#: The fields that every sink passes on.
FIELDS: Final = ("user_id", "user_description", "action", "event_description")


class SinkContract:
    """Inherit this in a test module, and say how a sink is made and how what it passed on is read back."""

    def make(self) -> Sink:
        """Return a new sink; called once in each test, before :meth:`read`."""
        raise NotImplementedError

    def read(self) -> Sequence[Mapping[str, Any]]:
        """Return what the sink passed on, in order: ``id`` (as number or text) and the text fields of each event."""
        raise NotImplementedError

    def test_it_has_what_a_sink_has(self) -> None:
        """It satisfies the protocol."""
        _same(isinstance(self.make(), Sink), True, "isinstance(sink, Sink)")

    def test_events_arrive_in_their_order(self) -> None:
        """What is written first is passed on first."""
        sink = self.make()
        sink.write([_event(1), _event(2)])
        sink.write([_event(3)])
        _same(self._ids(), [1, 2, 3], "the ids")

    def test_nothing_written_is_nothing_passed_on(self) -> None:
        """An empty batch leaves no trace."""
        sink = self.make()
        sink.write([])
        sink.write([_event(1)])
        sink.write([])
        _same(self._ids(), [1], "the ids")

    def test_an_event_comes_through_as_it_went_in(self) -> None:
        """Whatever its text holds, an event stays one event."""
        sink = self.make()
        events = [
            _event(number, user_id=text, user_description=text, action=text, event_description=text)
            for number, text in enumerate(TEXTS, 1)
        ]
        sink.write(events)
        found = self.read()
        _same(len(found), len(events), "the number of events")
        for event, passed in zip(events, found, strict=True):
            for name in FIELDS:
                _same(passed[name], getattr(event, name), f"{name} of event {event.id}")

    def test_many_threads_may_write_at_once(self) -> None:
        """All of it arrives, and what was written together keeps its order."""
        sink = self.make()
        batches = [[_event(10 * batch + number) for number in range(1, 5)] for batch in range(64)]

        def write(mine: Sequence[Sequence[Event]]) -> None:
            for batch in mine:
                sink.write(batch)

        threads = [threading.Thread(target=write, args=(batches[start::8],)) for start in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ids = self._ids()
        expected = [[event.id for event in batch] for batch in batches]
        _same(sorted(ids), sorted(itertools.chain(*expected)), "all the ids")
        for batch in expected:
            _same([number for number in ids if number in batch], batch, "the ids of a batch")

    def test_it_may_be_closed_twice_and_used_again(self) -> None:
        """Closing gives back what is held, and nothing else ends."""
        sink = self.make()
        sink.write([_event(1)])
        sink.close()
        sink.close()
        sink.write([_event(2)])
        sink.close()
        _same(self._ids(), [1, 2], "the ids")

    def _ids(self) -> list[int]:
        return [int(passed["id"]) for passed in self.read()]


def _event(number: int, action: str = "user_login", **fields: str) -> Event:
    event = Event(id=number, time=1_750_000_000.0 + number, action=action)
    return msgspec.structs.replace(event, **fields)


def _same(found: object, expected: object, what: str) -> None:
    if found != expected:
        raise AssertionError(f"{what}: found {found!r}, expected {expected!r}")
