"""The addresses of a site with accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.auth import (
    aauthenticate,
    alogin,
    alogout,
    aupdate_session_auth_hash,
    authenticate,
    get_user,
    login,
    logout,
    update_session_auth_hash,
)
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_protect, ensure_csrf_cookie

from secmw_django.current import current

if TYPE_CHECKING:
    from collections.abc import Iterator

    from secmw.sessions.session import Session


def _session(request: Any) -> Session:
    exchange = current()
    assert exchange is not None
    assert exchange is request.secmw
    found: Session = exchange.session
    return found


def who(request: Any) -> JsonResponse:
    """Say who is signed in, to Django and to secmw."""
    session = request.session
    return JsonResponse(
        {
            "django": request.user.get_username(),
            "secmw": _session(request).user_id,
            "described": _session(request).user_description,
            "key": session.session_key,
            "data": {name: session[name] for name in session.keys() if not name.startswith("_auth")},  # noqa: SIM118 - Django sessions are no iterables
        }
    )


async def awho(request: Any) -> JsonResponse:
    """Say who is signed in, on the event loop."""
    user = await request.auser()
    session = _session(request)
    return JsonResponse(
        {"django": user.get_username(), "secmw": session.user_id, "key": request.session.session_key}
    )


def put(request: HttpRequest) -> HttpResponse:
    """Put what was asked for into the session; without a question change what is in it."""
    for name, value in request.GET.items():
        request.session[name] = value
    if not request.GET:
        request.session["list"].append("more")
    assert not request.session.modified, "nobody else has to save it"
    return HttpResponse("kept")


def begin(request: HttpRequest) -> HttpResponse:
    """Have an empty session begin, and show its key."""
    if not request.session.session_key:
        request.session.save()
    return HttpResponse(str(request.session.session_key))


def fill(request: HttpRequest) -> HttpResponse:
    request.session["list"] = ["first"]
    return HttpResponse("filled")


def sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in with a name and a password."""
    user = authenticate(request, username=request.POST["username"], password=request.POST["password"])
    if user is None:
        return HttpResponse("no", status=401)
    login(request, user)
    for name in request.GET:
        request.session.set_expiry(int(name))
    return HttpResponse(str(request.session.session_key))


async def asign_in(request: HttpRequest) -> HttpResponse:
    """Sign in on the event loop."""
    user = await aauthenticate(request, username=request.POST["username"], password=request.POST["password"])
    if user is None:
        return HttpResponse("no", status=401)
    await alogin(request, user)
    return HttpResponse("in")


def sign_out(request: HttpRequest) -> HttpResponse:
    """Sign out."""
    logout(request)
    return HttpResponse("out")


def bye(request: HttpRequest) -> HttpResponse:
    """Sign out, and say so on the next page."""
    logout(request)
    messages.info(request, "bye")
    return HttpResponse("out")


async def asign_out(request: HttpRequest) -> HttpResponse:
    """Sign out on the event loop."""
    await alogout(request)
    return HttpResponse("out")


def new_password(request: Any) -> HttpResponse:
    """Change the password of who is signed in."""
    request.user.set_password(request.POST["password"])
    request.user.save()
    update_session_auth_hash(request, request.user)
    return HttpResponse("changed")


async def anew_password(request: Any) -> HttpResponse:
    """Change the password on the event loop."""
    user = await request.auser()
    request.user = user
    user.set_password(request.POST["password"])
    await user.asave()
    await aupdate_session_auth_hash(request, user)
    return HttpResponse("changed")


def fails(request: HttpRequest) -> HttpResponse:
    """Put something into the session, and fail."""
    request.session["lost"] = 1
    raise RuntimeError("as planned")


def say(request: HttpRequest) -> HttpResponse:
    """Leave a message for the next page."""
    messages.info(request, "hello <you>")
    return HttpResponse("said")


def hear(request: HttpRequest) -> HttpResponse:
    """Show the messages."""
    return HttpResponse(", ".join(str(message) for message in messages.get_messages(request)))


def cores(request: Any) -> HttpResponse:
    """Sign in without django.contrib.auth."""
    user = authenticate(request, username="jane", password=request.POST["password"])
    version = user.get_session_auth_hash()  # type: ignore[union-attr]
    _session(request).login(str(user.pk), credentials_version=version)  # type: ignore[union-attr]
    return HttpResponse("in")


def late(request: HttpRequest) -> HttpResponse:
    """Ask who it is without a view of Django's that would have asked before."""
    return HttpResponse(str(get_user(request)))


def streamed(request: HttpRequest) -> StreamingHttpResponse:
    """Look who it is when the head has left."""

    def body() -> Iterator[bytes]:
        yield str(get_user(request)).encode()
        request.session["list"].append("late")

    return StreamingHttpResponse(body())


@ensure_csrf_cookie
def ensured(request: HttpRequest) -> HttpResponse:
    """Have scripts find a token in the cookie."""
    return HttpResponse("ensured")


@csrf_protect
def protected(request: HttpRequest) -> HttpResponse:
    """Be asked for Django's token besides."""
    return HttpResponse("protected")


urlpatterns: list[Any] = [
    path("admin/", admin.site.urls),
    path("who", who),
    path("awho", awho),
    path("put", put),
    path("fill", fill),
    path("begin", begin),
    path("in", sign_in),
    path("ain", asign_in),
    path("out", sign_out),
    path("bye", bye),
    path("aout", asign_out),
    path("password", new_password),
    path("apassword", anew_password),
    path("fails", fails),
    path("say", say),
    path("hear", hear),
    path("late", late),
    path("cores", cores),
    path("ensured", ensured),
    path("protected", protected),
    path("streamed", streamed),
]
