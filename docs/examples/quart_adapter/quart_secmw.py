"""secmw for Quart, in one file: three translations, what Quart's users expect beyond them, and no rule."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from markupsafe import Markup
from quart import Quart, Response, current_app, has_websocket_context, request, websocket
from quart.sessions import SessionInterface
from quart.wrappers import BaseRequestWebsocket
from werkzeug.exceptions import MethodNotAllowed, NotFound

import secmw.asgi
from secmw import ConfigError, Exchange, Policy, Session
from secmw.compile import RESPONSE_SETTINGS
from secmw.errors import Problem
from secmw.http import SAFE_METHODS, Reply

__all__ = ["Secmw", "exchange", "login_required", "override", "sudo_required", "xsrf_exempt"]

EXEMPT = "secmw_xsrf_exempt"

View = TypeVar("View", bound=Callable[..., Any])


class Secmw:
    """Put a policy in front of a Quart application; more settings (hooks, store, sinks) are the middleware's."""

    def __init__(self, app: Quart | None = None, policy: Policy | None = None, **settings: Any) -> None:
        if app is not None:
            if policy is None:
                raise TypeError("Secmw(app) has no policy; write Secmw(app, policy)")
            self.init_app(app, policy, **settings)

    def init_app(self, app: Quart, policy: Policy, **settings: Any) -> None:
        """Be what Quart's extensions have: nothing of the application is kept here, so that it may have several."""
        if "secmw" in app.extensions:
            fix = "has Secmw already, which would ask every request twice; remove one of the two"
            raise ConfigError([Problem("app", fix)])
        app.extensions["secmw"] = self
        # What somebody has put around Quart before us may send a path elsewhere than the routes say.
        plain = getattr(app.asgi_app, "__func__", None) is Quart.asgi_app
        # Quart's annotations name its own classes, where it asks for no more than what ASGI and a mapping have.
        within: Any = app
        # 1. The request: inside the Quart object, in front of everything that is in it.
        within.asgi_app = secmw.asgi.Middleware(
            within.asgi_app, policy, xsrf_exempt=lambda path: plain and exempts(app, path), **settings
        )
        if policy.sessions is not None:
            within.session_interface = Sessions()
        app.jinja_env.globals.update(xsrf_token=xsrf_token, csp_nonce=csp_nonce, xsrf_field=xsrf_field)


# --- the request ------------------------------------------------------------------------------------------------------


def scope() -> Any:
    """Return the scope of the request, or of the socket, that is being served."""
    return (websocket if has_websocket_context() else request).scope


def exchange() -> Exchange:
    """Return the exchange of this request."""
    found: Exchange = scope()["secmw"]
    return found


class Sessions(SessionInterface):
    """Have `quart.session` be the session of the exchange, which the middleware loads and saves."""

    async def open_session(  # type: ignore[override]  # a mapping is all that Quart asks for
        self, app: Quart, request: BaseRequestWebsocket
    ) -> Session | None:
        scope: Any = request.scope
        found: Exchange | None = scope.get("secmw")
        # None makes Quart's session for a path that has none: whoever writes to it is told so.
        return None if found is None or found.plan.sessions is None else found.session

    async def save_session(self, app: Quart, session: object, response: object) -> None:
        pass


# --- the refusal ------------------------------------------------------------------------------------------------------


def refused(reply: Reply) -> Response:
    """Make what secmw answers a response of Quart's, which adds nothing to it."""
    response = Response(reply.body, reply.status)
    response.headers.clear()
    response.headers.extend(reply.headers)
    return response


def demanding(demand: Callable[[secmw.asgi.Scope], Reply | None]) -> Callable[[View], Callable[..., Any]]:
    """Make the decorator of a view, of a request or a socket, that something is asked for first."""

    def decorate(view: View) -> Any:
        @wraps(view)
        async def demanded(*args: Any, **kwargs: Any) -> Any:
            reply = demand(scope())
            if reply is not None:
                return refused(reply)
            return await current_app.ensure_async(view)(*args, **kwargs)

        return demanded

    return decorate


login_required = demanding(secmw.asgi.demand_login)


def sudo_required(
    view: Callable[..., Any] | None = None, *, max_age: int | None = None
) -> Callable[..., Any]:
    """Ask for the password again: `@sudo_required`, or `@sudo_required(max_age=60)`."""
    decorate = demanding(lambda scope: secmw.asgi.demand_sudo(scope, max_age))
    return decorate if view is None else decorate(view)


# --- the response -----------------------------------------------------------------------------------------------------


def override(**settings: Any) -> Callable[[View], View]:
    """Give the responses of a view other headers than those of their path: `@override(frame_options=None)`."""
    strays = [name for name in settings if name not in RESPONSE_SETTINGS]
    if strays:
        fix = "is no setting of a response header, which are all that @override can change"
        raise ConfigError([Problem(name, fix) for name in strays])

    def decorate(view: View) -> Any:
        @wraps(view)
        async def overridden(*args: Any, **kwargs: Any) -> Any:
            exchange().override(**settings)
            return await current_app.ensure_async(view)(*args, **kwargs)

        return overridden

    return decorate


def xsrf_token() -> str:
    return exchange().xsrf_token()


def csp_nonce() -> str:
    return exchange().nonce


def xsrf_field() -> Markup:
    """Write the field that every form needs."""
    xsrf, token = exchange().policy.xsrf, xsrf_token()
    assert xsrf is not None  # or there would be no token
    return Markup('<input type="hidden" name="{}" value="{}">').format(xsrf.field, token)


# --- views that are exempt --------------------------------------------------------------------------------------------


def xsrf_exempt(view: View) -> View:
    """Ask nothing of requests to this view; put it next to the view, below the decorator of the route."""
    setattr(view, EXEMPT, True)
    return view


def exempts(app: Quart, path: str) -> bool:
    """Say whether every view that an unsafe method could reach on a path is exempt; where that is unclear, no."""
    if app.url_map.host_matching or app.subdomain_matching:
        return False
    routes = app.url_map.bind("localhost")
    methods = {method for rule in app.url_map.iter_rules() for method in rule.methods or ()}
    found = []
    # A rule without methods takes them all, of which this one is none that a rule names.
    for method in {*methods, "ANY-OTHER"} - SAFE_METHODS:
        try:
            rule, _ = routes.match(path, method=method, return_rule=True, websocket=False)
        except (NotFound, MethodNotAllowed):
            continue
        except Exception:  # noqa: BLE001 - a redirect, or a converter that fails: it is not clear who would answer
            return False
        found.append(app.view_functions.get(rule.endpoint))
    return bool(found) and all(getattr(view, EXEMPT, False) for view in found)
