"""The views that the tests of the middleware ask, and what asks them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.template import engines
from django.test import override_settings
from django.urls import include, path, re_path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csrf import csrf_exempt

import tests.adapters.secmw_django.site  # noqa: F401 - it sets Django up
from secmw_django import (
    LoginRequiredMixin,
    SudoRequiredMixin,
    login_required,
    override,
    sudo_required,
    xsrf_exempt,
)
from secmw_django.current import current

HOST = "app.example.org"
HERE = "tests.adapters.secmw_django.pages"
OURS = "secmw_django.SecmwMiddleware"


def project(*middleware: str, **settings: Any) -> override_settings:
    """Be a project with these views, and this middleware after ours."""
    policy = {"public_url": f"https://{HOST}", "store": "memory://", **settings.pop("SECMW", {})}
    given: dict[str, Any] = {
        "ROOT_URLCONF": HERE,
        "MIDDLEWARE": [OURS, *middleware],
        "SECMW": policy,
        "SECMW_HOOKS": "tests.adapters.secmw_django.pages.HOOKS",
        **settings,
    }
    return override_settings(**given)


def hooks() -> Any:
    from secmw.hooks import Hooks

    return Hooks(verify=lambda _user_id, password: password == "right")


HOOKS = hooks()


# --- views ------------------------------------------------------------------------------------------------------------


def seen(request: HttpRequest) -> JsonResponse:
    """Show what Django says of who and where."""
    exchange: Any = getattr(request, "secmw", None)
    return JsonResponse(
        {
            "scheme": request.scheme,
            "secure": request.is_secure(),
            "host": request.get_host(),
            "url": request.build_absolute_uri(),
            "client": request.META.get("REMOTE_ADDR"),
            "path": request.path,
            "forwarded": sorted(name for name in request.META if "FORWARDED" in name),
            "current": current() is not None and current() is exchange,
            "exchange": [exchange.scheme, exchange.host, exchange.client, exchange.path],
        }
    )


async def seen_async(request: HttpRequest) -> JsonResponse:
    """Do so on the loop, and look from a thread too."""
    answer = seen(request)
    assert await sync_to_async(current)() is current()
    return answer


def posted(request: HttpRequest) -> JsonResponse:
    given: Any = request.FILES
    files = {name: [file.name, file.size] for name, file in given.items()}
    return JsonResponse({"post": request.POST.dict(), "files": files})


async def posted_async(request: HttpRequest) -> JsonResponse:
    return posted(request)


def count(request: HttpRequest) -> JsonResponse:
    """Count visits in the session."""
    session = request.secmw.session  # type: ignore[attr-defined] # what the middleware sets
    session["count"] = session.get("count", 0) + 1
    return JsonResponse({"count": session["count"]})


async def count_async(request: HttpRequest) -> JsonResponse:
    return count(request)


def sign_in(request: HttpRequest) -> HttpResponse:
    request.secmw.session.login("42", "Jane")  # type: ignore[attr-defined] # the same
    response = HttpResponse("in")
    response.set_cookie("theme", "dark", path="/")
    return response


def sign_out_and_fail(request: HttpRequest) -> HttpResponse:
    session = request.secmw.session  # type: ignore[attr-defined] # the same
    session["lost"] = True
    session.logout()
    raise RuntimeError("on purpose")


def who(request: HttpRequest) -> JsonResponse:
    session = request.secmw.session  # type: ignore[attr-defined] # the same
    return JsonResponse({"user": session.user_id, "data": dict(session)})


def too_much(request: HttpRequest) -> HttpResponse:
    session = request.secmw.session  # type: ignore[attr-defined] # the same
    session["all"] = []
    session["all"].append("x" * 100_000)  # which nobody notices before the response starts
    return HttpResponse("kept")


def pieces(request: HttpRequest) -> StreamingHttpResponse:
    session = request.secmw.session  # type: ignore[attr-defined] # the same

    def body() -> Iterator[bytes]:
        yield b"one "
        session["late"] = True
        yield b"two"

    return StreamingHttpResponse(body())


async def pieces_async(request: HttpRequest) -> StreamingHttpResponse:
    session = request.secmw.session  # type: ignore[attr-defined] # the same

    async def body() -> AsyncIterator[bytes]:
        yield b"one "
        session["late"] = True
        yield b"two"

    return StreamingHttpResponse(body())


def page(request: HttpRequest) -> HttpResponse:
    text = request.GET["template"]
    return HttpResponse(engines["django"].from_string(text).render({}, request))


@xframe_options_exempt
def unframed(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("whoever likes may frame it")


def raw(request: HttpRequest) -> HttpResponse:
    """Read the body as a stream, which nobody winds back."""
    return HttpResponse(request.read())


COUNTED: list[str] = []


def counted(_request: HttpRequest) -> HttpResponse:
    """Count how often it was asked since the last time that it was not."""
    COUNTED.append("")
    return HttpResponse(str(len(COUNTED)))


@override(frame_options=None, csp={"default-src": ["'none'"]})
def framed(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("framed")


@override(referrer_policy="no-referrer")
async def framed_async(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("framed")


@sudo_required
def danger(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("done")


@sudo_required(max_age=60)
async def danger_async(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("done")


@login_required
def mine(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("yours")


class Around:
    """Be a request as Django REST framework gives it to a view: around Django's own."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    def __getattr__(self, name: str) -> Any:
        return getattr(self._request, name)


