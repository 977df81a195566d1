"""Flask, Django and FastAPI behind one host, started as the how-to says, and a person who goes from one to the other."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from playwright.sync_api import expect

from secmw.keys import new_key
from tests.browser.driving import one, send, stored, visit, way
from tests.servers import HOST

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

SERVE: Final = Path(__file__).parents[2] / "docs" / "examples" / "sharing" / "serve.py"
NAMES: Final = ("shop", "forum", "desk")
START: Final = 40.0


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Be the address of the three, which run in a process of their own."""
    folder = tmp_path_factory.mktemp("sharing")
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    address, log = f"http://localhost:{port}", folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-u", str(SERVE), str(port)],
            cwd=folder,
            env={**os.environ, "SECRET_KEY": new_key()},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + START
        while not _answers(address):
            said = log.read_text("utf-8")
            assert process.poll() is None, f"it ended at once\n{said}"
            assert time.monotonic() < deadline, f"it does not answer\n{said}"
            time.sleep(0.05)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(START)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/desk/", timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def sign_in(page: Page, home: str) -> None:
    visit(page, f"{home}/shop/")
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("Name").fill("jane")
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#who")).to_have_text("Jane Doe")


def who(page: Page, home: str, name: str) -> str:
    visit(page, f"{home}/{name}/")
    return page.locator("#who").inner_text()


def put(page: Page, home: str, name: str, label: str, text: str) -> None:
    visit(page, f"{home}/{name}/")
    page.get_by_label(label).fill(text)
    button = "Add" if label == "Item" else "Change"
    response = send(page, button=f"button:text('{button}')")
    assert way(response)[0][0] in (302, 303)


@pytest.mark.parametrize("name", NAMES)
def test_in_on_one_is_in_on_all_and_out_on_one_is_out_on_all(page: Page, home: str, name: str) -> None:
    """SE-08. Another tab, of another application, is out with its next page."""
    sign_in(page, home)
    assert [who(page, home, each) for each in NAMES] == ["Jane Doe"] * 3
    tabs = {each: page.context.new_page() for each in NAMES}
    for each, tab in tabs.items():
        visit(tab, f"{home}/{each}/")
    tabs[name].get_by_role("button", name="Sign out").click()
    expect(tabs[name].locator("#who")).to_have_text("nobody")
    for tab in tabs.values():
        tab.reload()
        expect(tab.locator("#who")).to_have_text("nobody")
    assert stored(page, "id") == []


def test_all_have_one_cookie_and_none_sets_another(page: Page, home: str) -> None:
    sign_in(page, home)
    before = one(page, "id")["value"]
    for name in NAMES:
        put(page, home, name, "Item", f"of the {name}")
    put(page, home, "forum", "Theme", "dark")
    assert one(page, "id")["value"] == before
    for name in NAMES:
        visit(page, f"{home}/{name}/")
        assert page.locator("#items li").all_inner_texts() == [f"of the {name}"]
        expect(page.locator("#theme")).to_have_text("dark")


def test_a_form_that_was_open_when_somebody_signed_in_elsewhere_asks_to_be_loaded_again(
    page: Page, home: str
) -> None:
    """What a stranger's page shows is not what Jane meant to send."""
    tab = page.context.new_page()
    visit(tab, f"{home}/desk/")
    sign_in(page, home)
    tab.get_by_label("Item").fill("late")
    response = send(tab, button="button:text('Add')")
    assert response.status == 403
    visit(tab, f"{home}/desk/")
    assert tab.locator("#items li").all_inner_texts() == []


def test_there_is_one_audit_trail(page: Page, browser: Browser, home: str) -> None:
    other = browser.new_context()
    try:
        theirs = other.new_page()
        for name in NAMES:
            sign_in(theirs, home)
            visit(theirs, f"{home}/{name}/")
            theirs.get_by_role("button", name="Sign out").click()
            expect(theirs.locator("#who")).to_have_text("nobody")
    finally:
        other.close()
    sign_in(page, home)
    visit(page, f"{home}/desk/audit")
    told = json.loads(page.locator("body").inner_text())
    assert told[-7:] == [["user_login", "Jane Doe"], ["session_logged_out", "Jane Doe"]] * 3 + [
        ["user_login", "Jane Doe"]
    ]
