"""Does this request carry a token of its own visit? The tag alone decides, in constant time, before any store is asked.

The token comes in a header that only a page of our own origin can set, or in a field of a form. It is bound to a session's
selector, or, while nobody is signed in, to a visit; the screen takes either, if it came with the request. Once the session
is known, :meth:`XsrfToken.after` takes back what does not hold any more: a visit's token once somebody is signed in, and
that of a session that is over. A visit of which two different values arrive is no visit. Nothing is cleared and nothing is
made here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from secmw.checks import Answer, Bound, Wants
from secmw.checks.form import FormError, find_field, is_form
from secmw.config.settings import Xsrf
from secmw.cookies import AMBIGUOUS, every, finder, fold_twins
from secmw.http import WSGI, HeaderText, Reason, Refusal, Request, Wire, text
from secmw.sessions.identifier import SELECTOR_LENGTH
from secmw.xsrf import PATTERN, Tokens

#: Spelled by many front ends whatever the server says; accepted beside the configured header.
ALSO_ACCEPTED: Final = "x-csrf-token"

_FIX: Final = "Go back, reload the page and try again. If that does not help, allow cookies for this site."


def _refusal(reason: Reason, detail: str, note: str = "") -> Refusal:
    return Refusal(403, reason, detail, fix=_FIX, note=note)


COOKIE_MISSING: Final = _refusal(
    Reason.XSRF_COOKIE_MISSING,
    "The browser sent no cookie that shows which visit this request belongs to.",
    "no visit cookie arrived: the page was not asked for xsrf_token(), or GET /_secmw/xsrf was never called",
)
COOKIE_AMBIGUOUS: Final = _refusal(
    Reason.XSRF_COOKIE_AMBIGUOUS,
    "The browser sent two different cookies for one visit.",
    "a sibling host may have planted one",
)
MISSING: Final = _refusal(
    Reason.XSRF_MISSING,
    "This request carries no XSRF token, so it was not carried out.",
    "send the XSRF cookie's value in the header, or the field in the form",
)
MISMATCH: Final = _refusal(Reason.XSRF_MISMATCH, "The XSRF token of this request is not one of this visit.")
SESSION_OVER: Final = Refusal(
    403,
    Reason.SESSION_OVER,
    "The session this page belongs to is over, so the request was not carried out.",
    fix="Sign in again, and try again.",
)

_FORM_REFUSALS: Final = {
    Reason.XSRF_MISSING: MISSING,
    Reason.FORM_TOO_LARGE: _refusal(
        Reason.FORM_TOO_LARGE,
        "The XSRF token was not found at the beginning of this form.",
        "put the token's field first, before any file, or send the token in the header",
    ),
    Reason.FORM_MALFORMED: _refusal(Reason.FORM_MALFORMED, "This form could not be read."),
}


class XsrfToken:
    """Ask for the token of one policy.

    ``visits``: the names of the visit cookie, the one we set first; a browser may still hold the other, of before the
    policy began or ceased to embed. ``twins``: whether ``-legacy`` twins are read. ``header``: the key of the header that holds
    the token; ``fitted``: what a token was found to fit before (:class:`secmw.xsrf.Tokens`).
    """

    __slots__ = (
        "_content_type",
        "_every",
        "_find",
        "_find_other",
        "_folds",
        "_other_header",
        "_settings",
        "_simple",
        "_tokens",
        "fitted",
        "header",
    )

    def __init__(
        self, settings: Xsrf, tokens: Tokens, visits: Sequence[str], *, twins: bool, wire: Wire = WSGI
    ) -> None:
        self._settings = settings
        self._tokens = tokens
        self.fitted: Final = tokens.fitted
        self._find, *other = (finder(name, PATTERN) for name in visits)
        self._find_other = other[0] if other else None
        self._every = every(settings.cookie, PATTERN)
        self._folds = twins
        self._simple = not settings.compare
        self.header, self._other_header, self._content_type = map(wire.field, self.fields())

    @property
    def form_limit(self) -> int:
        """How many bytes of a form are read to find the token."""
        return self._settings.form_limit

    def fields(self) -> tuple[str, ...]:
        """Name the request headers this check reads."""
        return (self._settings.header.lower(), ALSO_ACCEPTED, "content-type")

    def __call__(self, request: Request) -> Answer:
        headers = request.headers
        sent = headers.get(self.header)
        if sent is None:
            sent = headers.get(self._other_header)
        # For somebody who is signed in the id says it all, and the rest of the cookies stays unread.
        if self._simple and sent is not None:
            presented = request.presented
            if presented is not None and self._tokens.fits(sent, presented[:SELECTOR_LENGTH]):
                return Bound.SELECTOR
        cookie = self._fold(request.cookie) if self._folds else request.cookie
        if self._simple and sent is not None:
            visit = self._find(cookie)
            if isinstance(visit, str) and self._tokens.fits(sent, visit):
                return Bound.VISIT
        return self._ask(request, sent, cookie)

    def _ask(self, request: Request, sent: HeaderText | None, cookie: str | None) -> Answer:
        """Answer for a request that is not as simple as a header that fits the visit."""
        visits = self._visits(cookie, request.selector)
        if isinstance(visits, Refusal):
            return visits
        if sent is None:
            return Wants.FORM if is_form(text(request.headers.get(self._content_type, ""))) else MISSING
        if self._settings.compare and text(sent) not in self._every(cookie or ""):
            return MISMATCH
        return self._judge(sent, request.selector, visits)

    def form(self, request: Request, body: bytes, *, complete: bool) -> Refusal | Bound:
        """Judge the token in the first bytes of a form."""
        visits = self._visits(self._fold(request.cookie), request.selector)
        if isinstance(visits, Refusal):
            return visits
        try:
            content_type = text(request.headers.get(self._content_type, ""))
            token = find_field(self._settings.field, content_type, body, complete=complete)
        except FormError as error:
            return _FORM_REFUSALS[error.reason]
        return self._judge(token, request.selector, visits)

    def after(self, bound: Bound | None, *, living: bool, signed_in: bool) -> Refusal | None:
        """Judge again, now that it is known whether the session lives and whether somebody is signed in to it."""
        if bound is Bound.VISIT and signed_in:
            return MISMATCH
        return SESSION_OVER if bound is Bound.SELECTOR and not living else None

    def current(self, cookie: str | None) -> str | None:
        """Return the visit that new tokens are bound to: the first name's, if we made it."""
        found = self._find(self._fold(cookie))
        return found if isinstance(found, str) and self._tokens.is_visit(found) else None

    def presents(self, cookie: str | None, binding: str) -> bool:
        """Say whether a Cookie header already holds a token of this session or visit."""
        return any(self._tokens.fits(token, binding) for token in self._every(self._fold(cookie) or ""))

    def _visits(self, cookie: str | None, selector: str | None) -> tuple[str, ...] | Refusal:
        """Return the visits a Cookie header presents, ours first; none is fine where there is a session."""
        visit = self._find(cookie)
        other = None if self._find_other is None else self._find_other(cookie)
        if visit is AMBIGUOUS or other is AMBIGUOUS:
            return COOKIE_AMBIGUOUS if selector is None else ()
        if visit is None and other is None and selector is None:
            return COOKIE_MISSING
        return tuple(found for found in (visit, other) if isinstance(found, str))

    def _judge(self, token: HeaderText, selector: str | None, visits: tuple[str, ...]) -> Refusal | Bound:
        if selector is not None and self._tokens.fits(token, selector):
            return Bound.SELECTOR
        return Bound.VISIT if any(self._tokens.fits(token, visit) for visit in visits) else MISMATCH

    def _fold(self, cookie: str | None) -> str | None:
        return fold_twins(cookie)[0] if self._folds and cookie else cookie
