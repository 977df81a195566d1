"""`secmw demo`, started as people start it and clicked through: each attack ends as its page says it should."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import pytest
from playwright.sync_api import expect

from secmw.cli.demo.users import USERS, password_of
from secmw.keys import development_key
from tests.browser.driving import refused, send, stored, visit, way

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.browser.driving import Said

pytestmark = pytest.mark.browser

ATTACKS: Final = ["form", "fetch", "read", "socket", "frame", "host", "forwarded", "script"]

PLAIN: Final = pytest.param((), id="http")
TLS: Final = pytest.param(("--tls",), id="tls")

PHONE: Final = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
    "Mobile/15E148 Safari/604.1"
)

#: Seconds that the command may take to say where it is, and to stop.
START: Final = 40.0


@contextmanager
def started(folder: Path, *options: str) -> Iterator[str]:
    """Run the command in a folder, and return the address that it prints."""
    log = folder / "demo.log"
    program = "import sys; sys.argv[0] = 'secmw'; from secmw.cli import main; main()"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-u", "-c", program, "demo", "--port", "8700", *options],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + START
        while not (found := re.search(r"Open this\s+(https?://localhost:\d+)", log.read_text("utf-8"))):
            said = log.read_text("utf-8")
            assert process.poll() is None, f"the demo ended at once\n{said}"
            assert time.monotonic() < deadline, f"the demo does not say where it is\n{said}"
            time.sleep(0.05)
        yield found[1]
    finally:
        process.terminate()
        try:
            process.wait(START)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="package")
def demo(request: pytest.FixtureRequest, demo_folder: Path) -> Iterator[str]:
    """Be the address of a running demo; its parameter is how it was started."""
    with started(demo_folder, *request.param) as address:
        yield address


@pytest.fixture
def password(demo_folder: Path) -> str:
    """Be Jane's password, as the terminal says it."""
    return password_of(USERS[0], development_key(demo_folder / ".secmw"))


def sign_in(page: Page, demo: str, password: str) -> None:
    """Type a name and a password into the page that the printed address leads to."""
    visit(page, demo)
    page.get_by_label("Name").fill("jane")
    page.get_by_label("Password").fill(password)
    page.locator("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Hello, Jane Doe")


@pytest.mark.parametrize(
    ("demo", "signed_in"),
    [pytest.param((), True, id="http-jane"), pytest.param(("--tls",), False, id="tls-stranger")],
    indirect=["demo"],
)
def test_every_attack_of_the_demo_is_stopped(page: Page, demo: str, password: str, signed_in: bool) -> None:
    if signed_in:
        sign_in(page, demo, password)
    visit(page, f"{demo}/attacks")
    attacker = page.frame_locator("#attacker")
    buttons = attacker.locator("[data-attack]")
    buttons.first.wait_for()
    assert [button.get_attribute("data-attack") for button in buttons.all()] == ATTACKS
    # At once: none of them has anything to do with another. By the keyboard: a card grows when its attack has ended,
    # and what stood under a pointer has moved.
    for attack in ATTACKS:
        attacker.locator(f"[data-attack={attack}]").press("Enter")
    for attack in ATTACKS:
        pill = attacker.locator(f"#{attack} .pill")
        expect(pill).to_have_text(re.compile("stopped|got through"))
        outcome = attacker.locator(f"#{attack} .outcome").inner_text()
        assert pill.inner_text() == "stopped", f"{attack}: {outcome}"
    if signed_in:
        page.set_viewport_size({"width": 1280, "height": 960})
        page.evaluate("scrollTo(0, 250)")
        keep(page, "demo.png")
    # The log beside it tells of each that the application refused.
    for reason in ("cross_origin", "host_not_allowed"):
        expect(page.locator("#log li.refused", has_text=reason).first).to_be_visible()


@pytest.mark.parametrize("demo", [TLS], indirect=True)
def test_the_demos_own_requests_get_in_with_the_token_alone(page: Page, demo: str) -> None:
    visit(page, f"{demo}/attacks")
    result = page.locator("#sent")
    for button, words in (
        ("[data-fetch=good]", "200 saved"),
        ("[data-fetch=none]", "403 xsrf_missing"),
        ("[data-fetch=forged]", "403 xsrf_mismatch"),
        ("#echo", "101 accepted"),
    ):
        page.click(button)
        expect(result).to_contain_text(words)
    page.fill("input[name=note]", "from a form")
    response = send(page, button="#send button.primary")
    assert [status for status, _, _ in way(response)] == [303]
    expect(page.locator("#notes li").first).to_have_text("from a form")
    refused(send(page, button="text=Form without it"), "xsrf_missing")


