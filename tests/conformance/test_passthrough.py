"""What is none of our business goes through untouched: lifespan, extensions, and messages that we have never heard of."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

import secmw.asgi
from secmw.testing import Client
from tests.conformance import app
from tests.conformance.client import Sent, seen
from tests.conformance.inprocess import Conversation
from tests.conformance.policies import ORIGIN, named
from tests.conformance.sockets import Connection, OverSocket
from tests.conformance.told import told
from tests.conformance.traits import Fact

if TYPE_CHECKING:
    from tests.conformance.stacks import Stack

START = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}


def _run(messages: list[dict[str, Any]], extensions: dict[str, Any]) -> list[dict[str, Any]]:
    """Have an application send these messages, and return what the server gets."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        assert scope["extensions"] == extensions
        for message in messages:
            await send(message)

    conversation = Conversation("/")
    conversation.scope["extensions"] = extensions
    site = secmw.asgi.Middleware(application, named("recommended"))
    asyncio.run(site(conversation.scope, conversation.receive, conversation.send))
    return conversation.messages


@pytest.mark.parametrize(
    ("extension", "before", "after"),
    [
        (
            "http.response.trailers",
            [],
            [
                {"type": "http.response.body", "body": b"x", "more_body": False},
                {"type": "http.response.trailers", "headers": [(b"etag", b"1")], "more_trailers": False},
            ],
        ),
        (
            "http.response.early_hint",
            [{"type": "http.response.early_hint", "links": [b"</s.css>; rel=preload"]}],
            [{"type": "http.response.body", "body": b"x"}],
        ),
        ("http.response.push", [{"type": "http.response.push", "path": "/s.css", "headers": []}], []),
        ("http.response.pathsend", [], [{"type": "http.response.pathsend", "path": "/srv/x"}]),
        ("http.response.zerocopysend", [], [{"type": "http.response.zerocopysend", "file": 3}]),
        ("http.response.debug", [], [{"type": "http.response.debug", "info": {"template": "x"}}]),
        ("x.unheard.of", [{"type": "x.unheard.of", "n": 1}], [{"type": "x.unheard.of", "n": 2}]),
    ],
)
def test_extensions_of_the_response_pass_through(
    extension: str, before: list[dict[str, Any]], after: list[dict[str, Any]]
) -> None:
    """Trailers, early hints, files sent by the server: as they were, around a head that has our headers. (RB-08)"""
    start = {**START, "trailers": True} if extension == "http.response.trailers" else START
    sent = _run([*before, start, *after], {extension: {}})
    assert sent[: len(before)] == before
    assert sent[len(before) + 1 :] == after
    head = sent[len(before)]
    assert {**head, "headers": None} == {**start, "headers": None}
    assert (b"x-content-type-options", b"nosniff") in head["headers"]


@pytest.mark.parametrize(
    "headers",
    [[(b"x-own", b"1")], ((b"x-own", b"1"),), [[b"x-own", b"1"]], iter([(b"x-own", b"1")])],
    ids=["a list of tuples", "a tuple", "a list of lists", "an iterator"],
)
def test_headers_may_come_in_any_iterable(headers: Any) -> None:
    """ASGI asks for an iterable of pairs, and no more; none at all are none. (HD-03, RB-08)"""
    for start, own in (({**START, "headers": headers}, 1), ({"type": START["type"], "status": 200}, 0)):
        head = _run([start, {"type": "http.response.body", "body": b""}], {})[0]
        names = [bytes(name) for name, _ in head["headers"]]
        assert (names.count(b"x-own"), names.count(b"x-content-type-options")) == (own, 1)


def test_lifespan_passes_through() -> None:
    """(RB-08)"""
    app.LIFESPAN.clear()
    site = secmw.asgi.Middleware(app.asgi, named("recommended"))
    with Client(site, base_url=ORIGIN) as client:
        assert app.LIFESPAN == ["lifespan.startup"]
        assert client.get("/").status == 200
    assert app.LIFESPAN == ["lifespan.startup", "lifespan.shutdown"]
    app.LIFESPAN.clear()


