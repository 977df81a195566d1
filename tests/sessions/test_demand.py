"""May this request go on, or must somebody sign in, or give the password again, first?"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.audit.action import Action
from secmw.errors import ConfigError
from secmw.exchange import Exchange
from secmw.http import Reason, Refusal
from secmw.sessions import demand
from secmw.sessions.demand import Asking
from secmw.sessions.identifier import new_id
from secmw.sessions.record import Ended, Over
from tests.making import exchange, plans, policy
from tests.sessions.making import NOW, record, site, visiting

ORIGIN = "https://app.example"
PAGE = {"sessions": {"sign_in_url": "/sign-in"}}


def person(target: str = "/keys?new=1", **more: Any) -> Asking:
    return Asking(**{"method": "GET", "target": target, "mode": "navigate", **more})


def script(**more: Any) -> Asking:
    return Asking(
        **{"method": "POST", "target": "/keys", "mode": "cors", "accept": "application/json", **more}
    )


def signed_in(settings: Any = None, **identity: Any) -> Exchange:
    return visiting(site(**(settings or {})), *record("ann", **identity))


def stranger(settings: Any = None) -> Exchange:
    return exchange(site(**(settings or {})))


def location(refusal: Refusal | None) -> str:
    assert refusal is not None
    assert refusal.status == 303
    return dict(refusal.headers)["Location"]


def header(refusal: Refusal | None, name: str) -> str | None:
    assert refusal is not None
    return dict(refusal.headers).get(name)


# --- who is asking


@pytest.mark.parametrize(
    ("mode", "accept", "navigation"),
    [
        ("navigate", "", True),
        ("navigate", "application/json", True),
        ("cors", "text/html", False),
        ("same-origin", "text/html", False),
        ("no-cors", "text/html", False),
        ("websocket", "", False),
        ("", "text/html,*/*;q=0.8", True),
        ("", "*/*", False),
        ("", "", False),
    ],
)
def test_a_person_waits_for_a_page_and_a_script_for_an_answer(
    mode: str, accept: str, navigation: bool
) -> None:
    assert Asking(method="GET", target="/", mode=mode, accept=accept).navigation is navigation


@pytest.mark.parametrize(
    ("method", "target", "referer", "back"),
    [
        ("GET", "/a?b=c", "", "/a?b=c"),
        ("HEAD", "/a", "", "/a"),
        ("GET", "//evil.example", "", "/"),
        ("POST", "/keys", f"{ORIGIN}/form?a=1", "/form?a=1"),
        ("POST", "/keys", f"{ORIGIN}/form#here", "/form"),
        ("POST", "/keys", ORIGIN, "/"),
        ("POST", "/keys", "", "/"),
        ("POST", "/keys", "https://evil.example/form", "/"),
        ("POST", "/keys", "http://app.example/form", "/"),
        ("POST", "/keys", "https://app.example:8443/form", "/"),
        ("POST", "/keys", "https://app.example@evil.example/form", "/"),
        ("POST", "/keys", "https://ann@app.example/form", "/"),
        ("POST", "/keys", f"{ORIGIN}//evil.example/", "/"),
        ("POST", "/keys", f"{ORIGIN}/\\evil.example", "/"),
        ("POST", "/keys", "https://[::1", "/"),
        ("POST", "/keys", "javascript:alert(1)", "/"),
        ("POST", "/keys", "/form", "/"),
    ],
)
def test_one_comes_back_to_where_one_was_or_to_the_page_of_the_form(
    method: str, target: str, referer: str, back: str
) -> None:
    """SU-03"""
    assert Asking(method=method, target=target, referer=referer).back(ORIGIN) == back


@given(st.text(max_size=40), st.text(max_size=40), st.sampled_from(["GET", "POST"]))
def test_whatever_is_sent_leads_back_to_this_site(target: str, referer: str, method: str) -> None:
    """SU-03"""
    back = Asking(method=method, target=target, referer=f"{ORIGIN}{referer}").back(ORIGIN)
    assert back.startswith("/")
    assert not back.startswith("//")
    assert back.isascii()
    assert back.isprintable()
    assert "\\" not in back


# --- signing in


def test_who_is_signed_in_goes_on() -> None:
    found = signed_in()
    assert demand.login(found, person()) is None
    assert found.login_required(person()) is None
    assert found.held is not None
    assert found.held.read


def test_a_person_is_sent_to_the_sign_in_page_and_comes_back() -> None:
    sent = location(demand.login(stranger(PAGE), person("/keys?new=1&b=%2F")))
    assert urlsplit(sent).path == "/sign-in"
    assert parse_qs(urlsplit(sent).query) == {"next": ["/keys?new=1&b=%2F"]}


def test_the_sign_in_page_may_have_a_query_of_its_own() -> None:
    sent = location(demand.login(stranger({"sessions": {"sign_in_url": "/in?lang=de"}}), person("/a")))
    assert sent == "/in?lang=de&next=/a"


@pytest.mark.parametrize(("settings", "page"), [(PAGE, "/sign-in"), (None, "")])
def test_a_script_is_told_with_the_address_of_the_page(settings: Any, page: str) -> None:
    refusal = demand.login(stranger(settings), script())
    assert refusal is not None
    assert (refusal.status, refusal.reason, refusal.page) == (401, Reason.SIGN_IN_REQUIRED, page)
    assert header(refusal, "WWW-Authenticate") == 'Bearer error="invalid_token"'


def test_without_a_sign_in_page_a_person_is_told_too() -> None:
    refusal = demand.login(stranger(), person())
    assert refusal is not None
    assert refusal.status == 401


@pytest.mark.parametrize(
    ("over", "words"),
    [
        (Over.EXPIRED, "lifetime"),
        (Over.IDLE, "not used"),
        (Over.REVOKED, "from somewhere else"),
        (Over.LOGGED_OUT, "signed out"),
        (Over.REPLACED, ""),
    ],
)
def test_it_says_why_the_session_is_over(over: Over, words: str) -> None:
    refusal = demand.login(visiting(site(), new_id(), Ended(over)), script())
    assert refusal is not None
    assert words in refusal.fix
    assert bool(refusal.fix) is bool(words)


def test_an_anonymous_session_is_nobodys() -> None:
    refusal = demand.login(visiting(site(), *record(None, {"a": 1})), script())
    assert refusal is not None


@pytest.mark.parametrize("ask", [demand.login, demand.sudo])
def test_where_there_are_no_sessions_the_demand_is_a_mistake(ask: Any) -> None:
    with pytest.raises(ConfigError, match="sessions: is None for this path"):
        ask(exchange(plans()), person())


# --- the password


def test_who_has_given_the_password_lately_goes_on() -> None:
    """SU-01"""
    found = signed_in(sudo=(NOW - 100, NOW + 200))
    assert demand.sudo(found, person()) is None
    assert demand.sudo(found, person(), 100) is None
    assert found.sudo_required(person(), 99) is not None


def test_a_person_is_sent_to_the_page_that_asks_for_it() -> None:
    refusal = demand.sudo(signed_in(), person("/keys?new=1", root="/app"))
    assert location(refusal) == "/app/_secmw/sudo?next=/keys%3Fnew%3D1"


def test_a_form_is_not_sent_again_and_leads_back_to_its_page() -> None:
    """SU-04"""
    asked = person("/keys", method="POST", referer=f"{ORIGIN}/form")
    assert location(demand.sudo(signed_in(), asked)) == "/_secmw/sudo?next=/form"


@pytest.mark.parametrize("within", [None, 60])
def test_a_script_is_told_as_rfc_9470_says(within: int | None) -> None:
    refusal = demand.sudo(signed_in(), script(root="/app"), within)
    assert refusal is not None
    assert (refusal.status, refusal.reason, refusal.page) == (401, Reason.SUDO_REQUIRED, "/app/_secmw/sudo")
    assert header(refusal, "WWW-Authenticate") == (
        f'Bearer error="insufficient_user_authentication", max_age={within or 300}'
    )


def test_who_is_not_signed_in_signs_in_first() -> None:
    refusal = demand.sudo(stranger(PAGE), person("/a"))
    assert location(refusal) == "/sign-in?next=/a"


def test_every_demand_for_the_password_is_an_event() -> None:
    """SU-05"""
    found = signed_in()
    demand.sudo(found, person())
    events, _ = found.told()
    assert [(event.action, event.user_id, event.outcome) for event in events] == [
        (Action.WEB_SUDO, "ann", "refused")
    ]
    found = signed_in(sudo=(NOW - 1, NOW + 200))
    demand.sudo(found, person())
    assert found.told() == ([], [])


def test_where_the_policy_does_without_nobody_is_asked() -> None:
    assert demand.sudo(signed_in({"sudo": {"enabled": False}}), person()) is None


def test_with_nobody_to_check_a_password_the_demand_is_a_mistake() -> None:
    made = policy(sessions="on").compile(site().wire, can_verify=False, audited=True)
    with pytest.raises(ConfigError, match=r"sudo: sudo_required needs Hooks\(verify="):
        demand.sudo(visiting(made, *record("ann")), person())


def test_where_there_is_no_trail_the_demand_is_made_all_the_same() -> None:
    made = policy(sessions="on").compile(site().wire, can_verify=True)
    found = visiting(made, *record("ann"))
    assert demand.sudo(found, person()) is not None
    assert found.told() == ([], [])
