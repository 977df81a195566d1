"""What we say to people, one row for each reason. No markup, no request data, no setting names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from secmw.http import Reason


class Words(NamedTuple):
    """A refusal in words: a headline, what happened, and what the person can do."""

    title: str
    detail: str
    fix: str


_TYPE_THE_ADDRESS: Final = (
    "Type the address of the site again. If this keeps happening, tell the people who run it."
)
_SETUP: Final = "This is a matter for the people who run the site: the reason below helps them find it."
_RELOAD: Final = "Go back, reload the page, and send it again. Nothing has been changed."
_ALLOW_COOKIES: Final = (
    "Allow cookies for this site, reload the page, and send it again. Nothing has been changed."
)

#: The sentences for a refusal that brings none of its own; the title is always this one.
WORDS: Final[Mapping[Reason, Words]] = {
    Reason.METHOD_NOT_ALLOWED: Words(
        "This can't be done here", "Requests of this kind are not answered.", "Go back and try another way."
    ),
    Reason.HOST_MALFORMED: Words(
        "That address makes no sense", "The request did not name one well-formed host.", _TYPE_THE_ADDRESS
    ),
    Reason.HOST_NOT_ALLOWED: Words(
        "Nobody of that name lives here", "The request named a host that is not ours.", _TYPE_THE_ADDRESS
    ),
    Reason.HTTPS_REQUIRED: Words(
        "A secure connection is needed",
        "The request came over an unencrypted connection.",
        "Open the address again with https:// in front, then send it once more.",
    ),
    Reason.REDIRECT_TO_HTTPS: Words(
        "This site uses https", "This address is served over an encrypted connection.", "Follow the Location header."
    ),
    Reason.PEER_REWRITTEN: Words(
        "This site is not set up right", "It can't tell where the request came from.", _SETUP
    ),
    Reason.FORWARDED_MALFORMED: Words(
        "The request was garbled on its way", "A proxy described it in a way that can't be read.", _SETUP
    ),
    Reason.FORWARDED_AMBIGUOUS: Words(
        "The request was garbled on its way", "Proxies described it in ways that contradict each other.", _SETUP
    ),
    Reason.CROSS_ORIGIN: Words(
        "This came from another site",
        "Another site tried to send something here in your name, so it was stopped. Nothing has been changed.",
        "If you meant to do this, open this site yourself and do it there.",
    ),
    Reason.ORIGIN_MISSING: Words(
        "We can't tell where this came from",
        "Your browser did not say which site sent this, so it was stopped. Nothing has been changed.",
        "Open this site yourself and do it there. A very old browser, or a privacy extension, can cause this.",
    ),
    Reason.XSRF_MISSING: Words(
        "This page needs a fresh start", "What was sent did not carry the proof that it came from our page.", _RELOAD
    ),
    Reason.XSRF_MISMATCH: Words(
        "This page is out of date", "The proof that it came from our page is no longer good.", _RELOAD
    ),
    Reason.XSRF_COOKIE_MISSING: Words(
        "A cookie is missing", "Your browser did not send the cookie that belongs to this page.", _ALLOW_COOKIES
    ),
    Reason.XSRF_COOKIE_AMBIGUOUS: Words(
        "Two cookies contradict each other",
        "Your browser sent two different cookies where there can be one, so neither was believed.",
        "Delete the cookies of this site, reload the page, and send it again. Nothing has been changed.",
    ),
    Reason.FORM_TOO_LARGE: Words(
        "This form is too large",
        "The proof that it came from our page was not found at its start.",
        "Send less at once. Nothing has been changed.",
    ),
    Reason.FORM_MALFORMED: Words(
        "This form can't be read", "What was sent is not a well-formed form.", _RELOAD
    ),
    Reason.SESSION_OVER: Words(
        "Your session is over",
        "What was sent belongs to a session that has ended. Nothing has been changed.",
        "Go back, reload the page, and sign in again.",
    ),
    Reason.SESSION_SUPERSEDED: Words(
        "One moment", "Another request of yours has just renewed your session.", "Reload the page."
    ),
    Reason.SESSION_CONFLICT: Words(
        "Something else changed this meanwhile",
        "Another window changed the same thing at the same time, so nothing of this was saved.",
        "Reload the page, look at what is there now, and try again.",
    ),
    Reason.SIGN_IN_REQUIRED: Words(
        "Please sign in", "This is only for people who are signed in.", "Sign in, then try again."
    ),
    Reason.SIGN_IN_UNDONE: Words(
        "You are not signed in",
        "All sessions of this account were ended while you were signing in.",
        "Sign in again. If it was not you who ended them, change your password first.",
    ),
    Reason.SUDO_REQUIRED: Words(
        "Your password is needed once more",
        "This is only for people who have given their password a moment ago.",
        "Give your password again, then try once more.",
    ),
    Reason.STORE_AWAY: Words(
        "We can't look up your session",
        "The place where sessions are kept does not answer. You are still signed in.",
        "Try again in a moment. If this keeps happening, tell the people who run the site.",
    ),
    Reason.AUDIT_AWAY: Words(
        "This could not be recorded",
        "What you asked for has happened, but the record of it could not be written.",
        "Do not send it again. Tell the people who run the site what you did, and when.",
    ),
    Reason.NOT_FOUND: Words(
        "There is nothing here", "No page lives at this address.", "Check the address for typing errors."
    ),
    Reason.HANDSHAKE_DENIED: Words(
        "No connection was opened",
        "The application did not accept this WebSocket.",
        "Reload the page and try again.",
    ),
    Reason.APPLICATION_FAILED: Words(
        "Something went wrong on our side",
        "The application could not answer.",
        "Try again in a moment. If this keeps happening, tell the people who run the site.",
    ),
}  # fmt: skip


def words(reason: Reason) -> Words:
    """Return the row of a reason; one without a row, which a test rules out, still gets an answer."""
    return WORDS.get(reason) or Words("This was not allowed", "The request was refused.", "")