def wrapped(request: HttpRequest) -> HttpResponse:
    around: Any = Around(request)
    answer: HttpResponse = login_required(danger)(around)
    return answer


class Danger(SudoRequiredMixin, View):
    sudo_max_age = 60

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("done")


class DangerAsync(SudoRequiredMixin, View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("done")


class Mine(LoginRequiredMixin, View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("yours")


@xsrf_exempt
def hook(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("heard")


@xsrf_exempt
async def hook_async(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("heard")


@csrf_exempt
def hook_of_django(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("heard")


@method_decorator(xsrf_exempt, name="dispatch")
class Hook(View):
    def post(self, request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
        return HttpResponse("heard")


class HalfHook(View):
    @method_decorator(xsrf_exempt)
    def post(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("heard")


urlpatterns = [
    path("seen", seen),
    path("seen-async", seen_async),
    path("count", count),
    path("count-async", count_async),
    path("posted", posted),
    path("posted-async", posted_async),
    path("in", sign_in),
    path("out", sign_out_and_fail),
    path("who", who),
    path("too-much", too_much),
    path("pieces", pieces),
    path("pieces-async", pieces_async),
    path("page", page),
    path("counted", counted),
    path("unframed", unframed),
    path("raw", raw),
    path("framed", framed),
    path("framed-async", framed_async),
    path("danger/<str:name>", lambda request, name: danger(request)),
    path("danger", danger),
    path("wrapped", wrapped),
    path("danger-async", danger_async),
    path("danger-class", Danger.as_view()),
    path("danger-class-async", DangerAsync.as_view()),
    path("mine", mine),
    path("mine-class", Mine.as_view()),
    path("hook", hook),
    path("hook-async", hook_async),
    path("hook-of-django", hook_of_django),
    path("hook-class", Hook.as_view()),
    path("half-hook", HalfHook.as_view()),
    path("shops/<int:shop>/", include([re_path(r"^hooks/(?P<name>[a-z]+)$", Hook.as_view())])),
    path("日本", seen),
]


# --- middleware -------------------------------------------------------------------------------------------------------


def for_threads(get_response: Callable[[HttpRequest], Any]) -> Any:
    """Be middleware as most people write it, which runs in threads alone."""

    def middleware(request: HttpRequest) -> Any:
        return get_response(request)

    return middleware


class ForLoops:
    """Be middleware that runs on an event loop alone."""

    sync_capable = False
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> Any:
        return await self.get_response(request)


class Elsewhere:
    """Lead a request to other views, as projects do that have several hosts."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        request.urlconf = f"{HERE}_elsewhere"
        return self.get_response(request)


# --- who asks ---------------------------------------------------------------------------------------------------------


def over_asgi(app: Any, target: str, *, method: str = "GET", headers: Any = (), body: bytes = b"") -> Any:
    """Send one request to an ASGI application, and return the messages that it sent."""
    import asyncio
    from urllib.parse import unquote

    spelled, _, query = target.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "https",
        "path": unquote(spelled),
        "raw_path": spelled.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", HOST.encode()), *headers],
        "client": ("127.0.0.1", 50_000),
        "server": (HOST, 443),
    }
    sent: list[Any] = []
    asked: list[bool] = []

    async def receive() -> Any:
        if asked:
            await asyncio.Event().wait()
        asked.append(True)
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent


def lines(sent: Any) -> dict[str, list[str]]:
    """Return the header lines of what was sent over ASGI, by name in lower case."""
    found: dict[str, list[str]] = {}
    for name, value in sent[0]["headers"]:
        found.setdefault(name.decode().lower(), []).append(value.decode("latin-1"))
    return found


def text(sent: Any) -> str:
    return b"".join(message.get("body", b"") for message in sent[1:]).decode()


def json_of(sent: Any) -> Any:
    return json.loads(text(sent))
