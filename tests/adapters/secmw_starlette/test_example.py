"""The single-page front end with its FastAPI back end works, in process and in a browser."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from secmw.testing import Client
from tests.browser.chromium import program
from tests.servers import serve

FOLDER: Final = Path(__file__).resolve().parents[3] / "docs" / "examples" / "fastapi_spa"
HERE: Final = "http://localhost:8000"
RIGHT: Final = {"name": "jane", "password": "correct horse"}


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """Be a new browser, on an application with notes and sessions of its own."""
    monkeypatch.chdir(tmp_path)
    spec = importlib.util.spec_from_file_location("fastapi_spa", FOLDER / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    # FastAPI looks for the names of annotations in the module.
    monkeypatch.setitem(sys.modules, "fastapi_spa", module)
    spec.loader.exec_module(module)
    with Client(module.app, base_url=HERE) as client:
        client.get("/_secmw/xsrf")
        yield client


def test_every_file_of_the_front_end_is_served_under_a_strict_policy(person: Client) -> None:
    for path in ("/", "/app.js", "/app.css"):
        response = person.get(path)
        assert response.status == 200
        policy = response.header("Content-Security-Policy") or ""
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert response.header("Vary") is None
    for word in ("<style", "style=", "onclick", "<script>"):
        assert word not in person.get("/").text


def test_notes_are_for_those_who_are_signed_in(person: Client) -> None:
    assert person.get("/api/me").json() == {"name": None}
    assert person.get("/api/notes").json()["reason"] == "sign_in_required"
    assert person.post("/api/sign-in", json={**RIGHT, "password": "wrong"}).status == 403
    assert person.post("/api/sign-in", json=RIGHT).json() == {"name": "jane"}
    assert person.get("/api/me").json() == {"name": "jane"}
    assert person.post("/api/notes", json={"text": "Call Ada"}).json() == ["Buy milk", "Call Ada"]
    assert person.post("/api/sign-out").json() == {"name": None}
    assert person.get("/api/notes").status == 401


def test_a_call_without_the_token_is_refused(person: Client) -> None:
    person.post("/api/sign-in", json=RIGHT)
    refused = person.post("/api/notes", json={"text": "x"}, headers={"X-XSRF-TOKEN": None})
    assert (refused.status, refused.json()["reason"]) == (403, "xsrf_missing")


def test_all_notes_are_removed_after_the_password_was_given_again(person: Client) -> None:
    person.post("/api/sign-in", json=RIGHT)
    asked = person.request("DELETE", "/api/notes")
    assert (asked.status, asked.json()["page"]) == (401, "/_secmw/sudo")
    given = person.post("/_secmw/sudo", form={"password": RIGHT["password"], "next": "/"})
    assert (given.status, given.header("Location")) == (303, "/")
    assert person.request("DELETE", "/api/notes").json() == []


def test_the_socket_is_for_those_who_are_signed_in(person: Client) -> None:
    assert person.websocket("/api/live").status == 401
    person.post("/api/sign-in", json=RIGHT)
    assert person.websocket("/api/live").accepted


def test_openapi_says_what_needs_a_session(person: Client) -> None:
    paths = person.get("/openapi.json").json()["paths"]
    assert paths["/api/notes"]["delete"]["security"] == [{"session": []}]
    assert "security" not in paths["/api/me"]["get"]


@pytest.mark.browser
@pytest.mark.unmeasured
def test_a_person_clicks_through_it_and_the_browser_has_nothing_to_complain_about() -> None:
    from playwright.sync_api import expect, sync_playwright

    said: list[str] = []
    with (
        serve("uvicorn-httptools", "app:app", env={"PYTHONPATH": os.fspath(FOLDER)}) as server,
        sync_playwright() as playwright,
    ):
        chromium = program("chromium", "chromium-browser", "google-chrome")
        flags = ["--disable-dev-shm-usage", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=chromium, chromium_sandbox=False, args=flags)
        context = browser.new_context(base_url=f"http://localhost:{server.port}")
        context.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        context.on("weberror", lambda error: said.append(str(error.error)))
        page = context.new_page()
        page.goto("/")
        page.get_by_label("Name").fill(RIGHT["name"])
        page.get_by_label("Password").fill(RIGHT["password"])
        page.get_by_role("button", name="Sign in").click()
        notes = page.get_by_role("listitem")
        expect(notes).to_have_text(["Buy milk"])
        page.get_by_label("Note").fill("<b>Call Ada</b>")
        page.get_by_role("button", name="Add").click()
        expect(notes).to_have_text(["Buy milk", "<b>Call Ada</b>"])

        page.get_by_role("button", name="Remove all notes").click()
        page.wait_for_url("**/_secmw/sudo?next=%2F")
        page.get_by_label("Password").fill(RIGHT["password"])
        page.keyboard.press("Enter")
        page.wait_for_url("**/")
        expect(notes).to_have_count(2)
        page.get_by_role("button", name="Remove all notes").click()
        expect(notes).to_have_count(0)

        other = context.new_page()
        other.goto("/")
        other.get_by_role("button", name="Sign out").click()
        expect(other.get_by_role("status")).to_have_text("You have signed out.")
        expect(page.get_by_role("status")).to_have_text("Your session has ended.")
        expect(page.get_by_role("button", name="Sign in")).to_be_visible()
        browser.close()
    # The browser notes each answer that is an error, like the one that asked for the password.
    complaints = [line for line in said if not line.startswith("info: ") and "status of 401" not in line]
    assert complaints == []
