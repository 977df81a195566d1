"""All the HTTP the core needs: the view of a request, refusals, and how each wire spells a header.

Nothing here decides anything or waits for anything.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec

#: A header name or value as a wire spells it: bytes on ASGI, str on WSGI.
HeaderText = bytes | str

#: One header line, in the wire's type.
Line = tuple[Any, Any]


def text(value: Any) -> str:
    """Return a header value of either wire as latin-1 text."""
    return value if isinstance(value, str) else str(value, "latin-1")


#: RFC 9110 section 9.2.1, with QUERY (RFC 10008). TRACE is refused, so it is not here.
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "QUERY"})

TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
"""An RFC 9110 token: what a header or cookie name may be (use ``fullmatch``)."""


#: With one of these a safe request may be handled as something else, so it is screened as that.
DISGUISES: Final = frozenset({"upgrade", "x-http-method", "x-http-method-override", "x-method-override"})


class Reason(enum.StrEnum):
    """Why a request was refused, for machines: log it, count it, branch on it."""

    METHOD_NOT_ALLOWED = "method_not_allowed"
    HOST_MALFORMED = "host_malformed"
    HOST_NOT_ALLOWED = "host_not_allowed"
    HTTPS_REQUIRED = "https_required"
    REDIRECT_TO_HTTPS = "redirect_to_https"
    PEER_REWRITTEN = "peer_rewritten"
    FORWARDED_MALFORMED = "forwarded_malformed"
    FORWARDED_AMBIGUOUS = "forwarded_ambiguous"
    CROSS_ORIGIN = "cross_origin"
    ORIGIN_MISSING = "origin_missing"
    XSRF_MISSING = "xsrf_missing"
    XSRF_MISMATCH = "xsrf_mismatch"
    XSRF_COOKIE_MISSING = "xsrf_cookie_missing"
    XSRF_COOKIE_AMBIGUOUS = "xsrf_cookie_ambiguous"
    FORM_TOO_LARGE = "form_too_large"
    FORM_MALFORMED = "form_malformed"
    SESSION_OVER = "session_over"
    SESSION_SUPERSEDED = "session_superseded"
    SESSION_CONFLICT = "session_conflict"
    SIGN_IN_REQUIRED = "sign_in_required"
    SIGN_IN_UNDONE = "sign_in_undone"
    SUDO_REQUIRED = "sudo_required"
    STORE_AWAY = "store_away"
    AUDIT_AWAY = "audit_away"
    NOT_FOUND = "not_found"
    HANDSHAKE_DENIED = "handshake_denied"
    APPLICATION_FAILED = "application_failed"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Say no to one request: a status, a reason for machines, a sentence for people.

    ``fix`` says what the person can do; ``note`` goes to the log only (it may name settings). ``headers`` are
    sent with the response besides the security headers, names in canonical case. ``page``: the address that helps, for a
    script to send the person to.
    """

    status: int
    reason: Reason
    detail: str
    fix: str = ""
    note: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    page: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer a request ourselves: the shells send it, with the security headers added, like any other response."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""


class Facts(msgspec.Struct):
    """Hold what a wire says of a request.

    ``peer``: the other end of the connection, address and port, as the server gives it; None for a unix socket.
    ``fields``: headers under the wire's keys and in its type; ``repeated``: those that came more than once, every value
    in order (their last is in ``fields`` too). ``forwarded``: whether there was any forwarding header, and
    ``claims_https`` whether one that nobody believes speaks of HTTPS; both are found out on the way.
    """

    method: str
    scheme: str
    path: str
    peer: tuple[str, Any] | None
    fields: Mapping[Any, Any]
    repeated: Mapping[Any, list[Any]]
    certified: bool = False
    socket: bool = False
    forwarded: bool = False
    claims_https: bool = False


class Request(Protocol):
    """What a check may read of a request; the Exchange itself satisfies it.

    Text is latin-1 as it came over the wire. ``headers`` has the fields under the wire's keys (``Wire.field``) and in its
    type (decoding what nobody reads would cost more than the checks), repeated ones
    joined by ``", "`` (a repeated Origin then equals no origin at all). ``origin`` is
    our own, as the browser must have spelled it in its address bar; ``certified`` says that the server checked a
    client certificate. ``presented`` is the session id that came with the request, if one did, and ``selector`` the part
    that names the session; nobody has looked yet whether there is one. ``raw_cookie`` is the Cookie header in the wire's type.
    """

    @property
    def method(self) -> str: ...
    @property
    def scheme(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def origin(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def client(self) -> str | None: ...
    @property
    def cookie(self) -> str | None: ...
    @property
    def certified(self) -> bool: ...
    @property
    def raw_cookie(self) -> Any: ...
    @property
    def presented(self) -> bytes | None: ...
    @property
    def selector(self) -> str | None: ...
    @property
    def headers(self) -> Mapping[Any, Any]: ...


@dataclass(frozen=True, slots=True)
class Wire:
    """Say how one interface spells header names and values, so that the core can be written once.

    ``encode_name`` makes a name to send, ``encode`` a value; both take latin-1 text. ``field`` says under which key a
    request's header is found, given its name in lower case.
    """

    label: str
    encode_name: Callable[[str], Any]
    encode: Callable[[str], Any]
    field: Callable[[str], Any]

    def line(self, name: str, value: str) -> Line:
        """Spell one header line to send."""
        return self.encode_name(name), self.encode(value)


def _variable(name: str) -> str:
    folded = name.upper().replace("-", "_")
    return folded if folded in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{folded}"


def _lower(name: str) -> bytes:
    return name.lower().encode("latin-1")


ASGI: Final = Wire("asgi", _lower, lambda text: text.encode("latin-1"), _lower)
"""Bytes, names in lower case (ASGI HTTP specification)."""

WSGI: Final = Wire("wsgi", str, str, _variable)
"""Native strings that stand for latin-1 bytes (PEP 3333)."""
