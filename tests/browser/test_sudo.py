"""Web sudo as a person meets it: asked for the password, taken back to where it was asked, and not asked again too soon."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal

import pytest

from tests.browser.driving import Said, fetch, send, visit, way
from tests.browser.living import ID, complaints, gate, has_id, id_of, sign_in, state, who
from tests.browser.people import PASSWORD, SLOW
from tests.browser.policies import ASGI, WSGI, Sites
from tests.browser.test_refusal_page import CONTRAST, keep

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Response

    from tests.browser.chromium import Servers

pytestmark = pytest.mark.browser


def confirm(page: Page, password: str = PASSWORD) -> Response:
    """Give the password to the page that asks for it."""
    page.fill("#password", password)
    return send(page, button="main button")


def test_the_password_leads_on_to_where_the_person_was_going(page: Page, sites: Sites) -> None:
    """SU-01, SU-03"""
    sign_in(page, sites.people)
    before = id_of(page)
    target = f"{sites.people}/danger?what=%2Fall&why=caf%C3%A9"
    asked = visit(page, target)
    assert [status for status, _, _ in way(asked)] == [303]
    assert page.url.startswith(f"{sites.people}/_secmw/sudo?next=")
    assert page.get_by_role("heading", level=1).inner_text() == "Confirm that it's you"
    assert "Somebody called jane" in page.inner_text("main")
    assert page.evaluate("document.activeElement.id") == "password"
    response = confirm(page)
    assert response.url == target
    assert page.inner_text("#sudo") == "elevated"
    assert id_of(page) != before
    assert id_of(page)[:22] == before[:22]
    # It is not asked again.
    assert way(visit(page, target)) == []


def test_a_wrong_password_leads_nowhere(page: Page) -> None:
    """SU-01"""
    sign_in(page, WSGI.people)
    visit(page, f"{WSGI.people}/danger")
    response = confirm(page, "wrong")
    assert response.status == 403
    assert page.get_attribute("#password", "aria-invalid") == "true"
    assert page.input_value("#password") == ""
    other = page.context.new_page()
    visit(other, f"{WSGI.people}/blank")
    assert not state(other)["sudo"]
    assert confirm(page).url == f"{WSGI.people}/danger"
    assert page.inner_text("#sudo") == "elevated"


def test_an_elevation_ends_by_itself(page: Page, servers: Servers) -> None:
    """SU-01"""
    sign_in(page, ASGI.people)
    visit(page, f"{ASGI.people}/danger")
    confirm(page)
    servers.move(ASGI.people, 4 * 60)
    assert way(visit(page, f"{ASGI.people}/danger")) == []
    servers.move(ASGI.people, 61)
    visit(page, f"{ASGI.people}/danger")
    assert page.url.startswith(f"{ASGI.people}/_secmw/sudo")
    assert who(page, ASGI.people) == "jane"


def test_a_form_leads_to_the_password_and_back_to_its_page(page: Page) -> None:
    """It is for the person to press the button again. (SU-04)"""
    sign_in(page, ASGI.people)
    visit(page, f"{ASGI.people}/settings?tab=keys")
    asked = send(page, button="#danger")
    assert page.url.startswith(f"{ASGI.people}/_secmw/sudo"), asked.status
    confirm(page)
    assert page.url == f"{ASGI.people}/settings?tab=keys"
    assert send(page, button="#danger").status == 200
    assert page.inner_text("h1") == "/danger"


def test_a_script_is_told_what_is_missing(page: Page) -> None:
    """RFC 9470"""
    sign_in(page, WSGI.people)
    answer = fetch(page, "/danger")
    assert answer["status"] == 401
    assert "/_secmw/sudo" in json.dumps(json.loads(answer["body"]))


def test_pages_that_were_open_before_go_on_working(page: Page) -> None:
    """XS-09: the token lives through sudo."""
    sign_in(page, ASGI.people)
    other = page.context.new_page()
    assert who(other, ASGI.people) == "jane"
    visit(page, f"{ASGI.people}/danger")
    confirm(page)
    assert send(other, button="#danger").status == 200
    assert other.inner_text("#sudo") == "elevated"


def test_who_is_not_signed_in_signs_in_first(page: Page) -> None:
    """SU-03"""
    visit(page, f"{WSGI.people}/danger?what=all")
    assert page.url.startswith(f"{WSGI.people}/sign-in?next=")
    page.fill("[name=password]", PASSWORD)
    send(page)
    assert page.url.startswith(f"{WSGI.people}/_secmw/sudo?next=")
    assert confirm(page).url == f"{WSGI.people}/danger?what=all"


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.test/", "//evil.test/", "/\\evil.test/", "/%09/evil.test/"]
)
def test_the_way_on_never_leaves_the_site(page: Page, elsewhere: str) -> None:
    """SU-03"""
    sign_in(page, ASGI.people)
    visit(page, f"{ASGI.people}/_secmw/sudo?next={elsewhere}")
    confirm(page)
    assert page.url.startswith(f"{ASGI.people}/")


# --- a second click -----------------------------------------------------------------------------------------------------


def test_a_second_click_while_the_first_is_under_way_leaves_one_signed_in_and_elevated(
    page: Page, servers: Servers, sites: Sites
) -> None:
    """The browser drops the answer of the first form, and the cookie in it. (SU-02, SE-04)"""
    user = f"{SLOW}{gate(servers, sites.people).name}"
    sign_in(page, sites.people, user)
    before = id_of(page)
    first, second = (gate(servers, sites.people, f"{user}-{turn}") for turn in (1, 2))
    visit(page, f"{sites.people}/danger")
    page.fill("#password", PASSWORD)
    box = page.locator("main button").bounding_box()
    assert box is not None
    where = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.click(*where)
    first.somebody_waits(page)
    page.mouse.click(*where)
    second.somebody_waits(page)
    # The server carries out the first one to its end; its answer has nobody to go to.
    first.open()
    page.wait_for_timeout(300)
    # Asked of the browser, not of the page, which is on its way.
    assert [each["value"] for each in page.context.cookies() if each["name"] == ID] == [before]
    with page.expect_navigation(url="**/danger"):
        second.open()
    assert page.inner_text("#sudo") == "elevated"
    assert page.inner_text("#user") == user
    assert id_of(page) != before


def test_a_double_click_leaves_one_signed_in_and_elevated(page: Page) -> None:
    """As fast as a machine clicks. (SU-02, SE-04)"""
    sign_in(page, ASGI.people)
    visit(page, f"{ASGI.people}/danger")
    page.fill("#password", PASSWORD)
    page.dblclick("main button", no_wait_after=True)
    page.wait_for_url("**/danger")
    assert has_id(page)
    assert page.inner_text("#user") == "jane"
    assert page.inner_text("#sudo") == "elevated"


def test_a_slow_request_from_before_keeps_out_of_the_elevation(
    page: Page, servers: Servers, sites: Sites
) -> None:
    """It holds the old secret; its answer leaves the new cookie alone. (SU-01, SE-04)"""
    sign_in(page, sites.people)
    tab = page.context.new_page()
    visit(tab, f"{sites.people}/blank")
    slow = gate(servers, sites.people)
    tab.evaluate(
        "url => { window.pending = fetch(url).then(answer => answer.json()) }",
        f"/add?name=slow&kind=json&gate={slow.name}",
    )
    slow.somebody_waits(tab)
    visit(page, f"{sites.people}/danger")
    confirm(page)
    after = id_of(page)
    slow.open()
    seen = tab.evaluate("() => window.pending")
    assert (seen["user"], seen["sudo"]) == ("jane", False)
    assert id_of(page) == after
    assert state(page) == {"user": "jane", "sudo": True, "kept": {"slow": ""}}


# --- the page ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["people", "guarded"])
def test_without_scripts_and_with_a_phone_it_is_the_same(browser: Browser, said: Said, name: str) -> None:
    """Forms alone, nothing to scroll sideways, and no complaint of the browser's."""
    context = browser.new_context(
        java_script_enabled=False, viewport={"width": 320, "height": 568}, is_mobile=True, has_touch=True
    )
    said.listen(context)
    try:
        page = context.new_page()
        sign_in(page, ASGI[name], following="/danger")
        assert page.url.startswith(f"{ASGI[name]}/_secmw/sudo")
        for element in page.locator("main, main button, #password").all():
            box = element.bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 320
        assert confirm(page, "wrong").status == 403
        confirm(page)
        assert page.url == f"{ASGI[name]}/danger"
        assert page.inner_text("#sudo") == "elevated"
        assert [each for each in complaints(said) if "403" not in each] == []
    finally:
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["sudo", "sessions"])
def test_our_pages_can_be_read_in_either_colour_scheme(
    page: Page, said: Said, scheme: Literal["light", "dark"], path: str
) -> None:
    """WCAG 2.2, 1.4.3: a contrast of 4.5 to 1; 1.4.10: no scrolling sideways at 320 pixels."""
    page.emulate_media(color_scheme=scheme)
    sign_in(page, ASGI.people, "emma")
    visit(page, f"{ASGI.people}/_secmw/{path}")
    page.set_viewport_size({"width": 800, "height": 560})
    keep(page, f"{path}.png" if scheme == "light" else f"{path}-dark.png")
    for selector in ("h1", "p", "strong", "button", "a", "label", ".small"):
        if page.locator(selector).count():
            contrast = page.evaluate(CONTRAST, selector)
            assert contrast >= 4.5, f"{selector}: {contrast:.2f} to 1 in the {scheme} scheme"
    page.set_viewport_size({"width": 320, "height": 568})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert complaints(said) == []
    assert ID not in page.content()