def test_a_server_starts_the_application_through_us(server: Stack) -> None:
    """Its lifespan has begun when the first request comes, where the server has one. (RB-08)"""
    found = seen(server.site("recommended").get("/"))["lifespan"]
    expected = [] if server.interface == "wsgi" or server.has(Fact.NO_LIFESPAN) else ["lifespan.startup"]
    assert found == expected


def test_a_server_that_can_send_a_file_does(stack: Stack) -> None:
    """`http.response.pathsend` and `wsgi.file_wrapper`: the server sees the message, and the object, that it made. (RB-07, RB-08)"""
    response = stack.site("recommended").get(told(file=True))
    assert response.body == app.FILE.read_bytes()
    assert response.header("X-Frame-Options") == "DENY"


def test_early_hints_and_trailers_reach_the_client(server: Stack) -> None:
    """Where the server has the extension; elsewhere the application sends none. (RB-08, HD-09)"""
    site = server.site("recommended")
    assert isinstance(site, OverSocket)
    extensions = seen(site.get("/"))["extensions"]
    with Connection(site.server) as connection:
        sent = Sent(
            target=told(text="x", hint="</s.css>; rel=preload", trailer='"1"', length=False),
            headers=[("TE", "trailers")],
        )
        response = connection.exchange(site.write(sent))
        assert (response.status, response.body, response.header("X-Frame-Options")) == (200, b"x", "DENY")
        hinted = (
            [(103, [("link", "</s.css>; rel=preload")])] if "http.response.early_hint" in extensions else []
        )
        assert [(status, lines[:1]) for status, lines in connection.informational] == hinted


def test_a_scope_of_another_kind_is_the_applications() -> None:
    """A type that ASGI adds tomorrow is not ours to judge. (RB-08)"""
    seen_scopes = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen_scopes.append(scope)

    scope = {"type": "webtransport", "headers": []}
    site = secmw.asgi.Middleware(application, named("recommended"))
    asyncio.run(site(scope, None, None))  # type: ignore[arg-type]
    assert seen_scopes == [scope]


def test_a_disconnect_reaches_an_application_that_waits() -> None:
    """Also after we have read a form of it. (RB-08)"""
    heard = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        heard.extend([(await receive())["type"], (await receive())["type"]])

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    conversation = Conversation("/")
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"", "more_body": True},
        {"type": "http.disconnect"},
    ]
    site = secmw.asgi.Middleware(application, named("recommended"))
    asyncio.run(site(conversation.scope, receive, conversation.send))
    assert heard == ["http.request", "http.disconnect"]


def test_a_client_that_leaves_in_the_middle_of_a_form_is_no_error() -> None:
    """What was read is not a whole form, so it is refused; nobody reads the answer. (RB-08, XS-12)"""
    policy = named("recommended")
    client = Client(secmw.asgi.Middleware(app.asgi, policy), base_url=ORIGIN)
    client.get("/_secmw/xsrf")
    cookie = "; ".join(f"{name}={cookie.value}" for name, cookie in client.cookies.items())
    conversation = Conversation(
        "/",
        headers=[
            ("Cookie", cookie),
            ("Origin", ORIGIN),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ],
    )
    conversation.scope["method"] = "POST"
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"a=1&xsrf_to", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    site = secmw.asgi.Middleware(app.asgi, policy)
    asyncio.run(site(conversation.scope, receive, conversation.send))
    assert conversation.messages[0]["status"] == 403


def test_the_applications_scope_is_not_changed_for_anybody_else() -> None:
    """Rewritten headers are a new scope: what the server keeps stays as it was. (PX-07)"""
    conversation = Conversation(
        "/", headers=[("X-Forwarded-For", "203.0.113.66"), ("X-Forwarded-Proto", "https")]
    )
    before = dict(conversation.scope)
    lines = list(before["headers"])
    site = secmw.asgi.Middleware(app.asgi, named("recommended"))
    asyncio.run(site(conversation.scope, conversation.receive, conversation.send))
    after = {key: value for key, value in conversation.scope.items() if key != "secmw"}
    assert after == before
    assert conversation.scope["headers"] == lines
