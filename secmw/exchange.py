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
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import msgspec

from secmw import pages
from secmw.checks import Wants
from secmw.checks.host import Site
from secmw.checks.transport import here
from secmw.cookies import Cookie, needs_twin, twin_of
from secmw.errors import SessionError
from secmw.http import Line, Reason, Refusal, Reply
from secmw.merge import merge, text
from secmw.own import visit_cookie, xsrf_cookie
from secmw.plan import HeaderSet, Plan

if TYPE_CHECKING:
    from secmw.policy import Policy
    from secmw.xsrf import Tokens

NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})

FAILED: Final = Refusal(
    500,
    Reason.APPLICATION_FAILED,
    "Something went wrong here, and it is not your fault.",
    fix="Try again in a moment.",
)

DENIED: Final = Refusal(403, Reason.HANDSHAKE_DENIED, "The application does not accept this connection.")

_SECURE: Final = frozenset({"https", "wss"})

_BODILESS: Final = frozenset({101, 304})
"""Statuses whose headers are no page's: a handshake's, and those that a cache adds to a stored response."""


class State(enum.Enum):
    """Say how far an exchange has come."""

    OPEN = "open"
    SCREENED = "screened"
    RESUMED = "resumed"
    CLOSED = "closed"


class Exchange(msgspec.Struct):
    """Be one request and its response.

    ``path`` is decoded and below the mount point; ``peer`` is the client's address after the resolver, None for a unix
    socket; ``raw_cookie`` the Cookie header as the wire spells it; ``headers`` the fields the checks read, for requests
    that are not both safe and ordinary; ``raw_target`` path and query as they were sent.
    """

    plan: Plan
    site: Site
    method: str
    scheme: str
    path: str
    peer: str | None = None
    raw_cookie: Any = None
    raw_target: tuple[Any, Any] = ("/", "")
    headers: Mapping[str, str] = NO_HEADERS
    forwarded: bool = False
    claims_https: bool = False
    certified: bool = False

    refusal: Refusal | None = None
    wants: Wants | None = None
    screened: bool = False
    resumed: bool = False
    closed: bool = False
    used_nonce: str | None = None
    visit: str | None = None
    cookies: tuple[Cookie, ...] = ()
    personal: bool = False

    # --- what checks read

    @property
    def state(self) -> State:
        """How far this exchange has come."""
        if self.closed:
            return State.CLOSED
        if self.resumed:
            return State.RESUMED
        return State.SCREENED if self.screened else State.OPEN

    @property
    def host(self) -> str:
        """The host this request names, checked; with its port where that is not the default."""
        return self.site.host

    @property
    def origin(self) -> str:
        """Our own origin, as the browser must have spelled it."""
        return self.site.https_origin if self.scheme in _SECURE else self.site.http_origin

    @property
    def cookie(self) -> str | None:
        """The Cookie header, or None where there is none at all."""
        return None if self.raw_cookie is None else text(self.raw_cookie)

    @property
    def client(self) -> str | None:
        """The address of the client, from the one resolver; None for a unix socket."""
        return self.peer

    @property
    def local(self) -> bool:
        """Whether the host means this machine."""
        return self.site.local

    @property
    def named(self) -> bool:
        """Whether the policy names the host."""
        return self.site.named

    @property
    def target(self) -> tuple[Any, Any]:
        """Path and query as they were sent, for a redirect."""
        return self.raw_target

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
        self.screened = True
        plan = self.plan
        refusal = self.site.refusal
        if refusal is None and self.scheme not in _SECURE:
            refusal = plan.transport(self)
        if refusal is None:
            ask = plan.ask
            if ask is None:
                if plan.own is not None:
                    self.wants = Wants.REPLY
                return self
            answer = ask(self)
            if answer is None:
                if plan.own is not None:
                    self.wants = Wants.REPLY
                return self
            if isinstance(answer, Wants):
                self.wants = answer
                return self
            refusal = answer
        return self.refuse(refusal)

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
        self.cookies = ()
        self.personal = False
        self.used_nonce = None

    # --- the application

    @property
    def nonce(self) -> str:
        """The nonce of this response for scripts and styles in the page: 128 random bits, the same on each call.

        Raise SessionError once the head of the response has left without it.
        """
        if self.used_nonce is None:
            if self.closed:
                raise SessionError(
                    "the response has started without a nonce; read it before the response starts"
                )
            self.used_nonce = secrets.token_urlsafe(16)
        return self.used_nonce

    def xsrf_token(self) -> str:
        """Return a token for a form or a script of this page, fresh on each call; sets its cookies where they are due.

        Raise SessionError where the policy asks for no token, and where a cookie is due but the response has started.
        """
        check, tokens = self.plan.xsrf, self.plan.tokens
        if check is None or tokens is None:
            raise SessionError("the policy asks for no XSRF token (see xsrf and xsrf.token)")
        if self.visit is None:
            visit = check.current(self.cookie)
            presented = visit is not None and check.presents(self.cookie, visit)
            if visit is None or not presented:
                visit = self._set_cookies(visit, tokens)
            self.visit = visit
        self.personal = True
        return tokens.token(self.visit)

    def _set_cookies(self, visit: str | None, tokens: Tokens) -> str:
        """Have the response set the token's cookie, and the visit's where there is no visit yet."""
        if self.closed and visit is None:
            raise SessionError("the response has started without an XSRF token; ask for it before it starts")
        cookies = []
        if visit is None:
            visit = tokens.new_visit()
            cookies.append(visit_cookie(self.policy, visit))
        cookies.append(xsrf_cookie(self.policy, tokens.token(visit)))
        # A Secure cookie does not belong on an answer that everybody on the way can read.
        if self.scheme in _SECURE or not self.policy.cookies.secure or here(self):
            self.cookies = tuple(cookies)
        return visit

    # --- the response

    def close(self, status: int, headers: Sequence[Any]) -> list[Line]:
        """Return the header lines to send for an application's status and headers; the given list stays as it is.

        Idempotent: an application may start a second response (WSGI, with ``exc_info``), and gets the same cookies.
        """
        self.closed = True
        plan = self.plan
        own = plan.locked if self.scheme in _SECURE and self.site.locks else plan.plain
        if self.personal or self.used_nonce is not None or status in _BODILESS:
            return self._close(status, headers, own)
        names = plan.names
        for field in headers:
            if field[0].lower() in names:
                return self._close(status, headers, own)
        return [*headers, *own.lines]

    def _close(self, status: int, headers: Sequence[Any], own: HeaderSet) -> list[Line]:
        """Work out the lines of a response that is not an ordinary one."""
        plan = self.plan
        policy = plan.policy
        secure = own is plan.locked
        ours = own.by_name
        nonced = self.used_nonce is not None and not 300 <= status < 400
        if nonced:
            ours = own.with_nonce(plan.wire, str(self.used_nonce))
        elif status == 304:
            # A cache would put it in place of the stored one, whose nonce the stored page carries (RFC 9111 3.2).
            ours = {key: line for key, line in ours.items() if key not in own.nonced}
        elif status == 101:
            ours = plan.switched.by_name if secure else {}
        private = None
        if self.personal or nonced:
            private = "no-cache, private" if policy.bfcache else "no-store"
        return merge(
            headers,
            ours,
            plan.rules,
            plan.wire,
            secure=secure,
            vary=(*plan.vary, "Cookie") if self.personal else plan.vary,
            private=private,
            cookies=self._cookie_lines(),
            harden=self._hardening(),
        )

    def _cookie_lines(self) -> list[tuple[str, str]]:
        """Render the cookies of ours that this response sets, each with its twin where one is due."""
        lines: list[tuple[str, str]] = []
        for cookie in self.cookies:
            value = cookie.render()
            lines.append((cookie.name, value))
            twin = twin_of(value) if self._twins() else None
            if twin is not None:
                lines.append((f"{cookie.name}-legacy", twin))
        return lines

    def _twins(self) -> bool:
        wanted = self.policy.cookies.legacy_twin
        return wanted == "always" or (
            wanted == "incompatible" and needs_twin(self.headers.get("user-agent", ""))
        )

    def _hardening(self) -> Callable[[str], tuple[str, ...]] | None:
        harden = self.plan.harden
        if harden is None:
            return None
        agent = self.headers.get("user-agent", "")
        return lambda line: harden(line, agent)
