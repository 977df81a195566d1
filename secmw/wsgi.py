"""Middleware for any WSGI application: three translations, no rule.

An environ becomes an Exchange, the exchange's header lines go into the response, and a refusal becomes a response. The
application's iterable is handed on as it is, so ``wsgi.file_wrapper``, ``close()`` and streaming work as without us.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from secmw import hooks as host
from secmw.assembly import assemble
from secmw.clock import Clock, system
from secmw.demands.wsgi import demand_login, demand_sudo, login_required, respond, sudo_required
from secmw.errors import SessionError
from secmw.exchange import RECORD, SCREEN, Exchange
from secmw.guard import Guard, announce, report_twins
from secmw.hooks import Hooks
from secmw.http import SAFE_METHODS, WSGI, Facts, Reply
from secmw.policy import Policy
from secmw.request import read, usual
from secmw.sessions.identifier import TWO
from secmw.sessions.recognising import identified, met
from secmw.view import NO_HEADERS, NOWHERE
from secmw.wires.wsgi import Incoming, pass_on, path_of, rewrite, spelling_of, status_of, target_of

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from secmw.sinks.base import Sink
    from secmw.stores.base import Store

__all__ = ["Middleware", "demand_login", "demand_sudo", "login_required", "respond", "sudo_required"]

_log = logging.getLogger("secmw")

#: Bodies in which no code of the application runs any more.
_FINISHED: Final = (list, tuple)


class _Key(str):
    """Be ``"secmw"``, and to wsgiref.validate a name with a dot in it: such a key may hold more than text."""

    __slots__ = ()

    def __contains__(self, part: object) -> bool:
        return part == "." or (isinstance(part, str) and super().__contains__(part))


_KEY: Final = _Key("secmw")


class _Codes(dict[str, int]):
    """Remember the numbers of the few status lines that an application has: to read one takes as long as to find a plan."""

    def __missing__(self, status: str) -> int:
        code = int(status[:3])
        if len(self) < _STATUSES:
            self[status] = code
        return code


_STATUSES: Final = 256
_codes: Final = _Codes()


class Middleware:
    """Put a policy in front of a WSGI application, which finds the exchange of a request in ``environ["secmw"]``.

    ``hooks``: what only the host knows. ``store``: where sessions live, in place of the policy's URL. ``sinks``: where audit
    events go besides the trail. ``xsrf_exempt``: says of a path, once, whether unsafe requests to it are asked nothing, as
    those to ``xsrf.exempt`` are; for frameworks that know it from their routes. ``announces``: whether to log what is weak in
    the policy, or leave that to whoever reads ``plans.notices``. ``propagate``: asked when the application has failed, whether
    its error goes on to the server, which has a debugger or is a test; everybody else gets an answer of ours. ``whole``: makes
    a list of a body whose chunks are all there, for frameworks that return something else; any other body it returns as it
    is. Raise ConfigError, at once, for a policy whose parts can't be had.
    """

    def __init__(
        self,
        app: WSGIApplication,
        policy: Policy,
        *,
        hooks: Hooks = host.NONE,
        store: Store | None = None,
        sinks: Sequence[Sink] = (),
        xsrf_exempt: Callable[[str], bool] | None = None,
        announces: bool = True,
        propagate: Callable[[], bool] | None = None,
        whole: Callable[[Iterable[bytes]], Iterable[bytes]] | None = None,
        clock: Clock = system,
    ) -> None:
        self.app = app
        self.propagate = propagate
        self.whole = whole
        parts = assemble(policy, hooks=hooks, store=store, sinks=sinks, clock=clock, asynchronous=False)
        self.plans = policy.compile(
            WSGI,
            can_verify=hooks.verify is not None,
            versioned=parts.caller.versioned,
            audited=parts.recorder is not None,
            xsrf_exempt=xsrf_exempt,
            clock=clock,
        )
        self.guard = Guard(parts)
        # Any key but plain text has the whole environ copied, and every look into it slowed down.
        self._key = _KEY if getattr(app, "__module__", "") == "wsgiref.validate" else "secmw"
        # A store that never waits hands out its bytes: most requests need no record made of them.
        self.load_now: Any = None if parts.caller.versioned else getattr(parts.store, "load_now", None)
        # Anything in these makes a request more than an ordinary one; Host and Cookie are looked at by name.
        self._marks = self.plans.marks - {"HTTP_HOST", "HTTP_COOKIE"}
        # Behind a proxy no request is ordinary, and none needs to be looked at twice.
        self._glanced = frozenset() if self.plans.resolver.believing else SAFE_METHODS
        if announces:
            announce(self.plans.notices)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request (PEP 3333)."""
        exchange = self.glance(environ) or self.view(environ)
        environ[self._key] = exchange
        head = Head(exchange, start_response, self.guard, environ)
        body: Iterable[bytes] = ()
        first: bytes | None = None
        chunks: Iterator[bytes] | None = None
        try:
            if exchange.wants is not None:
                if exchange.wants is RECORD and self.load_now is not None:
                    exchange.resume_now(self.load_now)
                if exchange.wants is not None:
                    reply = self.guard.admit(exchange, Incoming(environ))
                    if reply is not None:
                        return answer(exchange, reply, start_response)
            body = self.app(environ, head.start)
            if self.whole is not None:
                body = self.whole(body)
            if not head.leave():
                # A generator starts its response with its first chunk. It is asked for that here, not later, because
                # some servers send the head as soon as this call returns; PEP 3333 only forbids to wait for more.
                chunks = iter(body)
                first = next(chunks, None)
                head.leave()
        except Exception:
            close(body)
            if head.left or (self.propagate is not None and self.propagate()):
                # Part of the answer has left: only breaking off says that the rest is missing. Or somebody debugs.
                head.late(500)
                raise
            return failed(exchange, environ, head, sys.exc_info())
        finally:
            # The environ holds the exchange, and what one request leaves behind should need no garbage collector.
            if exchange.headers is environ:
                exchange.headers = NO_HEADERS
        if head.replaced is not None:
            close(body)
            return head.replaced
        if head.left:
            came = exchange.held is not None or exchange.kept is not None
            if chunks is not None or (type(body) not in _FINISHED and (came or exchange.plan.audited)):
                return Resumed(body, first, chunks, head)
            if came and (sweeper := self.guard.sweeper) is not None and sweeper.threadless:
                return Resumed(body, first, chunks, head)
            # What Exchange.pending says; to ask for a property takes four times as long.
            if exchange.events is not None or (
                (held := exchange.held) is not None and held.pending is not False and held.due
            ):
                head.late(200)
            return body
        close(body)
        return failed(exchange, environ, head)

    def glance(self, environ: WSGIEnvironment) -> Exchange | None:
        """Look at a safe request once; None for one that is not ordinary."""
        plans = self.plans
        method = environ["REQUEST_METHOD"]
        site, cookie = plans.home, None
        if site is None:
            if method not in self._glanced or not self._marks.isdisjoint(environ):
                return None
            cookie = environ.get("HTTP_COOKIE")
            if plans.folds and cookie is not None:
                return None
            site = plans.sites[environ.get("HTTP_HOST")]
        path = environ.get("PATH_INFO") or "/"
        if not path.isascii():
            path = path_of(environ)
        plan = plans.safe[path]
        if plan.lax:
            plan = plans.safe.closely(path, spelling_of(environ))
        scheme = environ["wsgi.url_scheme"]
        found = kept = wants = None
        target = NOWHERE
        # When it began counts, not when somebody asks: all sessions may have been ended between the two.
        if plan.sessions is None:
            began = 0.0
        else:
            began = -plans.mark() if cookie is None else plans.now()
        # Over HTTPS, to a host of ours, most plans have nothing to ask, and nobody needs the target as it was sent.
        if scheme != "https" or not plan.quiet or site.refusal is not None:
            found = None if cookie is None else identified(plan, cookie)
            wants, target = SCREEN, target_of(environ)
        elif cookie is not None and plan.sessions is not None:
            found, kept = met(self.load_now, plan, cookie, began)
            if found is TWO:
                wants = SCREEN
            elif kept is None and found is not None:
                wants = RECORD
        address = environ.get("REMOTE_ADDR") or None
        exchange = Exchange(
            plan, site, method, scheme, path, address, cookie, began, found, kept, target, wants=wants
        )
        return exchange.screen(self.load_now) if wants is SCREEN else exchange

    def view(self, environ: WSGIEnvironment) -> Exchange:
        """Look at everything the checks may read, and change what the application shall see otherwise."""
        method, scheme, path = (
            environ["REQUEST_METHOD"],
            environ["wsgi.url_scheme"],
            environ.get("PATH_INFO") or "/",
        )
        if not path.isascii():
            path = path_of(environ)
        address = environ.get("REMOTE_ADDR")
        certified = environ.get("SSL_CLIENT_VERIFY") == "SUCCESS" or bool(environ.get("SSL_CLIENT_CERT"))
        if not certified:
            peer = (address, environ.get("REMOTE_PORT")) if address else None
            found = usual(self.plans, method, scheme, path, peer, environ, target_of, environ, self.load_now)
            if found is not None:
                exchange, relay = found
                if relay is not None:
                    pass_on(environ, relay)
                return exchange
        facts = Facts(
            method,
            scheme,
            path,
            (address, environ.get("REMOTE_PORT")) if address else None,
            environ,
            NO_HEADERS,
            certified,
        )
        exchange, seen = read(self.plans, facts, target_of, environ)
        if seen is not None:
            if seen.disagreeing:
                report_twins(exchange, seen.disagreeing)
            rewrite(environ, seen)
        return exchange


