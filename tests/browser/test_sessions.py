"""Sessions as people with browsers have them: tabs, slow pages, second devices, old cookies and bad neighbours."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.browser.driving import Said, fetch, one, readable, refused, send, stored, submit, visit
from tests.browser.living import (
    ID,
    begin,
    complaints,
    end,
    fill_in_sign_in,
    gate,
    has_id,
    id_of,
    plant,
    sign_in,
    state,
    way_out,
    who,
)
from tests.browser.policies import ASGI, EVIL, WSGI, Sites

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from tests.browser.chromium import Servers

pytestmark = pytest.mark.browser

UNKNOWN = "A" * 22 + "." + "B" * 43


@pytest.fixture
def second(browser: Browser) -> Iterator[Page]:
    """Be a tab of another browser: another person's, or the same person's on another machine."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


# --- the cookie -------------------------------------------------------------------------------------------------------


def test_the_session_is_kept_in_a_host_cookie_that_no_script_reads(page: Page, sites: Sites) -> None:
    """CK-01, SE-19"""
    sign_in(page, sites.people)
    cookie = one(page, ID)
    assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "Lax")
    assert (cookie["path"], cookie["session"]) == ("/", True)
    assert cookie["domain"] == sites.people.removeprefix("https://")
    assert "partitionKey" not in cookie
    assert ID not in dict(readable(page))
    assert page.inner_text("#user") == "jane"


def test_whoever_only_looks_gets_no_session(page: Page) -> None:
    """SE-12"""
    visit(page, f"{ASGI.people}/blank")
    visit(page, f"{ASGI.people}/")
    assert not has_id(page)
    fetch(page, "/add?name=cart")
    assert has_id(page)


def test_signing_in_gives_a_new_id_and_keeps_the_cart(page: Page) -> None:
    """SE-04"""
    visit(page, f"{WSGI.people}/")
    fetch(page, "/add?name=cart&value=tea")
    before = id_of(page)
    sign_in(page, WSGI.people)
    assert id_of(page)[:22] != before[:22]
    assert state(page) == {"user": "jane", "sudo": False, "kept": {"cart": "tea"}}


def test_no_session_cookie_is_set_over_plain_http(page: Page) -> None:
    """TR-10"""
    plain = ASGI.people.replace("https://", "http://")
    visit(page, f"{plain}/add?name=cart&kind=json")
    assert stored(page) == []


def test_what_the_back_button_shows_after_signing_out_is_nobodys(page: Page) -> None:
    """CK-14"""
    sign_in(page, ASGI.people)
    visit(page, f"{ASGI.people}/account")
    assert page.inner_text("#user") == "jane"
    send(page, button="#sign-out")
    page.go_back()
    assert page.inner_text("#user") == "nobody"


# --- tabs and slow pages ------------------------------------------------------------------------------------------------


def test_a_rotation_leaves_a_slow_request_of_another_tab_unharmed(
    page: Page, servers: Servers, sites: Sites
) -> None:
    """It began with the secret that is replaced meanwhile; it is carried out, and nobody is signed out. (SE-04, SE-09)"""
    sign_in(page, sites.people)
    other = page.context.new_page()
    visit(other, f"{sites.people}/blank")
    slow = gate(servers, sites.people)
    begin(other, f"/add?name=slow&kind=json&gate={slow.name}")
    slow.somebody_waits(other)
    before = id_of(page)
    fetch(page, "/rotate?kind=json")
    after = id_of(page)
    assert after != before
    slow.open()
    assert end(other) == 200
    assert id_of(page) == after
    assert who(page, sites.people) == "jane"
    assert "slow" in state(page)["kept"]


def test_who_signs_out_stays_out_whatever_a_slow_tab_does(page: Page, servers: Servers, sites: Sites) -> None:
    """SE-08, SE-22"""
    sign_in(page, sites.people)
    kept = id_of(page)
    tabs = []
    for path in ("/add?name=slow&kind=json", "/rotate?kind=json", "/?kind=json"):
        tab = page.context.new_page()
        visit(tab, f"{sites.people}/blank")
        slow = gate(servers, sites.people)
        begin(tab, f"{path}&gate={slow.name}")
        slow.somebody_waits(tab)
        tabs.append((tab, slow))
    send(page, button="#sign-out")
    assert not has_id(page)
    for tab, slow in tabs:
        slow.open()
        assert end(tab) < 500
    assert not has_id(page)
    assert who(page, sites.people) == "nobody"
    # Not even with the old cookie.
    plant(page, sites.people, kept)
    assert who(page, sites.people) == "nobody"


