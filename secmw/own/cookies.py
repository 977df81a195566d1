"""The cookies we set ourselves: session, visit, XSRF token; and what makes a browser forget them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secmw.cookies import Cookie, prefixed

if TYPE_CHECKING:
    from secmw.policy import Policy
    from secmw.sessions.identifier import SessionId
    from secmw.sessions.rules import Rules


def own_cookie(policy: Policy, name: str) -> str:
    """Return the name of an HttpOnly cookie of ours, with its prefix where the policy wants one."""
    cookies = policy.cookies
    return prefixed(name, secure=cookies.secure, path="/", domain=None) if cookies.prefix else name


def visit_cookie(policy: Policy, value: str) -> Cookie:
    """Make the visit cookie: HttpOnly, and kept for as long as the browser runs."""
    visit = policy.cookies.visit
    return _cookie(
        policy,
        own_cookie(policy, f"{visit}-embed" if policy.cookies.embedded else visit),
        value,
        http_only=True,
    )


def xsrf_cookie(policy: Policy, value: str) -> Cookie:
    """Make the cookie that hands the token to scripts: readable on purpose, otherwise like the visit's."""
    return _cookie(policy, "" if policy.xsrf is None else policy.xsrf.cookie, value, http_only=False)


def session_cookie(policy: Policy, rules: Rules, value: SessionId) -> Cookie:
    """Make the cookie that holds the id of a session."""
    return _cookie(
        policy, rules.cookie, str(value), http_only=True, max_age=rules.lifetime if rules.persistent else None
    )


def forgotten(policy: Policy, rules: Rules, *, but_visit: bool = False) -> tuple[Cookie, ...]:
    """Make the cookies that delete all of ours, or all ``but_visit`` and its token: what a sign-out leaves is nobody's."""
    ours = [_cookie(policy, rules.cookie, "", http_only=True)]
    if policy.xsrf is not None and policy.xsrf.token and not but_visit:
        ours += [visit_cookie(policy, ""), xsrf_cookie(policy, "")]
    return tuple(cookie.deletion() for cookie in ours)


def _cookie(policy: Policy, name: str, value: str, *, http_only: bool, max_age: int | None = None) -> Cookie:
    cookies = policy.cookies
    return Cookie(
        name,
        value,
        secure=cookies.secure,
        max_age=max_age,
        http_only=http_only,
        same_site=cookies.same_site,
        partitioned=cookies.partitioned,
    )