class Head:
    """Be the application's ``start_response``: complete its headers, and keep them until the first chunk is there.

    Nothing leaves before that (PEP 3333), so an application that fails meanwhile, or thinks better of it, still gets
    one whole head; a server that is given two may send both. What the session asks for is written just before it leaves;
    if that fails, ``replaced`` is the body of what is answered instead.
    """

    __slots__ = ("_environ", "guard", "_kept", "_write", "exchange", "left", "replaced", "start_response")

    def __init__(
        self, exchange: Exchange, start_response: StartResponse, guard: Guard, environ: WSGIEnvironment
    ) -> None:
        self.exchange = exchange
        self.start_response = start_response
        self.guard = guard
        self._environ = environ
        self.left = False
        self._kept: tuple[str, list[Any]] | None = None
        self.replaced: list[bytes] | None = None

    # A method, not the call of the object: that takes three times as long.
    def start(
        self, status: str, headers: list[tuple[str, str]], exc_info: OptExcInfo | None = None
    ) -> Callable[[bytes], object]:
        """Take status and headers; a second time only with ``exc_info``."""
        kept = headers if type(headers) is list else list(headers)
        if self.left:
            # The server knows what to do: it raises the error again.
            lines = self.exchange.close(_codes[status], kept)
            return self.start_response(status, lines, exc_info)
        if self._kept is not None and exc_info is None:
            raise AssertionError("start_response was called a second time without exc_info (PEP 3333)")
        self._kept = (status, kept)
        return self._early

    def leave(self) -> bool:
        """Hand the head to the server, once; False where there is none yet.

        Raise SessionError where the application put more into the session than it may hold.
        """
        kept = self._kept
        if kept is None or self.left:
            return self.left
        exchange = self.exchange
        code = _codes[kept[0]]
        held = exchange.held
        if exchange.events is not None or (held is not None and held.pending and held.due):
            reply = self.guard.settle(exchange, code, Incoming(self._environ))
            if reply is not None:
                self.left = True
                self.replaced = answer(exchange, reply, self.start_response)
                return True
        self._write = self.start_response(kept[0], exchange.close(code, kept[1]))
        self.left = True
        return True

    def late(self, status: int) -> None:
        """Write what was asked for after the head had left; nobody can be told any more whether it went well."""
        if self.exchange.pending:
            try:
                self.guard.settle(self.exchange, status, Incoming(self._environ))
            except SessionError as error:
                _log.error(
                    "what the application put into the session after the response had started is lost: %s",
                    error,
                )
                # What it ended stays ended.
                self.guard.settle(self.exchange, 500, Incoming(self._environ))

    def sweep(self) -> None:
        """Where threads don't run: remove a few sessions that are over, now that the person has the answer."""
        if self.guard.sweeper is not None:
            self.guard.sweeper.after_response()

    def _early(self, data: bytes) -> object:
        """Be the ``write`` of an application that does not return its chunks."""
        self.leave()
        return None if self.replaced is not None else self._write(data)


