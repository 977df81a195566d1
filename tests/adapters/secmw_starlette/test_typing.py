"""What a type checker makes of the public names; it reads this module, and the test runs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, assert_type

from fastapi import Depends, FastAPI
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.templating import Jinja2Templates
from starlette.websockets import WebSocket

from secmw import Policy, Session
from secmw_starlette import (
    RESPONSES,
    SecmwMiddleware,
    csp_nonce,
    get_session,
    login_required,
    override,
    save,
    sudo_required,
    template_context,
    xsrf_exempt,
    xsrf_token,
)
from tests.adapters.secmw_starlette.sites import HOOKS, client, policy


@login_required
async def page(request: Request) -> Response:
    session = get_session(request)
    assert_type(session, Session)
    assert_type(xsrf_token(request), str)
    assert_type(csp_nonce(request), str)
    assert_type(login_required(request), Session)
    assert_type(sudo_required(request), Session)
    assert_type(sudo_required(max_age=60)(request), Session)
    assert_type(template_context(request), dict[str, Callable[[], Any]])
    return PlainTextResponse(session.user_description)


@sudo_required
def keys(request: Request) -> Response:
    return PlainTextResponse("keys")


@sudo_required(max_age=60)
@override(frame_options=None)
async def fresh_keys(request: Request) -> PlainTextResponse:
    return PlainTextResponse("keys")


@xsrf_exempt
async def hook(request: Request) -> Response:
    return PlainTextResponse("hooked")


@login_required
class Page(HTTPEndpoint):
    @xsrf_exempt
    async def post(self, request: Request) -> Response:
        return PlainTextResponse("posted")


@login_required
async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    get_session(websocket)["seen"] = True
    await save(websocket)


def starlette(given: Policy) -> SecmwMiddleware:
    assert_type(Page, type[Page])
    routes = [
        Route("/page", page),
        Route("/keys", keys),
        Route("/fresh", fresh_keys),
        Route("/hook", hook, methods=["POST"]),
        Route("/class", Page),
        WebSocketRoute("/ws", socket),
    ]
    return SecmwMiddleware(Starlette(routes=routes), given, hooks=HOOKS)


def registered(given: Policy) -> Starlette:
    layers = [Middleware(SecmwMiddleware, policy=given, hooks=HOOKS)]
    return Starlette(routes=[Route("/page", page)], middleware=layers)


def fastapi(given: Policy) -> SecmwMiddleware:
    api = FastAPI(dependencies=[Depends(override(referrer_policy="no-referrer"))])
    Jinja2Templates(directory=".", context_processors=[template_context])

    @api.get("/page", responses=RESPONSES)
    async def page(
        session: Annotated[Session, Depends(get_session)],
        user: Annotated[Session, Depends(login_required)],
        elevated: Annotated[Session, Depends(sudo_required(max_age=60))],
        token: Annotated[str, Depends(xsrf_token)],
        nonce: Annotated[str, Depends(csp_nonce)],
    ) -> str:
        return session.user_description

    @api.get("/keys")
    @login_required
    async def keys(number: int = 1) -> int:
        assert_type(await keys(number), int)
        return number

    return SecmwMiddleware(api, given, hooks=HOOKS)


def test_a_program_of_all_public_names_does_what_it_says() -> None:
    for make in (starlette, registered, fastapi):
        assert client(make(policy())).get("/page").status == 401
    assert client(starlette(policy())).post("/hook", headers={"Origin": "https://evil.example"}).status == 200
