"""Demands under WSGI: signing in and the password."""

from __future__ import annotations

from typing import Any

from secmw.wsgi import demand_login, demand_sudo, login_required, respond, sudo_required
from tests.making import values
from tests.sessions.coming import ID
from tests.sessions.making import NOW, record
from tests.test_wsgi import environ, ok
from tests.test_wsgi_sessions import COOKIE, NAVIGATION, Site


def test_only_who_is_signed_in_gets_through() -> None:
    site = Site(login_required(ok), sessions={"sign_in_url": "/sign-in"})
    site.get()
    assert site.status == 200
    site = Site(login_required(ok), sessions={"sign_in_url": "/sign-in"})
    site.run(environ("GET", "/a b", QUERY_STRING="c=d", **NAVIGATION))
    assert (site.status, values(site.headers, "location")) == (303, ["/sign-in?next=/a%2520b%3Fc%3Dd"])
    site = Site(login_required(ok))
    assert b"sign_in_required" in site.run(environ())
    assert site.status == 401
    assert "Cookie" in values(site.headers, "vary")[0]


def test_only_who_gave_the_password_lately_gets_through() -> None:
    """SU-01"""
    raised = record("ann", id_=ID, seen=NOW - 1, sudo=(NOW - 100, NOW + 200))[1]
    for app, status in ((sudo_required(ok), 200), (sudo_required(ok, max_age=99), 401)):
        site = Site(app, raised)
        site.get()
        assert site.status == status
    site = Site(sudo_required(ok))
    site.get("/keys", QUERY_STRING="new=1", SCRIPT_NAME="/app", **NAVIGATION)
    assert values(site.headers, "location") == ["/app/_secmw/sudo?next=/app/keys%3Fnew%3D1"]
    assert site.told() == ["web_sudo"]


def test_the_mount_point_of_a_part_of_the_application_is_not_ours() -> None:
    """SU-03"""

    def outer(environ: Any, start_response: Any) -> Any:
        inner = {**environ, "SCRIPT_NAME": "/app/account", "PATH_INFO": "/keys"}
        return sudo_required(ok)(inner, start_response)

    site = Site(outer)
    site.get("/account/keys", SCRIPT_NAME="/app", **NAVIGATION)
    assert values(site.headers, "location") == ["/app/_secmw/sudo?next=/app/account/keys"]


def test_an_application_may_ask_and_answer_by_itself() -> None:
    def app(environ: Any, start_response: Any) -> Any:
        reply = demand_login(environ) or demand_sudo(environ)
        return ok(environ, start_response) if reply is None else respond(reply, start_response)

    for request, status in (({}, 401), (COOKIE, 401)):
        site = Site(app)
        site.run(environ(**request))
        assert site.status == status
