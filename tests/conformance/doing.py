"""What the application of this suite does to its session: a step has a name and what it needs, and leaves a result.

A step is an array in JSON, because it travels in the address: `["set", "cart", [1, 2]]`. Every framework carries out the
same steps; how it gets at the session is its own business.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import secmw.asgi
import secmw.wsgi
from secmw.errors import SessionError
from tests.conformance import hosting

if TYPE_CHECKING:
    from secmw import Session
    from tests.conformance.told import Told

Step = tuple[Any, ...]

#: What happens in the middle of a request, by the name that the step `meanwhile` gives; in process alone.
MEANWHILE: Final[dict[str, Callable[[], Any]]] = {}


def set_(session: Session, name: str, value: Any) -> None:
    session[name] = value


def append(session: Session, name: str, value: Any) -> None:
    """Change what is inside a value, which nobody is told of."""
    session[name].append(value)


def delete(session: Session, name: str) -> None:
    del session[name]


def login(session: Session, user_id: str, description: str = "", **more: Any) -> None:
    session.login(user_id, description, **more)


def facts(session: Session) -> dict[str, Any]:
    """Write down everything about a session but what it holds."""
    return {
        "user_id": session.user_id,
        "user_description": session.user_description,
        "selector": session.selector,
        "created": session.created,
        "authenticated": session.authenticated,
        "seen": session.seen,
        "expires": session.expires,
        "idle_until": session.idle_until,
        "has_sudo": session.has_sudo,
        "sudo_until": session.sudo_until,
        "over": session.over,
    }


def keep_object(session: Session, name: str) -> None:
    """Put in what no session can keep."""
    session[name] = {"inside": object()}


_STEPS: Final[Mapping[str, Callable[..., Any]]] = {
    "set": set_,
    "get": lambda session, name: session.get(name),
    "has": lambda session, name: name in session,
    "len": len,
    "names": sorted,
    "all": dict,
    "append": append,
    "delete": delete,
    "clear": lambda session: session.clear(),
    "keep_object": keep_object,
    "facts": facts,
    "login": login,
    "login_checked_at": lambda session, user_id, at: session.login(user_id, checked_at=at),
    "login_version": lambda session, user_id, version: session.login(user_id, credentials_version=version),
    "logout": lambda session: session.logout(),
    "rotate": lambda session: session.rotate(),
    "grant_sudo": lambda session: session.grant_sudo(),
    "drop_sudo": lambda session: session.drop_sudo(),
    "revoke": lambda session, selector: session.revoke(selector),
    "revoke_others": lambda session: session.revoke_others(),
    "revoke_all": lambda session: session.revoke_all(),
    "strict": lambda session: session.strict(),
}

#: Steps that need no session, so that a request without one can take them.
_AROUND: Final[Mapping[str, Callable[..., Any]]] = {
    "move": hosting.CLOCK.move,
    "store_down": hosting.OUTAGE.begin,
    "store_up": hosting.OUTAGE.end,
    "now": hosting.CLOCK.now,
}


def one(exchange: Any, name: str, *needs: Any) -> Any:
    """Take one step; with `try` before it, a SessionError is a result like any other.

    `override` is about the response, and is given the settings that it shall have instead.
    """
    if name in _AROUND:
        return _AROUND[name](*needs)
    if name == "override":
        return exchange.override(**needs[0])
    if name != "try":
        return _STEPS[name](exchange.session, *needs)
    try:
        return one(exchange, *needs)
    except SessionError as error:
        return {"error": str(error)}


def carry_out(exchange: Any, steps: Iterable[Step]) -> list[Any]:
    """Take steps, one after another, and return what each left."""
    results = []
    for name, *needs in steps:
        results.append(MEANWHILE[needs[0]]() if name == "meanwhile" else one(exchange, name, *needs))
    return results


async def carry_out_async(exchange: Any, steps: Iterable[Step]) -> list[Any]:
    """Take steps where the application must not hold up others while something happens in between."""
    results = []
    for name, *needs in steps:
        if name == "meanwhile":
            happens: Awaitable[Any] = MEANWHILE[needs[0]]()
            results.append(await happens)
        else:
            results.append(one(exchange, name, *needs))
    return results


# --- what it asks first -----------------------------------------------------------------------------------------------


def demanding(told: Told, app: Any) -> Any:
    """Put what was told to be asked of the session in front of an ASGI application."""
    if told.demands == "sudo-wrapped":
        return secmw.asgi.sudo_required(app, max_age=told.max_age)
    if told.demands == "login-wrapped":
        return secmw.asgi.login_required(app)

    async def asking(scope: Any, receive: Any, send: Any) -> None:
        reply = None
        if told.demands == "sudo":
            reply = secmw.asgi.demand_sudo(scope, max_age=told.max_age)
        elif told.demands == "login":
            reply = secmw.asgi.demand_login(scope)
        await (app(scope, receive, send) if reply is None else secmw.asgi.respond(reply, send))

    return asking


def demanding_wsgi(told: Told, app: Any) -> Any:
    """Do the same in front of a WSGI application."""
    if told.demands == "sudo-wrapped":
        return secmw.wsgi.sudo_required(app, max_age=told.max_age)
    if told.demands == "login-wrapped":
        return secmw.wsgi.login_required(app)

    def asking(environ: Any, start_response: Any) -> Any:
        reply = None
        if told.demands == "sudo":
            reply = secmw.wsgi.demand_sudo(environ, max_age=told.max_age)
        elif told.demands == "login":
            reply = secmw.wsgi.demand_login(environ)
        return app(environ, start_response) if reply is None else secmw.wsgi.respond(reply, start_response)

    return asking
