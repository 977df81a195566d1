"""Exchange: one request, from the first look at it to the headers of its response. Pure: it waits for nothing.

    OPEN -> SCREENED -> RESUMED -> CLOSED

- OPEN      made, nothing asked yet
- SCREENED  every question asked that needs nothing but the request: refused, answered by us, or passed on; or it
            ``wants`` something first (the form in the body), which a guard fetches
- RESUMED   what it wanted has arrived, and the last question has been answered
- CLOSED    the header lines of the response are worked out; again, where an application starts a second response

The state follows from the fields, so there is no way to set a wrong one. The exchange is also the application's side of
secmw: ``scope["secmw"]`` on ASGI, ``environ["secmw"]`` on WSGI. It is the Request that checks read, so one object is
made per request and no second one.
"""

from __future__ import annotations

import enum
import secrets
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import msgspec

from secmw import pages
from secmw.checks import Wants
from secmw.checks.host import Site
from secmw.checks.transport import here
from secmw.cookies import Cookie, needs_twin, twin_of
from secmw.errors import SessionError
from secmw.http import Facts, Line, Reason, Refusal, Reply, text
from secmw.merge import merge
from secmw.own import visit_cookie, xsrf_cookie
from secmw.plan import HeaderSet, Plan

if TYPE_CHECKING:
    from secmw.policy import Policy
    from secmw.xsrf import Tokens

NO_HEADERS: Final[Mapping[Any, Any]] = MappingProxyType({})

FAILED: Final = Refusal(
    500,
    Reason.APPLICATION_FAILED,
    "Something went wrong here, and it is not your fault.",
    fix="Try again in a moment.",
)

DENIED: Final = Refusal(403, Reason.HANDSHAKE_DENIED, "The application does not accept this connection.")

_BODILESS: Final = frozenset({101, 304})
"""Statuses whose headers are no page's: a handshake's, and those that a cache adds to a stored response."""


class State(enum.Enum):
    """Say how far an exchange has come."""

    OPEN = "open"
    SCREENED = "screened"
    RESUMED = "resumed"
    CLOSED = "closed"


class Amendment(msgspec.Struct):
    """Hold what a response gets besides what the plan gives every one; made when the application asks for something.

    ``nonce``: the one in use. ``visit``: what tokens are bound to. ``cookies``: those to set. ``personal``: whether
    the response holds a token, so that nobody may keep it for somebody else.
    """

    nonce: str | None = None
    visit: str | None = None
    cookies: tuple[Cookie, ...] = ()
    personal: bool = False


NOTHING: Final = Amendment()


