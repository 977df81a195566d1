"""Which paths are exempt from XSRF protection, read off the routes that an application has. It only says yes where it is sure.

The core asks once for each path, before the application runs. A path is exempt if every endpoint that an unsafe method
could reach there is, whatever the host; what depends on anything else about a request, or can't be seen, is not.
"""

from __future__ import annotations

import functools
import inspect
import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeVar

from starlette.endpoints import HTTPEndpoint
from starlette.routing import BaseRoute, Host, Match, Mount, Route, Router, WebSocketRoute

from secmw.http import SAFE_METHODS
from secmw_starlette.within import held, router_of

E = TypeVar("E", bound=Callable[..., Any])

_log = logging.getLogger("secmw")

_MARK: Final = "__secmw_xsrf_exempt__"

#: What a route that takes any method takes besides those that routes name.
_OTHERS: Final = "*"
_UNSAFE: Final = frozenset({"POST", "PUT", "PATCH", "DELETE", _OTHERS})


def xsrf_exempt(endpoint: E) -> E:
    """Ask nothing of unsafe requests to an endpoint: a function, a method or class of an HTTPEndpoint, an ASGI application.

    For webhooks, which prove themselves in another way. It counts where every endpoint of that path is exempt, for every
    unsafe method; where the application can't be looked into (a function around it), nothing is exempt.
    """
    try:
        setattr(endpoint, _MARK, True)
    except AttributeError:
        fix = "can't be marked; put the decorator above the function itself"
        raise TypeError(f"@xsrf_exempt: {endpoint!r} {fix}") from None
    return endpoint


def exempts(app: object, path: str) -> bool:
    """Say whether unsafe requests to a path of an application are to be asked nothing; an error is a no."""
    router = router_of(app)
    if router is None:
        return False
    try:
        # A server may leave the mount point on, or not: then the root is the empty path to Starlette.
        found = [
            marked
            for spelled in ({path, ""} if path == "/" else {path})
            for marked in _views(router, spelled)
        ]
    except Exception:  # noqa: BLE001 - routes are anybody's code, and nobody is let through for its failure
        _log.exception("the routes don't tell whether %a is exempt from XSRF protection", path)
        return False
    return bool(found) and all(found)


def _marked(thing: object) -> bool:
    """Say whether a thing itself is marked; a class is not for what it derives from."""
    while held(thing).get(_MARK) is not True:
        if not isinstance(thing, functools.partial):
            return False
        thing = thing.func
    return True


def _views(router: Router, path: str, root: str = "") -> Iterator[bool]:
    """Yield of each endpoint that an unsafe method could reach whether it is marked, in the order of Starlette's dispatch."""
    left = set(_UNSAFE)
    for route, original in _routes(router.routes):
        if not _plain(original):
            # It may look at anything to say whether it is meant.
            yield False
            return
        found, child = route.matches(_scope(path, root))
        if found is Match.NONE and not isinstance(original, Host):
            continue
        if isinstance(original, Host):
            yield from _inside(route.app, path, root)
        elif isinstance(original, Mount):
            yield from _inside(route.app, path, child["root_path"])
            return
        else:
            methods = getattr(route, "methods", None)
            taken = left if not methods else {method.upper() for method in methods} - SAFE_METHODS
            # A method that few routes name is one that others may take.
            here = {method for method in taken if method in left or method not in _UNSAFE}
            yield from _endpoint(route.endpoint, here)
            left -= taken
            if not left:
                return
    default = router.default
    if getattr(default, "__func__", None) is not Router.not_found:
        yield _marked(default)


def _inside(app: object, path: str, root: str) -> Iterator[bool]:
    layer: object = app
    while layer is not None and not isinstance(layer, type):
        if _marked(layer):
            yield True
            return
        layer = held(layer).get("app")
    router = router_of(app)
    if router is None:
        yield False
    else:
        yield from _views(router, path, root)


def _endpoint(endpoint: Any, methods: set[str]) -> Iterator[bool]:
    if not methods:
        return
    if not (isinstance(endpoint, type) and issubclass(endpoint, HTTPEndpoint)) or _marked(endpoint):
        yield _marked(endpoint)
        return
    if not _dispatches(endpoint):
        yield False
        return
    every = _OTHERS in methods
    for name in ("post", "put", "patch", "delete"):
        handler = getattr(endpoint, name, None)
        if handler is not None and (every or name.upper() in methods):
            yield _marked(handler)


def _dispatches(endpoint: Any) -> bool:
    """Say whether a class finds the method of a request as HTTPEndpoint does."""
    return inspect.unwrap(endpoint.dispatch) is HTTPEndpoint.dispatch and all(
        getattr(endpoint, name) is getattr(HTTPEndpoint, name)
        for name in ("__await__", "__init__", "method_not_allowed")
    )


def _routes(routes: Iterable[BaseRoute]) -> Iterator[tuple[Any, BaseRoute]]:
    """Yield each route, those of included routers in their place, and the one it was written as."""
    module = sys.modules.get("fastapi.routing")
    contexts = getattr(module, "iter_route_contexts", None)
    if contexts is None:
        yield from ((route, route) for route in routes)
    else:
        yield from ((context, context.original_route) for context in contexts(list(routes)))


def _plain(route: BaseRoute) -> bool:
    """Say whether a route is found by its path, host and method alone, as those of Starlette and FastAPI are."""
    module = sys.modules.get("fastapi.routing")
    known = [kind.matches for kind in (Route, WebSocketRoute, Mount, Host)]
    known += [
        kind.matches for name in ("APIRoute", "APIWebSocketRoute") if (kind := getattr(module, name, None))
    ]
    return type(route).matches in known


def _scope(path: str, root: str) -> dict[str, Any]:
    return {
        "type": "http",
        "method": "POST",
        "path": path,
        "root_path": root,
        "headers": [],
        "query_string": b"",
        "path_params": {},
    }
