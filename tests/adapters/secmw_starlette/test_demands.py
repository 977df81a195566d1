"""login_required, sudo_required and override: called, above endpoints, and as dependencies of FastAPI."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import pytest
from fastapi import APIRouter, Body, Depends, FastAPI
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, Router, WebSocketRoute
from starlette.websockets import WebSocket

from secmw import ConfigError, Session
from secmw.testing import Client
from secmw_starlette import (
    RefusedError,
    csp_nonce,
    get_session,
    login_required,
    override,
    sudo_required,
    xsrf_token,
)
from tests.adapters.secmw_starlette.sites import NAVIGATES, client, sign_in, site, wrapped

# --- endpoints of Starlette


@login_required
async def above_async(request: Request) -> Response:
    return PlainTextResponse("secret")


@login_required
def above_sync(request: Request) -> Response:
    return PlainTextResponse("secret")


@login_required
class AboveClass(HTTPEndpoint):
    async def get(self, request: Request) -> Response:
        return PlainTextResponse("secret")


class Derived(AboveClass):
    async def get(self, request: Request) -> Response:
        return PlainTextResponse("secret")


class AboveMethod(HTTPEndpoint):
    @login_required
    async def get(self, request: Request) -> Response:
        return PlainTextResponse("secret")

    @login_required
    def post(self, request: Request) -> Response:
        return PlainTextResponse("secret")


async def called(request: Request) -> Response:
    assert login_required(request).user_id == "42"
    return PlainTextResponse("secret")


def called_in_a_thread(request: Request) -> Response:
    login_required(request)
    return PlainTextResponse("secret")


async def _with_more(request: Request, word: str) -> Response:
    return PlainTextResponse(word)


STARLETTE: Final[tuple[Any, ...]] = (
    above_async,
    above_sync,
    AboveClass,
    Derived,
    AboveMethod,
    called,
    called_in_a_thread,
    functools.partial(login_required(_with_more), word="secret"),
)


# --- endpoints of FastAPI

Signed = Annotated[Session, Depends(login_required)]


async def depends(session: Signed) -> str:
    return "secret" if session.user_id == "42" else "nobody"


def depends_in_a_thread(session: Signed) -> str:
    return "secret" if session.user_id == "42" else "nobody"


@login_required
async def above_without_a_request(number: int = 1) -> str:
    return "secret"


@login_required
def above_in_a_thread(*, number: int = 1) -> str:
    return "secret"


@login_required
async def above_with_a_request(request: Request, session: Annotated[Session, Depends(get_session)]) -> str:
    return "secret" if request.session["a"] == session["a"] == 1 else "nobody"


FASTAPI: Final[tuple[Any, ...]] = (
    depends,
    depends_in_a_thread,
    above_without_a_request,
    above_in_a_thread,
    above_with_a_request,
)


async def enter(request: Request) -> Response:
    request.session["a"] = 1
    return await sign_in(request)


def starlette(endpoint: Any) -> Client:
    return site(Route("/", endpoint), Route("/in", enter))


def fastapi(endpoint: Any, *, above: Any = ()) -> Client:
    api = FastAPI(dependencies=above)
    api.get("/")(endpoint)
    api.router.routes.append(Route("/in", enter))
    return client(wrapped(api))


PEOPLE: Final[tuple[Any, ...]] = (
    *(
        pytest.param(starlette, endpoint, id=f"starlette-{number}")
        for number, endpoint in enumerate(STARLETTE)
    ),
    *(pytest.param(fastapi, endpoint, id=f"fastapi-{number}") for number, endpoint in enumerate(FASTAPI)),
)


@pytest.mark.parametrize(("make", "endpoint"), PEOPLE)
def test_a_stranger_gets_the_cores_own_answer_and_a_user_the_endpoints(make: Any, endpoint: Any) -> None:
    person = make(endpoint)
    refused = person.get("/")
    assert (refused.status, refused.json()["reason"]) == (401, "sign_in_required")
    assert refused.header("Content-Type") == "application/problem+json"
    assert refused.header("WWW-Authenticate") == 'Bearer error="invalid_token"'
    sent = person.get("/", headers=NAVIGATES)
    assert (sent.status, sent.header("Location")) == (303, "/sign-in?next=/")
    assert person.get("/in").status == 200
    assert "secret" in person.get("/").text


def test_what_stands_above_a_demand_may_add_to_its_answer() -> None:
    def greeting(endpoint: Any) -> Any:
        async def above(request: Request) -> Response:
            response: Response = await endpoint(request)
            response.headers["X-Greeting"] = "hello"
            response.set_cookie("theme", "dark")
            return response

        return above

    response = starlette(greeting(above_async)).get("/")
    assert (response.status, response.header("X-Greeting")) == (401, "hello")
    assert response.all("Set-Cookie")[0].startswith("theme=dark")


def test_a_head_request_is_refused_without_a_body() -> None:
    response = starlette(above_async).request("HEAD", "/")
    assert (response.status, response.body) == (401, b"")


def test_a_stranger_is_told_nothing_of_what_an_endpoint_takes() -> None:
    """The demand comes before anybody looks at the parameters."""

    @login_required
    async def endpoint(number: int) -> str:
        return "secret"

    assert fastapi(endpoint).get("/?number=x").status == 401


def test_an_endpoint_that_was_decorated_before_fastapi_was_loaded_asks_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.delitem(sys.modules, "fastapi")

        @login_required
        async def endpoint() -> str:
            return "secret"

    person = fastapi(endpoint)
    assert person.get("/").status == 401
    person.get("/in")
    assert person.get("/").json() == "secret"


def test_a_whole_router_may_demand_a_sign_in() -> None:
    api = FastAPI()
    router = APIRouter(prefix="/inside", dependencies=[Depends(login_required)])

    @router.get("/")
    async def endpoint() -> str:
        return "secret"

    api.include_router(router)
    assert client(wrapped(api)).get("/inside/").status == 401


def test_a_mounted_application_refuses_in_the_same_way() -> None:
    sub = FastAPI()
    sub.get("/")(depends)
    api = FastAPI()
    api.mount("/sub", sub)
    response = client(wrapped(api)).get("/sub/", headers=NAVIGATES)
    assert (response.status, response.header("Location")) == (303, "/sign-in?next=/sub/")


def test_a_handler_of_the_applications_own_answers_instead() -> None:
    async def own(_: Request, error: Exception) -> Response:
        assert isinstance(error, RefusedError)
        return JSONResponse({"own": error.response.status_code}, 401)

    person = site(Route("/", called), exception_handlers={RefusedError: own})
    assert person.get("/").json() == {"own": 401}


def test_without_anybody_to_handle_it_nothing_is_let_through() -> None:
    """A bare router has no handlers of exceptions; the demand is an error there, and never a pass."""
    response = client(wrapped(Router([Route("/", called)]))).get("/")
    assert response.status == 500
    assert client(wrapped(Router([Route("/", above_async)]))).get("/").status == 401


def test_an_endpoint_called_without_a_request_is_an_error() -> None:
    with pytest.raises(TypeError, match="was called without a request"):
        above_sync()  # type: ignore[call-arg]


@pytest.mark.parametrize("endpoint", [Starlette(), Starlette, "x"], ids=["an application", "a class", "text"])
def test_what_is_no_endpoint_is_refused_at_once(endpoint: Any) -> None:
    with pytest.raises(TypeError, match="is no endpoint"):
        login_required(endpoint)


def test_a_generator_is_refused_at_once() -> None:
    async def endpoint() -> AsyncIterator[str]:
        yield "secret"

    with pytest.raises(TypeError, match="is a generator"):
        login_required(endpoint)


# --- the password again


@sudo_required
async def keys(request: Request) -> Response:
    return PlainTextResponse("keys")


@sudo_required(max_age=60)
async def fresh_keys(request: Request) -> Response:
    return PlainTextResponse("keys")


async def depends_on_sudo(session: Annotated[Session, Depends(sudo_required(max_age=60))]) -> str:
    return "keys" if session.has_sudo else "none"


async def depends_on_any_sudo(session: Annotated[Session, Depends(sudo_required)]) -> str:
    return "keys" if session.has_sudo else "none"


@pytest.mark.parametrize(
    ("make", "endpoint", "age"),
    [
        (starlette, keys, 300),
        (starlette, fresh_keys, 60),
        (fastapi, depends_on_sudo, 60),
        (fastapi, depends_on_any_sudo, 300),
    ],
    ids=["starlette", "starlette, fresh", "fastapi, fresh", "fastapi"],
)
def test_the_password_is_asked_for_again(make: Any, endpoint: Any, age: int) -> None:
    person = make(endpoint)
    assert person.get("/").json()["reason"] == "sign_in_required"
    person.get("/in")
    refused = person.get("/")
    assert refused.json()["reason"] == "sudo_required"
    assert f"max_age={age}" in (refused.header("WWW-Authenticate") or "")
    asked = person.get("/", headers=NAVIGATES).header("Location") or ""
    assert asked == "/_secmw/sudo?next=/"
    person.get(asked)
    assert person.post("/_secmw/sudo", form={"password": "right", "next": "/"}).status == 303
    assert "keys" in person.get("/").text


@pytest.mark.parametrize("age", [-1, "60", True, 1.5])
def test_a_max_age_that_is_no_number_of_seconds_is_refused_at_once(age: Any) -> None:
    with pytest.raises(TypeError, match="needs max_age in whole seconds"):
        sudo_required(max_age=age)


# --- WebSockets


async def greets(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("hello")
    await websocket.close()


@login_required
class Greeter(WebSocketEndpoint):
    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("hello")


def _sockets() -> FastAPI:
    api = FastAPI()

    @api.websocket("/depends")
    async def depends_socket(websocket: WebSocket, session: Signed) -> None:
        await greets(websocket)

    @api.websocket("/above")
    @login_required
    async def above_socket(websocket: WebSocket) -> None:
        await greets(websocket)

    @api.websocket("/called")
    async def called_socket(websocket: WebSocket) -> None:
        login_required(websocket)
        await greets(websocket)

    api.router.routes += [
        WebSocketRoute("/starlette", login_required(greets)),
        WebSocketRoute("/class", Greeter),
        Route("/in", enter),
    ]
    return api


@pytest.mark.parametrize("path", ["/depends", "/above", "/called", "/starlette", "/class"])
def test_a_strangers_handshake_is_refused_with_the_reason(path: str) -> None:
    person = client(wrapped(_sockets()))
    refused = person.websocket(path)
    assert (refused.accepted, refused.status) == (False, 401)
    assert json.loads(refused.body)["reason"] == "sign_in_required"
    person.get("/in")
    assert person.websocket(path, replies=1).messages == ("hello",)


def test_after_it_was_accepted_a_strangers_socket_is_closed() -> None:
    async def late(websocket: WebSocket) -> None:
        await websocket.accept()
        login_required(websocket)

    person = site(WebSocketRoute("/ws", late))
    answer = person.websocket("/ws", replies=1)
    assert (answer.accepted, answer.messages, answer.close_code) == (True, (), 1008)


# --- what a page needs


async def page(
    token: Annotated[str, Depends(xsrf_token)],
    nonce: Annotated[str, Depends(csp_nonce)],
    connection: HTTPConnection,
) -> list[str]:
    return [token, nonce, csp_nonce(connection), xsrf_token(connection)]


def test_a_dependency_gives_the_token_and_the_nonce_of_this_response() -> None:
    response = fastapi(page).get("/")
    token, nonce, again, another = response.json()
    assert nonce == again
    assert f"'nonce-{nonce}'" in (response.header("Content-Security-Policy-Report-Only") or "")
    assert len(token) == len(another) > 20


@override(frame_options="SAMEORIGIN")
async def framed(request: Request) -> Response:
    return PlainTextResponse("framed")


@override(frame_options="SAMEORIGIN")
@login_required
async def framed_for_users() -> str:
    return "framed"


async def frames(request: Request) -> Response:
    override(frame_options="SAMEORIGIN")(request)
    return PlainTextResponse("framed")


async def unframed() -> str:
    return "framed"


@pytest.mark.parametrize(
    "person",
    [
        starlette(framed),
        starlette(frames),
        fastapi(framed_for_users),
        fastapi(unframed, above=[Depends(override(frame_options="SAMEORIGIN"))]),
    ],
    ids=["above", "called", "two above", "a dependency"],
)
def test_an_endpoint_may_have_headers_of_its_own(person: Client) -> None:
    assert person.get("/in").status == 200
    assert person.get("/").header("X-Frame-Options") == "SAMEORIGIN"
    assert "framed" in person.get("/").text


def test_what_is_no_setting_of_a_header_is_refused_where_it_is_written() -> None:
    with pytest.raises(ConfigError, match="frame_option: is no setting of a response header") as caught:
        override(frame_option=None, xsrf=None)
    assert len(caught.value.problems) == 2


def test_a_decorated_endpoint_keeps_what_fastapi_reads_of_it() -> None:
    @login_required
    async def endpoint(
        number: int, note: Annotated[str, Body(embed=True)], word: str = "x"
    ) -> dict[str, Any]:
        """Say what it is."""
        return {"number": number, "note": note, "word": word}

    api = FastAPI()
    api.post("/{number}")(endpoint)
    api.router.routes.append(Route("/in", enter))
    operation = api.openapi()["paths"]["/{number}"]["post"]
    assert [given["name"] for given in operation["parameters"]] == ["number", "word"]
    assert operation["description"] == "Say what it is."
    person = client(wrapped(api))
    person.get("/in")
    person.get("/_secmw/xsrf")
    assert person.post("/7?word=y", json={"note": "z"}).json() == {"number": 7, "note": "z", "word": "y"}


def test_a_dependency_may_be_replaced_for_a_test() -> None:
    api = FastAPI()
    api.get("/")(depends)
    api.dependency_overrides[login_required] = _Somebody
    assert client(wrapped(api)).get("/").json() == "secret"


class _Somebody:
    user_id = "42"
