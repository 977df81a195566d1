"""The page that asks for the password once more."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from secmw.audit.action import Action
from secmw.http import Reason, Reply
from secmw.sessions.identifier import SessionId, new_id
from secmw.sessions.record import Over
from secmw.sessions.writes import GRACE, Rotate
from tests.making import served, values
from tests.own.asking import ID, TOKENS, got, posted
from tests.sessions.making import NOW, record


def location(reply: Reply) -> str:
    return dict(reply.headers)["Location"]


def replaced(ago: float) -> Any:
    fresh = SessionId(ID.selector, new_id().verifier)
    return record("ann", id_=fresh, replaced=((ID.digest, NOW - ago),))[1]


def test_the_page_asks_whoever_is_signed_in_with_a_token_of_the_session() -> None:
    """SU-03, HD-08"""
    found = got("sudo")
    reply = served(found, form={"next": "/keys"})
    assert reply.status == 200
    page = reply.body.decode()
    assert "Ann" in page
    assert 'value="/keys"' in page
    lines = found.close(200, [])
    assert values(lines, "cache-control") == ["no-store"]
    assert "Cookie" in values(lines, "vary")[0]


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", ""])  # fmt: skip
def test_it_leads_nowhere_else_whatever_it_is_told(target: str) -> None:
    """SU-03"""
    assert b"evil" not in served(got("sudo"), form={"next": target}).body
    assert location(served(posted("sudo"), form={"next": target}, verified=True)) == "/"


def test_what_it_is_told_is_never_markup() -> None:
    page = served(got("sudo"), form={"next": '/"><script>alert(1)</script>'}).body
    assert b"<script" not in page


def test_the_right_password_elevates_rotates_and_leads_on() -> None:
    """SU-02, SE-04"""
    found = posted("sudo")
    reply = served(found, form={"next": "/keys?new=1"}, verified=True)
    assert (reply.status, location(reply)) == (303, "/keys?new=1")
    settlement = found.settle(303, NOW, "")
    assert settlement is not None
    step = settlement.next()
    assert isinstance(step, Rotate)
    assert (step.sudo, step.grace, step.presented) == (NOW + 300, GRACE, ID.digest)


def test_a_wrong_password_is_asked_again_and_each_one_is_an_event() -> None:
    """SU-05"""
    found = posted("sudo")
    reply = served(found, form={"next": "/keys"}, verified=False)
    assert reply.status == 403
    assert b"That is not the password" in reply.body
    assert b'value="/keys"' in reply.body
    events, notes = found.told()
    assert [(event.action, event.user_id, event.outcome) for event in events] == [
        (Action.WEB_SUDO, "ann", "failure")
    ]
    assert notes == []
    assert found.held is not None
    assert not found.held.has_sudo


def test_a_form_without_a_token_of_the_session_is_not_even_looked_at() -> None:
    """XS-01"""
    found = got(
        "sudo", method="POST", headers={"sec-fetch-site": "same-origin", "x-xsrf-token": TOKENS.token("x")}
    )
    assert found.refusal is not None
    assert found.refusal.reason is Reason.XSRF_MISMATCH
    assert found.page is None


@pytest.mark.parametrize(("ago", "status"), [(1, 303), (GRACE, 303), (GRACE + 1, 403)])
def test_a_second_click_with_the_secret_just_replaced_is_let_in(ago: float, status: int) -> None:
    """SE-04: the browser dropped the first answer"""
    found = posted("sudo", replaced(ago))
    assert served(found, form={"next": "/keys"}, verified=True).status == status


def test_with_a_wrong_password_it_is_told_nothing() -> None:
    """SE-04"""
    found = posted("sudo", replaced(1))
    reply = served(found, form={"next": "/keys"}, verified=False, accept="text/html")
    assert (reply.status, dict(reply.headers)["Retry-After"]) == (503, "1")
    assert b"Ann" not in reply.body


@pytest.mark.parametrize("path", ["sudo", "sessions", "xsrf"])
def test_nothing_else_is_served_to_a_secret_just_replaced(path: str) -> None:
    """SE-04"""
    found = got(path, replaced(1))
    assert found.refusal is not None
    assert (found.refusal.status, found.refusal.reason) == (503, Reason.SESSION_SUPERSEDED)
    found = posted("sign-out", replaced(1))
    assert found.refusal is not None
    assert found.refusal.status == 503


def test_it_says_how_long_an_elevation_lasts() -> None:
    found = got("sudo", settings={"sudo": {"duration": "10m"}})
    assert b"10 minutes" in served(found).body


def test_where_no_token_is_asked_for_there_is_none_in_the_form() -> None:
    found = got("sudo", settings={"xsrf": {"token": False}})
    assert served(found).status == 200
    found = got("sudo", settings={"xsrf": None})
    assert served(found).status == 200


def test_a_target_with_anything_in_it_comes_back_the_same() -> None:
    """SU-03"""
    target = "/a?b=" + quote("c&d=e#f g")
    assert location(served(posted("sudo"), form={"next": target}, verified=True)) == target


def test_a_session_that_is_over_is_no_place_to_elevate() -> None:
    found = posted("sudo", None)
    assert found.refusal is not None
    assert (found.refusal.status, found.refusal.reason) == (403, Reason.SESSION_OVER)
    assert found.held is not None
    assert found.held.over is Over.UNKNOWN
