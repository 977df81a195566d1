"""Exchange: one request, from the first look at it to the headers of its response. Pure: it waits for nothing.

    OPEN -> SCREENED -> RESUMED -> CLOSED

- OPEN      made, nothing asked yet
- SCREENED  every question asked that needs nothing but the request: refused, answered by us, or passed on; or it
            ``wants`` something first (the form in the body, the session), which a guard fetches
- RESUMED   what it wanted has arrived, and the last question has been answered
- CLOSED    the header lines of the response are worked out; again, where an application starts a second response

The state follows from the fields, so there is no way to set a wrong one. The exchange is also the application's side of
secmw: ``scope["secmw"]`` on ASGI, ``environ["secmw"]`` on WSGI. It is the Request that checks read, so one object is
made per request and no second one.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from secmw import pages
from secmw.audit.action import Action
from secmw.audit.event import Event
from secmw.checks import Bound, Wants
from secmw.checks.transport import here
from secmw.checks.xsrf_token import SESSION_OVER
from secmw.cookies import Cookie
from secmw.errors import ConfigError, Problem, SessionError, StoreError
from secmw.http import Line, Reason, Refusal, Reply
from secmw.own import NOT_FOUND, not_allowed, page_of
from secmw.own.cookies import forgotten, session_cookie, visit_cookie, xsrf_cookie
from secmw.plan import HeaderSet
from secmw.response import NOTHING, Amendment, complete, familiar, nonced
from secmw.sessions import demand, resuming
from secmw.sessions.identifier import SELECTOR_LENGTH, TWO
from secmw.sessions.recognising import met
from secmw.sessions.record import Over, opened
from secmw.sessions.session import Session, remembered, stranger
from secmw.sessions.settlement import AWAY, Settlement
from secmw.view import NO_HEADERS, View

if TYPE_CHECKING:
    from secmw.checks.xsrf_token import XsrfToken
    from secmw.own import Page, Visit
    from secmw.sessions.demand import Asking
    from secmw.sessions.recognising import LoadNow
    from secmw.sessions.record import Ended, Record
    from secmw.xsrf import Tokens

FAILED: Final = Refusal(
    500,
    Reason.APPLICATION_FAILED,
    "Something went wrong here, and it is not your fault.",
    fix="Try again in a moment.",
)

UNRECORDED: Final = Refusal(
    503,
    Reason.AUDIT_AWAY,
    "What you asked for has happened, but it could not be recorded.",
    fix="Do not repeat it; tell whoever runs this site.",
)

DENIED: Final = Refusal(403, Reason.HANDSHAKE_DENIED, "The application does not accept this connection.")

# The member of an enum is looked up each time it is named, and these are named on the way of every request.
SCREEN: Final = Wants.SCREEN
RECORD: Final = Wants.RECORD
_SELECTOR: Final = Bound.SELECTOR
_VISIT: Final = Bound.VISIT

_SPECIAL: Final = frozenset({101, 304, *range(500, 600)})
"""Statuses that are looked at more closely: a handshake's headers and those that a cache adds to a stored response are no
page's, and a failure takes back what the application asked of its session."""


class State(enum.Enum):
    """Say how far an exchange has come."""

    OPEN = "open"
    SCREENED = "screened"
    RESUMED = "resumed"
    CLOSED = "closed"


