"""An application that was moved as docs/howto/migrate-starlette.md says does what it did before, and takes people along."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from secmw import ConfigError
from secmw.testing import Client
from tests.adapters.migration import names_of
from tests.docs.blocks import DOCS

SITE: Final = "https://shop.example.org"
FORM: Final = {"name": "jane", "password": "correct horse"}


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(DOCS / "examples")
    monkeypatch.setenv("SECRET_KEY", "")
    monkeypatch.setenv("OLD_SECRET_KEY", "")
    return names_of("migrate-starlette")


@pytest.fixture
def browser(page: dict[str, Any]) -> Client:
    return Client(page["app"], base_url=SITE)


def old_cookie(key: str, **data: Any) -> str:
    """Return the cookie that Starlette's own middleware sets."""

    async def put(request: Request) -> Response:
        request.session.update(data)
        return JSONResponse(None)

    app = Starlette(routes=[Route("/", put)], middleware=[Middleware(SessionMiddleware, secret_key=key)])
    line = Client(app, base_url=SITE).get("/").all("Set-Cookie")[0]
    return line.partition(";")[0]


def test_signing_in_and_out_works_as_before(browser: Client) -> None:
    stranger = browser.get("/account", headers={"Sec-Fetch-Mode": "navigate"})
    assert stranger.header("Location") == "/sign-in?next=/account"
    browser.get("/_secmw/xsrf")
    assert browser.post("/sign-in", form=FORM).header("Location") == "/"
    assert browser.get("/account").json() == {"user": "42"}
    assert browser.post("/sign-out").status == 303
    assert browser.get("/account").status == 401


def test_what_was_exempt_is(browser: Client) -> None:
    elsewhere = {"Origin": "https://payments.example"}
    assert browser.post("/hooks/payment", headers=elsewhere).status == 204
    assert browser.post("/sign-out", headers=elsewhere).status == 403


def test_both_session_middlewares_at_once_do_not_start(page: dict[str, Any]) -> None:
    both = Starlette(middleware=[Middleware(SessionMiddleware, secret_key="of before")])
    with pytest.raises(ConfigError, match="SessionMiddleware"):
        page["SecmwMiddleware"](both, page["policy"])


# --- people who are signed in -------------------------------------------------------------------------------------------


def test_who_was_signed_in_stays_so_and_their_cart_with_them(page: dict[str, Any], browser: Client) -> None:
    async def shown(request: Request) -> Response:
        return JSONResponse(dict(request.session))

    page["site"].routes.append(Route("/session", shown))
    cookie = old_cookie("the key of before", user_id="42", cart=["apples"], color="red")
    response = browser.get("/account", headers={"Cookie": cookie})
    assert response.json() == {"user": "42"}
    assert "session=; Path=/; Max-Age=0" in response.all("Set-Cookie")
    assert browser.get("/account").json() == {"user": "42"}
    assert browser.get("/session").json() == {"cart": ["apples"]}


@pytest.mark.parametrize("how", ["another key", "cut off", "no cookie of Starlette's", "empty"])
def test_a_cookie_that_was_not_signed_by_us_opens_nothing(browser: Client, how: str) -> None:
    cookie = {
        "another key": old_cookie("another key", user_id="42"),
        "cut off": old_cookie("the key of before", user_id="42")[:-3],
        "no cookie of Starlette's": "session=garbage",
        "empty": "session=",
    }[how]
    response = browser.get("/account", headers={"Cookie": cookie})
    assert response.status == 401
    assert not [line for line in response.all("Set-Cookie") if line.startswith("__Host-id")]


def test_an_old_cookie_does_not_take_the_place_of_a_sign_in(browser: Client) -> None:
    browser.get("/_secmw/xsrf")
    browser.post("/sign-in", form=FORM)
    carried = "; ".join(f"{name}={cookie.value}" for name, cookie in browser.cookies.items())
    other = old_cookie("the key of before", user_id="66")
    assert browser.get("/account", headers={"Cookie": f"{carried}; {other}"}).json() == {"user": "42"}


def test_a_stranger_signs_nobody_in_but_brings_the_cart(browser: Client) -> None:
    cookie = old_cookie("the key of before", cart=["pears"])
    assert browser.get("/account", headers={"Cookie": cookie}).status == 401