def test_a_late_answer_leaves_the_newer_cookie_alone(page: Page, servers: Servers, sites: Sites) -> None:
    """Of a session that a sign-in replaced, and of an id that was none: neither clears nor replaces it. (SE-22)"""
    visit(page, f"{sites.people}/")
    fetch(page, "/add?name=cart&value=tea")
    for dead in (None, UNKNOWN):
        if dead is not None:
            page.context.clear_cookies()
            plant(page, sites.people, dead)
        tab = page.context.new_page()
        visit(tab, f"{sites.people}/blank")
        slow = gate(servers, sites.people)
        begin(tab, f"/{'add?name=late&' if dead is None else '?'}kind=json&gate={slow.name}")
        slow.somebody_waits(tab)
        sign_in(page, sites.people)
        newer = id_of(page)
        slow.open()
        assert end(tab) < 500
        assert id_of(page) == newer
        assert who(page, sites.people) == "jane"


def test_requests_side_by_side_lose_nothing(page: Page) -> None:
    """SE-09"""
    sign_in(page, ASGI.people)
    names = [f"n{number}" for number in range(12)]
    statuses = page.evaluate(
        "names => Promise.all(names.map(name =>"
        " fetch(`/add?kind=json&value=1&name=${name}`).then(answer => answer.status)))",
        names,
    )
    assert statuses == [200] * 12
    assert sorted(state(page)["kept"]) == sorted(names)


def test_a_form_of_a_tab_from_before_the_sign_out_is_refused_in_plain_words(page: Page) -> None:
    """XS-09"""
    sign_in(page, ASGI.people)
    other = page.context.new_page()
    assert who(other, ASGI.people) == "jane"
    send(page, button="#sign-out")
    response = send(other, button="#danger")
    assert response.status == 403
    assert "sign in" in other.inner_text("main").lower() or "reload" in other.inner_text("main").lower()


# --- time -------------------------------------------------------------------------------------------------------------


def test_who_does_nothing_is_signed_out(page: Page, servers: Servers) -> None:
    """SE-06"""
    sign_in(page, ASGI.people)
    for _ in range(3):
        servers.move(ASGI.people, 8 * 60)
        assert who(page, ASGI.people) == "jane"
    servers.move(ASGI.people, 11 * 60)
    assert who(page, ASGI.people) == "nobody"


def test_a_session_grows_no_older_than_it_may(page: Page, servers: Servers) -> None:
    """SE-05"""
    sign_in(page, WSGI.people)
    for _ in range(7):
        servers.move(WSGI.people, 8 * 60)
        assert who(page, WSGI.people) == "jane"
    fetch(page, "/rotate?kind=json")
    servers.move(WSGI.people, 5 * 60)
    assert who(page, WSGI.people) == "nobody"


def test_who_comes_back_with_a_dead_cookie_signs_in(page: Page, servers: Servers) -> None:
    """XS-13"""
    sign_in(page, ASGI.people)
    dead = id_of(page)
    servers.move(ASGI.people, 24 * 3600)
    assert sign_in(page, ASGI.people).status == 200
    assert page.inner_text("#user") == "jane"
    assert id_of(page) != dead
    # One that nobody remembers is no different.
    plant(page, ASGI.people, UNKNOWN)
    sign_in(page, ASGI.people)
    assert page.inner_text("#user") == "jane"


def test_a_sign_in_form_that_was_open_while_the_session_died_still_works(
    page: Page, servers: Servers
) -> None:
    """Its token was the dead session's; the page says what to do, and the second try is good. (XS-13)"""
    sign_in(page, ASGI.people)
    visit(page, f"{ASGI.people}/sign-in")
    servers.move(ASGI.people, 24 * 3600)
    response = fill_in_sign_in(page)
    if response.status == 403:
        refused(response, "session_over")
        sign_in(page, ASGI.people)
    assert page.inner_text("#user") == "jane"


# --- other browsers -----------------------------------------------------------------------------------------------------


def test_a_session_is_ended_from_another_browser(page: Page, second: Page, sites: Sites) -> None:
    """On our own page, with a button beside each. (SE-15)"""
    sign_in(page, sites.people, "anna")
    sign_in(second, sites.people, "anna")
    visit(second, f"{sites.people}/_secmw/sessions")
    entries = second.locator(".sessions > li")
    assert entries.count() == 2
    with second.expect_navigation():
        way_out(second, id_of(page)[:22]).click()
    assert second.locator(".sessions > li").count() == 1
    assert who(page, sites.people) == "nobody"
    assert who(second, sites.people) == "anna"


def test_a_sign_in_under_way_is_undone_when_all_sessions_are_ended(
    page: Page, second: Page, servers: Servers, sites: Sites
) -> None:
    """SE-15"""
    sign_in(page, sites.people, "bert")
    slow = gate(servers, sites.people)
    visit(second, f"{sites.people}/sign-in")
    second.fill("[name=user]", "bert")
    second.fill("[name=password]", "correct horse battery staple")
    second.evaluate(
        "gate => { document.forms[0].action = `/sign-in?next=/&gate=${gate}`;"
        " setTimeout(() => document.forms[0].submit()) }",
        slow.name,
    )
    slow.somebody_waits(second)
    fetch(page, "/revoke-all")
    with second.expect_navigation() as navigation:
        slow.open()
    refused(navigation.value, "sign_in_undone", 409)
    assert not has_id(second)
    assert who(second, sites.people) == "nobody"


