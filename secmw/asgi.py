"""Middleware for any ASGI application: three translations, no rule.

A scope becomes an Exchange, the exchange's header lines go into the response, and a refusal becomes a response. HTTP,
WebSocket and lifespan pass through; wrapped around the whole application it also covers the framework's own 404 and
500, static files and handshakes.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from secmw import hooks as host
from secmw.agreeing import AsyncAgreeing
from secmw.assembly import assemble
from secmw.clock import Clock, system
from secmw.demands.asgi import demand_login, demand_sudo, login_required, respond, sudo_required
from secmw.errors import ConfigError, SessionError, StoreError
from secmw.exchange import RECORD, SCREEN, Exchange
from secmw.guard import AsyncGuard, announce, never_started, report_twins
from secmw.handshake import HandshakeRefusedError
from secmw.handshake import serve as serve_socket
from secmw.hooks import Hooks
from secmw.http import ASGI, SAFE_METHODS, Facts, Reply
from secmw.outliving import shielded
from secmw.paths import below
from secmw.policy import Policy
from secmw.request import read, usual
from secmw.sessions.identifier import TWO
from secmw.sessions.recognising import identified, met
from secmw.view import NO_HEADERS, NOWHERE
from secmw.watch import Watch
from secmw.wires.asgi import (
    App,
    Incoming,
    Message,
    Receive,
    Scope,
    Send,
    accept_of,
    gone,
    passed_on,
    repeated_in,
    rewritten,
    scheme_of,
    target_of,
)

if TYPE_CHECKING:
    from secmw.sinks.base import Sink
    from secmw.stores.base import AsyncStore

__all__ = [
    "App",
    "HandshakeRefusedError",
    "Message",
    "Middleware",
    "Receive",
    "Scope",
    "Send",
    "demand_login",
    "demand_sudo",
    "login_required",
    "respond",
    "save",
    "sudo_required",
]

_log = logging.getLogger("secmw")


class Middleware:
    """Put a policy in front of an ASGI application, which finds the exchange of a request in ``scope["secmw"]``.

    ``hooks``: what only the host knows. ``store``: where sessions live, in place of the policy's URL. ``sinks``: where audit
    events go besides the trail. ``xsrf_exempt``: says of a path, once, whether unsafe requests to it are asked nothing, as
    those to ``xsrf.exempt`` are; for frameworks that know it from their routes. ``announces``: whether to log what is weak in
    the policy, or leave that to whoever reads ``plans.notices``. Raise ConfigError, at once, for a policy whose
    parts can't be had.
    """

    def __init__(
        self,
        app: App,
        policy: Policy,
        *,
        hooks: Hooks = host.NONE,
        store: AsyncStore | None = None,
        sinks: Sequence[Sink] = (),
        xsrf_exempt: Callable[[str], bool] | None = None,
        announces: bool = True,
        clock: Clock = system,
    ) -> None:
        self.app = app
        parts = assemble(policy, hooks=hooks, store=store, sinks=sinks, clock=clock, asynchronous=True)
        self.plans = policy.compile(
            ASGI,
            can_verify=hooks.verify is not None,
            versioned=parts.caller.versioned,
            audited=parts.recorder is not None,
            xsrf_exempt=xsrf_exempt,
            clock=clock,
        )
        self.guard = AsyncGuard(parts)
        self.watch = Watch(self.guard)
        # A store that never waits is asked without a coroutine: two of them cost as much as a wrapper that does nothing.
        self.load_now: Any = None if parts.caller.versioned else getattr(parts.store, "load_now", None)
        # Behind a proxy no request is ordinary, and none needs to be looked at twice.
        self._glanced = frozenset() if self.plans.resolver.believing else SAFE_METHODS
        if announces:
            announce(self.plans.notices)

    # A call for each part of this would cost more than the part.
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: PLR0912, PLR0915
        """Serve one connection (ASGI 3)."""
        if scope["type"] != "http":
            await (self.socket if scope["type"] == "websocket" else self.other)(scope, receive, send)
            return
        plans = self.plans
        site, cookie = plans.home, None
        if site is None and scope["method"] in self._glanced:
            # One quick look: an ordinary safe request has one Host, at most one Cookie, and nothing that makes it more.
            marks = plans.marks
            host = None
            for name, value in scope["headers"]:
                if name in marks:
                    if name == b"host" and host is None:
                        host = value
                    elif name == b"cookie" and cookie is None:
                        cookie = value
                    else:
                        break
            else:
                if cookie is None or not plans.folds:
                    site = plans.sites[host]
        if site is None:
            exchange, scope = self.view(scope)
        else:
            path = scope["path"]
            try:
                # Optional, but every server says them.
                root, scheme, client = scope["root_path"], scope["scheme"], scope["client"]
            except KeyError:
                root, scheme, client = (
                    scope.get("root_path"),
                    scope.get("scheme", "http"),
                    scope.get("client"),
                )
            if root:
                path = below(root, path)
            plan = plans.safe[path]
            if plan.lax:
                plan = plans.safe.closely(path, scope.get("raw_path") or b"")
            found = kept = wants = None
            target = NOWHERE
            # When it began counts, not when somebody asks: all sessions may have been ended between the two.
            if plan.sessions is None:
                now = 0.0
            else:
                now = -plans.mark() if cookie is None else plans.now()
            # Over HTTPS, to a host of ours, most plans have nothing to ask, and nobody needs the target as it was sent.
            if scheme != "https" or not plan.quiet or site.refusal is not None:
                found = None if cookie is None else identified(plan, cookie)
                wants, target = SCREEN, target_of(scope)
            elif cookie is not None and plan.sessions is not None:
                found, kept = met(self.load_now, plan, cookie, now)
                if found is TWO:
                    wants = SCREEN
                elif kept is None and found is not None:
                    wants = RECORD
            # All is said at once: to write a field of an exchange later takes ten times as long.
            exchange = Exchange(
                plan,
                site,
                scope["method"],
                scheme,
                path,
                client,
                cookie,
                now,
                found,
                kept,
                target,
                wants=wants,
            )
            if wants is SCREEN:
                exchange.screen(self.load_now)
            scope["secmw"] = exchange
            if root:
                exchange.root = root

        stream: Any = None

        # A plain function: a coroutine per body message would cost more than everything else here.
        def complete(message: Message) -> Awaitable[None]:
            nonlocal stream
            if stream is not None:
                # Nearly every piece of a body that goes on; a key that is missing ends it, and costs once what get() costs each time.
                try:
                    if stream.over is None and message["more_body"]:
                        return send(message)
                except KeyError:
                    pass
                stream.check(message)
            elif message["type"] == "http.response.start":
                held = exchange.held
                if exchange.events is not None or (held is not None and held.pending and held.due):
                    return self.begin(exchange, message, scope, send)
                headers = message.get("headers", ())
                if type(headers) is not list:
                    headers = list(headers)
                # A new message and a new list: the application's may be constants that serve everybody.
                lines = exchange.close(message["status"], headers)
                message = message.copy()  # type: ignore[attr-defined]  # the specification has it a dict
                message["headers"] = lines
            elif exchange.refusal is not None:
                return _unsent(message)
            elif message.get("more_body"):
                exchange.outliving = stream = self.watch.stream(exchange)
            return send(message)

        try:
            if exchange.wants is not None:
                if exchange.wants is RECORD:
                    # Nearly always that is all, and nothing of the body is looked into.
                    if self.load_now is not None:
                        exchange.resume_now(self.load_now)
                    else:
                        await self.guard.find(exchange)
                if exchange.wants is not None:
                    incoming = Incoming(scope, receive)
                    reply = await self.guard.admit(exchange, incoming)
                    if reply is not None:
                        await answer(exchange, reply, send)
                        return
                    receive = incoming.receive
            await self.app(scope, receive, complete)
        except Exception:
            # The server shall log the error; the person gets an answer with every security header.
            if not exchange.closed:
                await self.failed(exchange, scope, send)
            elif exchange.pending:
                await self.late(exchange, scope, 500)
            raise
        except GeneratorExit:
            raise  # nobody runs this any more, so nothing can be waited for
        except BaseException:
            if exchange.pending:
                await shielded(self.late(exchange, scope, 500))
            raise
        if not exchange.closed:
            never_started(exchange)
            await self.failed(exchange, scope, send)
        elif exchange.events is not None or (
            (held := exchange.held) is not None and held.pending and held.due
        ):
            await self.late(exchange, scope, 200)

    def view(self, scope: Scope, *, socket: bool = False) -> tuple[Exchange, Scope]:
        """Look at everything the checks may read; return the exchange and the scope for the application."""
        # All of them: to take only what is wanted would take twice as long.
        lines = scope["headers"]
        fields: dict[bytes, bytes] = dict(lines)
        path = scope["path"]
        try:
            root, scheme, client = scope["root_path"], scope["scheme"], scope["client"]
        except KeyError:
            root, scheme, client = scope.get("root_path"), scope.get("scheme", "http"), scope.get("client")
        if root:
            path = below(root, path)
        extensions = scope.get("extensions")
        certified = bool((extensions.get("tls") or {}).get("client_cert_chain")) if extensions else False
        if len(fields) == len(lines) and not certified and not socket:
            found = usual(
                self.plans,
                scope["method"],
                scheme,
                path,
                client,
                fields,
                target_of,
                scope,
                self.load_now,
            )
            if found is not None:
                exchange, relay = found
                if root:
                    exchange.root = root
                if relay is not None:
                    scope = passed_on(scope, relay)
                scope["secmw"] = exchange
                return exchange, scope
        repeated = repeated_in(lines, self.plans.wanted) if len(fields) < len(lines) else NO_HEADERS
        facts = Facts(
            "GET" if socket else scope["method"],
            scheme_of(scope, fields) if socket else scheme,
            path,
            client,
            fields,
            repeated,
            certified,
            socket,
        )
        exchange, seen = read(self.plans, facts, target_of, scope)
        exchange.root = root or ""
        if seen is not None:
            if seen.disagreeing:
                report_twins(exchange, seen.disagreeing)
            scope = {**scope, **rewritten(scope, seen, self.plans.forwarding, socket=socket)}
        scope["secmw"] = exchange
        return exchange, scope

    async def socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a WebSocket, from its handshake on (:func:`secmw.handshake.serve`)."""
        await serve_socket(self, scope, receive, send)

    async def other(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is neither a request nor a handshake; with the application's life ends that of its connections."""
        if scope["type"] != "lifespan":
            await self.app(scope, receive, send)
            return
        try:
            store = self.guard.store
            if isinstance(store, AsyncAgreeing):
                message = await receive()
                receive = _again(message, receive)
                if message["type"] == "lifespan.startup" and (refused := await _disagrees(store)):
                    await send({"type": "lifespan.startup.failed", "message": refused})
                    return
            await self.app(scope, receive, send)
        finally:
            await self.guard.close()

    async def begin(self, exchange: Exchange, message: Message, scope: Scope, send: Send) -> None:
        """Write what is due and send the head of a response, or another answer in its place: then the body goes nowhere."""
        status = message["status"]
        reply = await self.guard.settle(exchange, status, Incoming(scope, gone))
        if reply is not None:
            await answer(exchange, reply, send)
        else:
            await send({**message, "headers": exchange.close(status, list(message.get("headers", ())))})

    async def failed(self, exchange: Exchange, scope: Scope, send: Send) -> None:
        """Answer in place of an application that could not."""
        exchange.fail()
        reply = exchange.reply(accept_of(scope))
        if exchange.pending:
            reply = await self.guard.settle(exchange, 500, Incoming(scope, gone)) or reply
        await answer(exchange, reply, send)

    async def late(self, exchange: Exchange, scope: Scope, status: int) -> None:
        """Write what was asked for after the head had left; nobody can be told any more whether it went well."""
        try:
            await self.guard.settle(exchange, status, Incoming(scope, gone))
        except SessionError as error:
            _log.error(
                "what the application put into the session after the response had started is lost: %s", error
            )
            await self.guard.settle(exchange, 500, Incoming(scope, gone))


async def save(scope: Scope) -> None:
    """Write what was asked of the session of a socket, or of a response that streams on, without waiting for the next look.

    Raise SessionError where it can't be kept, and before the handshake is accepted or the body has begun: what is asked of a
    session until then is written with the head. Raise StoreError while the store is away; it is tried again by itself.
    """
    exchange: Exchange = scope["secmw"]
    if exchange.outliving is None or not exchange.closed:
        raise SessionError(
            "there is nothing to save yet: what is in the session is written when the response starts"
        )
    await exchange.outliving.save()


async def answer(exchange: Exchange, reply: Reply, send: Send) -> None:
    """Send a reply of ours, completed like any other response."""
    headers = exchange.close(reply.status, [ASGI.line(name, value) for name, value in reply.headers])
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


async def _unsent(message: Message) -> None:
    """Let go of what an application says after its answer was replaced."""


async def _disagrees(store: AsyncAgreeing) -> str | None:
    """Say why an application must not start beside those that share its store; None where nothing says so yet."""
    try:
        await store.agree()
    except ConfigError as error:
        # Not every server prints what it is told.
        _log.error("the application does not start: %s", error)
        return str(error)
    except StoreError as error:
        _log.warning("the session store is away: %s", error)
    return None


def _again(message: Message, receive: Receive) -> Receive:
    """Receive one message once more, then what comes after it."""
    first = [message]

    async def receiving() -> Message:
        return first.pop() if first else await receive()

    return receiving