class Resumed:
    """Be the body of an application whose first chunk may have been taken already, and write what it still asks for."""

    def __init__(
        self, body: Iterable[bytes], first: bytes | None, chunks: Iterator[bytes] | None, head: Head
    ) -> None:
        self._body = body
        self._first = () if first is None else (first,)
        self._chunks = chunks
        self._head = head
        self._status = 500

    def __iter__(self) -> Iterator[bytes]:
        yield from self._first
        yield from self._body if self._chunks is None else self._chunks
        self._status = 200
        # Not in close(): a server may say before it that the response is whole, and the next request comes then.
        self._head.late(200)

    def close(self) -> None:
        """Close the application's iterable, as a server would have; a body that broke off counts as a failure."""
        try:
            close(self._body)
        finally:
            self._head.late(self._status)
            self._head.sweep()


def close(body: Iterable[bytes]) -> None:
    """Close an application's iterable, if it can be closed."""
    finish = getattr(body, "close", None)
    if finish is not None:
        finish()


def answer(exchange: Exchange, reply: Reply, start_response: StartResponse) -> list[bytes]:
    """Send a reply of ours, completed like any other response."""
    lines = exchange.close(reply.status, list(reply.headers))
    start_response(status_of(reply), lines)
    return [reply.body] if reply.body else []


def failed(
    exchange: Exchange, environ: WSGIEnvironment, head: Head, exc_info: OptExcInfo | None = None
) -> list[bytes]:
    """Answer in place of an application that could not; WSGI lets nobody both answer and raise, so log it here."""
    what = "the application never started a response" if exc_info is None else "the application failed"
    _log.error("%s: %s %s", what, ascii(exchange.method)[1:-1], ascii(exchange.path), exc_info=exc_info)
    exchange.fail()
    reply = exchange.reply(environ.get("HTTP_ACCEPT", ""))
    if exchange.pending:
        reply = head.guard.settle(exchange, 500, Incoming(environ)) or reply
    return answer(exchange, reply, head.start_response)
