"""One request and its session: which cookies and headers go out, and what the trail is told."""

from __future__ import annotations

from typing import Any

import pytest

from secmw.audit.action import Action
from secmw.exchange import UNRECORDED
from secmw.http import Reason, Refusal
from secmw.own import Visit
from secmw.sessions.demand import Asking
from secmw.sessions.settlement import Settlement
from secmw.sessions.writes import Create, Lost, Why
from secmw.stores import MemoryStore
from secmw.testing import FrozenClock
from tests.making import exchange, sent, values
from tests.sessions.coming import (
    ANN,
    ID,
    NOBODYS,
    TOKENS,
    VISIT,
    came,
    cookies,
    finish,
    forged,
)
from tests.sessions.making import DAY, NOW, site

# --- what goes out


def test_an_untouched_session_costs_nothing() -> None:
    """SE-10, HD-08"""
    got = came()
    assert not got.pending
    assert got.settle(200, NOW, "") is None
    lines = got.close(200, [(b"content-type", b"text/html"), (b"cache-control", b"public")])
    assert cookies(lines) == {}
    assert values(lines, "vary") == []
    assert values(lines, "cache-control") == ["public"]


@pytest.mark.parametrize("headers", [[], [(b"x-other", b"1")], [(b"cache-control", b"private, max-age=9")], [(b"vary", b"Accept")]])  # fmt: skip
@pytest.mark.parametrize("nothing", [False, True])
def test_a_response_that_read_the_session_varies_with_the_cookie(headers: Any, nothing: bool) -> None:
    """HD-08: CVE-2023-30861"""
    got = exchange(site()) if nothing else came()
    assert got.session.user_id == (None if nothing else "ann")
    lines = got.close(200, list(headers))
    assert "Cookie" in ", ".join(values(lines, "vary"))
    if not any(name == b"cache-control" for name, _ in headers):
        assert values(lines, "cache-control") == ["no-store"]


def test_a_sign_in_sends_the_id_and_a_token_of_it() -> None:
    """SE-04, XS-09"""
    got = came(NOBODYS, cookie=f"__Host-visit={VISIT}; XSRF-TOKEN={TOKENS.token(ID.selector)}")
    got.session.login("ann", "Ann")
    token = got.xsrf_token()
    selector = got.session.selector
    store = MemoryStore(clock=FrozenClock(NOW))
    store.write(Create(record=NOBODYS))
    lines = finish(got, store=store)
    made = cookies(lines)
    assert made["__Host-id"].startswith(f"{selector}.")
    assert TOKENS.fits(made["XSRF-TOKEN"], str(selector))
    assert TOKENS.fits(token, str(selector))
    assert not TOKENS.fits(made["XSRF-TOKEN"], ID.selector)
    assert values(lines, "cache-control") == ["no-store"]
    assert got.session.user_id == "ann"
    assert got.session.expires == NOW + DAY
    (event,), _ = got.told()
    assert (event.action, event.user_id, event.selector, event.client) == (
        Action.USER_LOGIN,
        "ann",
        selector,
        "192.0.2.1",
    )


def test_a_rotation_sends_the_id_alone() -> None:
    """SE-04, XS-09: a token lives through web sudo"""
    store = MemoryStore(clock=FrozenClock(NOW))
    store.write(Create(record=ANN, user_id="ann"))
    got = came()
    got.session.grant_sudo()
    made = cookies(finish(got, store=store))
    assert list(made) == ["__Host-id"]
    assert made["__Host-id"].startswith(f"{ID.selector}.")
    assert made["__Host-id"] != str(ID)


def test_a_sign_out_deletes_ours_and_asks_the_browser_to_forget() -> None:
    """HD-07, SE-24"""
    got = came()
    got.session.logout()
    lines = finish(got)
    assert cookies(lines) == {"__Host-id": "", "__Host-visit": "", "XSRF-TOKEN": ""}
    assert values(lines, "clear-site-data") == ['"cache", "storage"']
    assert sent(lines).count(("clear-site-data", '"cache", "storage"')) == 1


def test_where_the_policy_clears_nothing_only_the_cookies_go() -> None:
    got = came(settings={"clear_site_data": []})
    got.session.logout()
    lines = finish(got)
    assert values(lines, "clear-site-data") == []
    assert set(cookies(lines)) == {"__Host-id", "__Host-visit", "XSRF-TOKEN"}


def test_a_page_shown_after_a_sign_out_keeps_the_visit_of_its_form() -> None:
    got = came()
    got.session.logout()
    token = got.xsrf_token()
    made = cookies(finish(got))
    assert made["__Host-id"] == ""
    assert TOKENS.fits(token, made["__Host-visit"])
    assert TOKENS.fits(made["XSRF-TOKEN"], made["__Host-visit"])


