"""Exemptions from XSRF protection: exactly the endpoints that are marked, and nothing that could be anybody else's."""

from __future__ import annotations

import functools
from typing import Any, Final

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Host, Match, Mount, Route, Router, WebSocketRoute
from starlette.staticfiles import StaticFiles

from secmw_starlette import SecmwMiddleware, login_required, xsrf_exempt
from secmw_starlette.exempting import exempts
from tests.adapters.secmw_starlette.sites import client, policy, wrapped


@xsrf_exempt
async def hook(request: Request) -> Response:
    return PlainTextResponse("hooked")


@xsrf_exempt
def hook_in_a_thread(request: Request) -> Response:
    return PlainTextResponse("hooked")


async def account(request: Request) -> Response:
    return PlainTextResponse("changed")


@xsrf_exempt
async def any_hook(scope: Any, receive: Any, send: Any) -> None:
    await PlainTextResponse("hooked")(scope, receive, send)


async def any_page(scope: Any, receive: Any, send: Any) -> None:
    await PlainTextResponse("changed")(scope, receive, send)


@xsrf_exempt
class HookClass(HTTPEndpoint):
    async def post(self, request: Request) -> Response:
        return PlainTextResponse("hooked")


class Derived(HookClass):
    async def post(self, request: Request) -> Response:
        return PlainTextResponse("changed")


class HookMethod(HTTPEndpoint):
    async def get(self, request: Request) -> Response:
        return PlainTextResponse("page")

    @xsrf_exempt
    async def post(self, request: Request) -> Response:
        return PlainTextResponse("hooked")


class OneOfTwo(HookMethod):
    async def delete(self, request: Request) -> Response:
        return PlainTextResponse("changed")


@login_required
class Guarded(HookMethod):
    pass


class OwnDispatch(HookMethod):
    async def dispatch(self) -> None:
        await account(Request(self.scope))


class Decides(Route):
    """A route that looks at more than the path."""

    def matches(self, scope: Any) -> Any:
        if (b"x-version", b"2") in scope["headers"]:
            return super().matches(scope)
        return Match.NONE, {}


class Passing(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: Any) -> Response:
        response: Response = await call_next(request)
        return response


def post(endpoint: Any, path: str = "/hook", **settings: Any) -> Route:
    return Route(path, endpoint, methods=["POST"], **settings)


def mounted(*routes: BaseRoute) -> Mount:
    return Mount("/sub", Starlette(routes=[*routes]))


def api(*, prefix: str = "", **routers: Any) -> FastAPI:
    found = FastAPI()
    for path, endpoint in routers.items():
        router = APIRouter(prefix=f"/{path}")
        router.post("/hook")(endpoint)
        outer = APIRouter()
        outer.include_router(router)
        found.include_router(outer, prefix=prefix)
    return found


async def fast(request: Request) -> str:
    return "changed"


@xsrf_exempt
async def fast_hook() -> str:
    return "hooked"


#: An application, a path, and whether unsafe requests to it are to be asked nothing.
QUESTIONS: Final[tuple[tuple[str, Any, str, bool], ...]] = (
    ("a function", [post(hook)], "/hook", True),
    ("one that runs in a thread", [post(hook_in_a_thread)], "/hook", True),
    ("one that is not marked", [post(account)], "/hook", False),
    ("no route", [post(hook)], "/other", False),
    ("a route that takes no unsafe method", [Route("/hook", hook)], "/hook", False),
    ("a partial", [post(functools.partial(hook))], "/hook", True),
    ("a parameter", [post(hook, "/hooks/{name}")], "/hooks/stripe", True),
    ("a parameter that does not fit", [post(hook, "/hooks/{number:int}")], "/hooks/x", False),
    (
        "a parameter with an earlier route",
        [post(account, "/hooks/me"), post(hook, "/hooks/{name}")],
        "/hooks/me",
        False,
    ),
    ("a later route that is never reached", [post(hook), post(account)], "/hook", True),
    ("another method", [post(hook), Route("/hook", account, methods=["DELETE"])], "/hook", False),
    ("a safe method beside it", [post(hook), Route("/hook", account)], "/hook", True),
    ("a method of one's own", [post(hook), Route("/hook", account, methods=["PURGE"])], "/hook", False),
    ("a socket beside it", [WebSocketRoute("/hook", account), post(hook)], "/hook", True),
    ("a class", [Route("/hook", HookClass)], "/hook", True),
    ("a class that derives from it", [Route("/hook", Derived)], "/hook", False),
    ("a method of a class", [Route("/hook", HookMethod)], "/hook", True),
    ("one method of two", [Route("/hook", OneOfTwo)], "/hook", False),
    ("one method of two, the other out of reach", [post(OneOfTwo)], "/hook", True),
    ("a class with a demand", [Route("/hook", Guarded)], "/hook", True),
    ("a class that dispatches by itself", [Route("/hook", OwnDispatch)], "/hook", False),
    ("an application as endpoint", [Mount("/hook", any_hook)], "/hook/x", True),
    ("below a mount", [mounted(post(hook))], "/sub/hook", True),
    ("below a mount, not marked", [mounted(post(account))], "/sub/hook", False),
    ("a mount before it", [mounted(), post(hook, "/sub/hook")], "/sub/hook", False),
    ("a mount behind it", [post(hook, "/sub/hook"), mounted(post(account))], "/sub/hook", False),
    ("static files", [Mount("/hook", StaticFiles(directory="."))], "/hook/x", False),
    ("a host", [Host("a.example", Router([post(hook)])), post(hook)], "/hook", True),
    ("one host of two", [Host("a.example", Router([post(account)])), post(hook)], "/hook", False),
    (
        "a host without that path",
        [Host("a.example", Router([post(account, "/x")])), post(hook)],
        "/hook",
        True,
    ),
    (
        "a route that decides by more",
        [Decides("/hook", account, methods=["POST"]), post(hook)],
        "/hook",
        False,
    ),
    ("a mount that cannot be seen into", [Mount("/hook", any_page)], "/hook/x", False),
    ("layers around it", Starlette(routes=[post(hook)], middleware=[Middleware(Passing)]), "/hook", True),
    ("layers around the whole", Passing(Starlette(routes=[post(hook)])), "/hook", True),
    (
        "a layer around a mount",
        [Mount("/s", routes=[post(hook)], middleware=[Middleware(Passing)])],
        "/s/hook",
        True,
    ),
    ("a router", Router([post(hook)]), "/hook", True),
    ("what is left to an application", Router([post(hook)], default=any_page), "/hook", False),
    ("the top", [post(hook, "/")], "/", True),
    ("a mount that takes the other methods", [post(hook, "/"), Mount("", any_page)], "/", False),
    ("an included router", api(a=fast_hook), "/a/hook", True),
    ("an included router, not marked", api(a=fast), "/a/hook", False),
    ("the other included router", api(a=fast_hook, b=fast), "/b/hook", False),
    ("an included router below a prefix", api(prefix="/v1", a=fast_hook), "/v1/a/hook", True),
    ("a path without its prefix", api(prefix="/v1", a=fast_hook), "/a/hook", False),
    ("an application that is a function", lambda *_: None, "/hook", False),
)


