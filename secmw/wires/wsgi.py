"""What a WSGI environ says of a request, and what of it the application shall see. No rule, and nothing is sent."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from secmw.forwarding import WSGI_KEYS
from secmw.http import WSGI
from secmw.replay import Replay
from secmw.request import Relay, Seen
from secmw.sessions.demand import Asking

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from secmw.http import Reply

_PHRASES: Final = {status.value: status.phrase for status in HTTPStatus}

#: How servers hand on the target as it was sent, in the order they are believed; PEP 3333 has no such key.
_TARGETS: Final = ("RAW_URI", "REQUEST_URI")


class Incoming:
    """Hold the rest of a request: look into its body, then let the application read exactly the same."""

    def __init__(self, environ: WSGIEnvironment) -> None:
        self._environ = environ

    @property
    def accept(self) -> str:
        """The Accept header."""
        accept: str = self._environ.get("HTTP_ACCEPT", "")
        return accept

    @property
    def agent(self) -> str:
        """The User-Agent header."""
        agent: str = self._environ.get("HTTP_USER_AGENT", "")
        return agent

    @property
    def query(self) -> bytes:
        """The query, as it was sent."""
        query: str = self._environ.get("QUERY_STRING", "")
        return query.encode("latin-1", "replace")

    @property
    def asking(self) -> Asking:
        """Who asks, as far as it decides how a demand is put."""
        return asking_of(self._environ)

    def peek(self, limit: int) -> tuple[bytes, bool]:
        """Return at most the first ``limit`` bytes of the body, and whether these are all."""
        environ = self._environ
        source = environ["wsgi.input"]
        length = length_of(environ)
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


def asking_of(environ: WSGIEnvironment) -> Asking:
    """Return who asks, as far as it decides how a demand is put."""
    whole = (environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")).encode("latin-1")
    # Not SCRIPT_NAME, which a framework has made longer by the mount point of a part of it.
    root = whole.removesuffix(environ["secmw"].path.encode("utf-8", "surrogateescape"))
    query = environ.get("QUERY_STRING", "")
    return Asking(
        method=environ["REQUEST_METHOD"],
        target=quote(whole) + (f"?{query}" if query else ""),
        root=quote(root),
        mode=environ.get("HTTP_SEC_FETCH_MODE", ""),
        accept=environ.get("HTTP_ACCEPT", ""),
        referer=environ.get("HTTP_REFERER", ""),
    )


def status_of(reply: Reply) -> str:
    """Return the status of a reply of ours as ``start_response`` takes it."""
    return f"{reply.status} {_PHRASES.get(reply.status, 'Unknown')}"


def path_of(environ: WSGIEnvironment) -> str:
    """Return the decoded path below the mount point (PEP 3333: latin-1 text that stands for bytes)."""
    path: str = environ.get("PATH_INFO", "") or "/"
    return path if path.isascii() else path.encode("latin-1").decode("utf-8", "surrogateescape")


def spelling_of(environ: WSGIEnvironment) -> str:
    """Return the path as it was sent; empty where the server does not tell."""
    for key in _TARGETS:
        if key in environ:
            target: str = environ[key]
            return target.partition("?")[0]
    return ""


def target_of(environ: WSGIEnvironment) -> tuple[Any, Any]:
    """Return path and query for a redirect, below no mount point: the path as it was sent where the server tells."""
    spelled = spelling_of(environ)
    query = environ.get("QUERY_STRING", "")
    if spelled.startswith("/"):
        return spelled.encode("latin-1", "replace"), query
    whole: str = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return whole.encode("latin-1").decode("utf-8", "surrogateescape"), query


def length_of(environ: WSGIEnvironment) -> int | None:
    """Return how long the body is; None where the server ends the input itself (chunked)."""
    text = environ.get("CONTENT_LENGTH", "")
    if text.isascii() and text.isdigit():
        return int(text[:18])
    return None if environ.get("wsgi.input_terminated") else 0


def rewrite(environ: WSGIEnvironment, seen: Seen) -> None:
    """Leave one truth about who and where in the environ, whatever was sent."""
    for key in WSGI_KEYS:
        environ.pop(key, None)
    for name, value in seen.forwarding:
        environ[WSGI.field(name)] = value
    if seen.forwarding:
        environ["wsgi.url_scheme"] = seen.scheme
        if seen.client is not None:
            environ["REMOTE_ADDR"] = seen.client
    if seen.host is not None:
        environ["HTTP_HOST"] = seen.host
    if seen.cookie is not None:
        environ["HTTP_COOKIE"] = seen.cookie


def pass_on(environ: WSGIEnvironment, relay: Relay) -> None:
    """Do the same for a request that was relayed, with less work."""
    changes = relay.changes
    if changes is None:
        changes = {}
        rewrite(changes, relay.seen)
        # Only now: another thread may look at any moment.
        relay.changes = changes
    for key in relay.removed:
        del environ[key]
    environ.update(changes)
