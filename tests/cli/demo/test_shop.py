from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from secmw.cli.demo.shop import OVER
from secmw.cli.demo.users import password_of
from secmw.sessions.record import Over
from tests.demo import JANE, KEY, OMAR, PLAIN, TLS, VISITING, Browser, Demo, token, words

if TYPE_CHECKING:
    from pathlib import Path

    from secmw.cli.demo.rendering import Places
    from secmw.testing import Response


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def demo() -> Demo:
    return Demo()


@pytest.fixture
def jane(demo: Demo) -> Browser:
    browser = demo.browser()
    browser.sign_in()
    return browser


def cart(response: Response) -> list[int]:
    return [int(count) for count in re.findall(r"<output[^>]*>(\d+)</output>", response.text)]


# --- signing in


def test_who_is_not_signed_in_is_led_to_the_sign_in_page(demo: Demo) -> None:
    response = demo.browser().visit("/")
    assert response.status == 200
    assert '<input id="password" name="password" type="password"' in response.text


@pytest.mark.parametrize("places", [PLAIN, TLS], ids=["http", "tls"])
def test_signing_in_leads_to_the_shop(places: Places) -> None:
    browser = Demo(places).browser()
    response = browser.sign_in()
    assert (response.status, response.header("Location")) == (303, "/")
    assert "Hello, Jane Doe" in words(browser.visit("/"))


def test_signing_in_leads_back_to_where_one_was_going(demo: Demo) -> None:
    browser = demo.browser()
    response = browser.visit("/audit")
    assert '<input type="hidden" name="next" value="/audit">' in response.text
    assert browser.sign_in(next="/audit").header("Location") == "/audit"


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:1", ""]
)
def test_and_never_to_another_site(demo: Demo, target: str) -> None:
    browser = demo.browser()
    assert browser.sign_in(next=target).header("Location") == "/"
    assert 'name="next" value="/"' in browser.visit(f"/sign-in?next={target}").text


@pytest.mark.parametrize(
    ("name", "password"),
    [("jane", "wrong"), ("nobody", "wrong"), ("nobody", password_of(JANE, KEY)), ("", "")],
)
def test_nobody_learns_which_of_name_and_password_was_wrong(demo: Demo, name: str, password: str) -> None:
    browser = demo.browser()
    response = browser.send("/sign-in", name=name, password=password)
    assert response.status == 403
    assert "That name and that password don't belong together." in words(response)
    other = browser.send("/sign-in", name="somebody else", password="wrong")
    hidden = r'value="[^"]+"|nonce="[^"]+"'
    assert re.sub(hidden, "", response.text) == re.sub(hidden, "", other.text)


def test_neither_name_nor_password_is_shown_or_recorded(demo: Demo, jane: Browser) -> None:
    response = demo.browser().send("/sign-in", name="<i>me</i>", password="my-passw0rd")
    assert "my-passw0rd" not in response.text
    assert "me</i>" not in response.text
    audit = jane.visit("/audit")
    assert "authn_login_fail" in audit.text
    assert "passw0rd" not in audit.text


def test_a_form_from_nowhere_signs_nobody_in(demo: Demo) -> None:
    """XS-02: signing somebody in as somebody else is an attack too."""
    client = demo.browser().client
    form = {"name": "jane", "password": password_of(JANE, KEY)}
    assert client.post("/sign-in", form=form, headers=VISITING).status == 403
    assert not [name for name in client.cookies if name not in ("visit", "XSRF-TOKEN")]


def test_signing_in_gives_a_new_id_and_keeps_the_cart(demo: Demo) -> None:
    """SE-04"""
    browser = demo.browser()
    assert browser.send("/cart", more="lantern").header("Location") == "/sign-in"
    before = browser.client.cookies["id"].value
    browser.sign_in()
    assert browser.client.cookies["id"].value.partition(".")[0] != before.partition(".")[0]
    assert cart(browser.visit("/")) == [0, 1, 0]


def test_somebody_else_finds_another_cart(jane: Browser) -> None:
    jane.send("/cart", more="lantern")
    jane.sign_in(OMAR)
    home = jane.visit("/")
    assert "Hello, Omar Haddad" in words(home)
    assert cart(home) == [0, 0, 0]


def test_signing_out_ends_it(jane: Browser) -> None:
    home = jane.visit("/")
    assert 'action="/_secmw/sign-out"' in home.text
    jane.send("/_secmw/sign-out", xsrf_token=token(home))
    assert "Sign in" in words(jane.visit("/"))
    assert "id" not in jane.client.cookies


@pytest.mark.parametrize("over", Over)
def test_there_are_words_for_every_end(over: Over) -> None:
    assert OVER[over].endswith(".")


# --- the cart


