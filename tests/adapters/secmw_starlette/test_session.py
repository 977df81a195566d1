"""`request.session` is the session of the exchange, in the shape that Starlette's users know."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.endpoints import WebSocketEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from secmw import Session, SessionError
from secmw.errors import SecmwError
from secmw.testing import Client
from secmw_starlette import get_session, save
from tests.adapters.secmw_starlette.sites import SITE, client, hello, policy, sign_in, site, wrapped


def looking(look: Callable[[Any], Any], *before: Callable[[Any], Any]) -> Any:
    """Show what an endpoint finds in its session, after the endpoints before it have done their part."""
    results: list[Any] = []

    def route(number: int, act: Callable[[Any], Any]) -> Route:
        async def endpoint(request: Request) -> Response:
            results.append(act(request.session))
            return PlainTextResponse("ok")

        return Route(f"/{number}", endpoint)

    steps = [*before, look]
    person = site(*(route(number, act) for number, act in enumerate(steps)))
    for number in range(len(steps)):
        assert person.get(f"/{number}").status == 200
    return results[-1]


def test_what_is_put_there_is_there_the_next_time() -> None:
    assert looking(dict, lambda session: session.update(cart=[1], name="x")) == {"cart": [1], "name": "x"}


def test_a_change_inside_of_a_value_is_noticed() -> None:
    def append(session: Any) -> None:
        assert not session.modified
        session["cart"].append(2)
        assert session.modified

    assert looking(lambda session: session["cart"], lambda session: session.update(cart=[1]), append) == [
        1,
        2,
    ]


def test_it_does_what_a_dict_does() -> None:
    def act(session: Any) -> None:
        session |= {"a": 1, "b": 2}
        assert session.pop("a") == 1
        assert session.setdefault("c", 3) == 3
        assert session | {"d": 4} == {"b": 2, "c": 3, "d": 4}
        assert session.copy() == {"b": 2, "c": 3}
        assert (sorted(session), len(session), "b" in session) == (["b", "c"], 2, True)
        del session["b"]

    assert looking(dict, act) == {"c": 3}
    assert looking(dict, act, lambda session: session.clear()) == {}


def test_it_can_what_a_session_can() -> None:
    def look(session: Any) -> Any:
        return session.user_id, session.user_description, session.selector is not None

    assert looking(look, lambda session: session.login("42", "Jane")) == ("42", "Jane", True)
    assert looking(look, lambda session: session.login("42"), lambda session: session.logout())[0] is None


def test_it_shows_no_secret() -> None:
    assert looking(repr) == "<Session anonymous>"


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (lambda session: None, (False, False)),
        (lambda session: session.whose(), (False, False)),
        (lambda session: session.get("a"), (True, False)),
        (lambda session: session.update(a=1), (True, True)),
        (lambda session: session.login("42"), (True, True)),
        (lambda session: session.mark_modified(), (False, False)),
    ],
    ids=["nothing", "a look for a log", "a look", "a change", "a sign-in", "Starlette's own word"],
)
def test_it_says_whether_it_was_accessed_and_modified(act: Any, expected: tuple[bool, bool]) -> None:
    def look(session: Any) -> tuple[bool, bool]:
        act(session)
        return session.accessed, session.modified

    assert looking(look) == expected


async def _mentions(request: Request) -> Response:
    _ = request.session
    return PlainTextResponse("ok")


async def _reads(request: Request) -> Response:
    return JSONResponse(request.session.get("a"))


def test_only_a_response_whose_endpoint_looked_inside_varies_by_cookie() -> None:
    person = site(
        Route("/", hello), Route("/mentions", _mentions), Route("/reads", _reads), Route("/in", sign_in)
    )
    person.get("/in")
    assert person.get("/").header("Vary") is None
    assert person.get("/mentions").header("Vary") is None
    assert "Cookie" in (person.get("/reads").header("Vary") or "")


def test_a_request_that_never_looks_makes_no_session() -> None:
    held: list[Any] = []

    async def endpoint(request: Request) -> Response:
        _ = request.session
        held.append(request.scope["secmw"].held)
        return PlainTextResponse("ok")

    site(Route("/", endpoint)).get("/")
    assert held == [None]


def test_a_mounted_application_has_the_same_session() -> None:
    async def put(request: Request) -> Response:
        request.session["a"] = request.url.path
        return PlainTextResponse("ok")

    person = site(Mount("/sub", Starlette(routes=[Route("/put", put)])), Route("/reads", _reads))
    assert person.get("/sub/put").status == 200
    assert person.get("/reads").json() == "/sub/put"


def test_a_site_below_a_mount_point_of_its_server_has_it_too() -> None:
    app = wrapped(Starlette(routes=[Route("/in", sign_in), Route("/reads", _reads)]))
    person = Client(app, base_url=SITE, root_path="/app")
    assert (person.get("/app/in").status, person.get("/app/reads").status) == (200, 200)


def test_a_path_without_sessions_says_so_when_it_is_used() -> None:
    errors: list[str] = []

    async def endpoint(request: Request) -> Response:
        with pytest.raises(SessionError) as caught:
            request.session.get("a")
        errors.append(str(caught.value))
        return PlainTextResponse("ok")

    app = wrapped(Starlette(routes=[Route("/", endpoint)]), given=policy(sessions=None, store=None))
    assert client(app).get("/").status == 200
    assert "has no sessions for this path" in errors[0]


def test_get_session_gives_the_session_itself() -> None:
    found: list[Any] = []

    def endpoint(request: Request) -> Response:
        found.extend([get_session(request), request.scope["secmw"].session])
        return PlainTextResponse("ok")

    site(Route("/", endpoint)).get("/")
    assert isinstance(found[0], Session)
    assert found[0] is found[1]


def test_without_the_middleware_the_error_says_how_to_add_it() -> None:
    with pytest.raises(SecmwError, match=r"SecmwMiddleware\(app, policy\)"):
        get_session(Request({"type": "http", "headers": []}))


def test_starlettes_own_test_client_keeps_the_session() -> None:
    app = wrapped(Starlette(routes=[Route("/in", sign_in), Route("/reads", _who)]))
    with TestClient(app, base_url=SITE) as person:
        assert person.get("/in").status_code == 200
        assert person.get("/reads").json() == "42"


async def _who(request: Request) -> Response:
    return JSONResponse(get_session(request).user_id)


def test_a_socket_saves_its_session_when_it_says_so() -> None:
    class Counter(WebSocketEndpoint):
        encoding = "text"

        async def on_receive(self, websocket: WebSocket, data: Any) -> None:
            websocket.session["a"] = data
            await save(websocket)
            await websocket.send_text("saved")

    reads: list[Any] = []
    person = site(Route("/in", sign_in), Route("/reads", _reads), WebSocketRoute("/ws", Counter))
    person.get("/in")
    answer = person.websocket("/ws", send=["seven"], replies=1)
    reads.append(person.get("/reads").json())
    assert (answer.messages, json.dumps(reads)) == (("saved",), '["seven"]')
