"""SecmwMiddleware: where it may stand, and what it does beside the requests."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

import secmw.asgi
from secmw import ConfigError
from secmw_starlette import SecmwMiddleware
from tests.adapters.secmw_starlette.sites import HOOKS, SITE, client, hello, policy, sign_in, wrapped

OWN = Middleware(SessionMiddleware, secret_key="x")


def ours() -> Middleware:
    return Middleware(SecmwMiddleware, policy=policy(), hooks=HOOKS)


def plain(*, middleware: Any = (), routes: Any = ()) -> Starlette:
    return Starlette(routes=[Route("/", hello), *routes], middleware=[*middleware])


async def fails(_: Request) -> Response:
    raise RuntimeError("on purpose")


async def own_page(_: Request, __: Exception) -> Response:
    return PlainTextResponse("a page of ours", 500)


def test_the_wrapper_covers_the_frameworks_own_500() -> None:
    app = Starlette(routes=[Route("/fails", fails)], exception_handlers={500: own_page})
    response = client(wrapped(app)).get("/fails")
    assert (response.status, response.text) == (500, "a page of ours")
    assert response.header("X-Frame-Options") == "DENY"


def test_registered_inside_it_protects_every_route() -> None:
    response = client(plain(middleware=[ours()])).get("/")
    assert (response.text, response.header("X-Frame-Options")) == ("hello", "DENY")


def test_sessions_work_through_the_base_class_of_other_middleware() -> None:
    class Passing(BaseHTTPMiddleware):
        async def dispatch(self, request: Request, call_next: Any) -> Response:
            request.session["seen"] = True
            response: Response = await call_next(request)
            return response

    async def look(request: Request) -> Response:
        return PlainTextResponse(str(request.session.get("seen")))

    app = Starlette(routes=[Route("/", look)], middleware=[Middleware(Passing)])
    assert client(wrapped(app)).get("/").text == "True"


@pytest.mark.parametrize(
    "make",
    [
        lambda: wrapped(plain(middleware=[OWN])),
        lambda: wrapped(SessionMiddleware(plain(), "x")),
        lambda: wrapped(plain(routes=[Mount("/sub", plain(middleware=[OWN]))])),
        lambda: wrapped(plain(routes=[Mount("/sub", app=plain(), middleware=[OWN])])),
        lambda: wrapped(plain(routes=[Route("/own", hello, middleware=[OWN])])),
    ],
    ids=["registered", "around it", "in a mounted application", "around a mounted one", "around a route"],
)
def test_starlettes_own_sessions_inside_are_refused_at_once(make: Any) -> None:
    with pytest.raises(ConfigError, match="SessionMiddleware: Starlette's SessionMiddleware is there too"):
        make()


@pytest.mark.parametrize("inside_out", [True, False])
def test_beside_starlettes_own_sessions_nothing_is_served(inside_out: bool) -> None:
    layers = [ours(), OWN]
    app = plain(middleware=layers[::-1] if inside_out else layers)
    for _ in range(2):
        with pytest.raises(ConfigError, match="SessionMiddleware"):
            TestClient(app, base_url=SITE).get("/")


def test_a_server_does_not_start_what_is_put_together_wrong() -> None:
    """A mere exception would mean to it that there is no lifespan."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        sent.append(message)

    app = plain(middleware=[OWN, ours()])
    with pytest.raises(ConfigError):
        asyncio.run(app({"type": "lifespan", "state": {}}, receive, send))
    assert sent[0]["type"] == "lifespan.startup.failed"
    assert "SessionMiddleware" in sent[0]["message"]


def test_sessions_around_the_wrapper_are_refused() -> None:
    with pytest.raises(ConfigError, match="something outside of secmw has set"):
        TestClient(SessionMiddleware(wrapped(plain()), "x"), base_url=SITE).get("/")


def test_a_middleware_added_after_the_wrapping_is_found_before_the_first_request() -> None:
    inside = plain()
    app = wrapped(inside)
    inside.add_middleware(SessionMiddleware, secret_key="x")
    with pytest.raises(ConfigError, match="SessionMiddleware"):
        TestClient(app, base_url=SITE).get("/")


@pytest.mark.parametrize(
    "make",
    [
        lambda: wrapped(wrapped(plain())),
        lambda: wrapped(plain(middleware=[ours()])),
        lambda: wrapped(plain(routes=[Mount("/sub", wrapped(plain()))])),
        lambda: wrapped(secmw.asgi.Middleware(plain(), policy())),
    ],
    ids=["wrapped twice", "registered too", "around a mounted one", "the core's own"],
)
def test_a_second_secmw_inside_is_refused_at_once(make: Any) -> None:
    with pytest.raises(ConfigError, match="SecmwMiddleware: there is a second one inside"):
        make()


def test_a_second_secmw_that_cannot_be_seen_does_not_screen_again() -> None:
    inner = wrapped(plain())

    async def hidden(scope: Any, receive: Any, send: Any) -> None:
        await inner(scope, receive, send)

    with pytest.raises(ConfigError, match="another one has screened this request already"):
        TestClient(wrapped(hidden), base_url=SITE).get("/")


def test_registered_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match="SecmwMiddleware"):
        TestClient(plain(middleware=[ours(), ours()]), base_url=SITE).get("/")


@pytest.mark.parametrize("inside", [True, False])
def test_the_sweeper_lives_as_long_as_the_application(inside: bool) -> None:
    app = plain(middleware=[ours()]) if inside else wrapped(plain())
    with TestClient(app, base_url=SITE) as person:
        found: Any = app.middleware_stack if isinstance(app, Starlette) else app
        while not isinstance(found, SecmwMiddleware):
            found = found.app
        sweeper = found.guard.sweeper
        assert sweeper is not None
        thread = sweeper._thread
        assert thread is not None
        assert thread.is_alive()
        assert person.get("/").status_code == 200
    thread.join(2)
    assert not thread.is_alive()


def test_an_application_may_live_twice() -> None:
    app = wrapped(plain(routes=[Route("/in", sign_in)]))
    for _ in range(2):
        with TestClient(app, base_url=SITE) as person:
            assert person.get("/in").status_code == 200


def test_where_no_lifespan_runs_sessions_work_all_the_same() -> None:
    mounted = wrapped(Starlette(routes=[Route("/in", sign_in)]))
    outer = Starlette(routes=[Mount("/sub", mounted)])
    response = client(outer).get("/sub/in")
    assert response.status == 200
    assert response.all("Set-Cookie")
    assert mounted.guard.sweeper is not None
    assert mounted.guard.sweeper._thread is not None
    mounted.guard.sweeper.close()
