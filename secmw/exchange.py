"""Exchange: one request, from the first look at it to the headers of its response. Pure: it waits for nothing.

    OPEN -> SCREENED -> RESUMED -> CLOSED

- OPEN      made, nothing asked yet
- SCREENED  every question asked that needs nothing but the request: refused, answered by us, or passed on; or it
            ``wants`` something first (the form in the body, the session), which a guard fetches
- RESUMED   what it wanted has arrived, and the last question has been answered
- CLOSED    the header lines of the response are worked out; again, where an application starts a second response

The state follows from the fields, so there is no way to set a wrong one. The exchange is the Request that checks read
(:mod:`secmw.view`) and the application's side of secmw (:mod:`secmw.offer`), too, so one object is made per request and no
second one.
"""

from __future__ import annotations

import enum
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from secmw import pages
from secmw.audit.action import Action
from secmw.audit.event import Event
from secmw.checks import Bound, Wants
from secmw.checks.xsrf_token import SESSION_OVER
from secmw.errors import StoreError
from secmw.http import Line, Reason, Refusal, Reply
from secmw.offer import Offer
from secmw.own import NOT_FOUND, not_allowed, page_of
from secmw.own.cookies import forgotten, session_cookie, xsrf_cookie
from secmw.plan import HeaderSet
from secmw.response import NOTHING, Amendment, complete, familiar, nonced
from secmw.sessions import resuming
from secmw.sessions.identifier import SELECTOR_LENGTH, TWO
from secmw.sessions.recognising import met
from secmw.sessions.record import Over, opened
from secmw.sessions.session import Session
from secmw.sessions.settlement import AWAY, Settlement

if TYPE_CHECKING:
    from secmw.own import Page, Visit
    from secmw.sessions.demand import Asking
    from secmw.sessions.recognising import LoadNow
    from secmw.sessions.record import Ended, Record

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


class Exchange(Offer, weakref=True):
    """Be one request and its response.

    What came with it is described in :class:`secmw.view.View`, what the application may ask of it in
    :class:`secmw.offer.Offer`.
    """

    wants: Wants | None = Wants.SCREEN
    refusal: Refusal | None = None
    resumed: bool = False
    written: Amendment | None = None
    bound: Bound | None = None
    page: Page | None = None
    said: Reply | Refusal | None = None
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
        refusal = self.login_required(asking) if page.signed_in else None
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
