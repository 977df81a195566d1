"""The ASGI middleware's odd corners: what servers leave out, and what applications do wrong."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from secmw.asgi import Middleware
from secmw.config import Cookies
from secmw.errors import ConfigError
from secmw.exchange import Exchange
from secmw.keys import KeyRing
from secmw.policy import Policy
from secmw.xsrf import Tokens
from tests.making import HOST, KEY, policy, values

pytestmark = pytest.mark.anyio

TOKENS = Tokens(KeyRing([KEY]))
VISIT = TOKENS.new_visit()
DENIAL: dict[str, Any] = {"websocket.http.response": {}}
FORM = [
    (b"content-type", b"application/x-www-form-urlencoded"),
    (b"sec-fetch-site", b"same-origin"),
    (b"cookie", f"__Host-visit={VISIT}".encode()),
]

Messages = list[dict[str, Any]]


def scope(method: str = "GET", path: str = "/", headers: Any = (), **more: Any) -> dict[str, Any]:
    return {
        "type": "http",
        "method": method,
        "scheme": "https",
        "path": path,
        "headers": [(b"host", HOST.encode()), *headers],
        "client": ("192.0.2.1", 50_000),
        **more,
    }


def socket(headers: Any = (), *, denial: bool = True, **more: Any) -> dict[str, Any]:
    made = scope(headers=headers, type="websocket", **{"scheme": "wss", **more})
    del made["method"]
    return {**made, "extensions": DENIAL if denial else {}}


async def ok(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"hello"})


async def run(app: Any, request: Any, *messages: Any, made: Policy | None = None) -> Messages:
    """Send one request through the middleware; return what the server was given."""
    waiting = list(messages) or [{"type": "http.request"}]
    sent: Messages = []

    async def receive() -> Any:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(dict(message))

    await Middleware(app, made or policy())(request, receive, send)
    return sent


def seen_by(found: list[Any]) -> Callable[..., Awaitable[None]]:
    """Make an application that remembers its scope."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        found.append(scope)
        await ok(scope, receive, send)

    return app


# --- what comes in


async def test_the_exchange_is_in_the_scope() -> None:
    found: list[Any] = []
    await run(seen_by(found), scope())
    assert isinstance(found[0]["secmw"], Exchange)


async def test_a_policy_that_can_not_be_carried_out_is_an_error_at_once() -> None:
    with pytest.raises(ConfigError):
        Middleware(ok, Policy.recommended(secret_keys=[KEY], public_url=f"https://{HOST}"))


async def test_notices_are_logged_when_the_middleware_is_made(caplog: pytest.LogCaptureFixture) -> None:
    """XS-15"""
    with caplog.at_level(logging.WARNING, "secmw"):
        Middleware(ok, policy(xsrf={"exempt": ["/hook"]}))
    assert "/hook" in caplog.text


@pytest.mark.parametrize("kind", ["lifespan", "something.new"])
async def test_every_other_scope_passes_through_untouched(kind: str) -> None:
    """RB-08"""
    given: list[Any] = []

    async def app(*call: Any) -> None:
        given.extend(call)

    async def receive() -> Any: ...
    async def send(message: Any) -> None: ...

    request = {"type": kind}
    await Middleware(app, policy())(request, receive, send)
    assert given == [request, receive, send]
    assert "secmw" not in request