def test_the_cart_is_filled_and_emptied(jane: Browser) -> None:
    for step in ("more", "more", "less"):
        assert jane.send("/cart", **{step: "padlock"}).header("Location") == "/"
    jane.send("/cart", more="whistle")
    home = jane.visit("/")
    assert cart(home) == [1, 0, 1]
    assert "16 coins in all" in words(home)
    jane.send("/cart", less="padlock")
    jane.send("/cart", less="padlock")
    assert cart(jane.visit("/")) == [0, 0, 1]


@pytest.mark.parametrize("form", [{"more": "moon"}, {}, {"steal": "lantern"}])
def test_what_there_is_not_is_not_put_in(jane: Browser, form: dict[str, str]) -> None:
    assert jane.send("/cart", **form).status == 303
    assert cart(jane.visit("/")) == [0, 0, 0]


def test_nothing_is_kept_of_who_only_looks(demo: Demo) -> None:
    """SE-07"""
    browser = demo.browser()
    browser.visit("/sign-in")
    browser.visit("/attacks")
    browser.send("/cart", less="lantern")
    assert set(browser.client.cookies) == {"visit", "XSRF-TOKEN"}


# --- keys


def confirm(browser: Browser, password: str = password_of(JANE, KEY)) -> Response:
    page = browser.visit("/keys")
    assert "Confirm that it's you" in words(page)
    return browser.send("/_secmw/sudo", xsrf_token=token(page), password=password, next="/keys")


def test_the_keys_ask_for_the_password_again_and_then_open(jane: Browser) -> None:
    """SU-03"""
    response = confirm(jane)
    assert (response.status, response.header("Location")) == (303, "/keys")
    assert "Your API keys" in words(jane.visit("/keys"))


def test_a_wrong_password_opens_nothing(jane: Browser) -> None:
    response = confirm(jane, "wrong")
    assert response.status == 403
    assert "That is not the password." in words(response)
    assert "Confirm that it's you" in words(jane.visit("/keys"))


def test_a_script_is_told_what_to_do(jane: Browser) -> None:
    """SU-02"""
    response = jane.client.get("/keys", headers={"Accept": "application/json", "Sec-Fetch-Mode": "cors"})
    assert (response.status, response.json()["reason"]) == (401, "sudo_required")
    assert response.json()["page"] == "/_secmw/sudo"


def test_a_key_is_made_shown_once_and_removed(jane: Browser) -> None:
    confirm(jane)
    assert jane.send("/keys", label="<b>Backup</b>").header("Location") == "/keys"
    first, second = jane.visit("/keys"), jane.visit("/keys")
    [secret] = re.findall(r"shown this once: <code[^>]*>([^<]+)<", first.text)
    assert "&lt;b&gt;Backup&lt;/b&gt;" in second.text
    assert secret not in second.text
    handle = secret.partition(".")[0]
    jane.send("/keys", remove=handle)
    assert "There is none yet." in words(jane.visit("/keys"))
    recorded = words(jane.visit("/audit"))
    assert f"created the key <b>Backup</b> ({handle})" in recorded
    assert f"removed the key <b>Backup</b> ({handle})" in recorded


def test_keys_stay_few_and_their_names_short(jane: Browser) -> None:
    confirm(jane)
    for number in range(12):
        jane.send("/keys", label=f"{number}" + "x" * 100)
    page = jane.visit("/keys")
    assert page.text.count(">Remove</button>") == 10
    assert "x" * 60 not in page.text
    assert "There can be no more of them" in words(page)


def test_one_users_keys_are_not_another_ones(demo: Demo, jane: Browser) -> None:
    confirm(jane)
    jane.send("/keys", label="Janes")
    handle = re.findall(r'name="remove" value="([^"]+)"', jane.visit("/keys").text)[0]
    omar = demo.browser()
    omar.sign_in(OMAR)
    confirm(omar, password_of(OMAR, KEY))
    omar.send("/keys", remove=handle)
    assert "There is none yet." in words(omar.visit("/keys"))
    assert "Janes" in words(jane.visit("/keys"))


def test_a_change_without_the_password_leads_to_it_and_back_to_the_page(jane: Browser) -> None:
    response = jane.send("/keys", label="too early")
    assert response.status == 303
    assert (response.header("Location") or "").startswith("/_secmw/sudo?next=")
    confirm(jane)
    assert "There is none yet." in words(jane.visit("/keys"))


def test_the_permission_can_be_given_up(jane: Browser) -> None:
    confirm(jane)
    assert "Password counts for" in words(jane.visit("/"))
    jane.send("/drop-sudo")
    assert "Password given again not lately" in words(jane.visit("/"))
    assert "Confirm that it's you" in words(jane.visit("/keys"))