def test_a_word_after_a_sign_out_is_another_session() -> None:
    """XS-09"""
    got = came()
    got.session.logout()
    got.session["flash"] = "You are signed out."
    lines = finish(got)
    made = cookies(lines)
    assert made["__Host-id"]
    assert not made["__Host-id"].startswith(ID.selector)
    assert made["XSRF-TOKEN"] == made["__Host-visit"] == ""
    assert values(lines, "clear-site-data")


def test_an_applications_cookie_of_the_sessions_name_does_not_go_out_beside_ours() -> None:
    """CK-07"""
    got = exchange(site())
    got.session["a"] = 1
    lines = finish(got, headers=[(b"set-cookie", b"__Host-id=planted; Path=/; Secure")])
    assert [value for value in values(lines, "set-cookie") if "planted" in value] == []


def test_no_id_leaves_over_plain_http() -> None:
    """TR-10"""
    got = exchange(site(https="off"), scheme="http")
    got.session["a"] = 1
    assert cookies(finish(got)) == {}


# --- tokens while signed in


def test_a_token_of_who_is_signed_in_is_bound_to_the_session() -> None:
    """XS-01"""
    got = came(cookie=f"__Host-visit={VISIT}; XSRF-TOKEN={TOKENS.token(VISIT)}")
    token = got.xsrf_token()
    made = cookies(got.close(200, []))
    assert TOKENS.fits(token, ID.selector)
    assert list(made) == ["XSRF-TOKEN"]
    assert TOKENS.fits(made["XSRF-TOKEN"], ID.selector)


def test_it_is_set_only_where_the_browser_lacks_it() -> None:
    """CK-12"""
    got = came(cookie=f"XSRF-TOKEN={TOKENS.token(ID.selector)}")
    assert TOKENS.fits(got.xsrf_token(), ID.selector)
    assert cookies(got.close(200, [])) == {}


@pytest.mark.parametrize("found", [NOBODYS, None, forged()], ids=["anonymous", "unknown", "forged"])
def test_who_is_not_signed_in_gets_one_of_the_visit(found: Any) -> None:
    """XS-01: no token is ever made for an id that was not proven"""
    got = came(found, cookie=f"__Host-visit={VISIT}")
    token = got.xsrf_token()
    assert TOKENS.fits(token, VISIT)
    assert not TOKENS.fits(token, ID.selector)


# --- failures


def test_what_a_failed_application_asked_for_is_void_but_what_is_written_stays() -> None:
    """SE-08"""
    got = came()
    got.session.logout()
    got.xsrf_token()
    lines = finish(got, 500)
    assert cookies(lines)["__Host-id"] == ""
    signed = came(NOBODYS)
    signed.session.login("ann")
    assert "__Host-id" not in cookies(finish(signed, 500))


def test_what_was_written_goes_out_with_the_answer_in_the_applications_place() -> None:
    got = came()
    got.session.logout()
    settlement = got.settle(200, NOW, "")
    assert settlement is not None
    got.settled(settlement)
    got.fail()
    assert cookies(got.close(500, []))["__Host-id"] == ""


def test_a_sign_in_that_was_undone_is_409_and_sends_nothing() -> None:
    """SE-15"""
    got = came(NOBODYS)
    got.session.login("ann")
    settlement = got.settle(200, NOW, "")
    assert isinstance(settlement, Settlement)
    step = settlement.next()
    assert step is not None
    settlement.outcome(step, Lost(Why.GENERATION))
    got.settled(settlement)
    assert got.refusal is not None
    assert (got.refusal.status, got.refusal.reason) == (409, Reason.SIGN_IN_UNDONE)
    assert cookies(got.close(409, [])) == {}
    (event,), _ = got.told()
    assert (event.action, event.user_id) == (Action.AUTHN_LOGIN_FAIL, "ann")


def test_what_could_not_be_recorded_is_said_where_the_policy_wants_it() -> None:
    """AU-06"""
    got = came()
    got.unrecorded()
    assert got.refusal is UNRECORDED
    assert got.reply("").status == 503


# --- pages of ours


def test_a_reply_of_ours_that_nobody_asked_for_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="no page of ours"):
        came().answer(Visit(), Asking(method="GET", target="/"))


def test_a_refusal_of_a_page_is_the_answer() -> None:
    got = came()
    got.refuse(Refusal(400, Reason.FORM_MALFORMED, "No."))
    assert got.reply("").status == 400
