"""What an ASGI scope says, and a body that is looked into before the application reads it."""

from __future__ import annotations

from typing import Any

import pytest

from secmw.wires.asgi import Incoming, field_of, repeated_in, scheme_of, target_of

# --- the body


@pytest.mark.anyio
@pytest.mark.parametrize(("size", "complete"), [(9, True), (10, True), (11, False)])
async def test_no_more_is_read_than_the_limit_needs(size: int, complete: bool) -> None:
    asked = 0

    async def receive() -> Any:
        nonlocal asked
        asked += 1
        return {"type": "http.request", "body": b"x", "more_body": asked < size}

    incoming = Incoming({"headers": []}, receive)
    assert await incoming.peek(10) == (b"x" * min(size, 10), complete)
    assert asked <= 11


@pytest.mark.anyio
async def test_many_small_messages_are_replayed_in_linear_time() -> None:
    async def receive() -> Any:
        return {"type": "http.request", "body": b"x", "more_body": True}

    incoming = Incoming({"headers": []}, receive)
    await incoming.peek(65_536)
    assert b"".join([(await incoming.receive())["body"] for _ in range(65_537)]) == b"x" * 65_537


# --- the head


def test_the_first_header_of_a_name_counts_and_none_is_empty() -> None:
    scope = {"headers": [(b"accept", b"a"), (b"accept", b"b")]}
    assert (field_of(scope, b"accept"), field_of(scope, b"referer")) == ("a", "")


def test_the_path_is_the_one_that_was_sent_where_the_server_tells() -> None:
    assert target_of({"path": "/a b", "raw_path": b"/a%20b", "query_string": b"q=1"}) == (b"/a%20b", b"q=1")
    assert target_of({"path": "/a b"}) == ("/a b", b"")


def test_what_came_more_than_once_is_told_in_order() -> None:
    headers = [(b"a", b"1"), (b"b", b"2"), (b"a", b"3"), (b"c", b"4"), (b"c", b"5")]
    assert repeated_in(headers, frozenset({b"a", b"b"})) == {b"a": [b"1", b"3"]}


@pytest.mark.parametrize(
    ("scope", "origin", "scheme"),
    [
        ({"scheme": "wss"}, b"http://a.example", "https"),
        ({"scheme": "ws"}, b"https://a.example", "http"),
        ({}, b"https://a.example", "https"),
        ({}, b"http://a.example", "http"),
        ({}, b"", "http"),
    ],
)
def test_a_socket_without_a_scheme_has_that_of_the_page(
    scope: dict[str, Any], origin: bytes, scheme: str
) -> None:
    assert scheme_of(scope, {b"origin": origin}) == scheme
