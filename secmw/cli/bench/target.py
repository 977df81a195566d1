"""Somebody's application: find it by name, find the layer of secmw in it, and take that away or put another policy into it.

The application stays as it is, with everything that is wrapped around the layer and inside of it. The store of sessions is
replaced by one in memory before the first request, so nothing is read from or written to the application's own by secmw.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import CellType, MethodType
from typing import TYPE_CHECKING, Any, Final

import secmw.asgi
import secmw.wsgi
from secmw.errors import ConfigError, SessionError
from secmw.hooks import Hooks
from secmw.stores.memory import AsyncMemoryStore, MemoryStore
from secmw.testing.client import interface_of

if TYPE_CHECKING:
    from secmw.policy import Policy

#: So many things are looked at for the layer: it is near the surface.
_LOOKED_AT: Final = 5_000


class TargetError(Exception):
    """Say what of an application can't be had."""


def load(name: str, folder: Path) -> Any:
    """Import ``module:app``, or call ``module:make()``; ``folder`` comes first in the search. Raise TargetError."""
    module, colon, attribute = name.partition(":")
    if not (module and colon and attribute):
        raise TargetError(
            f"{name!r} names no application; write module:app, or module:create_app() for a factory"
        )
    called = attribute.endswith("()")
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    try:
        found: Any = importlib.import_module(module)
        for part in attribute.removesuffix("()").split("."):
            found = getattr(found, part)
        found = found() if called else found
    except Exception as error:
        raise TargetError(f"{name} can't be had: {said(error)}") from error
    if not callable(found):
        raise TargetError(f"{name} is a {type(found).__name__}, and no application can be called like that")
    return found


def said(error: BaseException) -> str:
    """Say what went wrong and where, without the text of the error where that is not ours: it may hold a password."""
    if isinstance(error, ImportError | AttributeError | ConfigError | SessionError):
        return str(error)
    trace, place = error.__traceback__, ""
    while trace is not None:
        code = trace.tb_frame.f_code
        place = f" in {code.co_name}(), {Path(code.co_filename).name} line {trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__}{place}"


@dataclass(slots=True)
class Target:
    """Hold an application; ``layer``: the middleware of ours in it, None for one without; ``django``: whether it is Django's.

    ``version``: the version of the credentials of who is signed in, where the application has a hook for that.
    """

    app: Any
    asgi: bool
    layer: Any = None
    django: bool = False
    version: str = "secmw-bench"
    _own: dict[str, Any] = field(default_factory=dict, repr=False)
    _kind: Any = field(default=None, repr=False)
    _alone: Any = field(default=None, repr=False)

    @classmethod
    def of(cls, app: Any) -> Target:
        """Look for the layer in an application: what wraps it, Starlette's list of middleware, Flask's extension, Django's chain."""
        _build(app)
        for thing in _inside(app):
            if isinstance(thing, secmw.asgi.Middleware | secmw.wsgi.Middleware):
                return cls(app, isinstance(thing, secmw.asgi.Middleware), thing)
            layer = _of_django(thing)
            if layer is not None:
                return cls(app, _is_asgi(thing), layer, django=True)
        return cls(app, _is_asgi(app))

    @property
    def policy(self) -> Policy | None:
        """The policy of the layer."""
        if self.layer is None:
            return None
        found: Policy = self.core.plans.policy
        return found

    @property
    def core(self) -> Any:
        """The core's middleware that the layer is, or asks."""
        return self.layer.viewing.core if self.django else self.layer

    @property
    def hooks(self) -> Hooks:
        """Hooks that are there where the application's are, and answer at once: its own would ask for somebody made up."""
        caller = self.core.guard.caller if self.layer is not None else None
        return Hooks(
            verify=_never if getattr(caller, "_verify", None) is not None else None,
            current_credentials_version=self._version_of if getattr(caller, "versioned", False) else None,
        )

    def _version_of(self, _user_id: str) -> str:
        return self.version

    def learn(self, user_id: str, wait: Callable[[Any], Any]) -> None:
        """Ask the application's own hook, once, for the version of a user's credentials; raise TargetError for nobody it knows."""
        hook = None if self.layer is None else self.core.guard.caller._version
        if hook is None:
            return
        try:
            found = wait(hook(user_id))
        except Exception as error:
            raise TargetError(f"the application can't say who {user_id!r} is: {said(error)}") from error
        if found is None:
            raise TargetError(f"the application knows no user {user_id!r}, or does not let them sign in")
        self.version = str(found)

    @property
    def exempts(self) -> Callable[[str], bool] | None:
        """What the adapter says of paths whose views are exempt from the questions of cross-site requests."""
        return None if self.layer is None else getattr(self.core.plans.unsafe, "_exempts", None)

    def place(self, policy: Policy) -> Any:
        """Put a policy with a store in memory in place of the layer's own, or around an application without; return its guard."""
        if self.layer is None:
            self.app = self.layer = wrapped(self.asgi, self.app, policy)
        elif self.django:
            made = type(self.layer)(
                self.layer.get_response, policy=policy, hooks=self.hooks, store=memory(self._colour())
            )
            self._put({name: value for name, value in vars(made).items() if name in _DJANGO})
        else:
            made = wrapped(self.asgi, self.layer.app, policy, hooks=self.hooks, exempts=self.exempts)
            self._put({name: value for name, value in vars(made).items() if name not in _ITS_OWN})
        self._kind = type(self.layer)
        return self.layer.guard

    def _colour(self) -> bool:
        return bool(self.layer.is_async) if self.django else self.asgi

    def _put(self, parts: dict[str, Any]) -> None:
        if not self._own:
            self._own = dict(vars(self.layer))
        vars(self.layer).update(parts)

    @property
    def bare(self) -> Any:
        """What is asked without the layer: the same application, or what is inside of a layer around all of it."""
        return self.layer.app if self.app is self.layer else self.app

    def alone(self) -> None:
        """Take the layer away: what it was asked goes to what it was wrapped around."""
        if self.django or self.app is self.layer:
            return  # Django's steps aside for a request that has been let through already; ``bare`` is inside of the other
        if self._alone is None:
            self._alone = type("Alone", (self._kind,), {"__call__": _onward})
        self._become(self._alone)

    def whole(self) -> None:
        """Put the layer back."""
        if self._alone is not None:
            self._become(self._kind)

    def _become(self, kind: Any) -> None:
        # Looked for each time: with its first request an application may come to hold it somewhere else.
        holding = list(_holding(self.app, self.layer.__call__))
        self.layer.__class__ = kind
        for put in holding:
            put(self.layer.__call__)

    def restore(self) -> None:
        """Give the layer back everything that was its own."""
        if self._kind is not None:
            self.whole()
        if self._own:
            vars(self.layer).clear()
            vars(self.layer).update(self._own)


