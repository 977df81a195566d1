"""What is written above a view, sync or async: what it demands of a session, what it is not asked for, its own headers.

Each of them goes above a function, and above a class or one of its methods with ``django.utils.decorators.method_decorator``.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, overload

from asgiref.sync import iscoroutinefunction

from secmw.compile import RESPONSE_SETTINGS
from secmw.errors import ConfigError, Problem
from secmw.pages import refusal as rendered
from secmw_django.current import exchange_of
from secmw_django.responses import bare
from secmw_django.routes import ATTRIBUTE
from secmw_django.wires import rest

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

    from secmw.http import Refusal

_View = TypeVar("_View", bound="Callable[..., Any]")


def login_required(view: _View) -> _View:
    """Let only somebody who is signed in through: others go to ``sessions.sign_in_url``, and scripts get 401 with the reason.

    Django's own decorator asks the same of ``request.user``, and sends scripts to the sign-in page too.
    """
    demanding: _View = _before(view, demand_login)
    return demanding


@overload
def sudo_required(view: _View, /) -> _View: ...
@overload
def sudo_required(*, max_age: int | None = None) -> Callable[[_View], _View]: ...
def sudo_required(view: Any = None, /, *, max_age: int | None = None) -> Any:
    """Let only somebody who gave the password lately through: others go to the page that asks for it, scripts get 401.

    ``max_age``: seconds since then, at most; by default as long as ``sudo.duration`` says.
    """

    def demanding(view: Any) -> Any:
        return _before(view, lambda request: demand_sudo(request, max_age))

    return demanding if view is None else demanding(view)


def xsrf_exempt(view: _View) -> _View:
    """Have nobody ask anything of unsafe requests to this view: it answers other servers, and checks their signature itself.

    It goes above everything else that is written above the view. Django's ``csrf_exempt`` says nothing to secmw: libraries
    write it above views that answer browsers, because they check Django's token themselves.
    """

    def nothing(_request: HttpRequest) -> None:
        return None

    exempted: Any = _before(view, nothing)
    setattr(exempted, ATTRIBUTE, True)
    # Where CsrfViewMiddleware asks the second question, it is as exempt from that.
    exempted.csrf_exempt = True
    found: _View = exempted
    return found


def override(**settings: Any) -> Callable[[_View], _View]:
    """Give the responses of a view other headers than their path: settings as :meth:`secmw.Policy.at` takes them.

    Raise ConfigError at once for what is no setting of a response header; a wrong value is found when the view is first asked.
    """
    strays = [name for name in settings if name not in RESPONSE_SETTINGS]
    if strays:
        fix = "is no setting of a response header, which are all that one view can have of its own"
        raise ConfigError([Problem(name, fix) for name in strays])

    def change(request: HttpRequest) -> None:
        exchange_of(request).override(**settings)

    def overriding(view: _View) -> _View:
        changed: _View = _before(view, change)
        return changed

    return overriding


def demand_login(request: HttpRequest) -> HttpResponse | None:
    """Return None where somebody is signed in, what to answer otherwise: the way to the sign-in page, or 401."""
    return _rendered(request, exchange_of(request).login_required(rest(request).asking))


def demand_sudo(request: HttpRequest, max_age: int | None = None) -> HttpResponse | None:
    """Return None where somebody gave the password lately, what to answer otherwise: the page that asks for it, or 401."""
    return _rendered(request, exchange_of(request).sudo_required(rest(request).asking, max_age))


def _before(view: Any, first: Callable[[HttpRequest], HttpResponse | None]) -> Any:
    """Do something before a view, and answer in its place where that says so."""
    if iscoroutinefunction(view):

        @wraps(view)
        async def waiting(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            answer = first(request)
            return await view(request, *args, **kwargs) if answer is None else answer

        return waiting

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        answer = first(request)
        return view(request, *args, **kwargs) if answer is None else answer

    return wrapped


def _rendered(request: HttpRequest, refusal: Refusal | None) -> HttpResponse | None:
    if refusal is None:
        return None
    return bare(rendered(refusal, accept=rest(request).accept, method=request.method or "GET"))
