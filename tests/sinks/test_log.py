"""LoggingSink: one record for each event, one line for each record."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.audit import Event
from secmw.sinks import LoggingSink, Sink
from secmw.testing import SinkContract


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture(autouse=True)
def handler(request: pytest.FixtureRequest) -> Iterator[Kept]:
    kept = Kept()
    logger = logging.getLogger("secmw.audit")
    logger.addHandler(kept)
    logger.setLevel(logging.INFO)
    if request.instance is not None:
        request.instance.kept = kept
    yield kept
    logger.removeHandler(kept)
    logger.setLevel(logging.NOTSET)


class TestLoggingSink(SinkContract):
    kept: Kept

    def make(self) -> Sink:
        return LoggingSink()

    def read(self) -> Sequence[Mapping[str, Any]]:
        return [json.loads(record.getMessage()) for record in self.kept.records]


def test_the_record_carries_the_event_itself(handler: Kept) -> None:
    event = Event(id=7, time=0.0, action="user_login", user_id="42")
    LoggingSink().write([event])
    (record,) = handler.records
    assert (record.name, record.levelname) == ("secmw.audit", "INFO")
    assert vars(record)["audit"] == event


def test_every_field_is_in_the_message(handler: Kept) -> None:
    LoggingSink().write(
        [Event(time=0.0, action="x", client="203.0.113.9", reason="idle", extra={"cart": [1]})]
    )
    (found,) = [json.loads(record.getMessage()) for record in handler.records]
    assert found["client"] == "203.0.113.9"
    assert found["reason"] == "idle"
    assert found["extra"] == {"cart": [1]}


def test_a_logger_that_is_off_costs_nothing(handler: Kept) -> None:
    logging.getLogger("secmw.audit").setLevel(logging.ERROR)
    LoggingSink().write([Event(time=0.0, action="x")])
    assert handler.records == []


def test_logger_and_level_can_be_chosen(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "mine"):
        LoggingSink("mine", logging.WARNING).write([Event(time=0.0, action="x")])
    assert [(record.name, record.levelname) for record in caplog.records] == [("mine", "WARNING")]


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_a_formatter_that_knows_nothing_of_events_writes_one_line_each(texts: list[str]) -> None:
    """AU-04: the message has no line end and nothing that a terminal obeys."""
    stream = io.StringIO()
    plain = logging.StreamHandler(stream)
    plain.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logger = logging.getLogger("secmw.audit")
    logger.addHandler(plain)
    try:
        LoggingSink().write([Event(time=0.0, action="x", user_description=text) for text in texts])
    finally:
        logger.removeHandler(plain)
    # splitlines() knows every line end there is.
    lines = stream.getvalue().splitlines()
    assert [json.loads(line.removeprefix("INFO "))["user_description"] for line in lines] == texts
    assert not any(ord(letter) < 32 for line in lines for letter in line)
