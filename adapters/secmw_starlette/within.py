"""What is inside an application: its layers, routers and mounted applications, as far as they can be seen. Start-up only."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, Final

from starlette.applications import Starlette
from starlette.routing import Router

import secmw.asgi
from secmw.errors import Problem

#: Where Starlette, FastAPI and nearly every ASGI middleware keep what they call.
_INSIDE: Final = ("app", "_base_app", "router", "original_router", "middleware_stack")

_TWICE: Final = "there is a second one inside of it, and one must not screen what the other has screened; keep the outer one"
_SESSIONS: Final = "Starlette's SessionMiddleware is there too, and request.session can be one thing only; remove it: secmw has sessions"


def held(thing: object) -> dict[str, Any]:
    """Return the attributes that a thing holds itself: no code of its class runs."""
    found: dict[str, Any] = getattr(thing, "__dict__", {})
    return found


def everything(app: object) -> Iterator[object]:
    """Yield an application and all that can be seen inside of it, each once."""
    seen: set[int] = set()
    todo = [app]
    while todo:
        thing = todo.pop()
        if id(thing) in seen or isinstance(thing, type):
            continue
        seen.add(id(thing))
        yield thing
        inside = held(thing)
        todo += [inside[name] for name in _INSIDE if inside.get(name) is not None]
        routes = inside.get("routes")
        if isinstance(routes, list | tuple):
            todo += routes


def router_of(app: object) -> Router | None:
    """Return the router that an application comes to through its layers; None where none can be seen."""
    seen: set[int] = set()
    while app is not None and id(app) not in seen:
        seen.add(id(app))
        if isinstance(app, Router):
            return app
        app = app.router if isinstance(app, Starlette) else held(app).get("app")
    return None


def clashes(app: object) -> list[Problem]:
    """Return what must not be inside of a SecmwMiddleware."""
    problems: dict[str, Problem] = {}
    for thing in everything(app):
        registered = getattr(thing, "user_middleware", ()) if isinstance(thing, Starlette) else ()
        for kind in (type(thing), *(layer.cls for layer in registered)):
            problem = _clash(kind)
            if problem is not None:
                problems[problem.setting] = problem
    return list(problems.values())


def clashes_around(app: object) -> list[Problem]:
    """Return what must not be among the middleware of the application that a SecmwMiddleware is registered with."""
    registered = [layer.cls for layer in app.user_middleware] if isinstance(app, Starlette) else []
    problems = [problem for kind in registered if (problem := _clash(kind)) is not None]
    ours = [problem for problem in problems if problem.setting == "SecmwMiddleware"]
    return [problem for problem in problems if problem not in ours] + ours[1:]


def _clash(kind: object) -> Problem | None:
    # Importing it would be the first thing that needs it.
    module = sys.modules.get("starlette.middleware.sessions")
    if not isinstance(kind, type):
        return None
    if issubclass(kind, secmw.asgi.Middleware):
        return Problem("SecmwMiddleware", _TWICE)
    if module is not None and issubclass(kind, module.SessionMiddleware):
        return Problem("SessionMiddleware", _SESSIONS)
    return None
