"""An application that was moved as docs/howto/migrate-flask.md says does what it did before, and takes people along."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from redis import Redis

from secmw.testing import Client, Response
from tests.adapters.migration import names_of
from tests.docs.blocks import DOCS
from tests.services.redis import serve_redis

SITE: Final = "https://shop.example.org"
FORM: Final = {"name": "jane", "password": "correct horse"}


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with serve_redis() as server:
        yield server.url


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redis_url: str) -> dict[str, Any]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(DOCS / "examples")
    monkeypatch.setenv("SECRET_KEY", "")
    monkeypatch.setenv("REDIS_URL", redis_url)
    return names_of("migrate-flask")


@pytest.fixture
def browser(page: dict[str, Any]) -> Client:
    return Client(page["app"], base_url=SITE)


def visited(browser: Client) -> Client:
    assert browser.get("/_secmw/xsrf").status == 204
    return browser


def kept(redis_url: str, sid: str, **data: Any) -> None:
    """Keep a session as Flask-Session 0.8 does."""
    value = msgspec.msgpack.encode({"_permanent": True, **data})
    Redis.from_url(redis_url).set(f"session:{sid}", value, ex=3600)


def arrives(page: dict[str, Any], sid: str, path: str = "/account") -> Response:
    """Come with nothing but a cookie of before."""
    return Client(page["app"], base_url=SITE).get(path, headers={"Cookie": f"session={sid}"})


pytestmark = pytest.mark.server


def test_signing_in_and_out_works_as_before(browser: Client) -> None:
    assert browser.get("/account", headers={"Sec-Fetch-Mode": "navigate"}).header("Location") == (
        "/sign-in?next=/account"
    )
    assert visited(browser).post("/sign-in", form=FORM).header("Location") == "/"
    assert browser.get("/account").text == "You are 42."
    assert browser.post("/sign-out").status == 302
    assert browser.get("/account").status == 401


def test_what_was_exempt_is_and_the_widget_may_still_be_framed(browser: Client) -> None:
    elsewhere = {"Origin": "https://payments.example"}
    assert browser.post("/hooks/payment", headers=elsewhere).status == 204
    assert browser.post("/sign-out", headers=elsewhere).status == 403
    assert browser.get("/widget").header("X-Frame-Options") is None
    assert browser.get("/account").header("X-Frame-Options") == "DENY"


def test_the_content_security_policy_is_the_one_of_before(page: dict[str, Any]) -> None:
    app = page["app"]
    app.add_url_rule("/nonce", view_func=app.jinja_env.globals["csp_nonce"])
    response = Client(app, base_url=SITE).get("/nonce")
    assert f"script-src 'self' 'nonce-{response.text}'" in str(response.header("Content-Security-Policy"))
    assert "default-src 'self'" in str(response.header("Content-Security-Policy"))


def test_the_names_that_templates_and_scripts_use_can_stay(page: dict[str, Any]) -> None:
    from secmw_flask import Secmw

    app = Flask("old")
    Secmw(app, page["policy"])
    app.add_url_rule("/", view_func=page["app"].jinja_env.globals["csrf_token"])
    app.add_url_rule("/", endpoint="post", view_func=lambda: "done", methods=["POST"])
    browser = Client(app, base_url=SITE)
    token = browser.get("/").text
    assert "_csrf_token" in browser.cookies
    carried = {"Origin": SITE, "Cookie": "; ".join(f"{n}={c.value}" for n, c in browser.cookies.items())}
    ways: list[dict[str, Any]] = [
        {"headers": {**carried, "X-CSRFToken": token}},
        {"headers": carried, "form": {"_csrf_token": token}},
    ]
    for way in ways:
        assert browser.request("POST", "/", browser=False, **way).text == "done"
    assert browser.request("POST", "/", browser=False, headers=carried).status == 403


# --- people who are signed in -------------------------------------------------------------------------------------------


def test_who_was_signed_in_stays_so_and_their_cart_with_them(page: dict[str, Any], redis_url: str) -> None:
    kept(redis_url, "janes", user_id="42", cart=["apples"], color="red")
    page["app"].add_url_rule("/session", view_func=lambda: dict(page["session"]))
    browser = Client(page["app"], base_url=SITE)
    response = browser.get("/account", headers={"Cookie": "session=janes"})
    assert response.text == "You are 42."
    assert any(line.startswith("session=;") for line in response.all("Set-Cookie"))
    assert browser.get("/account").text == "You are 42."
    assert browser.get("/session").json() == {"cart": ["apples"]}


def test_an_old_id_is_good_once(page: dict[str, Any], redis_url: str) -> None:
    """Whoever copied it comes too late. (SE-04)"""
    kept(redis_url, "copied", user_id="42")
    assert arrives(page, "copied").text == "You are 42."
    assert arrives(page, "copied").status == 401


def test_an_old_id_that_nobody_issued_opens_nothing(page: dict[str, Any]) -> None:
    for sid in ("made-up", "", "*", "janes\n"):
        response = arrives(page, sid.strip())
        assert response.status == 401
        assert not [line for line in response.all("Set-Cookie") if line.startswith("__Host-id")]


def test_a_strangers_old_session_brings_the_cart_and_nobody_in(page: dict[str, Any], redis_url: str) -> None:
    kept(redis_url, "strangers", cart=["pears"])
    response = arrives(page, "strangers", "/widget")
    assert "__Host-id" in str(response.all("Set-Cookie"))
    assert arrives(page, "strangers").status == 401


def test_flasks_own_cookie_is_read_as_the_page_says() -> None:
    app = Flask("old")
    app.config["SECRET_KEY"] = "of before"
    signer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert signer is not None
    assert signer.loads(signer.dumps({"user_id": "42"})) == {"user_id": "42"}
