"""The test client's WebSockets: the handshake and a short conversation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from secmw.testing import Client, ProtocolError

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

ACCEPT: Message = {"type": "websocket.accept"}
CLOSE: Message = {"type": "websocket.close"}
DENIAL: Message = {"type": "websocket.http.response.start", "status": 401, "headers": [(b"x-a", b"1")]}
DENIAL_BODY: Message = {"type": "websocket.http.response.body", "body": b"no"}


def sending(*messages: Message, error: Exception | None = None) -> Client:
    """Make a client of an application that greets, then sends these."""

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        assert await receive() == {"type": "websocket.connect"}
        for message in messages:
            await send(message)
        if error is not None:
            raise error

    return Client(app)


async def echo(scope: Message, receive: Receive, send: Send) -> None:
    """Send every message back; put what the disconnect said into the scope's list."""
    await receive()
    await send(ACCEPT)
    while (message := await receive())["type"] == "websocket.receive":
        await send({**message, "type": "websocket.send"})
    assert message == {"type": "websocket.disconnect", "code": 1000, "reason": ""}


def scope_of(client: Client | None = None, **settings: Any) -> Message:
    """Return the scope that an application is given."""
    seen: Message = {}

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        seen.update(scope)
        await echo(scope, receive, send)

    client = client or Client(app)
    client.app = app
    client.websocket("/a%20b?x=1", **settings)
    return seen


def test_the_scope_is_that_of_a_handshake() -> None:
    scope = scope_of(subprotocols=["chat", "other"])
    assert scope == {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.5"},
        "http_version": "1.1",
        "scheme": "wss",
        "path": "/a b",
        "raw_path": b"/a%20b",
        "query_string": b"x=1",
        "root_path": "",
        "headers": [
            (b"host", b"testserver"),
            (b"connection", b"Upgrade"),
            (b"upgrade", b"websocket"),
            (b"sec-websocket-version", b"13"),
            (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),
            (b"sec-websocket-protocol", b"chat, other"),
            (b"origin", b"https://testserver"),
        ],
        "client": ("127.0.0.1", 50_000),
        "server": ("testserver", 443),
        "subprotocols": ["chat", "other"],
        "extensions": {"websocket.http.response": {}},
    }


def test_over_plain_http_the_scheme_is_ws() -> None:
    scope = scope_of(Client(echo, base_url="http://testserver:80"))
    assert scope["scheme"] == "ws"
    assert (b"origin", b"http://testserver") in scope["headers"]
    assert (b"host", b"testserver:80") in scope["headers"]


def test_another_origin_may_be_sent_or_none_at_all() -> None:
    assert (b"origin", b"https://evil.example") in scope_of(origin="https://evil.example")["headers"]
    assert b"origin" not in dict(scope_of(origin=None)["headers"])


def test_cookies_go_out_and_come_back() -> None:
    client = sending({**ACCEPT, "headers": [(b"set-cookie", b"a=1; Secure")]})
    client.websocket("/")
    assert (b"cookie", b"a=1") in scope_of(client)["headers"]


def test_an_accepted_handshake_is_a_101() -> None:
    result = sending({**ACCEPT, "subprotocol": "chat", "headers": [(b"x-a", b"1")]}).websocket(
        "/", subprotocols=["chat"]
    )
    assert result.accepted
    assert result.status == 101
    assert result.header("X-A") == "1"
    assert result.subprotocol == "chat"
    assert (result.messages, result.close_code, result.error) == ((), 1000, None)


def test_a_bare_refusal_is_a_403() -> None:
    result = sending(CLOSE).websocket("/", denial=False)
    assert not result.accepted
    assert (result.status, result.headers, result.body, result.close_code) == (403, [], b"", None)


def test_a_refusal_may_be_a_whole_response() -> None:
    result = sending(DENIAL, {**DENIAL_BODY, "more_body": True}, DENIAL_BODY).websocket("/")
    assert not result.accepted
    assert (result.status, result.header("x-a"), result.body, result.close_code) == (401, "1", b"nono", None)


def test_messages_go_both_ways() -> None:
    result = Client(echo).websocket("/", send=["text", b"bytes", ""])
    assert result.messages == ("text", b"bytes", "")
    assert result.close_code == 1000