@pytest.mark.parametrize(
    "leave_out", ["scheme", "client", "raw_path", "root_path", "query_string", "extensions"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_the_specification_lets_a_server_leave_out_may_be_missing(
    method: str, leave_out: str
) -> None:
    request = scope(method, raw_path=b"/", root_path="", query_string=b"", extensions={})
    del request[leave_out]
    (start, *_) = await run(ok, request, made=policy(xsrf=None, https="off"))
    assert start["status"] == 200


@pytest.mark.parametrize("nothing", ["client", "raw_path", "root_path", "extensions"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_it_may_also_be_none(method: str, nothing: str) -> None:
    (start, *_) = await run(ok, {**scope(method), nothing: None}, made=policy(xsrf=None))
    assert start["status"] == 200


@pytest.mark.parametrize(
    "client", [["192.0.2.1", 50_000], ("192.0.2.1", "50000"), ("192.0.2.1", None), ("", None)]
)
async def test_a_client_comes_in_many_shapes(client: Any) -> None:
    for method in ("GET", "POST"):
        found: list[Any] = []
        await run(seen_by(found), scope(method, client=client), made=policy(xsrf=None))
        assert found[0]["secmw"].client == (client[0] or None)


@pytest.mark.parametrize(
    ("extensions", "status"),
    [
        ({}, 200),
        ({"tls": None}, 200),
        ({"tls": {}}, 200),
        ({"tls": {"client_cert_chain": []}}, 200),
        ({"tls": {"client_cert_chain": ["x"]}}, 403),
    ],
)
async def test_a_client_certificate_ends_the_exemption_of_api_calls(extensions: Any, status: int) -> None:
    request = scope("POST", headers=[(b"authorization", b"Bearer x")], extensions=extensions)
    (start, *_) = await run(ok, request)
    assert start["status"] == status


@pytest.mark.parametrize(("root", "path"), [("/app", "/app/hook"), ("/app", "/hook"), ("/app/", "/app/hook")])
async def test_the_mount_point_is_left_on_by_some_servers_and_off_by_others(root: str, path: str) -> None:
    made = policy(xsrf={"exempt": ["/hook"]})
    (start, *_) = await run(ok, scope("POST", path, root_path=root), made=made)
    assert start["status"] == 200
    (start, *_) = await run(ok, scope("GET", path, root_path=root), made=made)
    assert start["status"] == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_encoded_slash_leads_into_no_lax_class(method: str) -> None:
    """PX-10"""
    made = policy(xsrf=None).at("/content/", frame_options=None)
    for raw, lines in ((b"/content/x", []), (b"/content%2fx", ["DENY"]), (None, [])):
        (start, *_) = await run(ok, scope(method, "/content/x", raw_path=raw), made=made)
        assert values(start["headers"], "x-frame-options") == lines


async def test_two_hosts_are_400_whatever_else_is_ordinary() -> None:
    """PX-01"""
    (start, *_) = await run(ok, scope(headers=[(b"host", HOST.encode())]))
    assert start["status"] == 400


async def test_two_cookie_lines_are_one_cookie_header() -> None:
    """CK-08"""
    found: list[Any] = []
    await run(seen_by(found), scope(headers=[(b"cookie", b"a=1"), (b"cookie", b"b=2")]))
    assert found[0]["secmw"].cookie == "a=1; b=2"
    assert [value for name, value in found[0]["headers"] if name == b"cookie"] == [b"a=1", b"b=2"]


async def test_ten_thousand_headers_are_no_trouble() -> None:
    """XS-08"""
    headers = [(b"x-%d" % number, b"x") for number in range(10_000)] + [
        (b"origin", b"https://evil.example")
    ] * 5000
    (start, *_) = await run(ok, scope("POST", headers=headers))
    assert start["status"] == 403


# --- what the application sees


async def test_the_application_sees_one_truth_about_who_and_where() -> None:
    """PX-04, PX-07"""
    found: list[Any] = []
    headers = [
        (b"x-forwarded-for", b"junk, 192.0.2.7"),
        (b"x-forwarded-proto", b"https"),
        (b"x-forwarded-host", HOST.encode()),
        (b"x_forwarded_for", b"127.0.0.1"),
        (b"x-real-ip", b"127.0.0.1"),
        (b"x-other", b"1"),
    ]
    request = scope(headers=headers, scheme="http", client=("10.0.0.1", 1))
    request["headers"][0] = (b"host", b"inner.example")
    before = list(request["headers"])
    await run(seen_by(found), request, made=policy(trusted_proxies=["10.0.0.1"]))
    (shown,) = found
    assert (shown["scheme"], shown["client"]) == ("https", ("192.0.2.7", 0))
    assert shown["headers"] == [
        (b"host", HOST.encode()),
        (b"x-other", b"1"),
        (b"x-forwarded-for", b"192.0.2.7"),
        (b"x-forwarded-proto", b"https"),
        (b"x-forwarded-host", HOST.encode()),
    ]
    assert request["headers"] == before


async def test_what_nobody_believes_is_removed_and_nothing_else_changes() -> None:
    """PX-04"""
    found: list[Any] = []
    await run(seen_by(found), scope(headers=[(b"x-forwarded-for", b"127.0.0.1"), (b"x-other", b"1")]))
    (shown,) = found
    assert shown["headers"] == [(b"host", HOST.encode()), (b"x-other", b"1")]
    assert (shown["scheme"], shown["client"]) == ("https", ("192.0.2.1", 50_000))


@pytest.mark.parametrize(
    ("cookie", "shown"),
    [(b"v-legacy=1; a=2", [b"v=1; a=2"]), (b"v=1; v-legacy=2", [b"v=1"]), (b"a=1", [b"a=1"])],
)
async def test_the_application_sees_no_twins(
    cookie: bytes, shown: list[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    """CK-11"""
    found: list[Any] = []
    made = policy(cookies=Cookies(same_site="None", legacy_twin="always"))
    await run(seen_by(found), scope(headers=[(b"cookie", cookie)]), made=made)
    assert [value for name, value in found[0]["headers"] if name == b"cookie"] == shown
    assert ("disagreeing" in caplog.text) is (b"v=1; v-legacy" in cookie)


# --- forms


async def test_a_form_is_read_and_replayed_message_by_message() -> None:
    """XS-12"""
    body = b"xsrf_token=" + TOKENS.token(VISIT).encode()
    messages = [
        {"type": "http.request", "body": body[:20], "more_body": True},
        {"type": "http.request", "more_body": True},
        {"type": "http.request", "body": body[20:]},
    ]
    found: Messages = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        found.extend([await receive() for _ in range(4)])
        await ok(scope, receive, send)

    (start, *_) = await run(app, scope("POST", headers=FORM), *messages)
    assert start["status"] == 200
    assert found == [*messages, {"type": "http.disconnect"}]


async def test_a_client_that_goes_away_has_sent_no_whole_form() -> None:
    messages = [{"type": "http.request", "body": b"xsrf_", "more_body": True}, {"type": "http.disconnect"}]
    (start, _) = await run(ok, scope("POST", headers=FORM), *messages)
    assert start["status"] == 403


# --- what goes out


async def test_a_message_that_serves_everybody_is_not_changed() -> None:
    headers = [(b"content-type", b"text/plain")]
    start = {"type": "http.response.start", "status": 200, "headers": headers}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start)
        await send({"type": "http.response.body"})

    first, _ = await run(app, scope())
    second, _ = await run(app, scope())
    assert start == {"type": "http.response.start", "status": 200, "headers": headers}
    assert headers == [(b"content-type", b"text/plain")]
    assert first == second


@pytest.mark.parametrize(
    "headers",
    [(), iter([(b"a", b"b")]), [[b"a", b"b"]], None],
    ids=["tuple", "iterator", "lists", "none at all"],
)
async def test_headers_may_be_any_iterable_or_missing(headers: Any) -> None:
    start = {
        "type": "http.response.start",
        "status": 200,
        **({} if headers is None else {"headers": headers}),
    }

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start)
        await send({"type": "http.response.body"})

    (found, _) = await run(app, scope())
    assert values(found["headers"], "x-content-type-options") == ["nosniff"]


async def test_what_a_server_may_know_besides_goes_through() -> None:
    """RB-08: trailers, early hints, pathsend"""
    others: Messages = [
        {"type": "http.response.early_hint", "links": [b"<a>"]},
        {"type": "http.response.start", "status": 200, "headers": [], "trailers": True},
        {"type": "http.response.pathsend", "path": "/a"},
        {"type": "http.response.trailers", "headers": [(b"a", b"b")]},
    ]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in others:
            await send(message)

    found = await run(app, scope())
    assert [message["type"] for message in found] == [message["type"] for message in others]
    assert found[1]["trailers"] is True
    assert [found[0], *found[2:]] == [others[0], *others[2:]]


# --- applications that fail


async def failing(scope: Any, receive: Any, send: Any) -> None:
    raise RuntimeError("s3cret")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_an_application_that_fails_is_answered_for_and_its_error_goes_on(method: str) -> None:
    """RB-09, HD-09"""
    sent: Messages = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any: ...

    with pytest.raises(RuntimeError, match="s3cret"):
        await Middleware(failing, policy())(scope(method), receive, send)
    start, body = sent
    assert start["status"] == 500
    assert values(start["headers"], "x-content-type-options") == ["nosniff"]
    assert b"s3cret" not in body["body"]
    assert bool(body["body"]) is (method == "GET")


async def test_an_application_that_fails_after_it_started_is_not_answered_for() -> None:
    sent: Messages = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any: ...

    with pytest.raises(RuntimeError):
        await Middleware(app, policy())(scope(), receive, send)
    assert [message["status"] for message in sent] == [200]


async def test_headers_that_are_no_pairs_are_the_applications_failure() -> None:
    sent: Messages = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [b"abc"]})

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any: ...

    with pytest.raises(ValueError, match="unpack"):
        await Middleware(app, policy())(scope(), receive, send)
    assert sent[0]["status"] == 500


async def test_an_application_that_never_answers_is_answered_for_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """RB-09"""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        pass

    (start, _) = await run(app, scope(path="/a\n"))
    assert start["status"] == 500
    assert "never started a response: GET '/a\\n'" in caplog.text


# --- sockets


async def accepting(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept", "headers": [(b"x-other", b"1")]})
    await send({"type": "websocket.close", "code": 4000})


CONNECT = {"type": "websocket.connect"}
ORIGIN = [(b"origin", f"https://{HOST}".encode())]
EVIL = [(b"origin", b"https://evil.example")]


async def test_an_accepted_handshake_gets_hsts_and_later_messages_pass() -> None:
    accept, close = await run(accepting, socket(ORIGIN), CONNECT)
    assert values(accept["headers"], "strict-transport-security") == ["max-age=31536000"]
    assert values(accept["headers"], "x-other") == ["1"]
    assert close == {"type": "websocket.close", "code": 4000}


async def test_a_foreign_handshake_is_refused_before_the_application_hears_of_it() -> None:
    """XS-04, HD-09"""
    start, body = await run(failing, socket(EVIL), CONNECT)
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 403)
    assert values(start["headers"], "x-content-type-options") == ["nosniff"]
    assert b"cross_origin" in body["body"]
    assert await run(failing, socket(EVIL, denial=False), CONNECT) == [
        {"type": "websocket.close", "code": 1008}
    ]


async def test_a_handshake_below_our_prefix_is_refused() -> None:
    start, _ = await run(failing, {**socket(ORIGIN), "path": "/_secmw/xsrf"}, CONNECT)
    assert start["status"] == 404


async def test_an_application_that_denies_a_handshake_gets_a_page_for_it() -> None:
    """HD-09"""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.close", "code": 4001})

    start, _ = await run(app, socket(ORIGIN), CONNECT)
    assert start["status"] == 403
    assert values(start["headers"], "x-frame-options") == ["DENY"]
    assert await run(app, socket(ORIGIN, denial=False), CONNECT) == [
        {"type": "websocket.close", "code": 1008}
    ]


async def test_an_application_that_denies_with_a_response_of_its_own_has_it_completed() -> None:
    """HD-09"""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.http.response.start", "status": 401, "headers": []})
        await send({"type": "websocket.http.response.body", "body": b"no"})

    start, body = await run(app, socket(ORIGIN), CONNECT)
    assert start["status"] == 401
    assert values(start["headers"], "x-content-type-options") == ["nosniff"]
    assert body["body"] == b"no"


@pytest.mark.parametrize("denial", [True, False])
async def test_an_application_that_fails_before_it_answers_a_handshake(denial: bool) -> None:
    """HD-09, RB-09: where the server lets us, we answer; else its own 500 is all there can be"""
    sent: Messages = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return CONNECT

    with pytest.raises(RuntimeError):
        await Middleware(failing, policy())(socket(ORIGIN, denial=denial), receive, send)
    assert [message.get("status") for message in sent] == ([500, None] if denial else [])


async def test_an_application_that_fails_after_it_answered_a_handshake_is_left_to_the_server() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await run(app, socket(ORIGIN), CONNECT)


async def test_an_application_that_never_answers_a_handshake_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        pass

    start, _ = await run(app, socket(ORIGIN), CONNECT)
    assert start["status"] == 500
    assert "never started a response" in caplog.text


@pytest.mark.parametrize(
    ("scheme", "origin", "status"),
    [
        (None, f"https://{HOST}", "websocket.accept"),
        (None, f"http://{HOST}", "websocket.http.response.start"),
        (None, None, "websocket.http.response.start"),
        ("wss", None, "websocket.accept"),
        ("https", None, "websocket.accept"),
        ("ws", f"https://{HOST}", "websocket.http.response.start"),
    ],
)
async def test_a_server_may_give_a_handshake_no_scheme(
    scheme: str | None, origin: str | None, status: str
) -> None:
    """TR-08: a page of an https origin can't open a ws:// socket"""
    headers = [] if origin is None else [(b"origin", origin.encode())]
    request = socket(headers, scheme=scheme)
    (first, *_) = await run(accepting, request, CONNECT)
    assert first["type"] == status


async def test_a_socket_behind_a_proxy_shows_the_application_wss() -> None:
    """PX-06"""
    found: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        found.append(scope)
        await accepting(scope, receive, send)

    headers = [*ORIGIN, (b"x-forwarded-proto", b"wss"), (b"x-forwarded-for", b"192.0.2.7")]
    request = socket(headers, scheme="ws", client=("10.0.0.1", 1))
    await run(app, request, CONNECT, made=policy(trusted_proxies=["10.0.0.1"]))
    assert (found[0]["scheme"], found[0]["secmw"].scheme) == ("wss", "https")


# --- screening switched off


async def test_a_policy_that_screens_nothing_adds_headers_to_everything() -> None:
    made = policy(screening=False)
    request = scope("POST", headers=EVIL, scheme="http", client=None)
    request["headers"][0] = (b"host", b"evil.example")
    (start, *_) = await run(ok, request, made=made)
    assert start["status"] == 200
    assert values(start["headers"], "x-frame-options") == ["DENY"]
    (accept, *_) = await run(accepting, socket(EVIL), CONNECT, made=made)
    assert accept["type"] == "websocket.accept"


async def test_a_start_without_headers_keeps_its_other_keys() -> None:
    """RB-08"""

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "trailers": True})
        await send({"type": "http.response.body", "body": b""})

    sent: Messages = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    await Middleware(app, policy())(scope(), receive, send)
    assert sent[0]["trailers"] is True
    assert (b"x-content-type-options", b"nosniff") in sent[0]["headers"]
