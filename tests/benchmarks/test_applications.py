"""What applications do is done, and proved before it is timed. How long anything takes is not asked here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest

from benchmarks import applications, requests
from benchmarks.applications import DEEDS, FAST, Variant, streaming
from benchmarks.probe import WrongAnswerError, ask
from secmw.sessions.record import Record

INTERFACES: Final = pytest.mark.parametrize("asgi", [True, False], ids=["asgi", "wsgi"])


@INTERFACES
def test_every_deed_is_measured_and_only_those_with_a_budget_have_one(asgi: bool) -> None:
    rows = applications.measure(asgi=asgi, rounds=2, count=3)
    assert list(rows) == list(DEEDS)
    assert [row.budget for row in rows.values()] == [None, 1.6, 1.6, 1.6, 1.6, None]
    assert (rows[FAST].ratio.median, rows[FAST].ratio.least) in [(1, 1), (None, 1), (1, None), (None, None)]


@INTERFACES
@pytest.mark.parametrize(
    "name", [name for name in DEEDS if name not in (FAST, "reads a list from the session")]
)
def test_a_deed_that_is_not_done_is_not_timed(asgi: bool, name: str) -> None:
    lazy = Variant.of(DEEDS[FAST], asgi=asgi)
    with (
        pytest.raises(WrongAnswerError, match=name)
        if name != "and sets Cache-Control"
        else pytest.raises(WrongAnswerError)
    ):
        broken = lazy if name != "and sets Cache-Control" else replace(lazy, app=lazy.bare)
        broken.prove(name, DEEDS[name], asgi=asgi)


@INTERFACES
def test_a_session_that_holds_something_else_is_noticed(asgi: bool) -> None:
    empty = replace(DEEDS[FAST], use=lambda exchange: "nobody" in exchange.session)
    with pytest.raises(WrongAnswerError, match="403"):
        Variant.of(empty, asgi=asgi).prove("empty", empty, asgi=asgi)


@INTERFACES
def test_a_write_changes_the_store_on_every_request(asgi: bool) -> None:
    made = Variant.of(DEEDS["writes one name"], asgi=asgi)
    found = set()
    for _ in range(3):
        ask(made.app, made.person.get(), asgi=asgi)
        record = made.store.load(made.person.id.selector)
        assert isinstance(record, Record)
        found.add(record.data)
    assert len(found) == 3


@INTERFACES
def test_the_bare_application_sends_the_same_response_of_its_own(asgi: bool) -> None:
    for name, deed in DEEDS.items():
        made = Variant.of(deed, asgi=asgi)
        found = ask(made.bare, made.person.get(), asgi=asgi)
        assert len(found.headers) == len(requests.RESPONSE_HEADERS) + len(deed.headers), name


def test_a_stream_has_as_many_messages_as_it_says_and_the_last_one_ends_it() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    running = streaming(4)({}, requests.receive, send)
    with pytest.raises(StopIteration):
        running.send(None)
    assert [message.get("more_body") for message in sent] == [None, True, True, True, False]


def test_messages_are_measured_to_a_stranger_and_to_somebody_signed_in() -> None:
    rows = applications.measure_messages(rounds=2, count=10)
    assert list(rows) == ["a message of a body, to a stranger", "a message of a body, to somebody signed in"]


def test_a_stream_that_loses_a_message_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    def losing(messages: int) -> Any:
        return streaming(min(messages, 99))

    monkeypatch.setattr(applications, "streaming", losing)
    with pytest.raises(WrongAnswerError, match="198 bytes"):
        applications.measure_messages(rounds=1, count=10)