class Exchange(msgspec.Struct):
    """Be one request and its response.

    ``scheme`` is http or https, for a WebSocket too; ``path`` is decoded and below the mount point. ``peer`` is the
    address of the client after the resolver, or ASGI's pair of address and port, None for a unix socket. ``raw_cookie``
    is the Cookie header as the wire spells it, ``headers`` the fields that checks read; only requests that are not
    both safe and ordinary have any. ``target``: path and query as they were sent, for a redirect to HTTPS.
    """

    plan: Plan
    site: Site
    method: str
    scheme: str
    path: str
    peer: Any = None
    raw_cookie: Any = None
    target: tuple[Any, Any] = ("/", "")
    headers: Mapping[Any, Any] = NO_HEADERS
    facts: Facts | None = None

    wants: Wants | None = Wants.SCREEN
    refusal: Refusal | None = None
    resumed: bool = False
    closed: bool = False
    amendment: Amendment | None = None

    def __repr__(self) -> str:
        """Show what a log may hold: no header, no cookie, no token."""
        return f"<Exchange {ascii(self.method)[1:-1]} {self.path!a} {self.state.value}>"

    # --- what checks read

    @property
    def state(self) -> State:
        """How far this exchange has come."""
        if self.closed:
            return State.CLOSED
        if self.resumed:
            return State.RESUMED
        return State.OPEN if self.wants is Wants.SCREEN else State.SCREENED

    @property
    def host(self) -> str:
        """The host this request names, checked; with its port where that is not the default."""
        return self.site.host

    @property
    def origin(self) -> str:
        """Our own origin, as the browser must have spelled it."""
        return self.site.https_origin if self.scheme == "https" else self.site.http_origin

    @property
    def cookie(self) -> str | None:
        """The Cookie header, or None where there is none at all."""
        raw = self.raw_cookie
        return raw if raw is None or isinstance(raw, str) else str(raw, "latin-1")

    @property
    def client(self) -> str | None:
        """The address of the client, from the one resolver; None for a unix socket."""
        peer = self.peer
        return peer if peer is None or isinstance(peer, str) else peer[0] or None

    @property
    def local(self) -> bool:
        """Whether the host means this machine."""
        return self.site.local

    @property
    def named(self) -> bool:
        """Whether the policy names the host."""
        return self.site.named

    @property
    def forwarded(self) -> bool:
        """Whether any forwarding header came with the request, believed or not."""
        return self.facts is not None and self.facts.forwarded

    @property
    def socket(self) -> bool:
        """Whether the request asks for a WebSocket, or for any other protocol."""
        return self.facts is not None and (self.facts.socket or self.field("upgrade") is not None)

    @property
    def claims_https(self) -> bool:
        """Whether a peer that is not trusted says that the request came over HTTPS."""
        return self.facts is not None and self.facts.claims_https

    @property
    def certified(self) -> bool:
        """Whether the server checked a certificate of the client's."""
        return self.facts is not None and self.facts.certified

    def field(self, name: str) -> str | None:
        """Return a request header that checks read, by its lower-case name, as text."""
        value = self.headers.get(self.plan.wire.encode(name))
        return None if value is None else text(value)

    @property
    def form_limit(self) -> int:
        """How many bytes of a form are read to find the token."""
        return 0 if self.plan.xsrf is None else self.plan.xsrf.form_limit

    @property
    def policy(self) -> Policy:
        """The policy as it holds for this path."""
        return self.plan.policy

    # --- the request

    def screen(self) -> Exchange:
        """Ask every question that needs nothing but the request, in order; the first refusal counts."""
        plan = self.plan
        refusal = self.site.refusal
        if refusal is None and self.scheme != "https":
            refusal = plan.transport(self)
        answer = refusal if refusal is not None or plan.ask is None else plan.ask(self)
        if isinstance(answer, Refusal):
            return self.refuse(answer)
        self.wants = Wants.REPLY if answer is None and plan.own is not None else answer
        return self

    def refuse(self, refusal: Refusal) -> Exchange:
        """Say no; what is to be sent instead is :meth:`reply`'s."""
        self.refusal = refusal
        self.wants = Wants.REPLY
        return self

    def resume(self, body: bytes, *, complete: bool) -> None:
        """Answer the last question with the first bytes of the body; ``complete`` says that these are all."""
        self.resumed = True
        self.wants = None
        check = self.plan.xsrf
        refusal = FAILED if check is None else check.form(self, body, complete=complete)
        if refusal is not None:
            self.refuse(refusal)
        elif self.plan.own is not None:
            self.wants = Wants.REPLY

    def reply(self, accept: str) -> Reply:
        """Return what we answer instead of the application: a refusal as the client likes it, or a page of ours."""
        refusal = self.refusal
        if refusal is None:
            answer = FAILED if self.plan.own is None else self.plan.own(self)
            if isinstance(answer, Reply):
                return answer
            refusal = answer
        return pages.refusal(refusal, accept=accept, method=self.method)

    def denied(self, accept: str) -> Reply:
        """Return a whole response for a handshake that the application refused with nothing but a close."""
        return pages.refusal(DENIED, accept=accept, method=self.method)

    def fail(self) -> None:
        """Take note that the application failed before it answered; whatever it asked us to send is void."""
        self.refuse(FAILED)
        self.amendment = None

    # --- the application

    @property
    def nonce(self) -> str:
        """The nonce of this response for scripts and styles in the page: 128 random bits, the same on each call.

        Raise SessionError once the head of the response has left without it.
        """
        amendment = self._amend()
        if amendment.nonce is None:
            if self.closed:
                raise SessionError(
                    "the response has started without a nonce; read it before the response starts"
                )
            amendment.nonce = secrets.token_urlsafe(16)
        return amendment.nonce

    def xsrf_token(self) -> str:
        """Return a token for a form or a script of this page, fresh on each call; sets its cookies where they are due.

        Raise SessionError where the policy asks for no token, and where the response has started without one: it went
        out without the headers that keep a token from everybody else.
        """
        check, tokens = self.plan.xsrf, self.plan.tokens
        if check is None or tokens is None:
            raise SessionError("the policy asks for no XSRF token (see xsrf and xsrf.token)")
        if self.closed and not (self.amendment is not None and self.amendment.personal):
            raise SessionError("the response has started without an XSRF token; ask for it before it starts")
        amendment = self._amend()
        if amendment.visit is None:
            visit = check.current(self.cookie)
            if visit is None or not check.presents(self.cookie, visit):
                visit = self._set_cookies(amendment, visit, tokens)
            amendment.visit = visit
        amendment.personal = True
        return tokens.token(amendment.visit)

    def _amend(self) -> Amendment:
        if self.amendment is None:
            self.amendment = Amendment()
        return self.amendment

    def _set_cookies(self, amendment: Amendment, visit: str | None, tokens: Tokens) -> str:
        """Have the response set the token's cookie, and the visit's where there is no visit yet."""
        cookies = []
        if visit is None:
            visit = tokens.new_visit()
            cookies.append(visit_cookie(self.policy, visit))
        cookies.append(xsrf_cookie(self.policy, tokens.token(visit)))
        # A Secure cookie does not belong on an answer that everybody on the way can read.
        if self.scheme == "https" or self.plan.behind_tls or not self.policy.cookies.secure or here(self):
            amendment.cookies = tuple(cookies)
        return visit

    # --- the response

    def close(self, status: int, headers: list[Any]) -> list[Line]:
        """Return the header lines to send for an application's status and headers; the given list stays as it is.

        Idempotent: an application may start a second response (WSGI, with ``exc_info``), and gets the same cookies.
        """
        plan = self.plan
        own = plan.locked if self.scheme == "https" and self.site.locks else plan.plain
        if self.amendment is not None or status in _BODILESS:
            return self._close(status, headers, own)
        names = plan.names
        for name, _ in headers:
            if names[name]:
                return self._close(status, headers, own)
        self.closed = True
        return headers + own.lines

    def _close(self, status: int, headers: list[Any], own: HeaderSet) -> list[Line]:
        """Work out the lines of a response that is not an ordinary one."""
        plan = self.plan
        policy = plan.policy
        amendment = self.amendment or NOTHING
        secure = own is plan.locked
        ours = own.by_name
        nonced = amendment.nonce is not None and not 300 <= status < 400
        if nonced:
            ours = own.with_nonce(plan.wire, str(amendment.nonce))
        elif status == 304:
            # A cache would put it in place of the stored one, whose nonce the stored page carries (RFC 9111 3.2).
            ours = {key: line for key, line in ours.items() if key not in own.nonced}
        elif status == 101:
            ours = plan.switched.by_name if secure else {}
        private = None
        if amendment.personal or nonced:
            private = "no-cache, private" if policy.bfcache else "no-store"
        lines = merge(
            headers,
            ours,
            plan.rules,
            plan.wire,
            secure=secure,
            vary=(*plan.vary, "Cookie") if amendment.personal else plan.vary,
            private=private,
            cookies=self._cookie_lines(amendment.cookies),
            harden=self._hardening(),
        )
        self.closed = True
        return lines

    def _cookie_lines(self, cookies: Iterable[Cookie]) -> list[tuple[str, str]]:
        """Render the cookies of ours that this response sets, each with its twin where one is due."""
        lines: list[tuple[str, str]] = []
        for cookie in cookies:
            value = cookie.render()
            lines.append((cookie.name, value))
            twin = twin_of(value) if self._twins() else None
            if twin is not None:
                lines.append((f"{cookie.name}-legacy", twin))
        return lines

    def _twins(self) -> bool:
        wanted = self.policy.cookies.legacy_twin
        return wanted == "always" or (wanted == "incompatible" and needs_twin(self.field("user-agent") or ""))

    def _hardening(self) -> Callable[[str], tuple[str, ...]] | None:
        harden = self.plan.harden
        if harden is None:
            return None
        agent = self.field("user-agent") or ""
        return lambda line: harden(line, agent)
