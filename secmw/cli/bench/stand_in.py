"""Applications that answer what somebody's own has answered, and do nothing else: parts of a policy are timed around them.

Their own ups and downs are small, so that a few tenths of a microsecond can be seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from secmw.cli.bench.driving import Answer
    from secmw.exchange import Exchange
    from secmw.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Say what an application did with its exchange: read the session, changed it, took a nonce, took a token."""

    reads: bool = False
    changes: bool = False
    nonce: bool = False
    token: bool = False

    @classmethod
    def of(cls, exchange: Exchange) -> Use:
        """Look at an exchange after the application has answered."""
        held, amendment = exchange.held, exchange.amendment
        return cls(
            reads=held is not None and held.read,
            changes=exchange.pending,
            nonce=amendment is not None and amendment.nonce is not None,
            token=amendment is not None and amendment.personal,
        )

    def names(self) -> list[str]:
        """List what is repeated with each request."""
        return [name for name in ("reads", "nonce", "token") if getattr(self, name)]

    def under(self, policy: Policy) -> Use:
        """Return what is left of that under a policy that has less."""
        return Use(
            reads=self.reads and policy.sessions is not None and policy.screening,
            nonce=self.nonce,
            token=self.token and policy.xsrf is not None and policy.xsrf.token,
        )

    def repeat(self, exchange: Exchange) -> None:
        """Do the same with another exchange; changes are not repeated."""
        if self.reads:
            exchange.session.get("secmw-bench")
        if self.nonce:
            _ = exchange.nonce
        if self.token:
            exchange.xsrf_token()


def stand_in(answer: Answer, use: Use | None, *, asgi: bool) -> Any:
    """Make an application that gives this answer; with ``use`` it does that with its exchange first."""
    status, body = answer.status, answer.body
    if asgi:
        lines = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]

        async def asgi_app(scope: dict[str, Any], receive: Any, send: Any) -> None:  # noqa: ARG001 - ASGI
            if use is not None:
                use.repeat(scope["secmw"])
            await send({"type": "http.response.start", "status": status, "headers": list(lines)})
            await send({"type": "http.response.body", "body": body})

        return asgi_app

    headers, phrase = list(answer.headers), f"{status} "

    def wsgi_app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        if use is not None:
            use.repeat(environ["secmw"])
        start_response(phrase, list(headers))
        return [body]

    return wsgi_app


class AsgiNoop:
    """Wrap ``send`` and do nothing: the unit that ratios are in. Middleware is an object that is called, and so is its unit."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection."""

        async def wrapped(message: Any) -> None:
            await send(message)

        await self.app(scope, receive, wrapped)


class WsgiNoop:
    """Wrap ``start_response`` and do nothing."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        """Serve one request."""

        def wrapped(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            return start_response(status, headers, exc_info)

        return self.app(environ, wrapped)


class _LetError(BaseException):
    """Carry what an application would have been given; no Exception, so that no middleware answers in its place."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given


def catcher(*, asgi: bool) -> Any:
    """Make an application that hands what it is given to :func:`let_through`."""
    if asgi:

        async def asgi_app(scope: dict[str, Any], receive: Any, send: Any) -> None:  # noqa: ARG001 - ASGI
            raise _LetError(scope)

        return asgi_app

    def wsgi_app(environ: dict[str, Any], start_response: Any) -> Any:  # noqa: ARG001 - PEP 3333
        raise _LetError(environ)

    return wsgi_app


def let_through(ask: Callable[[], object]) -> dict[str, Any] | None:
    """Send a request through a policy around a :func:`catcher`; return what arrives there, None where it was refused."""
    try:
        ask()
    except _LetError as let:
        return let.given
    return None
