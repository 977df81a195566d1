"""Middleware for any WSGI application: three translations, no rule.

An environ becomes an Exchange, the exchange's header lines go into the response, and a refusal becomes a response. The
application's iterable is handed on as it is, so ``wsgi.file_wrapper``, ``close()`` and streaming work as without us.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from secmw.exchange import NO_HEADERS, Exchange
from secmw.forwarding import FORWARDING, WSGI_KEYS
from secmw.guard import Guard, announce, report_twins
from secmw.http import SAFE_METHODS, WSGI, Facts, Reply
from secmw.policy import Policy
from secmw.replay import Replay
from secmw.request import Seen, choose, read

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_log = logging.getLogger("secmw")

_PHRASES: Final = {status.value: status.phrase for status in HTTPStatus}

#: How servers hand on the target as it was sent, in the order they are believed; PEP 3333 has no such key.
_TARGETS: Final = ("RAW_URI", "REQUEST_URI")


class _Key(str):
    """Be ``"secmw"``, and to wsgiref.validate a name with a dot in it: such a key may hold more than text."""

    __slots__ = ()

    def __contains__(self, part: object) -> bool:
        return part == "." or (isinstance(part, str) and super().__contains__(part))


_KEY: Final = _Key("secmw")


class Middleware:
    """Put a policy in front of a WSGI application.

    Raise ConfigError, at once, for a policy that this version can't carry out. The application finds the exchange of
    a request in ``environ["secmw"]``.
    """

    def __init__(self, app: WSGIApplication, policy: Policy) -> None:
        self.app = app
        self.plans = policy.compile(WSGI)
        self.guard = Guard()
        # Of a header spelled with hyphens or underscores a WSGI server leaves one key.
        names = {name for name in self.plans.wanted if "_" not in name}
        self._checked = tuple((_key(name), name) for name in names - FORWARDING)
        self._forwarding = tuple((_key(name), name) for name in names & FORWARDING)
        # Anything in these makes a request more than an ordinary one; Host and Cookie are looked at by name.
        ordinary = {"HTTP_HOST", "HTTP_COOKIE"}
        self._marks = frozenset({_key(name) for name in self.plans.marks} | WSGI_KEYS) - ordinary
        announce(self.plans.notices)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request (PEP 3333)."""
        exchange = self.glance(environ) or self.view(environ)
        environ[_KEY] = exchange
        if exchange.wants is not None:
            incoming = Incoming(environ)
            reply = self.guard.admit(exchange, incoming)
            if reply is not None:
                return answer(exchange, reply, start_response)

        head = Head(exchange, start_response)
        body: Iterable[bytes] = ()
        try:
            body = self.app(environ, head)
            if head.leave():
                return body
            # A generator starts its response with its first chunk. It is asked for that here, not later, because
            # some servers send the head as soon as this call returns; PEP 3333 only forbids to wait for more.
            chunks = iter(body)
            first = next(chunks, None)
        except Exception:
            close(body)
            if head.left:
                # Part of the answer has left: only breaking off says that the rest is missing.
                raise
            return failed(exchange, environ, head, sys.exc_info())
        if head.leave():
            return Resumed(body, first, chunks)
        close(body)
        return failed(exchange, environ, head)

    def glance(self, environ: WSGIEnvironment) -> Exchange | None:
        """Look at a safe request once; None for one that is not ordinary."""
        plans = self.plans
        site, cookie = plans.home, None
        if site is None:
            if environ["REQUEST_METHOD"] not in SAFE_METHODS or not self._marks.isdisjoint(environ):
                return None
            cookie = environ.get("HTTP_COOKIE")
            if plans.folds and cookie is not None:
                return None
            site = plans.sites[environ.get("HTTP_HOST")]
        path = _path(environ)
        plan = plans.safe[path]
        if plan.lax:
            plan = choose(plans.safe, path, _spelled(environ))
        scheme = environ["wsgi.url_scheme"]
        method = environ["REQUEST_METHOD"]
        address = environ.get("REMOTE_ADDR") or None
        # Over HTTPS, to a host of ours, most plans have nothing to ask, and nobody needs the target as it was sent.
        if scheme == "https" and plan.quiet and site.refusal is None:
            return Exchange(plan, site, method, scheme, path, address, cookie, wants=None)
        return Exchange(plan, site, method, scheme, path, address, cookie, _target(environ)).screen()

    def view(self, environ: WSGIEnvironment) -> Exchange:
        """Look at everything the checks may read, and change what the application shall see otherwise."""
        fields = {name: environ[key] for key, name in self._checked if key in environ}
        if not WSGI_KEYS.isdisjoint(environ):
            fields.update((name, environ[key]) for key, name in self._forwarding if key in environ)
        address = environ.get("REMOTE_ADDR")
        facts = Facts(
            environ["REQUEST_METHOD"],
            environ["wsgi.url_scheme"],
            _path(environ),
            (address, environ.get("REMOTE_PORT")) if address else None,
            fields,
            NO_HEADERS,
            environ.get("SSL_CLIENT_VERIFY") == "SUCCESS" or bool(environ.get("SSL_CLIENT_CERT")),
        )
        exchange, seen = read(self.plans, facts, _target, environ)
        if seen is not None:
            if seen.disagreeing:
                report_twins(exchange, seen.disagreeing)
            _rewrite(environ, seen)
        return exchange