@pytest.mark.parametrize(
    ("app", "path", "expected"), [row[1:] for row in QUESTIONS], ids=[row[0] for row in QUESTIONS]
)
def test_a_path_is_exempt_if_every_endpoint_of_it_is(app: Any, path: str, expected: bool) -> None:
    assert exempts(Starlette(routes=app) if isinstance(app, list) else app, path) is expected


def test_a_route_of_the_applications_own_kind_that_overrides_the_match_is_unclear() -> None:
    class Versioned(APIRoute):
        def matches(self, scope: Any) -> Any:
            return super().matches(scope)

    found = FastAPI()
    found.router.route_class = Versioned
    found.post("/hook")(fast_hook)
    assert not exempts(found, "/hook")


def test_the_top_is_not_exempt_where_the_empty_path_is_another_endpoint() -> None:
    """A server that leaves the mount point on the path asks Starlette for the empty one, which to secmw is the top."""
    found = FastAPI()
    found.post("/")(fast_hook)
    assert exempts(found, "/")
    found.post("")(fast)
    assert not exempts(found, "/")


def test_routes_that_fail_exempt_nothing(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(HookMethod):
        pass

    route = Route("/hook", Broken)
    del route.endpoint
    assert not exempts(Router([route]), "/hook")
    assert "don't tell whether '/hook' is exempt" in caplog.text


def test_what_cannot_be_marked_is_refused_at_once() -> None:
    class Views:
        async def hook(self, request: Request) -> Response:
            return PlainTextResponse("hooked")

    with pytest.raises(TypeError, match="put the decorator above the function itself"):
        xsrf_exempt(Views().hook)


# --- and so it is answered


def routes() -> list[BaseRoute]:
    return [
        post(hook),
        post(account, "/account"),
        Mount("/sub", routes=[post(hook), post(account, "/account")]),
    ]


@pytest.mark.parametrize("registered", [False, True])
@pytest.mark.parametrize("below", ["", "/sub"])
def test_a_hook_is_asked_nothing_and_everything_else_is(registered: bool, below: str) -> None:
    if registered:
        app: Any = Starlette(routes=routes(), middleware=[Middleware(SecmwMiddleware, policy=policy())])
    else:
        app = wrapped(Starlette(routes=routes()))
    other = {"Origin": "https://evil.example"}
    sender = client(app)
    assert sender.post(f"{below}/hook", headers=other).text == "hooked"
    assert sender.post(f"{below}/account", headers=other).json()["reason"] == "cross_origin"
    assert sender.post(f"{below}/hook/../account", headers=other).status == 403
    assert sender.post(f"{below}/hook/", headers=other).status == 403


def test_registered_behind_a_layer_that_hides_the_routes_it_still_finds_them() -> None:
    def hiding(app: Any) -> Any:
        async def hidden(scope: Any, receive: Any, send: Any) -> None:
            await app(scope, receive, send)

        return hidden

    layers = [Middleware(SecmwMiddleware, policy=policy()), Middleware(hiding)]
    sender = client(Starlette(routes=routes(), middleware=layers))
    assert sender.post("/hook", headers={"Origin": "https://evil.example"}).text == "hooked"
    assert sender.post("/account", headers={"Origin": "https://evil.example"}).status == 403
