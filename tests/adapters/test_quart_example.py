"""The application in docs/examples/quart_adapter does what its users expect, and is protected."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from quart import Blueprint, Quart, session

from secmw import ConfigError, Policy
from secmw.testing import Client
from tests.adapters.quart_app import FOLDER, example

HERE = "http://localhost:8000"
EVIL = {"Origin": "https://evil.example"}


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.syspath_prepend(FOLDER)
    yield Client(example("app").app, base_url=HERE)
    sys.modules.pop("app", None)
    example.cache_clear()


def policy(**settings: Any) -> Policy:
    return Policy.development(**{"store": "memory://", **settings})


def signed_in(client: Client) -> Client:
    client.get("/")
    assert client.post("/sign-in", form={"name": "jane", "password": "correct horse"}).status == 303
    return client


def test_a_note_is_kept_in_the_session_of_this_browser_alone(client: Client) -> None:
    client.get("/")
    assert client.post("/notes", form={"note": "Buy milk"}).status == 303
    assert "Buy milk" in client.get("/").text
    client.cookies.clear()
    assert "Buy milk" not in client.get("/").text


def test_a_form_of_another_site_adds_no_note(client: Client) -> None:
    client.get("/")
    response = client.post("/notes", form={"note": "spam"}, headers=EVIL)
    assert (response.status, response.header("X-Frame-Options")) == (403, "DENY")
    assert "spam" not in client.get("/").text


def test_a_page_has_the_token_and_the_nonce_that_its_headers_name(client: Client) -> None:
    response = client.get("/")
    nonce = response.text.partition('nonce="')[2].partition('"')[0]
    assert f"'nonce-{nonce}'" in str(response.header("Content-Security-Policy-Report-Only"))
    assert response.text.count('name="xsrf_token"') == 2


def test_a_view_that_asks_for_a_sign_in_leads_there(client: Client) -> None:
    response = client.get("/account", headers={"Sec-Fetch-Mode": "navigate"})
    assert (response.status, response.header("Location")) == (303, "/?next=/account")
    assert client.get("/account").status == 401
    assert "You are jane" in signed_in(client).get("/account").text


def test_a_wrong_password_signs_nobody_in(client: Client) -> None:
    client.get("/")
    client.post("/sign-in", form={"name": "jane", "password": "wrong"})
    client.post("/sign-in", form={"name": "nobody", "password": ""})
    assert client.get("/account").status == 401


def test_a_view_that_asks_for_the_password_again_is_behind_web_sudo(client: Client) -> None:
    signed_in(client)
    assert client.post("/account/delete").json()["reason"] == "sudo_required"
    client.get("/_secmw/sudo")
    assert client.post("/_secmw/sudo", form={"password": "correct horse", "next": "/"}).status == 303
    assert client.post("/account/delete").text == "Gone."


def test_a_view_that_is_exempt_is_asked_nothing_and_its_neighbours_are(client: Client) -> None:
    assert client.post("/hooks/a", headers=EVIL).text == "a"
    assert client.post("/hooks/a/", headers=EVIL).status == 403
    assert client.post("/notes", headers=EVIL).status == 403


def test_a_view_may_have_other_headers_than_its_path(client: Client) -> None:
    assert client.get("/widget").header("X-Frame-Options") is None
    assert client.get("/").header("X-Frame-Options") == "DENY"


def test_what_quart_answers_itself_has_every_header(client: Client) -> None:
    for response in (
        client.get("/nowhere"),
        client.request("PUT", "/", headers={"Authorization": "Bearer x"}),
    ):
        assert response.status in (404, 405)
        assert response.header("X-Frame-Options") == "DENY"


def test_a_socket_knows_who_is_signed_in_and_strangers_open_none(client: Client) -> None:
    assert client.websocket("/live").status == 401
    assert signed_in(client).websocket("/live").messages == ("jane",)


# --- the adapter ------------------------------------------------------------------------------------------------------


def test_a_setting_that_is_no_header_is_found_when_the_view_is_made() -> None:
    with pytest.raises(ConfigError, match="frame_option"):
        example("quart_secmw").override(frame_option=None)


def test_an_application_is_protected_once() -> None:
    app = Quart(__name__)
    adapter = example("quart_secmw")
    adapter.Secmw(app, policy())
    with pytest.raises(ConfigError, match="already"):
        adapter.Secmw(app, policy())


def test_without_sessions_quarts_own_stay() -> None:
    app = Quart(__name__)
    before = app.session_interface
    example("quart_secmw").Secmw(app, policy(sessions=None, store=None))
    assert app.session_interface is before


def test_a_path_without_sessions_says_so_to_who_writes_to_one() -> None:
    app = Quart(__name__)
    example("quart_secmw").Secmw(app, policy().at("/static/", sessions=None))

    async def writes() -> str:
        session["a"] = 1
        return "written"

    app.add_url_rule("/static/a", view_func=writes)
    assert Client(app, base_url=HERE).get("/static/a").status == 500


def exempt_everywhere(**settings: Any) -> Quart:
    adapter = example("quart_secmw")
    app = Quart(__name__, **settings)

    async def free() -> str:
        return "free"

    async def asked() -> str:
        return "asked"

    adapter.xsrf_exempt(free)
    app.add_url_rule("/both", "free", free, methods=["POST"])
    app.add_url_rule("/both", "asked", asked, methods=["DELETE"])
    app.add_url_rule("/free", "free", methods=["POST", "DELETE"])
    app.add_url_rule("/tidy/", "free", methods=["POST"])
    below = Blueprint("below", __name__, url_prefix="/below")
    below.add_url_rule("/free", "free", free, methods=["POST"])
    app.register_blueprint(below)
    return app


def test_a_path_is_exempt_only_where_every_view_of_it_is() -> None:
    app = exempt_everywhere()
    table = {
        "/both": False,
        "/free": True,
        "/tidy/": True,
        "/tidy": False,
        "/below/free": True,
        "/nowhere": False,
    }
    assert {path: example("quart_secmw").exempts(app, path) for path in table} == table


def test_no_path_is_exempt_where_the_host_decides_on_the_view() -> None:
    app = exempt_everywhere(host_matching=True, static_host="localhost")
    assert not example("quart_secmw").exempts(app, "/free")


def test_no_path_is_exempt_where_something_stands_between_that_may_send_it_elsewhere() -> None:
    for between, status in ((False, 200), (True, 403)):
        app = exempt_everywhere()
        inner = app.asgi_app

        async def elsewhere(scope: Any, receive: Any, send: Any, inner: Any = inner) -> None:
            await inner({**scope, "path": "/both"}, receive, send)

        if between:
            vars(app)["asgi_app"] = elsewhere
        example("quart_secmw").Secmw(app, policy())
        assert Client(app, base_url=HERE).post("/free", headers=EVIL).status == status
