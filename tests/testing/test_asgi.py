"""The test client in front of ASGI applications: a strict server."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from secmw.testing import Client, ProtocolError

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

START: Message = {"type": "http.response.start", "status": 200, "headers": []}
BODY: Message = {"type": "http.response.body", "body": b"a"}


def sending(*messages: Message, error: Exception | None = None) -> Client:
    """Make a client of an application that sends these, whatever it is asked."""

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)
        if error is not None:
            raise error

    return Client(app)


def scope_of(target: str | bytes = "/", *, client: dict[str, Any] | None = None, **settings: Any) -> Message:
    """Return the scope that an application is given."""
    seen: Message = {}

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        seen.update(scope)
        await send(START)
        await send(BODY)

    Client(app, **(client or {})).request(settings.pop("method", "GET"), target, **settings)
    return seen


def received(body: bytes, chunk_size: int | None = None) -> list[Message]:
    """Return the messages by which a body arrives, and what follows them."""
    seen: list[Message] = []

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        seen.append(await receive())
        while seen[-1].get("more_body"):
            seen.append(await receive())
        await send(START)
        await send(BODY)
        seen.append(await receive())
        seen.append(await receive())

    Client(app, chunk_size=chunk_size).post("/", body=body)
    return seen


def test_the_scope_says_what_was_asked() -> None:
    scope = scope_of("/a%20b/%C3%A9?x=1&y=%20", headers=[("X-Two", "1"), (b"x-TWO", b"\xff")])
    assert scope == {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.5"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "https",
        "path": "/a b/é",
        "raw_path": b"/a%20b/%C3%A9",
        "query_string": b"x=1&y=%20",
        "root_path": "",
        "headers": [(b"host", b"testserver"), (b"x-two", b"1"), (b"x-two", b"\xff")],
        "client": ("127.0.0.1", 50_000),
        "server": ("testserver", 443),
    }


def test_every_request_has_a_scope_of_fresh_objects() -> None:
    scopes: list[Message] = []

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        scopes.append(scope)
        scope["headers"].clear()
        scope["asgi"].clear()
        await send(START)
        await send(BODY)

    client = Client(app)
    client.get("/")
    scopes.clear()
    headers: list[tuple[bytes, bytes]] = []

    async def other(scope: Message, receive: Receive, send: Send) -> None:
        headers.extend(scope["headers"])
        await app(scope, receive, send)

    client.app = other
    client.get("/")
    assert headers == [(b"host", b"testserver")]


def test_bytes_of_a_target_arrive_as_they_are() -> None:
    scope = scope_of(b"/\xff/%2F?\xfe")
    assert scope["raw_path"] == b"/\xff/%2F"
    assert scope["path"] == "/�//"
    assert scope["query_string"] == b"\xfe"


def test_text_of_a_target_is_encoded_as_a_browser_does() -> None:
    assert scope_of("/é%zz?a=€")["raw_path"] == b"/%C3%A9%zz"
    assert scope_of("/é?a=€")["query_string"] == b"a=%E2%82%AC"


def test_the_path_includes_the_mount_point() -> None:
    scope = scope_of("/app/x", client={"root_path": "/app"})
    assert (scope["root_path"], scope["path"], scope["raw_path"]) == ("/app", "/app/x", b"/app/x")


def test_the_other_end_of_a_unix_socket_has_no_address() -> None:
    assert scope_of(client={"peer": None})["client"] is None


def test_a_body_arrives_whole_and_then_the_client_is_gone() -> None:
    disconnect = {"type": "http.disconnect"}
    assert received(b"abc") == [
        {"type": "http.request", "body": b"abc", "more_body": False},
        disconnect,
        disconnect,
    ]
    assert received(b"") == [
        {"type": "http.request", "body": b"", "more_body": False},
        disconnect,
        disconnect,
    ]


def test_a_body_arrives_in_pieces_where_asked() -> None:
    messages = received(b"abcde", chunk_size=2)
    assert [message["body"] for message in messages[:-2]] == [b"ab", b"cd", b"e"]
    assert [message["more_body"] for message in messages[:-2]] == [True, True, False]
    assert len(received(b"abcd", chunk_size=2)) == 4


def test_the_client_stays_until_the_response_is_complete() -> None:
    async def app(scope: Message, receive: Receive, send: Send) -> None:
        gone = asyncio.create_task(listen(receive))
        await send(START)
        for _ in range(3):
            await asyncio.sleep(0)
            assert not gone.done()
            await send({**BODY, "more_body": True})
        await send(BODY)
        assert await gone == "http.disconnect"

    async def listen(receive: Receive) -> str:
        await receive()
        return str((await receive())["type"])

    response = Client(app).get("/")
    assert response.error is None
    assert response.body == b"aaaa"


def test_a_response_is_what_the_application_sent() -> None:
    headers = [(b"x-a", b"1"), [b"x-a", b"\xff"]]
    response = sending(
        {"type": "http.response.start", "status": 201, "headers": headers},
        {"type": "http.response.body", "body": b"a", "more_body": True},
        {"type": "http.response.body", "more_body": True},
        {"type": "http.response.body", "body": b"b"},
    ).get("/")
    assert response.status == 201
    assert response.headers == [("x-a", "1"), ("x-a", "\xff")]
    assert response.body == b"ab"
    assert response.error is None


def test_a_head_response_has_no_body() -> None:
    start = {**START, "headers": iter([(b"content-length", b"1")])}
    assert sending(start, BODY).head("/").body == b""


def test_an_error_before_the_response_is_raised() -> None:
    with pytest.raises(KeyError):
        sending(error=KeyError("x")).get("/")


def test_an_error_after_a_whole_response_is_kept_with_it() -> None:
    response = sending(START, BODY, error=KeyError("x")).get("/")
    assert (response.status, response.body) == (200, b"a")
    assert isinstance(response.error, KeyError)


def test_an_error_in_the_middle_of_a_response_is_kept_with_what_there_is() -> None:
    response = sending(START, {**BODY, "more_body": True}, error=KeyError("x")).get("/")
    assert (response.status, response.body) == (200, b"a")
    assert isinstance(response.error, KeyError)


def test_an_application_that_fails_when_it_is_called_fails_like_any_other() -> None:
    def app(scope: Message, receive: Receive, send: Send) -> Awaitable[None]:
        raise KeyError("x")

    with pytest.raises(KeyError):
        Client(app, interface="asgi").get("/")


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        ([], "without a response"),
        ([START], "before its response was complete"),
        ([START, {**BODY, "more_body": True}], "before its response was complete"),
        ([BODY], "before http.response.start"),
        ([START, START], "sent twice"),
        ([START, BODY, BODY], "after the response was complete"),
        ([START, BODY, START], "after the response was complete"),
        ([{"type": "http.response.trailers"}], "is no message of a response"),
        ([{"type": "websocket.accept"}], "is no message of a response"),
        ([{}], "is no message of a response"),
        ([{**START, "status": "200"}], "status"),
        ([{**START, "status": True}], "status"),
        ([{**START, "status": 100}], "status"),
        ([{**START, "status": 600}], "status"),
        ([{"type": "http.response.start"}], "status"),
        ([{**START, "headers": None}], "headers must be an iterable"),
        ([{**START, "headers": [("a", "b")]}], "two bytes"),
        ([{**START, "headers": [(b"a", "b")]}], "two bytes"),
        ([{**START, "headers": [(b"a", b"b", b"c")]}], "two bytes"),
        ([{**START, "headers": [b"ab"]}], "two bytes"),
        ([{**START, "headers": [(b"A", b"b")]}], "lower case"),
        ([{**START, "headers": [(b"a b", b"c")]}], "not a header name"),
        ([{**START, "headers": [(b"a:", b"c")]}], "not a header name"),
        ([{**START, "headers": [(b"a", b"b\r\nc: d")]}], "line end or NUL"),
        ([START, {**BODY, "body": "text"}], "must be bytes"),
        ([START, {**BODY, "body": None}], "must be bytes"),
        ([{**START, "headers": [(b"content-length", b"2")]}, BODY], "Content-Length is 2"),
    ],
)
def test_what_breaks_the_protocol_is_an_error_even_if_the_application_does_not_mind(
    messages: list[Message], message: str
) -> None:
    async def careless(scope: Message, receive: Receive, send: Send) -> None:
        for each in messages:
            try:
                await send(each)
            except AssertionError:
                return

    with pytest.raises(ProtocolError, match=message):
        sending(*messages).get("/")
    with pytest.raises(ProtocolError, match=message):
        Client(careless).get("/")


def test_an_application_that_does_not_finish_is_given_up() -> None:
    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        await receive()

    with pytest.raises(ProtocolError, match=r"not done after 0\.01 seconds"):
        Client(app, timeout=0.01).get("/")


def test_a_time_out_of_the_application_is_its_own() -> None:
    async def app(scope: Message, receive: Receive, send: Send) -> None:
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        Client(app, timeout=None).get("/")


@pytest.mark.anyio
async def test_inside_an_event_loop_the_client_says_what_to_do() -> None:
    client = sending(START, BODY)
    with pytest.raises(RuntimeError, match="to_thread"):
        client.get("/")
    assert (await asyncio.to_thread(client.get, "/")).status == 200


# --- lifespan


class Living:
    """An application that tells of its life."""

    def __init__(self, *, fail: str = "", raise_at: str = "") -> None:
        self.fail = fail
        self.raise_at = raise_at
        self.seen: list[str] = []
        self.loops: set[int] = set()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        self.loops.add(id(asyncio.get_running_loop()))
        if scope["type"] == "lifespan":
            for what in ("startup", "shutdown"):
                assert (await receive())["type"] == f"lifespan.{what}"
                self.seen.append(what)
                if self.raise_at == what:
                    raise KeyError(what)
                scope["state"]["name"] = "value"
                if self.fail == what:
                    await send({"type": f"lifespan.{what}.failed", "message": "no luck"})
                    return
                await send({"type": f"lifespan.{what}.complete"})
            return
        self.seen.append(str(scope.get("state")))
        if "state" in scope:
            scope["state"]["name"] = "changed"
        await send(START)
        await send(BODY)


def test_in_a_with_block_one_loop_serves_start_up_requests_and_shut_down() -> None:
    app = Living()
    with Client(app) as client:
        client.get("/")
        client.get("/")
    assert app.seen == ["startup", "{'name': 'value'}", "{'name': 'value'}", "shutdown"]
    assert len(app.loops) == 1


def test_without_one_there_is_no_life_around_a_request() -> None:
    app = Living()
    client = Client(app)
    client.get("/")
    assert app.seen == ["None"]
    with client:
        pass
    client.get("/")
    assert app.seen == ["None", "startup", "shutdown", "None"]


def test_a_start_that_fails_is_raised() -> None:
    with pytest.raises(RuntimeError, match="did not start: no luck"), Client(Living(fail="startup")):
        pytest.fail("never reached")


def test_an_end_that_fails_is_raised() -> None:
    with pytest.raises(RuntimeError, match="did not shut down: no luck"), Client(Living(fail="shutdown")):
        pass
    with pytest.raises(KeyError, match="shutdown"), Client(Living(raise_at="shutdown")):
        pass


def test_an_application_without_lifespan_is_left_alone() -> None:
    with Client(Living(raise_at="startup")) as client:
        assert client.get("/").status == 200

    async def bare(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await send(START)
            await send(BODY)

    with Client(bare) as client:
        assert client.get("/").status == 200


def test_a_with_block_does_nothing_for_wsgi() -> None:
    def app(environ: Message, start_response: Callable[..., object]) -> list[bytes]:
        start_response("200 OK", [])
        return []

    with Client(app) as client:
        assert client.get("/").status == 200


def test_a_wsgi_test_loads_no_event_loop() -> None:
    import subprocess

    code = (
        "import sys\n"
        "from secmw.testing import Client\n"
        "def app(environ, start_response):\n"
        "    start_response('200 OK', [])\n"
        "    return []\n"
        "assert Client(app).get('/').status == 200\n"
        "assert 'asyncio' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
