"""reference/refusals.md: every reason for which a request is refused, and the setting that would help."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from _ext.markdown import code, table
from secmw.http import Reason
from secmw.pages.words import words


class Advice(NamedTuple):
    """Say with which status a reason comes, when, and what the people who run the site can do."""

    status: str
    when: str
    fix: str


def _link(*settings: str) -> str:
    return ", ".join(f"[{code(setting)}](settings.md#{setting.partition('.')[0]})" for setting in settings)


#: A test compares the statuses with those in the code, and demands a row for each reason.
ADVICE: Final[Mapping[Reason, Advice]] = {
    Reason.METHOD_NOT_ALLOWED: Advice(
        "405", "TRACE, TRACK or CONNECT; or a method other than GET and HEAD below `/_secmw/`", "none"
    ),
    Reason.HOST_MALFORMED: Advice(
        "400",
        "`Host` is missing, repeated, a list, or no host",
        "none; look at the client or the proxy in front",
    ),
    Reason.HOST_NOT_ALLOWED: Advice(
        "400",
        "`Host` names a host that the policy does not",
        f"{_link('allowed_hosts', 'public_url')}; behind a proxy that renames it, {_link('trusted_proxies', 'forwarded')}",
    ),
    Reason.HTTPS_REQUIRED: Advice(
        "403",
        "an unsafe request or a WebSocket over plain HTTP; a redirect with nowhere to go; or a proxy that says HTTPS "
        "but is not trusted",
        f"{_link('public_url', 'trusted_proxies', 'https', 'http_exempt')}",
    ),
    Reason.REDIRECT_TO_HTTPS: Advice("301 or 308", "plain HTTP", _link("https", "http_exempt")),
    Reason.PEER_REWRITTEN: Advice(
        "400",
        "the server replaced the client's address by what a header says, so that nobody can judge the header any more",
        f'switch that off in the server, or {_link("trusted_proxies")} `= "server"`',
    ),
    Reason.FORWARDED_MALFORMED: Advice(
        "400", "a trusted proxy sent a forwarding header that makes no sense", _link("forwarded")
    ),
    Reason.FORWARDED_AMBIGUOUS: Advice(
        "400", "a forwarding header has more values than there are proxies", _link("hops", "trusted_proxies")
    ),
    Reason.CROSS_ORIGIN: Advice(
        "403",
        "a page of another origin sent an unsafe request or opened a WebSocket",
        _link("xsrf.trusted_origins", "xsrf.allow_same_site", "public_url"),
    ),
    Reason.ORIGIN_MISSING: Advice(
        "403",
        "a request with a cookie says nothing of where it comes from, and no token is asked for",
        f"an API call needs no cookie: {_link('xsrf.api_schemes', 'xsrf.exempt')}",
    ),
    Reason.XSRF_MISSING: Advice(
        "403",
        "no token in the header or the form field",
        f"send it: [XSRF and front ends](../howto/xsrf-frontends.md); {_link('xsrf.header', 'xsrf.field')}",
    ),
    Reason.XSRF_MISMATCH: Advice(
        "403",
        "a token of another session or visit, or of a key that is gone",
        f"load the page again; {_link('secret_keys')}",
    ),
    Reason.XSRF_COOKIE_MISSING: Advice(
        "403",
        "neither a session nor a visit: the page never asked for a token, or the browser keeps no cookies",
        f"call `xsrf_token()` in the page, or `GET /_secmw/xsrf`; embedded pages: {_link('frame_options')} by "
        "[`policy.embed()`](../howto/embed.md)",
    ),
    Reason.XSRF_COOKIE_AMBIGUOUS: Advice(
        "403",
        "two different session or visit cookies: a sibling host may have planted one",
        _link("cookies.prefix"),
    ),
    Reason.FORM_TOO_LARGE: Advice(
        "403",
        "the field was not found in the first bytes of the form",
        f"put it first, or send the header; {_link('xsrf.form_limit')}",
    ),
    Reason.FORM_MALFORMED: Advice(
        "403 or 400",
        "the body is not the form that its Content-Type says; 400 where the form is one of ours",
        "none",
    ),
    Reason.SESSION_OVER: Advice(
        "403",
        "the token is that of a session which has ended since the page was loaded",
        f"load the page again; {_link('sessions.lifetime', 'sessions.inactivity')}",
    ),
    Reason.SESSION_SUPERSEDED: Advice(
        "503",
        "for ten seconds, a request with the secret that another request has just replaced",
        "none: the browser has the new one by then; a script waits as Retry-After says, and tries again",
    ),
    Reason.SESSION_CONFLICT: Advice(
        "409",
        "`session.strict()`: another request changed the same names",
        "load the page again, or leave `strict()` out",
    ),
    Reason.SIGN_IN_REQUIRED: Advice(
        "401 or 303",
        "`login_required`, and nobody is signed in; a navigation is sent to the sign-in page",
        _link("sessions.sign_in_url"),
    ),
    Reason.SIGN_IN_UNDONE: Advice(
        "409", "all sessions of the user were ended after the password was checked", "sign in again"
    ),
    Reason.SUDO_REQUIRED: Advice(
        "401 or 303",
        "`sudo_required`, and the password was given too long ago; a navigation is sent to the page that asks for it",
        f"[web sudo](../howto/sudo.md); {_link('sudo.duration')}",
    ),
    Reason.STORE_AWAY: Advice(
        "503",
        "a request with a session, while the store does not answer",
        f"look at the log; {_link('store', 'sessions.on_outage')}",
    ),
    Reason.AUDIT_AWAY: Advice(
        "503",
        "an audited action has happened and could not be recorded",
        f"look at the log; {_link('trail', 'audit.on_failure')}",
    ),
    Reason.NOT_FOUND: Advice("404", "nothing of ours is at this address below `/_secmw/`", "none"),
    Reason.HANDSHAKE_DENIED: Advice(
        "403", "the application closed a WebSocket before it accepted it", "none"
    ),
    Reason.APPLICATION_FAILED: Advice(
        "500", "the application raised before it answered, or never answered", "look at its own log"
    ),
}


def write() -> str:
    """Write the table."""
    rows = (
        (
            code(reason),
            ADVICE[reason].status,
            ADVICE[reason].when,
            f"{words(reason).title}.",
            ADVICE[reason].fix,
        )
        for reason in Reason
    )
    return table(("reason", "status", "when", "what people read", "what to change"), rows)
