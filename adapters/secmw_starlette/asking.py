"""What endpoints ask of a request: one thing, in four forms. No rule lives here.

An `Asked` is called with a request, or given to FastAPI's ``Depends``. A `Before` may also stand above an endpoint, and
then runs before it.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Final, Generic, TypeVar, overload

from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.requests import HTTPConnection

from secmw_starlette.refusing import RefusedError

if TYPE_CHECKING:
    from secmw_starlette.refusing import Refused

T = TypeVar("T")
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

#: The name that FastAPI calls a dependency with, and the one that it calls a decorated endpoint with.
_CONNECTION: Final = "connection"
_GIVEN: Final = "secmw_before_{}"

_PASSED: Final = object()


class Asked(Generic[T]):
    """Be something to ask of a request: call it with one, or give it to ``Depends``."""

    #: Whether it depends on who is signed in, which OpenAPI calls a security scheme.
    secured = False

    def __init__(self, ask: Callable[[HTTPConnection], T]) -> None:
        self._ask = ask
        self.__doc__ = ask.__doc__
        self.__name__ = getattr(ask, "__name__", type(self).__name__)
        # FastAPI has a thread call whatever is no coroutine function; it finds out by this attribute of the object.
        vars(self)["__call__"] = self._depend

    def __repr__(self) -> str:
        """Show the name it is imported by."""
        return f"<secmw_starlette.{self.__name__}>"

    async def _depend(self, connection: HTTPConnection) -> T:
        return self._ask(connection)

    def _ready(self, given: dict[str, Any]) -> Any:
        """Answer FastAPI, which calls by name and awaits; whatever it does with the answer, it was asked."""
        return _ready(self._ask(given[_CONNECTION]))

    @property
    def __signature__(self) -> inspect.Signature:
        """What FastAPI reads: it takes a request, and depends on the session cookie where that is what OpenAPI shall say."""
        taken = [_parameter(_CONNECTION, HTTPConnection)]
        if self.secured and "fastapi" in sys.modules:
            from fastapi import Security

            from secmw_starlette.openapi import scheme

            taken.append(_parameter("cookie", Annotated[None, Security(scheme())]))
        return inspect.Signature(taken)


class Given(Asked[T]):
    """Be a value that belongs to a request."""

    def __call__(self, target: HTTPConnection | None = None, /, **given: Any) -> T:
        """Return it for a request, or for a WebSocket."""
        answer: T = self._ready(given) if target is None else self._ask(target)
        return answer


class Before(Asked[T]):
    """Be something that happens before an endpoint runs, or instead of it."""

    @overload
    def __call__(self, target: HTTPConnection, /) -> T: ...
    @overload
    def __call__(self, target: Endpoint, /) -> Endpoint: ...
    def __call__(self, target: Any = None, /, **given: Any) -> Any:
        """Do it for a request; or return an endpoint that does it first."""
        if target is None:
            return self._ready(given)
        return self._ask(target) if isinstance(target, HTTPConnection) else self._above(target)

    def _above(self, endpoint: Any) -> Any:
        if isinstance(endpoint, type) and issubclass(endpoint, HTTPEndpoint | WebSocketEndpoint):
            return self._above_class(endpoint)
        if not inspect.isroutine(endpoint) and not isinstance(endpoint, functools.partial):
            fix = "is no endpoint; wrap an ASGI application in secmw.asgi.login_required or secmw.asgi.sudo_required"
            raise TypeError(f"@{self.__name__}: {endpoint!r} {fix}")
        if inspect.isgeneratorfunction(endpoint) or inspect.isasyncgenfunction(endpoint):
            fix = "is a generator, which would begin its response first; write dependencies=[Depends(...)]"
            raise TypeError(f"@{self.__name__}: {endpoint!r} {fix}")
        signature = _signature(endpoint)
        name = _GIVEN.format(len(signature.parameters))
        above: Any
        if inspect.iscoroutinefunction(endpoint):

            @functools.wraps(endpoint)
            async def above(*args: Any, **kwargs: Any) -> Any:
                refused = self._first(name, args, kwargs)
                if refused is None:
                    return await endpoint(*args, **kwargs)
                connection = _connection(args, kwargs)
                if connection is None or connection.scope["type"] == "http":
                    return refused
                return await refused(connection.scope, connection.receive, connection.send)  # type: ignore[attr-defined]

        else:

            @functools.wraps(endpoint)
            def above(*args: Any, **kwargs: Any) -> Any:
                refused = self._first(name, args, kwargs)
                return endpoint(*args, **kwargs) if refused is None else refused

        above.__signature__ = _with(signature, name, self._parameter())
        return above

    def _above_class(self, endpoint: Any) -> Any:
        """Have the class ask before any of its methods runs; what derives from it asks too."""
        dispatch = endpoint.dispatch

        @functools.wraps(dispatch)
        async def above(instance: Any) -> None:
            refused = self._refused(HTTPConnection(instance.scope))
            if refused is None:
                await dispatch(instance)
            else:
                await refused(instance.scope, instance.receive, instance.send)

        endpoint.dispatch = above
        return endpoint

    def _parameter(self) -> Any:
        """Return the annotation by which FastAPI hands out a request, or has it asked before it reads the body."""
        if "fastapi" not in sys.modules:
            return HTTPConnection
        from fastapi import Depends

        async def passed(**given: Any) -> object:
            self._ask(given[_CONNECTION])
            return _PASSED

        vars(passed)["__signature__"] = self.__signature__
        return Annotated[Any, Depends(passed)]

    def _first(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Refused | None:
        given = kwargs.pop(name, None)
        if given is _PASSED:
            return None
        connection = given if isinstance(given, HTTPConnection) else _connection(args, kwargs)
        if connection is None:
            raise TypeError(
                f"@{self.__name__}: the endpoint was called without a request; give it the request first"
            )
        return self._refused(connection)

    def _refused(self, connection: HTTPConnection) -> Refused | None:
        try:
            self._ask(connection)
        except RefusedError as error:
            return error.response
        return None


async def _ready(answer: T) -> T:
    return answer


def _connection(args: tuple[Any, ...], kwargs: dict[str, Any]) -> HTTPConnection | None:
    return next((given for given in (*args, *kwargs.values()) if isinstance(given, HTTPConnection)), None)


def _parameter(name: str, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation)


def _signature(endpoint: Any) -> inspect.Signature:
    """Return the signature with its annotations read where they were written: above it they mean nothing."""
    try:
        return inspect.signature(endpoint, eval_str=True)
    except (NameError, TypeError, SyntaxError):
        return inspect.signature(endpoint)


def _with(signature: inspect.Signature, name: str, annotation: Any) -> inspect.Signature:
    taken = list(signature.parameters.values())
    last = len(taken)
    if taken and taken[-1].kind is inspect.Parameter.VAR_KEYWORD:
        last -= 1
    taken.insert(last, _parameter(name, annotation))
    return signature.replace(parameters=taken)
