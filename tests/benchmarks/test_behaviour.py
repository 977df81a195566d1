"""The questions asked of each middleware tell right from wrong: each finds the fault it is about, and only that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from benchmarks import peers
from benchmarks.behaviour import QUESTIONS, Subject
from secmw.asgi import App
from secmw.cli.bench.stand_in import AsgiNoop

HSTS: Final = (b"strict-transport-security", b"max-age=1")
FRAME: Final = (b"x-frame-options", b"DENY")

COOKIE, ONCE, LIST, WEBSOCKET, PLAIN, NONCE = QUESTIONS


def on_start(change: Callable[[Any, Any], None]) -> Callable[[App], App]:
    """Make a middleware of a function that changes the first message of a response."""

    def wrap(app: App) -> App:
        async def middleware(scope: Any, receive: Any, send: Any) -> None:
            async def wrapped(message: Any) -> None:
                if message["type"] == "http.response.start":
                    change(scope, message)
                await send(message)

            await app(scope, receive, wrapped)

        return middleware

    return wrap


def lose_the_cookie(_: Any, message: Any) -> None:
    message["headers"] = [line for line in message["headers"] if line[0] != b"set-cookie"]


def append_without_a_look(_: Any, message: Any) -> None:
    message["headers"] = [*message["headers"], FRAME]


def extend_in_place(_: Any, message: Any) -> None:
    message["headers"].append((b"referrer-policy", b"no-referrer"))


def hsts_everywhere(_: Any, message: Any) -> None:
    message["headers"] = [*(line for line in message["headers"] if line[0] != HSTS[0]), HSTS]


def no_websockets(app: App) -> App:
    async def middleware(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise TypeError(scope["type"])
        await app(scope, receive, send)

    return middleware


def no_answer_to_websockets(app: App) -> App:
    async def middleware(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await app(scope, receive, send)

    return middleware


def one_nonce_for_all() -> Subject:
    current = 0

    def new(_: Any) -> str:
        nonlocal current
        current += 1
        return str(current)

    def put(_: Any, message: Any) -> None:
        policy = f"script-src 'nonce-{current}'".encode()
        message["headers"] = [*message["headers"], (b"content-security-policy", policy)]

    return Subject(name="one nonce", wrap=AsgiNoop, with_nonce=on_start(put), nonce=new)


def faults(subject: Subject) -> dict[str, str]:
    found = {question: find(subject) for question, find in QUESTIONS.items()}
    return {question: finding.detail for question, finding in found.items() if finding.good is False}


@pytest.mark.parametrize("wrap", [peers.whole, peers.headers_only])
def test_secmw_has_none_of_the_faults(wrap: Callable[[App], App]) -> None:
    subject = Subject(name="secmw", wrap=wrap, with_nonce=peers.whole, nonce=peers.secmw_nonce)
    assert {str(find(subject)) for find in QUESTIONS.values()} == {"yes"}


def test_what_does_nothing_has_no_fault_and_some_questions_do_not_arise() -> None:
    subject = Subject(name="noop", wrap=AsgiNoop)
    assert {question: str(find(subject)) for question, find in QUESTIONS.items()} == {
        COOKIE: "yes",
        ONCE: "—",
        LIST: "yes",
        WEBSOCKET: "yes",
        PLAIN: "—",
        NONCE: "—",
    }


@pytest.mark.parametrize(
    ("wrap", "expected"),
    [
        (on_start(lose_the_cookie), {COOKIE: ""}),
        (on_start(append_without_a_look), {ONCE: "`DENY, DENY`"}),
        (on_start(extend_in_place), {LIST: "2, 3, 4 headers on three responses"}),
        (on_start(hsts_everywhere), {PLAIN: ""}),
        (no_websockets, {WEBSOCKET: "`TypeError`"}),
        (no_answer_to_websockets, {WEBSOCKET: ""}),
    ],
)
def test_each_fault_is_found_and_no_other(wrap: Callable[[App], App], expected: dict[str, str]) -> None:
    assert faults(Subject(name="faulty", wrap=wrap)) == expected


def test_a_nonce_that_all_requests_share_is_found() -> None:
    assert faults(one_nonce_for_all()) == {NONCE: "1 of 2 pages has a nonce of another"}


def test_the_table_has_a_column_for_each_and_a_row_for_each_question() -> None:
    table = peers.behaviour(peers.SUBJECTS[:1]).splitlines()
    assert table[0].startswith("Run 20")
    assert table[2].startswith("| | secmw ")
    assert table[4:] == [f"| {question} | yes |" for question in QUESTIONS]