class Exchange(View, weakref=True):
    """Be one request and its response; what came with it is described in :class:`secmw.view.View`."""

    wants: Wants | None = Wants.SCREEN
    refusal: Refusal | None = None
    resumed: bool = False
    closed: bool = False
    broken: bool = False
    amendment: Amendment | None = None
    written: Amendment | None = None
    bound: Bound | None = None
    held: Session | None = None
    page: Page | None = None
    said: Reply | Refusal | None = None
    events: list[Event] | None = None
    notes: list[Event] | None = None
    #: What looks after it where it goes on after its head has left.
    outliving: Any = None

    def __repr__(self) -> str:
        """Show what a log may hold: no header, no cookie, no token."""
        return f"<Exchange {ascii(self.method)[1:-1]} {self.path!a} {self.state.value}>"

    @property
    def state(self) -> State:
        """How far this exchange has come."""
        if self.closed:
            return State.CLOSED
        if self.resumed or self.kept is not None:
            return State.RESUMED
        return State.OPEN if self.wants is Wants.SCREEN else State.SCREENED

    # --- the request

    def screen(self, load_now: LoadNow | None = None) -> Exchange:
        """Ask every question that needs nothing but the request, in order; the first refusal counts.

        ``load_now``: how to look at what the memory of this process holds, which needs no waiting either.
        """
        plan = self.plan
        if self.presented is TWO:
            self._ambiguous()
        refusal = self.site.refusal
        if refusal is None and self.scheme != "https":
            refusal = plan.transport(self)
        answer = refusal if refusal is not None or plan.ask is None else plan.ask(self)
        if answer is _SELECTOR or answer is _VISIT:
            self.bound = answer
        elif isinstance(answer, Refusal):
            return self.refuse(answer)
        elif answer is not None:
            self.wants = answer
            return self
        if self.presented is None and not plan.own:
            self.wants = None
            return self
        # A page of ours, and the token of a visit, ask for more of a session than that there is one.
        if load_now is not None and answer is not _VISIT and not plan.own:
            _, kept = met(load_now, plan, self.raw_cookie, self.started)
            if kept is not None:
                self.kept = kept
                self.wants = None
                return self
        self._go_on()
        return self

    def _ambiguous(self) -> None:
        """Take note of two ids that differ, which are none."""
        rules = self.plan.sessions
        self.presented = None
        if rules is not None:
            self.held = Session(rules, None, self.started, Over.AMBIGUOUS)
        self.note(Action.SESSION_AMBIGUOUS, "two session cookies that differ", outcome="refused")

    def _go_on(self) -> None:
        """Want what comes next."""
        if self.presented is not None and self.held is None and self.plan.sessions is not None:
            self.wants = RECORD
        elif self.plan.own:
            self.wants = Wants.PAGE
            self.page = page = page_of(self)
            if page is None:
                self.refuse(NOT_FOUND)
            elif page.handler(self.method) is None:
                self.refuse(not_allowed(page))
        else:
            self.wants = None

    def refuse(self, refusal: Refusal) -> Exchange:
        """Say no; what is to be sent instead is :meth:`reply`'s."""
        self.refusal = refusal
        self.wants = Wants.REPLY
        return self

    def read_form(self, body: bytes, *, complete: bool) -> None:
        """Answer the last question with the first bytes of the body; ``complete`` says that these are all."""
        self.resumed = True
        check = self.plan.xsrf
        answer = FAILED if check is None else check.form(self, body, complete=complete)
        if isinstance(answer, Refusal):
            self.refuse(answer)
        else:
            self.bound = answer
            self._go_on()

    def resume_now(self, load_now: LoadNow) -> None:
        """Go on with what the memory of this process holds, which is there without waiting."""
        presented = self.presented or TWO
        try:
            raw = load_now(presented[:SELECTOR_LENGTH])
        except StoreError as error:
            self.outage(str(error))
        else:
            self.resume(opened(self.selector or "", raw, self.started), self.started)

    def resume(self, found: Record | Ended | None, now: float) -> None:
        """Go on with what the store holds under the selector that was presented."""
        self.resumed = True
        self.kept = None
        plan = self.plan
        rules, presented = plan.sessions, self.presented
        if rules is None or presented is None:
            raise RuntimeError("nothing was presented, so there is nothing to resume")
        passive = rules.passive is not None and rules.passive(self.path)
        self.held = session = resuming.resume(rules, presented, found, now, passive=passive)
        if session.lost is not None:
            self.held = session = self._judge(session, now)
        if self.bound is not None and plan.xsrf is not None and self.refusal is None:
            loaded = session.loaded
            refusal = plan.xsrf.after(
                self.bound,
                living=loaded is not None,
                signed_in=loaded is not None and loaded.user_id is not None,
            )
            page = page_of(self) if plan.own else None
            if refusal is not None and not (refusal is SESSION_OVER and page is not None and page.repeatable):
                self.refuse(refusal)
        if self.refusal is None:
            self._go_on()

    def _judge(self, session: Session, now: float) -> Session:
        """Take note of what was presented in place of a living session's id."""
        suspicion = resuming.suspicion(session, now)
        if suspicion is not None:
            self.note(*suspicion, outcome="refused", reason=str(session.lost))
        if session.superseded:
            page = page_of(self) if self.plan.own and self.method == "POST" else None
            if page is not None and page.superseded:
                return resuming.readmitted(session)
            self.refuse(resuming.SUPERSEDED)
        return session

    def check_credentials(self, version: str | None) -> None:
        """Compare the version of the credentials a session was signed in with with the one that holds now."""
        session = self.mine
        record = None if session is None else session.loaded
        if session is None or record is None:
            return
        if version is None or record.identity.credentials != version:
            self.held = resuming.ended(session, Over.CREDENTIALS_CHANGED)
            if self.bound is Bound.SELECTOR:
                self.refuse(SESSION_OVER)

    def outage(self, note: str = "") -> None:
        """Go on without the store: refuse, or, where the policy says so, show a page as a stranger would see it."""
        rules = self.plan.sessions
        self.resumed = True
        calm = rules is not None and rules.anonymous_on_outage and not self.plan.own
        if rules is not None and calm and self.method in ("GET", "HEAD"):
            self.held = session = Session(rules, None, self.started)
            session.readonly = True
            self._amend().personal = True
            self._go_on()
        else:
            self.refuse(replace(AWAY, note=note))

    def answer(self, visit: Visit, asking: Asking) -> None:
        """Have the page of ours that was asked for answer, with what a guard has fetched for it."""
        page = self.page
        handler = None if page is None else page.handler(self.method)
        if page is None or handler is None:
            raise RuntimeError("no page of ours was asked for")
        refusal = demand.login(self, asking) if page.signed_in else None
        self.said = refusal or handler(self, visit)
        self.wants = Wants.REPLY
        if isinstance(self.said, Refusal):
            self.refusal = self.said

    def reply(self, accept: str) -> Reply:
        """Return what we answer instead of the application: a refusal as the client likes it, or a page of ours."""
        if self.refusal is None and isinstance(self.said, Reply):
            return self.said if self.method != "HEAD" else Reply(self.said.status, self.said.headers)
        return pages.refusal(
            self.refusal or FAILED,
            accept=accept,
            method=self.method,
            frame_ancestors=self.plan.ancestors,
        )

    def denied(self, accept: str) -> Reply:
        """Return a whole response for a handshake that the application refused with nothing but a close."""
        return pages.refusal(DENIED, accept=accept, method=self.method)

    def fail(self) -> None:
        """Take note that the application failed before it answered; whatever it asked us to send is void.

        What has been written stays so, and its cookies go out.
        """
        self.refuse(FAILED)
        self.amendment = self.written

    # --- the application

    @property
    def nonce(self) -> str:
        """The nonce of this response for scripts and styles in the page: 128 random bits, the same on each call.

        Raise SessionError once the head of the response has left without it.
        """
        amendment = self.amendment
        nonce = None if amendment is None else amendment.nonce
        if nonce is None:
            if self.closed:
                raise SessionError(
                    "the response has started without a nonce; read it before the response starts"
                )
            # Hexadecimal digits are base64 too, and take a sixth of the time to write.
            nonce = os.urandom(16).hex()
            if amendment is None:
                self.amendment = Amendment(nonce)
            else:
                amendment.nonce = nonce
        return nonce

    def override(self, **settings: Any) -> None:
        """Have this response get other headers than its path: settings of response headers, as :meth:`secmw.Policy.at` takes them.

        What is not named stays as it is. Raise ConfigError for other settings and wrong values, and SessionError once the head
        has left.
        """
        if self.closed:
            raise SessionError("the response has started, with the headers of its path; override them before")
        self.plan = self.plan.with_headers(settings)

    @property
    def session(self) -> Session:
        """The session of this request; without a record until something is put in it.

        Raise SessionError where the policy has no sessions for this path.
        """
        held = self.held
        if held is None:
            rules = self.plan.sessions
            if rules is None:
                raise SessionError("the policy has no sessions for this path (see sessions and store)")
            presented, kept = self.presented, self.kept
            began = self.began
            if presented is not None and kept is not None:
                held = remembered(rules, began, kept, presented)
            elif began < 0:
                held = stranger(rules, self.plan.marked, -began)
            else:
                held = Session(rules, None, self.started)
            self.held = held
            if self.closed:
                held.sealed, held.failed = True, self.broken
        return held

    @property
    def mine(self) -> Session | None:
        """The session, if one came with the request or was begun; for us, who do not mean to begin one."""
        return self.held if self.kept is None else self.session

    def audit(self, action: str, description: str = "", /, **extra: Any) -> None:
        """Have the audit trail record that something happened, in the name of whoever is signed in.

        ``action`` is one of :class:`secmw.audit.Action` or a name of your own; ``extra``: what JSON can hold, and no secret.
        It is committed before the response is sent. Raise ConfigError where the policy has no trail.
        """
        if not self.plan.audited:
            fix = "is not set, and there is no session store to keep the audit trail beside; write a URL"
            raise ConfigError([Problem("trail", fix)])
        if self.events is None:
            self.events = []
        self.events.append(self._event(action, description, extra=extra))

    def note(self, action: str, description: str, *, outcome: str = "success", reason: str = "") -> None:
        """Have the trail record something that anybody can bring about, if it is not too often."""
        if self.plan.audited:
            self.notes = self.notes or []
            self.events = self.events or []
            self.notes.append(self._event(action, description, outcome=outcome, reason=reason))

    def _event(
        self,
        action: str,
        description: str,
        *,
        outcome: str = "success",
        reason: str = "",
        extra: Mapping[str, Any] = NO_HEADERS,
    ) -> Event:
        session = self.mine
        user_id, user = ("", "") if session is None else session.whose()
        return Event(
            time=self.plan.now(),
            user_id=user_id,
            user_description=user,
            action=str(action),
            event_description=description,
            client=self.client or "",
            selector=("" if session is None else session.handle or "") or self.selector or "",
            outcome=outcome,
            reason=reason,
            extra=dict(extra),
        )

    def tell(self, action: str, description: str, *, outcome: str = "success") -> None:
        """Have the trail record something of ours, each time."""
        if self.plan.audited:
            self.events = [*(self.events or ()), self._event(action, description, outcome=outcome)]

    def login_required(self, asking: Asking) -> Refusal | None:
        """Return None where somebody is signed in, what to answer otherwise (:func:`secmw.sessions.demand.login`)."""
        return demand.login(self, asking)

    def sudo_required(self, asking: Asking, max_age: int | None = None) -> Refusal | None:
        """Return None where somebody gave the password lately, what to answer otherwise (:func:`secmw.sessions.demand.sudo`)."""
        return demand.sudo(self, asking, max_age)

    def xsrf_token(self) -> str:
        """Return a token for a form or a script of this page, fresh on each call; sets its cookies where they are due.

        It belongs to the session of whoever is signed in, or to the visit. Raise SessionError where the policy asks for no
        token, and where the response has started without one: it went out without the headers that keep a token from
        everybody else.
        """
        check, tokens = self.plan.xsrf, self.plan.tokens
        if check is None or tokens is None:
            raise SessionError("the policy asks for no XSRF token (see xsrf and xsrf.token)")
        if self.closed and not (self.amendment is not None and self.amendment.personal):
            raise SessionError("the response has started without an XSRF token; ask for it before it starts")
        amendment = self._amend()
        held = self.mine
        if held is not None and held.whose()[0]:
            binding = held.handle or ""
            if not check.presents(self.cookie, binding):
                self._set(amendment, xsrf_cookie(self.policy, tokens.token(binding)))
        else:
            binding = amendment.visit or self._visit(amendment, check, tokens)
        amendment.personal = True
        return tokens.token(binding)

    def _amend(self) -> Amendment:
        if self.amendment is None:
            self.amendment = Amendment()
        return self.amendment

    def _visit(self, amendment: Amendment, check: XsrfToken, tokens: Tokens) -> str:
        """Return the visit tokens are bound to, and have the response set its cookies where the browser lacks them."""
        visit = check.current(self.cookie)
        if visit is None or not check.presents(self.cookie, visit):
            if visit is None:
                visit = tokens.new_visit()
                self._set(amendment, visit_cookie(self.policy, visit))
            self._set(amendment, xsrf_cookie(self.policy, tokens.token(visit)))
        amendment.visit = visit
        return visit

    def _set(self, amendment: Amendment, cookie: Cookie) -> None:
        """Have the response set a cookie of ours, in place of any other of that name."""
        # A Secure cookie does not belong on an answer that everybody on the way can read.
        secret = (
            self.scheme == "https" or self.plan.behind_tls or not self.policy.cookies.secure or here(self)
        )
        # And nobody's cookies are replaced while it can't be known whose they are.
        if secret and not (self.held is not None and self.held.readonly):
            amendment.cookies[cookie.name] = cookie

    # --- what must be written before the head leaves

    @property
    def pending(self) -> bool:
        """Whether there is, or may be, something to write or to record."""
        held = self.held
        return self.events is not None or (held is not None and held.pending is not False and held.due)

    @property
    def signs_in(self) -> bool:
        """Whether somebody signs in with this response."""
        held = self.held
        return held is not None and held.sign_in is not None

    def settle(self, status: int, now: float, agent: str) -> Settlement | None:
        """Work out what the session of this request comes to, now that the response's status is known.

        ``agent``: the browser that signs in.
        """
        held = self.held
        if held is None or not held.due:
            return None
        held.failed = held.failed or status >= 500
        return Settlement(held, now=now, address=self.client or "", agent=agent)

    def settled(self, settlement: Settlement) -> None:
        """Take over what came of it: cookies, events, or a refusal in place of the application's response."""
        session, rules, policy = settlement.session, settlement.session.rules, self.policy
        if settlement.issued is not None or settlement.cleared:
            amendment = self._amend()
            amendment.personal = True
            if settlement.cleared:
                # A page that is shown after a sign-out may have a form of its own, and keeps what that needs.
                anew = amendment.visit is not None
                for cookie in forgotten(policy, rules, but_visit=anew):
                    self._set(amendment, cookie)
                amendment.cleared = True
            if settlement.issued is not None:
                self._set(amendment, session_cookie(policy, rules, settlement.issued))
            if settlement.signed_in and self.plan.xsrf is not None and self.plan.tokens is not None:
                token = self.plan.tokens.token(settlement.issued.selector if settlement.issued else "")
                self._set(amendment, xsrf_cookie(policy, token))
            self.written = Amendment(
                cookies=dict(amendment.cookies), personal=True, cleared=amendment.cleared
            )
        if self.plan.audited and settlement.happened:
            told = [
                Event(
                    time=settlement.now,
                    user_id=happened.identity.user_id or "",
                    user_description=happened.identity.description,
                    action=str(happened.action),
                    event_description=happened.description,
                    client=self.client or "",
                    selector=happened.selector,
                    reason=happened.reason,
                )
                for happened in settlement.happened
            ]
            self.events = [*(self.events or ()), *told]
        session.settled(settlement.standing if session.record is not None or settlement.issued else None)
        if settlement.refusal is not None:
            self.refuse(settlement.refusal)

    def told(self) -> tuple[list[Event], list[Event]]:
        """Hand out the events to record, and those to record if they are not too many; each once."""
        events, notes = self.events or [], self.notes or []
        self.events = self.notes = None
        return events, notes

    def unrecorded(self) -> None:
        """Take note that the trail did not take what happened, where the policy wants that to be an error."""
        self.refuse(UNRECORDED)

    def apart(self) -> Exchange:
        """Hand over what was asked for so far, to be carried out while the application goes on with this one."""
        other = copy(self)
        self.events = self.notes = None
        held = self.mine
        if held is not None:
            other.held, other.kept = held.apart(), None
        return other

    # --- the response

    def close(self, status: int, headers: list[Any]) -> list[Line]:
        """Return the header lines to send for an application's status and headers; the given list stays as it is.

        Idempotent: an application may start a second response (WSGI, with ``exc_info``), and gets the same cookies.
        """
        plan = self.plan
        own = plan.locked if self.scheme == "https" and self.site.locks else plan.plain
        if self.amendment is not None or (status != 200 and status in _SPECIAL):
            return self._complete(status, headers, own)
        held = self.held
        names, lines = plan.names, own.lines
        if held is not None:
            held.sealed = True
            if held.read:
                names, lines = plan.read_names, own.read
        idle = names.idle
        for name, _ in headers:
            if name not in idle and names[name]:
                found = familiar(self, headers, own, names, read=held is not None and held.read)
                if found is None:
                    return self._complete(status, headers, own)
                self.closed = True
                return found
        self.closed = True
        return headers + lines

    def _complete(self, status: int, headers: list[Any], own: HeaderSet) -> list[Line]:
        """Work out the lines of a response that is not an ordinary one."""
        held = self.held
        if held is not None:
            held.sealed = True
            held.failed = held.failed or status >= 500
        self.broken = status >= 500
        read = held is not None and held.read
        amendment = self.amendment or NOTHING
        lines = nonced(amendment, status, headers, own, self.plan, read=read)
        if lines is None:
            lines = complete(self, amendment, status, headers, own, read=read)
        self.closed = True
        return lines