#: What of a layer belongs to what it is wrapped around.
_ITS_OWN: Final = frozenset({"app", "propagate", "whole"})

#: What of Django's middleware belongs to its policy.
_DJANGO: Final = frozenset({"viewing", "guard", "load_now", "watch"})


def wrapped(
    asgi: bool,
    app: Any,
    policy: Policy,
    *,
    hooks: Hooks = Hooks(),  # noqa: B008 - it is frozen
    exempts: Callable[[str], bool] | None = None,
) -> Any:
    """Put a policy around an application, with sessions in a memory of its own."""
    kind: Any = secmw.asgi.Middleware if asgi else secmw.wsgi.Middleware
    store = memory(asgi) if policy.sessions is not None and policy.screening else None
    return kind(app, policy, hooks=hooks, store=store, xsrf_exempt=exempts, announces=False)


def memory(asynchronous: bool) -> Any:
    """Make a store for one run."""
    return AsyncMemoryStore() if asynchronous else MemoryStore()


def _onward(self: Any, *given: Any) -> Any:
    return self.app(*given)


def _never(_user_id: str, _password: str) -> bool:
    return False


def _is_asgi(app: Any) -> bool:
    return interface_of(app) == "asgi"


def _build(app: Any) -> None:
    """Have Starlette build its layers, which it does with its first connection otherwise."""
    build = getattr(app, "build_middleware_stack", None)
    if build is not None and getattr(app, "middleware_stack", app) is None:
        app.middleware_stack = build()


def _inside(app: Any) -> Iterator[Any]:
    """Yield an application and what it calls, nearest first, as far as attributes, closures and partials show it."""
    seen: set[int] = set()
    todo = [app]
    while todo and len(seen) < _LOOKED_AT:
        thing = todo.pop(0)
        if id(thing) in seen or isinstance(thing, type):
            continue
        seen.add(id(thing))
        _build(thing)
        yield thing
        held = list(getattr(thing, "__dict__", {}).values())
        if isinstance(thing, partial):
            held.append(thing.func)
        held += [getattr(thing, "__self__", None), getattr(thing, "__wrapped__", None)]
        held += [_content(cell) for cell in getattr(thing, "__closure__", None) or ()]
        todo += [one for one in held if callable(one)]


def _holding(app: Any, method: MethodType) -> Iterator[Callable[[Any], None]]:
    """Find where the method that is a layer's call is held, by what calls it and not the layer; yield how to put another there."""
    for thing in _inside(app):
        for cell in getattr(thing, "__closure__", None) or ():
            if _same(_content(cell), method):
                yield partial(setattr, cell, "cell_contents")
        held = getattr(thing, "__dict__", {})
        yield from (partial(held.__setitem__, name) for name in [*held] if _same(held[name], method))


def _same(thing: Any, method: MethodType) -> bool:
    return type(thing) is MethodType and thing == method


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None  # a variable that has no value yet


def _of_django(thing: Any) -> Any:
    """Return the middleware of ours in a handler of Django's, None for everything else."""
    ours = sys.modules.get("secmw_django.middleware")
    if ours is None:
        return None
    for method in getattr(thing, "_view_middleware", None) or ():
        layer = getattr(method, "__self__", None)
        if isinstance(layer, ours.SecmwMiddleware):
            return layer
    return None
