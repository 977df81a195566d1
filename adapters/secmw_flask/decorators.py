"""login_required, sudo_required and override: what a view, or what is asked before a blueprint's views, may say of itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from flask import Blueprint, current_app, request
from flask.views import View

from secmw.compile import RESPONSE_SETTINGS
from secmw.config.convert import unknown
from secmw.errors import ConfigError, Problem
from secmw.wsgi import demand_login, demand_sudo
from secmw_flask.here import exchange
from secmw_flask.placement import decorated

if TYPE_CHECKING:
    from flask import Response

    from secmw.http import Reply

Function = TypeVar("Function", bound=Callable[..., Any])
Target = TypeVar("Target", bound="Callable[..., Any] | Blueprint")

#: Asked before a view; what it returns is answered in the view's place.
Before = Callable[[], "Response | None"]


@overload
def login_required(view: Function) -> Function: ...
@overload
def login_required() -> Callable[[Function], Function]: ...
def login_required(view: Callable[..., Any] | None = None) -> Any:
    """Let only somebody who is signed in reach a view: others are sent to ``sessions.sign_in_url``, scripts get 401.

    With or without brackets, on plain and async views, on a ``MethodView`` or its methods, and on a function for
    ``blueprint.before_request``. Write it below ``@app.get(...)``: above it, it would guard nothing, and the first
    request says so.
    """
    return _asking("login_required", lambda: _response(demand_login(_environ())), view)


@overload
def sudo_required(view: Function) -> Function: ...
@overload
def sudo_required(*, max_age: int | None = None) -> Callable[[Function], Function]: ...
def sudo_required(view: Callable[..., Any] | None = None, *, max_age: int | None = None) -> Any:
    """Let only somebody who gave the password lately reach a view: others are asked for it, scripts get 401.

    ``max_age``: seconds since then, at most; by default as long as ``sudo.duration`` says. Goes where
    :func:`login_required` goes, and includes it.
    """
    return _asking("sudo_required", lambda: _response(demand_sudo(_environ(), max_age)), view)


def override(**settings: Any) -> Callable[[Target], Target]:
    """Give the responses of a view, a class of views or a blueprint other headers: settings as :meth:`secmw.Policy.at` takes them.

    What is not named stays as it is for the path. Raise ConfigError, at once, for other settings; for wrong values when the
    first response is made.
    """
    strays = [name for name in settings if name not in RESPONSE_SETTINGS]
    if strays:
        raise ConfigError(
            [Problem(f"override({name}=...)", unknown(name, RESPONSE_SETTINGS)) for name in strays]
        )

    def before() -> None:
        exchange().override(**settings)

    def decorate(target: Target) -> Target:
        if isinstance(target, Blueprint):
            target.before_request(before)
            return target
        return cast("Target", _asking("override", before, target))

    return decorate


def _asking(name: str, before: Before, view: Callable[..., Any] | None) -> Any:
    """Return the view with a question before it, or what makes that of a view."""

    def decorate(view: Any) -> Any:
        if isinstance(view, type) and issubclass(view, View):
            # Before the others, as if it stood above them.
            view.decorators = [*view.decorators, decorate]
            return view
        if not callable(view) or isinstance(view, type):
            raise TypeError(f"{name} goes on a view function or a class of views, not on {view!r}")
        if iscoroutinefunction(view):

            @wraps(view)
            async def asked(*arguments: Any, **names: Any) -> Any:
                reply = before()
                return await view(*arguments, **names) if reply is None else reply
        else:

            @wraps(view)
            def asked(*arguments: Any, **names: Any) -> Any:
                reply = before()
                return current_app.ensure_sync(view)(*arguments, **names) if reply is None else reply

        decorated(view, name)
        return asked

    return decorate if view is None else decorate(view)


def _environ() -> dict[str, Any]:
    """Return the environ, which is known to hold an exchange."""
    exchange()
    return request.environ


def _response(reply: Reply | None) -> Response | None:
    """Make what secmw answers a response of Flask's."""
    return (
        None if reply is None else current_app.response_class(reply.body, reply.status, list(reply.headers))
    )
