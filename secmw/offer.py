"""Offer: what the application may ask of its request, until its head has left and after. Pure: it waits for nothing.

It is the application's side of the Exchange: ``scope["secmw"]`` on ASGI, ``environ["secmw"]`` on WSGI. What is asked for is
noted here, in a session, an Amendment and events; what becomes of it is worked out in :mod:`secmw.exchange`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from secmw.audit.event import Event
from secmw.checks.transport import here
from secmw.cookies import Cookie
from secmw.errors import ConfigError, Problem, SessionError
from secmw.http import Refusal
from secmw.own.cookies import visit_cookie, xsrf_cookie
from secmw.response import Amendment
from secmw.sessions import demand
from secmw.sessions.session import Session, remembered, stranger
from secmw.view import NO_HEADERS, View

if TYPE_CHECKING:
    from secmw.checks.xsrf_token import XsrfToken
    from secmw.sessions.demand import Asking
    from secmw.xsrf import Tokens


class Offer(View):
    """Hold what an application has asked for.

    ``held``: the session, once somebody wanted it. ``amendment``: what this response has besides the headers of its path.
    ``events`` are recorded each time, ``notes`` if they are not too many. ``closed``: the head of the response has left;
    ``broken``: with a failure.
    """

    held: Session | None = None
    amendment: Amendment | None = None
    events: list[Event] | None = None
    notes: list[Event] | None = None
    closed: bool = False
    broken: bool = False

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

    def override(self, **settings: Any) -> None:
        """Have this response get other headers than its path: settings of response headers, as :meth:`secmw.Policy.at` takes them.

        What is not named stays as it is. Raise ConfigError for other settings and wrong values, and SessionError once the head
        has left.
        """
        if self.closed:
            raise SessionError("the response has started, with the headers of its path; override them before")
        self.plan = self.plan.with_headers(settings)

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

    def login_required(self, asking: Asking) -> Refusal | None:
        """Return None where somebody is signed in, what to answer otherwise (:func:`secmw.sessions.demand.login`)."""
        return demand.login(self, asking)

    def sudo_required(self, asking: Asking, max_age: int | None = None) -> Refusal | None:
        """Return None where somebody gave the password lately, what to answer otherwise (:func:`secmw.sessions.demand.sudo`)."""
        return demand.sudo(self, asking, max_age)

    # --- for us

    @property
    def mine(self) -> Session | None:
        """The session, if one came with the request or was begun; for us, who do not mean to begin one."""
        return self.held if self.kept is None else self.session

    def note(self, action: str, description: str, *, outcome: str = "success", reason: str = "") -> None:
        """Have the trail record something that anybody can bring about, if it is not too often."""
        if self.plan.audited:
            self.notes = self.notes or []
            self.events = self.events or []
            self.notes.append(self._event(action, description, outcome=outcome, reason=reason))

    def tell(self, action: str, description: str, *, outcome: str = "success") -> None:
        """Have the trail record something of ours, each time."""
        if self.plan.audited:
            self.events = [*(self.events or ()), self._event(action, description, outcome=outcome)]

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