def test_the_client_waits_for_as_many_replies_as_it_is_told() -> None:
    async def app(scope: Message, receive: Receive, send: Send) -> None:
        async def listen() -> Message:
            assert (await receive())["text"] == "go"
            return await receive()

        await receive()
        listening = asyncio.create_task(listen())
        await asyncio.sleep(0)
        assert not listening.done(), "nothing arrives before the handshake is answered"
        await send(ACCEPT)
        for number in range(3):
            await asyncio.sleep(0)
            assert not listening.done()
            await send({"type": "websocket.send", "text": str(number), "bytes": None})
        assert (await listening)["type"] == "websocket.disconnect"
        with pytest.raises(OSError, match="closed"):
            await send({"type": "websocket.send", "text": "too late"})

    result = Client(app).websocket("/", send=["go"], replies=3)
    assert result.messages == ("0", "1", "2")


def test_an_application_that_closes_says_why() -> None:
    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        await send({**CLOSE, "code": 4500, "reason": "over"})
        assert await receive() == {"type": "websocket.disconnect", "code": 4500, "reason": "over"}

    result = Client(app).websocket("/", send=["never read"], replies=9)
    assert (result.accepted, result.close_code, result.close_reason) == (True, 4500, "over")
    assert sending(ACCEPT, CLOSE).websocket("/").close_code == 1000


def test_after_a_refusal_the_application_hears_of_a_disconnect() -> None:
    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        await send(CLOSE)
        assert (await receive())["code"] == 1006

    assert Client(app).websocket("/").error is None


def test_an_error_before_the_handshake_is_answered_is_raised() -> None:
    with pytest.raises(KeyError):
        sending(error=KeyError("x")).websocket("/")


def test_an_error_after_that_is_kept_with_the_result() -> None:
    result = sending(ACCEPT, error=KeyError("x")).websocket("/")
    assert isinstance(result.error, KeyError)
    assert result.close_code == 1006
    result = sending(DENIAL, error=KeyError("x")).websocket("/")
    assert isinstance(result.error, KeyError)
    assert (result.status, result.close_code) == (401, None)


SEND: Message = {"type": "websocket.send"}


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        ([], "without answering"),
        ([DENIAL], "before its response was complete"),
        ([ACCEPT, ACCEPT], "while the WebSocket is open"),
        ([ACCEPT, DENIAL], "while the WebSocket is open"),
        ([CLOSE, CLOSE], "while the WebSocket is over"),
        ([ACCEPT, CLOSE, {**SEND, "text": "a"}], "while the WebSocket is over"),
        ([DENIAL, DENIAL_BODY, DENIAL_BODY], "while the WebSocket is over"),
        ([DENIAL, ACCEPT], "while the WebSocket is denying"),
        ([{**SEND, "text": "a"}], "while the WebSocket is connecting"),
        ([{"type": "http.response.start"}], "while the WebSocket is connecting"),
        ([{}], "while the WebSocket is connecting"),
        ([{**ACCEPT, "subprotocol": "chat"}], "did not offer"),
        ([{**ACCEPT, "headers": [(b"A", b"b")]}], "lower case"),
        ([{**DENIAL, "status": "401"}], "status"),
        ([DENIAL, {**DENIAL_BODY, "body": "no"}], "must be bytes"),
        ([ACCEPT, SEND], "either text"),
        ([ACCEPT, {**SEND, "text": "a", "bytes": b"a"}], "either text"),
        ([ACCEPT, {**SEND, "text": b"a"}], "either text"),
        ([ACCEPT, {**SEND, "bytes": "a"}], "either text"),
    ],
)
def test_what_breaks_the_protocol_is_an_error(messages: list[Message], message: str) -> None:
    with pytest.raises(ProtocolError, match=message):
        sending(*messages).websocket("/")


def test_a_whole_response_needs_the_extension() -> None:
    with pytest.raises(ProtocolError, match="while the WebSocket is connecting"):
        sending(DENIAL, DENIAL_BODY).websocket("/", denial=False)


def test_an_application_that_does_not_finish_is_given_up() -> None:
    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        await receive()

    with pytest.raises(ProtocolError, match="not done"):
        Client(app, timeout=0.01).websocket("/")


def test_in_a_with_block_a_websocket_has_the_state_of_the_start() -> None:
    states: list[object] = []

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            scope["state"]["name"] = "value"
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        states.append(scope["state"])
        await echo(scope, receive, send)

    with Client(app) as client:
        assert client.websocket("/").accepted
    assert states == [{"name": "value"}]


def test_wsgi_has_no_websockets() -> None:
    with pytest.raises(TypeError, match="WSGI has no WebSockets"):
        Client(lambda environ, start_response: []).websocket("/")