@pytest.mark.parametrize("demo", [PLAIN, TLS], indirect=True)
def test_the_demos_page_shows_what_the_browser_really_got(page: Page, said: Said, demo: str) -> None:
    visit(page, f"{demo}/attacks")
    expect(page.locator("#checked")).to_contain_text("every one of them")
    expect(page.locator("[data-frame=allowed]")).to_have_text("shown")
    expect(page.locator("[data-frame=refused]")).to_have_text("refused by the browser")
    expect(page.locator("#readable")).to_have_text("XSRF-TOKEN")
    visit_name = "__Host-visit" if demo.startswith("https") else "visit"
    assert {cookie["name"] for cookie in stored(page)} == {visit_name, "XSRF-TOKEN"}
    # Nothing of the page's own offends its policy; what is refused is the frame that is there to be.
    complaints = [line for line in said.console if "violates" in line and "frame-ancestors" not in line]
    assert complaints == []


@pytest.mark.parametrize("demo", [PLAIN], indirect=True)
def test_a_script_that_slips_into_the_demo_is_not_run(page: Page, demo: str) -> None:
    visit(page, f"{demo}/attacks")
    page.click("#scripts button")
    greeting = page.frame_locator("[name=greeting]")
    expect(greeting.locator("#blocked li").first).to_contain_text("did not run")
    expect(greeting.locator("#state")).to_have_text("No foreign script has run.")


# --- people


@pytest.mark.parametrize("demo", [PLAIN, TLS], indirect=True)
def test_a_cart_filled_before_signing_in_is_there_afterwards(page: Page, demo: str, password: str) -> None:
    """SE-04: and the id is another one."""
    name = "__Host-id" if demo.startswith("https") else "id"
    visit(page, demo)
    page.get_by_role("button", name="One Lantern more").click()
    expect(page.get_by_text("30 coins in all.")).to_be_visible()
    [before] = [cookie["value"] for cookie in stored(page, name)]
    sign_in(page, demo, password)
    expect(page.get_by_text("30 coins in all.")).to_be_visible()
    [after] = [cookie["value"] for cookie in stored(page, name)]
    assert after.partition(".")[0] != before.partition(".")[0]


@pytest.mark.parametrize("demo", [PLAIN], indirect=True)
def test_a_wrong_password_is_said_and_nothing_more(page: Page, demo: str) -> None:
    visit(page, demo)
    page.get_by_label("Name").fill("jane")
    page.get_by_label("Password").fill("wrong")
    page.locator("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("That name and that password don't belong together.")
    expect(page.get_by_label("Password")).to_have_value("")


@pytest.mark.parametrize("demo", [PLAIN, TLS], indirect=True)
def test_one_browser_ends_the_session_of_another(
    page: Page, browser: Browser, demo: str, password: str
) -> None:
    """SE-12"""
    sign_in(page, demo, password)
    page.locator("nav").get_by_text("Sessions").click()
    if page.get_by_role("button", name="Sign out everywhere else").is_visible():
        page.get_by_role("button", name="Sign out everywhere else").click()
    context = browser.new_context(
        user_agent=PHONE, viewport={"width": 390, "height": 844}, color_scheme="dark"
    )
    phone = context.new_page()
    sign_in(phone, demo, password)
    page.reload()
    here, there = page.get_by_role("listitem").all()
    expect(here).to_contain_text("This browser")
    expect(there).to_contain_text("Safari on iPhone")
    visit(phone, f"{demo}/_secmw/sessions")
    keep(phone, "sessions-phone.png")
    page.set_viewport_size({"width": 800, "height": 860})
    keep(page, "sessions.png")
    there.get_by_role("button", name="Sign out Safari on iPhone").click()
    expect(page.get_by_role("listitem")).to_have_count(1)
    visit(phone, demo)
    expect(phone.locator("#ended")).to_have_text("Your session was ended from another browser. revoked")
    context.close()


@pytest.mark.parametrize("demo", [PLAIN, TLS], indirect=True)
def test_the_keys_ask_for_the_password_and_a_script_is_told(page: Page, demo: str, password: str) -> None:
    """SU-02 SU-03"""
    sign_in(page, demo, password)
    page.get_by_role("button", name="One Lantern more").click()
    page.get_by_role("button", name="Ask for them by script").click()
    expect(page.locator("#asked")).to_contain_text("401 sudo_required")
    page.get_by_role("link", name="Open your API keys").click()
    field = page.get_by_label("Password")
    expect(field).to_be_focused()
    page.set_viewport_size({"width": 800, "height": 560})
    keep(page, "sudo.png")
    field.fill("wrong")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("alert")).to_have_text("That is not the password.")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Go on").click()
    expect(page).to_have_url(f"{demo}/keys")
    page.get_by_label("What it is for").fill("Nightly backup")
    page.get_by_role("button", name="Create a key").click()
    expect(page.locator("#fresh code")).to_have_text(re.compile(r"^[0-9a-f]{8}\.\S{32}$"))
    page.reload()
    expect(page.locator("#fresh")).to_have_count(0)
    page.locator("nav").get_by_text("Shop").click()
    actions = page.locator("#events tbody tr td:nth-child(4)")
    expect(actions.first).to_have_text("add_api_key")
    page.set_viewport_size({"width": 1280, "height": 1120})
    keep(page, "shop.png")
    page.get_by_role("button", name="Ask for them by script").click()
    expect(page.locator("#asked")).to_contain_text("200 answered")


