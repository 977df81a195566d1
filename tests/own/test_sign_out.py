"""Signing out."""

from __future__ import annotations

from typing import Any

import pytest

from secmw.http import Reason
from secmw.sessions.record import Ended, Over
from secmw.sessions.writes import End, Written
from tests.making import exchange, served, values
from tests.own.asking import ANN, ID, TOKENS, got, posted
from tests.sessions.making import NOW, site


def settled(found: Any) -> list[Any]:
    """Carry out all that is asked for; return the steps."""
    done = []
    settlement = found.settle(303, NOW, "")
    while settlement is not None and (step := settlement.next()) is not None:
        settlement.outcome(step, Written(ANN))
        done.append(step)
    if settlement is not None:
        found.settled(settlement)
    return done


def test_signing_out_ends_the_session_clears_our_cookies_and_leads_to_the_start_page() -> None:
    """SE-24, HD-07, XS-09"""
    found = posted("sign-out")
    reply = served(found)
    assert (reply.status, dict(reply.headers)["Location"]) == (303, "../")
    assert settled(found) == [End(selector=ID.selector, at=NOW, reason=Over.LOGGED_OUT)]
    lines = found.close(303, [])
    cleared = {value.partition("=")[0] for value in values(lines, "set-cookie") if "Max-Age=0" in value}
    assert cleared == {"__Host-id", "__Host-visit", "XSRF-TOKEN"}
    assert values(lines, "clear-site-data") == ['"cache", "storage"']
    assert values(lines, "cache-control") == ["no-store"]


def test_signing_out_wants_a_token() -> None:
    """SE-24: nobody is signed out by another site"""
    found = got("sign-out", method="POST", headers={"sec-fetch-site": "cross-site"})
    assert found.refusal is not None
    assert found.refusal.reason is Reason.CROSS_ORIGIN
    found = got("sign-out", method="POST", headers={"sec-fetch-site": "same-origin"})
    assert found.refusal is not None
    assert found.refusal.reason is Reason.XSRF_MISSING


def test_signing_out_is_a_post() -> None:
    """SE-24"""
    found = got("sign-out")
    assert found.refusal is not None
    assert dict(found.refusal.headers)["Allow"] == "POST"


def test_who_has_no_session_is_signed_out_all_the_same() -> None:
    """SE-24"""
    visit = TOKENS.new_visit()
    found = exchange(
        site(),
        "POST",
        "/_secmw/sign-out",
        cookie=f"__Host-visit={visit}",
        headers={"sec-fetch-site": "same-origin", "x-xsrf-token": TOKENS.token(visit)},
    )
    assert served(found).status == 303
    assert settled(found) == []
    assert "__Host-id=" in "".join(values(found.close(303, []), "set-cookie"))


@pytest.mark.parametrize(
    ("found", "steps"),
    [
        (None, []),
        # The first answer may have been that nobody confirmed it.
        (Ended(Over.LOGGED_OUT), [End(selector=ID.selector, at=NOW, reason=Over.LOGGED_OUT)]),
    ],
)
def test_asked_twice_it_answers_the_same(found: Any, steps: list[Any]) -> None:
    """SE-08, SE-24: of a double click the browser drops the first answer, and the deleted cookies with it"""
    again = posted("sign-out", found)
    assert served(again).status == 303
    assert settled(again) == steps
    lines = again.close(303, [])
    cleared = {value.partition("=")[0] for value in values(lines, "set-cookie") if "Max-Age=0" in value}
    assert cleared == {"__Host-id", "__Host-visit", "XSRF-TOKEN"}