class Head:
    """Be the application's ``start_response``: complete its headers, and keep them until the first chunk is there.

    Nothing leaves before that (PEP 3333), so an application that fails meanwhile, or thinks better of it, still gets
    one whole head; a server that is given two may send both.
    """

    __slots__ = ("_kept", "_write", "exchange", "left", "start_response")

    def __init__(self, exchange: Exchange, start_response: StartResponse) -> None:
        self.exchange = exchange
        self.start_response = start_response
        self.left = False
        self._kept: tuple[str, list[Any]] | None = None
        self._write: Any = None

    def __call__(
        self, status: str, headers: list[tuple[str, str]], exc_info: OptExcInfo | None = None
    ) -> Callable[[bytes], object]:
        """Take status and headers; a second time only with ``exc_info``."""
        lines = self.exchange.close(int(status[:3]), headers if type(headers) is list else list(headers))
        if self.left:
            # The server knows what to do: it raises the error again.
            return self.start_response(status, lines, exc_info)
        if self._kept is not None and exc_info is None:
            raise AssertionError("start_response was called a second time without exc_info (PEP 3333)")
        self._kept = (status, lines)
        return self._early

    def leave(self) -> bool:
        """Hand the head to the server, once; False where there is none yet."""
        if self._kept is not None and not self.left:
            self._write = self.start_response(*self._kept)
            self.left = True
        return self.left

    def _early(self, data: bytes) -> object:
        """Be the ``write`` of an application that does not return its chunks."""
        self.leave()
        return self._write(data)


class Incoming:
    """Hold the rest of a request: look into its body, then let the application read exactly the same."""

    def __init__(self, environ: WSGIEnvironment) -> None:
        self._environ = environ

    @property
    def accept(self) -> str:
        """The Accept header."""
        accept: str = self._environ.get("HTTP_ACCEPT", "")
        return accept

    def peek(self, limit: int) -> tuple[bytes, bool]:
        """Return at most the first ``limit`` bytes of the body, and whether these are all."""
        environ = self._environ
        source = environ["wsgi.input"]
        length = _length(environ)
        # Past Content-Length a server may block forever, unless it says that its input ends.
        wanted = limit + 1 if length is None else min(limit + 1, length)
        chunks = []
        size = 0
        while size < wanted:
            chunk = source.read(wanted - size)
            if not chunk:
                break
            chunks.append(chunk)
            size += len(chunk)
        head = b"".join(chunks)
        environ["wsgi.input"] = Replay(head, source)
        return head[:limit], size <= limit and (length is None or size == length)


class Resumed:
    """Be the body of an application whose first chunk has been taken already."""

    def __init__(self, body: Iterable[bytes], first: bytes | None, chunks: Iterator[bytes]) -> None:
        self._body = body
        self._first = () if first is None else (first,)
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        yield from self._first
        yield from self._chunks

    def close(self) -> None:
        """Close the application's iterable, as a server would have."""
        close(self._body)


def close(body: Iterable[bytes]) -> None:
    """Close an application's iterable, if it can be closed."""
    finish = getattr(body, "close", None)
    if finish is not None:
        finish()


def answer(exchange: Exchange, reply: Reply, start_response: StartResponse) -> list[bytes]:
    """Send a reply of ours, completed like any other response."""
    lines = exchange.close(reply.status, list(reply.headers))
    start_response(f"{reply.status} {_PHRASES.get(reply.status, 'Unknown')}", lines)
    return [reply.body] if reply.body else []


def failed(
    exchange: Exchange, environ: WSGIEnvironment, head: Head, exc_info: OptExcInfo | None = None
) -> list[bytes]:
    """Answer in place of an application that could not; WSGI lets nobody both answer and raise, so log it here."""
    what = "the application never started a response" if exc_info is None else "the application failed"
    _log.error("%s: %s %s", what, ascii(exchange.method)[1:-1], ascii(exchange.path), exc_info=exc_info)
    exchange.fail()
    return answer(exchange, exchange.reply(environ.get("HTTP_ACCEPT", "")), head.start_response)


def _key(name: str) -> str:
    folded = name.upper().replace("-", "_")
    return folded if folded in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{folded}"


def _path(environ: WSGIEnvironment) -> str:
    """Return the decoded path below the mount point (PEP 3333: latin-1 text that stands for bytes)."""
    path: str = environ.get("PATH_INFO", "") or "/"
    return path if path.isascii() else path.encode("latin-1").decode("utf-8", "surrogateescape")


def _spelled(environ: WSGIEnvironment) -> str:
    """Return the target as it was sent, where the server tells; else the decoded path, a leftover escape in it."""
    for key in _TARGETS:
        if key in environ:
            target: str = environ[key]
            return target.partition("?")[0]
    return ""


def _target(environ: WSGIEnvironment) -> tuple[Any, Any]:
    """Return path and query for a redirect, below no mount point: the path as it was sent where the server tells."""
    spelled = _spelled(environ)
    query = environ.get("QUERY_STRING", "")
    if spelled.startswith("/"):
        return spelled.encode("latin-1", "replace"), query
    whole: str = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return whole.encode("latin-1").decode("utf-8", "surrogateescape"), query


def _length(environ: WSGIEnvironment) -> int | None:
    """Return how long the body is; None where the server ends the input itself (chunked)."""
    text = environ.get("CONTENT_LENGTH", "")
    if text.isascii() and text.isdigit():
        return int(text[:18])
    return None if environ.get("wsgi.input_terminated") else 0


def _rewrite(environ: WSGIEnvironment, seen: Seen) -> None:
    """Leave one truth about who and where in the environ, whatever was sent."""
    for key in WSGI_KEYS:
        environ.pop(key, None)
    for name, value in seen.forwarding:
        environ[_key(name)] = value
    if seen.forwarding:
        environ["wsgi.url_scheme"] = seen.scheme
        if seen.client is not None:
            environ["REMOTE_ADDR"] = seen.client
    if seen.host is not None:
        environ["HTTP_HOST"] = seen.host
    if seen.cookie is not None:
        environ["HTTP_COOKIE"] = seen.cookie
