"""`secmw demo`, started as people start it and clicked through: each attack ends as its page says it should."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from playwright.sync_api import expect

from tests.browser.driving import refused, send, stored, visit, way

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.driving import Said

pytestmark = pytest.mark.browser

ATTACKS: Final = ["form", "fetch", "read", "socket", "frame", "host", "forwarded", "script"]

PLAIN: Final = pytest.param((), id="http")
TLS: Final = pytest.param(("--tls",), id="tls")

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


@pytest.mark.parametrize("demo", [PLAIN, TLS], indirect=True)
def test_every_attack_of_the_demo_is_stopped(page: Page, demo: str) -> None:
    visit(page, demo)
    attacker = page.frame_locator("#attacker")
    buttons = attacker.locator("[data-attack]")
    buttons.first.wait_for()
    assert [button.get_attribute("data-attack") for button in buttons.all()] == ATTACKS
    # At once: none of them has anything to do with another.
    for attack in ATTACKS:
        attacker.locator(f"[data-attack={attack}]").click()
    for attack in ATTACKS:
        pill = attacker.locator(f"#{attack} .pill")
        expect(pill).to_have_text(re.compile("stopped|got through"))
        outcome = attacker.locator(f"#{attack} .outcome").inner_text()
        assert pill.inner_text() == "stopped", f"{attack}: {outcome}"
    # The log beside it tells of each that the application refused.
    for reason in ("cross_origin", "host_not_allowed"):
        expect(page.locator("#log li.refused", has_text=reason).first).to_be_visible()


@pytest.mark.parametrize("demo", [TLS], indirect=True)
def test_the_demos_own_requests_get_in_with_the_token_alone(page: Page, demo: str) -> None:
    visit(page, demo)
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
    visit(page, demo)
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
    visit(page, demo)
    page.click("#scripts button")
    greeting = page.frame_locator("[name=greeting]")
    expect(greeting.locator("#blocked li").first).to_contain_text("did not run")
    expect(greeting.locator("#state")).to_have_text("No foreign script has run.")
