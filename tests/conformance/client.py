"""The one interface through which every test of this suite speaks: to an application in process, or over a socket.

A `Site` is one policy on one stack. Nothing is added to a request but what a test says, and every response is looked
at for what must hold whatever the case: see `Site.check`.
"""

from __future__ import annotations

import abc
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from secmw.testing import Response, WebSocketResult
from tests.conformance.policies import HOST, ORIGIN, named
from tests.conformance.told import Line

if TYPE_CHECKING:
    from tests.conformance.stacks import Stack

Headers = Sequence[Line]
Host = str | None | Sequence[str]
Scheme = Literal["https", "http"]

#: Header fields of which a response has one at most.
SINGLE: Final = frozenset(
    {
        "cache-control",
        "content-length",
        "content-type",
        "cross-origin-embedder-policy",
        "cross-origin-opener-policy",
        "cross-origin-resource-policy",
        "location",
        "origin-agent-cluster",
        "strict-transport-security",
        "transfer-encoding",
        "vary",
        "x-content-type-options",
        "x-dns-prefetch-control",
        "x-frame-options",
        "x-permitted-cross-domain-policies",
    }
)

NOSNIFF: Final = ["nosniff"]


class ClosedError(ConnectionError):
    """Say that the server closed the connection, or fell silent, without a whole response."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Hold what a browser has after a first visit: the Cookie header it sends, and the token that a script reads."""

    cookie: str
    token: str

    def headers(self, *, header: str = "X-XSRF-TOKEN", origin: str | None = ORIGIN) -> list[Line]:
        """Return what a script of our own page sends."""
        lines = [("Cookie", self.cookie), (header, self.token)]
        return [*lines, ("Origin", origin)] if origin is not None else lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Hold one request as a test wrote it: nothing is checked, completed or put in order."""

    target: str | bytes
    headers: Headers
    method: str = "GET"
    body: bytes = b""
    host: Host = HOST
    scheme: Scheme = "https"
    patience: float = 20


class Site(abc.ABC):
    """Speak to one policy on one stack."""

    def __init__(self, stack: Stack, name: str) -> None:
        self.stack = stack
        self.name = name
        self.policy = named(name)

    @abc.abstractmethod
    def send(self, sent: Sent) -> Response:
        """Send one request exactly as it is written; raise ClosedError where no whole response comes back."""

    @abc.abstractmethod
    def open(self, sent: Sent, subprotocols: Sequence[str], messages: Sequence[str]) -> WebSocketResult:
        """Open a WebSocket, send messages, take the first one and an answer to each, and close."""

    @abc.abstractmethod
    def sequence(self, requests: Sequence[Sent]) -> list[Response]:
        """Send requests one after another, over one connection where there are connections."""

    @abc.abstractmethod
    def burst(self, target: str, count: int) -> list[Response]:
        """Send so many GET requests, all in flight at the same time."""

    @abc.abstractmethod
    def leave_early(self, target: str) -> bytes:
        """Begin to read a long response, return what came first, and go away."""

    def close(self) -> None:  # noqa: B027 - most have nothing to close
        """Give back what is held."""

    # --- what tests call

    def request(
        self,
        method: str,
        target: str | bytes = "/",
        headers: Headers = (),
        body: bytes = b"",
        *,
        host: Host = HOST,
        scheme: Scheme = "https",
        by_server: bool = False,
        patience: float = 20,
    ) -> Response:
        """Send a request and return the response; raise ClosedError where none comes for ``patience`` seconds.

        ``by_server``: whether the server may answer by itself, before the application is asked; such an answer is
        the server's, so nothing of ours is demanded of it.
        """
        sent = Sent(
            method=method,
            target=target,
            headers=headers,
            body=body,
            host=host,
            scheme=scheme,
            patience=patience,
        )
        response = self.send(sent)
        self.check(response, by_server=by_server)
        return response

    def get(self, target: str | bytes = "/", headers: Headers = (), **settings: Any) -> Response:
        """Send a GET request."""
        return self.request("GET", target, headers, **settings)

    def post(
        self, target: str | bytes = "/", headers: Headers = (), body: bytes = b"", **settings: Any
    ) -> Response:
        """Send a POST request."""
        return self.request("POST", target, headers, body, **settings)

    def websocket(
        self,
        target: str = "/",
        headers: Headers = (),
        *,
        origin: str | None = ORIGIN,
        host: Host = HOST,
        scheme: Scheme = "https",
        subprotocols: Sequence[str] = (),
        messages: Sequence[str] = (),
        by_server: bool = False,
        patience: float = 20,
    ) -> WebSocketResult:
        """Open a WebSocket, or try to; an application without WebSockets answers the request as it likes.

        Raise TimeoutError where the server says nothing for ``patience`` seconds.
        """
        lines = [*headers, ("Origin", origin)] if origin is not None else list(headers)
        sent = Sent(target=target, headers=lines, host=host, scheme=scheme, patience=patience)
        result = self.open(sent, subprotocols, messages)
        self.check(result, by_server=by_server or not self.stack.denies_whole)
        return result

    def visit(self) -> Visit:
        """Visit as a browser does, and return the cookies and the token."""
        response = self.get("/_secmw/xsrf")
        assert response.status == 204
        pairs = [line.partition(";")[0] for line in response.all("Set-Cookie")]
        xsrf = self.policy.xsrf
        assert xsrf is not None
        token = next(
            value for name, _, value in (pair.partition("=") for pair in pairs) if name == xsrf.cookie
        )
        return Visit(cookie="; ".join(pairs), token=token)

    # --- what holds for every response

    def check(self, response: Response, *, by_server: bool) -> None:
        """Demand what every response must have, however it came about. (HD-03, HD-09, CK-06, CK-07)"""
        if response.status == 101:
            return
        names = [name.lower() for name, _ in response.headers]
        double = sorted({name for name in names if name in SINGLE and names.count(name) > 1})
        assert not double, f"more than one {double} in {response.headers}"
        cookies = [line.partition("=")[0] for line in response.all("Set-Cookie")]
        assert len(cookies) == len(set(cookies)), f"a cookie twice in {response.headers}"
        assert "" not in cookies
        if not by_server or response.status < 400:
            assert response.all("X-Content-Type-Options") == NOSNIFF, response.headers


def seen(response: Response) -> dict[str, Any]:
    """Return what the application saw of a request that it answered."""
    assert response.status == 200, (response.status, response.body)
    found: dict[str, Any] = json.loads(response.body)
    return found


def fields(found: dict[str, Any], name: str) -> list[str]:
    """Return the values of one header, as the application saw them."""
    return [value for key, value in found["headers"] if key == name]


def reason(response: Response) -> str:
    """Return why we refused a request; fail where somebody else did, or nobody."""
    assert response.status >= 400, response.status
    assert response.header("Content-Type") == "application/problem+json", response.headers
    problem = json.loads(response.body)
    assert problem["status"] == response.status
    found: str = problem["reason"]
    return found


def outcome(response: Response) -> str:
    """Return `passed`, or why we refused."""
    return "passed" if response.status == 200 else reason(response)


def tokens(response: Response) -> list[str]:
    """Return the tokens that the application was given."""
    return list(seen(response)["tokens"])


def cookie_lines(response: Response) -> dict[str, str]:
    """Return every Set-Cookie by the name of its cookie."""
    return {line.partition("=")[0]: line for line in response.all("Set-Cookie")}