def test_the_permission_runs_out(demo: Demo, jane: Browser) -> None:
    confirm(jane)
    demo.clock.move(301)
    assert "Confirm that it's you" in words(jane.visit("/keys"))


# --- sessions


def test_a_session_is_ended_from_another_browser(demo: Demo, jane: Browser) -> None:
    """SE-12"""
    other = demo.browser()
    other.sign_in()
    page = other.visit("/_secmw/sessions")
    assert words(page).count("Chrome on Linux") == 2
    [selector] = [found for found in re.findall(r'name="end" value="([^"]+)"', page.text) if len(found) == 22]
    assert other.send("/_secmw/sessions", end=selector).status == 303
    assert words(other.visit("/_secmw/sessions")).count("Chrome on Linux") == 1
    assert "Your session was ended from another browser. revoked" in words(jane.visit("/"))


@pytest.mark.parametrize(("which", "stays"), [("others", True), ("all", False)])
def test_all_at_once_can_be_ended(demo: Demo, jane: Browser, which: str, stays: bool) -> None:
    other = demo.browser()
    other.sign_in()
    other.send("/_secmw/sessions", end=which)
    assert ("Hello, Jane Doe" in words(other.visit("/"))) is stays
    assert "Hello, Jane Doe" not in words(jane.visit("/"))


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ([31], "not used for too long. idle"),
        ([29] * 7, "reached its greatest age, whatever you did in it. expired"),
    ],
    ids=["idle", "age"],
)
def test_a_short_session_ends_by_itself_and_says_why(steps: list[float], reason: str) -> None:
    demo = Demo(short=True)
    jane = demo.browser()
    jane.sign_in()
    said = ""
    for step in steps:
        demo.clock.move(step)
        said = words(jane.visit("/"))
    assert reason in said


def test_asking_for_news_is_no_activity() -> None:
    demo = Demo(short=True)
    jane = demo.browser()
    jane.sign_in()
    for _ in range(4):
        demo.clock.move(9)
        jane.client.get("/journal/?after=0", headers={"Sec-Fetch-Mode": "cors"})
    assert "not used for too long" in words(jane.visit("/"))


def test_files_and_news_say_nothing_of_a_session_that_is_over(demo: Demo, jane: Browser) -> None:
    other = demo.browser()
    other.sign_in()
    other.send("/_secmw/sessions", end="others")
    before = jane.client.get("/static/demo.css").headers
    for target in ("/journal/?after=0", "/static/shop.js"):
        assert jane.client.get(target).status == 200
    assert not [name for name, value in before if "cookie" in f"{name} {value}".lower()]
    assert "session_use_after_expire" not in other.visit("/audit").text


def test_the_page_says_how_the_session_stands_and_which_setting_makes_it_so(
    demo: Demo, jane: Browser
) -> None:
    demo.clock.move(3_600)
    text = words(jane.visit("/"))
    assert "Signed in 1 hour ago" in text
    assert (
        "Ends if not used 8 hours sessions.inactivity = 28800" in text or "Ends if not used 7 hours" in text
    )
    assert "Ends in any case 23 hours sessions.lifetime = 86400" in text
    assert "Password given again not lately sudo.duration = 300" in text


def test_an_id_of_somebodys_own_making_is_not_adopted(demo: Demo, jane: Browser) -> None:
    """SE-03"""
    made_up = f"{'A' * 22}.{'B' * 43}"
    jane.client.cookies["id"] = jane.client.cookies["id"].__class__.parse(f"id={made_up}; Path=/; HttpOnly")  # type: ignore[assignment]  # it is one
    response = jane.visit("/")
    assert "the id of a session that is not there. It was not adopted. unknown" in words(response)
    jane.sign_in()
    assert jane.client.cookies["id"].value.partition(".")[0] != "A" * 22


# --- the trail


def test_the_trail_tells_what_happened_the_newest_first(demo: Demo, jane: Browser) -> None:
    """AU-01"""
    jane.send("/cart", more="lantern")
    text = words(jane.visit("/audit"))
    assert "Jane Doe (jane) user_login" in text
    numbers = [int(number) for number in re.findall(r'class="number">(\d+)<', jane.visit("/audit").text)]
    assert numbers == sorted(numbers, reverse=True) != []
    assert "user_login" in jane.visit("/").text


def test_the_trail_is_for_people_who_are_signed_in(demo: Demo) -> None:
    assert "Sign in" in words(demo.browser().visit("/audit"))
    assert demo.client.get("/audit", headers={"Accept": "application/json"}).status == 401


def test_no_page_shows_the_secret_half_of_an_id(jane: Browser) -> None:
    secret = jane.client.cookies["id"].value.partition(".")[2]
    for target in ("/", "/audit", "/attacks", "/_secmw/sessions"):
        assert secret not in jane.visit(target).text