@pytest.mark.parametrize("demo", [PLAIN], indirect=True)
def test_all_of_it_works_without_scripts(browser: Browser, demo: str, password: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, demo, password)
    page.get_by_role("button", name="One Whistle more").click()
    expect(page.locator("output").last).to_have_text("1")
    page.locator("nav").get_by_text("API keys").click()
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("What it is for").fill("No script")
    page.get_by_role("button", name="Create a key").click()
    expect(page.locator("#fresh")).to_be_visible()
    page.get_by_role("button", name="Remove No script").click()
    expect(page.get_by_role("button", name="Remove No script")).to_have_count(0)
    page.locator("nav").get_by_text("Audit").click()
    expect(page.locator("#events")).to_contain_text("remove_api_key")
    page.locator("nav").get_by_text("Sessions").click()
    page.get_by_role("link", name="Back to the site").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert stored(page, "id") == []
    context.close()


@pytest.mark.parametrize("demo", [PLAIN], indirect=True)
def test_one_can_watch_the_session_end(page: Page, demo: str, password: str) -> None:
    page.clock.install()
    sign_in(page, demo, password)
    idle = page.locator("[data-left]").first
    expect(idle).to_have_text(re.compile(r"^(8:00:00|7:59:\d\d)$"))
    page.clock.fast_forward("01:00:00")
    expect(idle).to_have_text(re.compile(r"^[67]:(00:00|59:\d\d)$"))
    expect(page.locator("#over")).to_be_hidden()
    page.clock.fast_forward("08:00:00")
    expect(page.locator("#over")).to_contain_text("It is over by now.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("demo", [PLAIN], indirect=True)
def test_every_page_can_be_read_in_the_dark_and_on_a_small_screen(
    browser: Browser, said: Said, demo: str, password: str, scheme: Literal["light", "dark"]
) -> None:
    """WCAG 2.2, 1.4.3: a contrast of 4.5 to 1, and 1.4.10: no scrolling sideways at 320 pixels."""
    context = browser.new_context(color_scheme=scheme, viewport={"width": 320, "height": 640})
    said.listen(context)
    page = context.new_page()
    visit(page, demo)
    read = [page.url]
    assert weak(page) == []
    sign_in(page, demo, password)
    for path in ("/", "/audit", "/_secmw/sudo?next=/keys", "/_secmw/sessions"):
        read.append(visit(page, f"{demo}{path}").url)
        assert weak(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
        if path == "/" and scheme == "dark":
            page.set_viewport_size({"width": 390, "height": 844})
            keep(page, "shop-phone.png")
            page.set_viewport_size({"width": 320, "height": 640})
    page.get_by_role("button", name="Sign out", exact=False).first.click()
    context.close()
    assert [line for line in said.console if "violates" in line or "Refused" in line] == []
    assert len(set(read)) == 5


def weak(page: Page) -> list[tuple[str, float]]:
    """Return the texts of a page whose contrast with what is painted behind them is too small, and how small."""
    found: list[tuple[str, float]] = page.evaluate(_WEAK)
    return found


#: Every text that is shown: its contrast (WCAG 2.2) with the first background behind it that is not see-through.
_WEAK: Final = """() => {
    const light = colour => {
        const [r, g, b] = colour.match(/[0-9.]+/g).slice(0, 3).map(each => {
            const part = each / 255;
            return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const weak = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const element = walk.currentNode.parentElement;
        if (!walk.currentNode.data.trim() || !element.checkVisibility() || element.closest(":disabled")) continue;
        let behind = element;
        while (behind.parentElement && getComputedStyle(behind).backgroundColor === "rgba(0, 0, 0, 0)") {
            behind = behind.parentElement;
        }
        const pair = [light(getComputedStyle(element).color), light(getComputedStyle(behind).backgroundColor)];
        const contrast = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
        if (contrast < 4.5) weak.push([walk.currentNode.data.trim(), contrast]);
    }
    return weak;
}"""


def keep(page: Page, name: str) -> None:
    """Keep a picture of the page where SECMW_IMAGES says."""
    if folder := os.environ.get("SECMW_IMAGES"):
        page.screenshot(path=Path(folder) / name)