# --- bad neighbours -----------------------------------------------------------------------------------------------------


def test_an_id_that_somebody_planted_is_never_taken_up(page: Page, second: Page) -> None:
    """Made up, or a real one of the attacker's: whoever signs in gets a new one, and the planted one opens nothing. (SE-02)"""
    visit(second, f"{ASGI.people}/")
    fetch(second, "/add?name=trap")
    attackers = id_of(second)
    for planted in (UNKNOWN, attackers):
        page.context.clear_cookies()
        # Another route of the same application sets it, as a cross-site script would have to.
        visit(page, f"{ASGI.people}/plant?id={planted}")
        assert id_of(page) == planted
        sign_in(page, ASGI.people)
        assert page.inner_text("#user") == "jane"
        assert id_of(page)[:22] != planted[:22]
        plant(second, ASGI.people, planted)
        assert who(second, ASGI.people) == "nobody"


def test_a_sibling_host_cannot_plant_a_session(page: Page) -> None:
    """The browser refuses the name; without the prefix it is not our cookie. (CK-01, SE-02)"""
    visit(page, WSGI.sibling)
    for planted in (ID, "__host-id", "id"):
        page.evaluate(
            "cookie => { document.cookie = cookie }",
            f"{planted}={UNKNOWN}; Secure; Path=/; Domain={WSGI.domain}",
        )
    assert [cookie["name"] for cookie in stored(page)] == ["id"]
    sign_in(page, WSGI.people)
    assert page.inner_text("#user") == "jane"
    assert state(page)["user"] == "jane"


def test_another_site_signs_nobody_out(page: Page) -> None:
    """Neither with a form nor with a picture. (SE-24)"""
    sign_in(page, ASGI.people)
    visit(page, EVIL)
    refused(submit(page, f"{ASGI.people}/_secmw/sign-out"), "cross_origin")
    visit(page, EVIL)
    fetch(page, f"{ASGI.people}/_secmw/sign-out", mode="no-cors", credentials="include")
    assert who(page, ASGI.people) == "jane"


def test_signing_out_clears_what_the_site_kept_and_nobody_elses_cookies(page: Page, sites: Sites) -> None:
    """Storage and cache of this origin; cookies of ours, and no other. (HD-07, CK-09)"""
    visit(page, sites.sibling)
    page.evaluate("cookie => { document.cookie = cookie }", f"theirs=1; Secure; Domain={sites.domain}")
    sign_in(page, sites.people)
    page.evaluate("() => { localStorage.draft = 'secret'; document.cookie = 'theme=dark; Secure' }")
    token = one(page, "XSRF-TOKEN")["value"]
    send(page, button="#sign-out")
    assert page.evaluate("() => localStorage.draft === undefined")
    # The page that came next asked for a token of its own, which is a stranger's.
    assert {cookie["name"] for cookie in stored(page)} == {"theirs", "theme", "__Host-visit", "XSRF-TOKEN"}
    assert one(page, "XSRF-TOKEN")["value"] != token


# --- our pages --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["people", "guarded"])
def test_people_without_scripts_and_with_a_phone_manage_their_sessions(
    browser: Browser, second: Page, said: Said, name: str
) -> None:
    """Sign in, see where, end the others, sign out: with forms alone, and without a complaint of the browser's."""
    origin = ASGI[name]
    sign_in(second, origin, "cleo")
    context = browser.new_context(
        java_script_enabled=False, viewport={"width": 320, "height": 568}, is_mobile=True, has_touch=True
    )
    said.listen(context)
    try:
        phone = context.new_page()
        sign_in(phone, origin, "cleo", following="/_secmw/sessions")
        assert phone.locator(".sessions > li").count() == 2
        for button in phone.locator("button").all():
            box = button.bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 320
            # WCAG 2.2, 2.5.8: big enough for a finger.
            assert min(box["width"], box["height"]) >= 24
        with phone.expect_navigation():
            way_out(phone, "others").click()
        assert phone.locator(".sessions > li").count() == 1
        assert who(second, origin) == "nobody"
        assert who(phone, origin) == "cleo"
        send(phone, button="#sign-out")
        assert phone.inner_text("#user") == "nobody"
        assert complaints(said) == []
    finally:
        context.close()


def test_the_sessions_page_says_which_browser_and_shows_no_secret(page: Page) -> None:
    """SE-18"""
    sign_in(page, WSGI.people, "dora")
    visit(page, f"{WSGI.people}/_secmw/sessions")
    text = page.inner_text("main")
    assert "Somebody called dora" in text
    assert "Linux" in text
    assert id_of(page)[23:] not in page.content()
    assert json.dumps(id_of(page)) not in page.content()
