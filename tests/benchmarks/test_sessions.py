"""The session rows measure what they say they do. How long anything takes is not asked here."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import pytest

from benchmarks import requests, sessions
from benchmarks.probe import WrongAnswerError
from benchmarks.sessions import PAYLOAD, Variants
from secmw.sessions.record import Over
from secmw.sessions.writes import End

INTERFACES: Final = pytest.mark.parametrize("asgi", [True, False], ids=["asgi", "wsgi"])


@pytest.fixture(autouse=True)
def logger() -> Iterator[logging.Logger]:
    """Leave the logger's handlers as they were."""
    found = logging.getLogger("secmw")
    before = found.handlers[:]
    yield found
    found.handlers[:] = before


@INTERFACES
def test_the_session_holds_seven_fields_in_106_bytes(asgi: bool) -> None:
    variants = Variants.on(asgi=asgi)
    (record,) = variants.store.of_user("42")
    assert (len(PAYLOAD), len(record.data)) == (7, 106)


@INTERFACES
def test_only_the_person_is_taken_for_the_person(asgi: bool) -> None:
    variants = Variants.on(asgi=asgi)
    assert variants.ask(variants.reader, variants.person.get()).status == 200
    assert variants.ask(variants.reader, variants.person.stranger()).status == 403
    assert variants.ask(variants.whole, variants.person.stranger()).status == 200


@INTERFACES
def test_each_new_token_is_another_and_the_other_one_stays(asgi: bool) -> None:
    person = Variants.on(asgi=asgi).person

    def token(request: Any) -> Any:
        headers = dict(request["headers"]) if asgi else request
        return headers[b"x-xsrf-token" if asgi else "HTTP_X_XSRF_TOKEN"]

    assert len({token(person.post_anew()) for _ in range(3)}) == 3
    assert len({token(person.post()) for _ in range(3)}) == 1


@INTERFACES
@pytest.mark.parametrize(
    ("part", "stand_in"),
    [
        ("whole", "noop"),
        ("whole", "bare"),
        ("noop", "whole"),
        ("reader", "whole"),
        ("whole", "reader"),
        ("static", "whole"),
        ("static", "noop"),
        ("fused", "noop"),
    ],
)
def test_a_variant_that_does_not_do_its_job_is_not_timed(
    asgi: bool, part: str, stand_in: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def timed(*_: Any, **__: Any) -> None:
        raise AssertionError("timed")

    monkeypatch.setattr(sessions, "compare", timed)
    sound = Variants.on(asgi=asgi)
    with pytest.raises(WrongAnswerError):
        sessions.measure(replace(sound, **{part: getattr(sound, stand_in)}), rounds=1, count=1)
    with pytest.raises(AssertionError, match="timed"):
        sessions.measure(sound, rounds=1, count=1)


@INTERFACES
def test_a_store_without_the_person_is_noticed(asgi: bool) -> None:
    variants = Variants.on(asgi=asgi)
    selector = variants.person.id.selector
    variants.store.write(End(selector=selector, at=0.0, reason=Over.REVOKED))
    with pytest.raises(WrongAnswerError):
        variants.prove()


def test_a_page_that_caches_may_keep_is_noticed() -> None:
    async def careless(scope: Any, receive: Any, send: Any) -> None:
        async def wrapped(message: Any) -> None:
            if "headers" in message:
                lines = [line for line in message["headers"] if line[0].lower() != b"cache-control"]
                message = {**message, "headers": lines}
            await send(message)

        await sound.reader(scope, receive, wrapped)

    sound = Variants.on(asgi=True)
    with pytest.raises(WrongAnswerError, match="a cache could keep it"):
        replace(sound, reader=careless).prove()


@INTERFACES
def test_every_row_is_measured(asgi: bool) -> None:
    rows = sessions.measure(Variants.on(asgi=asgi), rounds=2, count=5)
    assert list(rows) == list(sessions.BUDGET)
    budgets = [budget.asgi if asgi else budget.wsgi for budget in sessions.BUDGET.values()]
    assert [row.budget for row in rows.values()] == budgets


def test_a_signed_in_persons_post_has_seventeen_fields() -> None:
    assert len(requests.post_headers("__Host-id=x", "y")) == 17
