"""The example shop works, is protected as its page says, and starts with the one command that it names."""

from __future__ import annotations

import hmac
import importlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.browser.chromium import program

SHOP: Final = Path(__file__).resolve().parents[3] / "docs" / "examples" / "flask_shop"
NAVIGATES: Final = {"Sec-Fetch-Mode": "navigate", "Accept": "text/html"}
ADDRESSES: Final = "/account/addresses"


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(SHOP)
    before = set(sys.modules)
    made: Flask = importlib.import_module("shop").create_app({"TESTING": True, "SECMW_STORE": "memory://"})
    yield made
    for name in set(sys.modules) - before:
        if name.partition(".")[0] == "shop":
            del sys.modules[name]


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def token_of(page: str) -> str:
    found = re.search(r'name="xsrf_token" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def sign_in(client: FlaskClient, password: str = "correct horse", after: str = "/") -> int:
    form = {"name": "jane", "password": password, "next": after}
    return client.post("/account/sign-in", data=form).status_code


def test_a_cart_is_kept_and_survives_the_sign_in(client: FlaskClient) -> None:
    for item in ("apples", "pears"):
        assert client.post("/cart", data={"item": item}).status_code == 303
    assert "There are pears in your cart now." in client.get("/").text
    assert sign_in(client) == 303
    page = client.get("/").text
    assert "<li>apples</li><li>pears</li>" in page
    assert "Jane Doe (jane)" in page
    assert client.post("/cart", data={"item": "gold"}).status_code == 404


def test_the_forms_carry_the_token_by_themselves(client: FlaskClient) -> None:
    token = token_of(client.get("/").text)
    by_form = {"Origin": "http://localhost", "X-XSRF-TOKEN": ""}
    assert client.post("/cart", data={"item": "plums"}, headers=by_form).status_code == 403
    with_token = {"item": "plums", "xsrf_token": token}
    plain = client.application.test_client()
    plain.set_cookie("visit", value_of(client, "visit"))
    plain.set_cookie("XSRF-TOKEN", value_of(client, "XSRF-TOKEN"))
    sent = plain.post("/cart", data=with_token, headers={"Origin": "http://localhost"})
    assert sent.status_code == 303


def value_of(client: FlaskClient, name: str) -> str:
    cookie = client.get_cookie(name)
    assert cookie is not None
    return cookie.value


def test_a_form_of_another_site_is_refused(client: FlaskClient) -> None:
    client.get("/")
    evil = {"Origin": "https://evil.example"}
    assert client.post("/cart", data={"item": "plums"}, headers=evil).status_code == 403
    assert "plums</li>" not in client.get("/").text


def test_a_wrong_password_signs_nobody_in(client: FlaskClient) -> None:
    assert sign_in(client, "wrong") == 403
    assert "Jane" not in client.get("/").text


def test_the_sign_in_leads_back_to_this_site_alone(client: FlaskClient) -> None:
    asked = client.get(ADDRESSES, headers=NAVIGATES).headers["Location"]
    assert asked == f"/account/sign-in?next={ADDRESSES}"
    assert f'name="next" value="{ADDRESSES}"' in client.get(asked).text
    assert f'name="next" value="{ADDRESSES}"' not in client.get("/account/sign-in?next=//evil.example").text


def test_the_addresses_need_the_password_again(client: FlaskClient) -> None:
    sign_in(client)
    asked = client.get(ADDRESSES, headers=NAVIGATES)
    assert asked.headers["Location"] == f"/_secmw/sudo?next={ADDRESSES}"
    assert client.post(ADDRESSES, data={"address": "Nowhere"}).status_code == 401
    given = client.post("/_secmw/sudo", data={"password": "correct horse", "next": ADDRESSES})
    assert given.headers["Location"] == ADDRESSES
    assert "1 Orchard Lane" in client.get(ADDRESSES).text
    assert client.post(ADDRESSES, data={"address": "2 Orchard Lane"}).status_code == 303
    assert "2 Orchard Lane" in client.get(ADDRESSES).text


def test_after_the_sign_out_nobody_is_signed_in(client: FlaskClient) -> None:
    sign_in(client)
    assert client.post("/_secmw/sign-out").status_code == 303
    assert "Jane" not in client.get("/").text


def test_the_webhook_needs_a_signature_and_no_token(app: Flask) -> None:
    body = b'{"order": "7"}'
    signature = hmac.digest(app.config["PAYMENT_SECRET"].encode(), body, "sha256").hex()
    server = app.test_client(use_cookies=False)
    for sent, status in ((signature, 204), ("0" * 64, 403)):
        answer = server.post(
            "/hooks/payment",
            data=body,
            headers={"X-Signature": sent, "Content-Type": "application/json"},
        )
        assert answer.status_code == status
    assert server.post("/cart", data={"item": "plums"}).status_code == 403


def test_the_pages_style_has_the_nonce_of_the_header(client: FlaskClient) -> None:
    response = client.get("/")
    found = re.search(r'<style nonce="([^"]+)">', response.text)
    assert found is not None
    assert f"style-src 'nonce-{found[1]}'" in response.headers["Content-Security-Policy"]


def test_it_is_another_application_with_a_production_configuration(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLASK_SECMW_PRESET", "recommended")
    monkeypatch.setenv("FLASK_SECMW_PUBLIC_URL", "https://shop.example.org")
    monkeypatch.setenv("FLASK_SECMW_SECRET_KEYS", "AcBFdJr4wMOsGxPvGpi0VONEjBOVMSM+lnbH5jVTxGg=")
    monkeypatch.setenv("FLASK_SECMW_STORE", "memory://")
    made = sys.modules["shop"].create_app()
    response = made.test_client().get("/", base_url="https://shop.example.org")
    assert response.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert response.headers["Set-Cookie"].startswith("__Host-visit=")


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """Serve it with the command that its first line names, and give the address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "flask", "--app", "shop", "run", "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": str(SHOP), "COVERAGE_PROCESS_CONFIG": ""}
    with (
        (directory / "log").open("w", encoding="utf-8") as log,
        subprocess.Popen(command, cwd=directory, env=environment, stdout=log, stderr=log) as server,
    ):
        try:
            until = time.monotonic() + 40
            while time.monotonic() < until and server.poll() is None:
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.1)
            yield f"http://localhost:{port}"
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(10)


@pytest.mark.server
@pytest.mark.unmeasured
def test_one_command_serves_it(tmp_path: Path) -> None:
    with served(tmp_path) as address, urllib.request.urlopen(address, timeout=20) as answer:
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "Orchard" in answer.read().decode()


@pytest.mark.browser
@pytest.mark.unmeasured
def test_a_person_clicks_through_it_and_the_browser_has_nothing_to_complain_about(tmp_path: Path) -> None:
    from playwright.sync_api import expect, sync_playwright

    said: list[str] = []
    with served(tmp_path) as address, sync_playwright() as playwright:
        chromium = program("chromium", "chromium-browser", "google-chrome")
        flags = ["--disable-dev-shm-usage", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=chromium, chromium_sandbox=False, args=flags)
        context = browser.new_context(base_url=address)
        context.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        context.on("weberror", lambda error: said.append(str(error.error)))
        page = context.new_page()
        page.goto("/")
        page.get_by_role("button", name="Add pears").click()
        expect(page.get_by_role("status")).to_have_text("There are pears in your cart now.")
        expect(page.get_by_role("listitem")).to_have_text(["pears"])

        page.get_by_role("link", name="Sign in").click()
        page.get_by_label("Name").fill("jane")
        page.get_by_label("Password").fill("correct horse")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("listitem")).to_have_text(["pears"])

        page.get_by_role("link", name="Jane Doe").click()
        page.wait_for_url("**/_secmw/sudo?next=**")
        page.get_by_label("Password").fill("correct horse")
        page.keyboard.press("Enter")
        page.get_by_label("Address").fill("2 Orchard Lane")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_label("Address")).to_have_value("2 Orchard Lane")

        page.get_by_role("button", name="Sign out").click()
        page.goto("/")
        expect(page.get_by_role("link", name="Sign in")).to_be_visible()
        expect(page.get_by_role("listitem")).to_have_count(0)
        browser.close()
    assert [line for line in said if not line.startswith("info: ")] == []
