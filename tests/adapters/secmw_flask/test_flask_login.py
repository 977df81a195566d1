from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import flask_login  # type: ignore[import-untyped]  # it ships no types
import pytest
from flask import Flask, render_template_string
from flask.testing import FlaskClient

from secmw import ConfigError, Hooks
from secmw_flask import login_required as ours
from secmw_flask import session
from secmw_flask.flask_login import LoginManager
from tests.adapters.secmw_flask.apps import application, relaxed

ID = "id"


class User(flask_login.UserMixin):  # type: ignore[misc]  # it ships no types
    def __init__(self, user_id: str) -> None:
        self.id = user_id
        self.name = f"User {user_id}"
        self.is_gone = user_id == "gone"

    @property
    def is_active(self) -> bool:
        return not self.is_gone


def shop(**settings: Any) -> Flask:
    """Be an application that speaks Flask-Login, as its documentation shows it."""
    manager: dict[str, Any] = settings.pop("manager", {})
    config: dict[str, Any] = settings.pop("config", {})
    app = application(**settings)
    app.config.update(config)
    app.testing = True
    login_manager = LoginManager(**{"describe": lambda user: user.name, **manager})
    login_manager.init_app(app)
    login_manager.login_view = "sign_in"

    @login_manager.user_loader  # type: ignore[untyped-decorator]  # it ships no types
    def load(user_id: str) -> User | None:
        return None if user_id == "unknown" else User(user_id)

    @app.get("/in/<user_id>")
    def sign_in(user_id: str) -> str:
        return str(flask_login.login_user(User(user_id), remember=user_id == "remembered"))

    @app.get("/out")
    def sign_out() -> str:
        return str(flask_login.logout_user())

    @app.get("/")
    def who() -> dict[str, Any]:
        user = flask_login.current_user
        return {"flask-login": user.get_id(), "secmw": session.user_id, "data": sorted(session)}

    @app.get("/theirs")
    @flask_login.login_required  # type: ignore[untyped-decorator]  # the same
    def theirs() -> str:
        return "theirs"

    @app.get("/ours")
    @ours
    def our_own() -> str:
        return "ours"

    @app.get("/put/<name>/<value>")
    def put(name: str, value: str) -> str:
        session[name] = value
        return "put"

    return app


def who(client: FlaskClient) -> tuple[str | None, str | None]:
    found = client.get("/").get_json()
    return found["flask-login"], found["secmw"]


def cookie(client: FlaskClient) -> str:
    found = client.get_cookie(ID)
    return "" if found is None else found.value


def test_whom_flask_login_signs_in_is_who_the_session_says() -> None:
    client = shop().test_client()
    assert who(client) == (None, None)
    assert client.get("/in/42").text == "True"
    assert who(client) == ("42", "42")
    assert (client.get("/theirs").text, client.get("/ours").text) == ("theirs", "ours")


def test_a_sign_in_gives_a_new_id_so_that_a_planted_one_is_nobodys() -> None:
    attacker, victim = two_of(shop())
    attacker.get("/put/cart/apple")
    victim.set_cookie(ID, cookie(attacker))
    victim.get("/in/42")
    assert cookie(victim) != cookie(attacker)
    assert who(attacker) == (None, None)
    assert who(victim) == ("42", "42")


def two_of(app: Flask) -> tuple[FlaskClient, FlaskClient]:
    return app.test_client(), app.test_client()


def test_who_is_signed_in_is_not_among_the_data() -> None:
    client = shop().test_client()
    client.get("/in/42")
    assert client.get("/").get_json()["data"] == ["_fresh", "_id"]


@pytest.mark.parametrize("name", ["_user_id", "user_id"])
def test_data_sign_nobody_in_as_somebody_else(name: str) -> None:
    stranger, jane = two_of(shop())
    stranger.get(f"/put/{name}/42")
    assert who(stranger) == (None, None)
    jane.get("/in/jane")
    jane.get(f"/put/{name}/42")
    assert who(jane) == ("jane", "jane")


def test_the_sign_out_ends_the_session_itself() -> None:
    client, copy = two_of(shop())
    client.get("/in/42")
    copy.set_cookie(ID, cookie(client))
    assert client.get("/out").text == "True"
    assert cookie(client) == ""
    assert (who(client), who(copy)) == ((None, None), (None, None))


def test_the_sign_out_page_of_secmw_signs_flask_login_out_too() -> None:
    client = shop().test_client()
    client.get("/in/42")
    token = client.get_cookie("XSRF-TOKEN")
    assert token is not None
    form = {"xsrf_token": token.value}
    assert (
        client.post("/_secmw/sign-out", data=form, headers={"Origin": "http://localhost"}).status_code == 303
    )
    assert who(client) == (None, None)


def test_what_the_session_itself_is_asked_for_counts_for_flask_login() -> None:
    client = shop().test_client()
    with client.session_transaction() as begun:
        begun.login("42")  # type: ignore[attr-defined]  # Flask's type for it
    assert who(client) == ("42", "42")


def test_another_user_gets_nothing_of_the_one_before() -> None:
    client = shop().test_client()
    client.get("/in/jane")
    client.get("/put/cart/apple")
    client.get("/in/ada")
    assert client.get("/").get_json() == {"flask-login": "ada", "secmw": "ada", "data": ["_fresh", "_id"]}


def test_somebody_who_is_not_active_is_not_signed_in() -> None:
    client = shop().test_client()
    assert client.get("/in/gone").text == "False"
    assert who(client) == (None, None)


def test_a_user_who_is_gone_is_nobody() -> None:
    client = shop().test_client()
    client.get("/in/unknown")
    assert client.get("/").get_json()["flask-login"] is None


def test_people_read_the_description_in_their_sessions() -> None:
    app = shop()
    app.get("/name", endpoint="name")(lambda: session.user_description)
    client = app.test_client()
    client.get("/in/42")
    assert client.get("/name").text == "User 42"


def test_the_version_of_the_credentials_is_the_managers_to_say() -> None:
    versions = {"42": "1"}
    hooks = Hooks(current_credentials_version=lambda user_id: versions[user_id])
    app = shop(hooks=hooks, manager={"credentials_version": lambda user: versions[user.get_id()]})
    client = app.test_client()
    client.get("/in/42")
    assert who(client) == ("42", "42")


def test_a_request_loader_recognises_who_has_no_session() -> None:
    app = shop()

    @app.login_manager.request_loader  # type: ignore[attr-defined, untyped-decorator]  # it ships no types
    def by_key(request: Any) -> User | None:
        return User("7") if request.headers.get("X-Api-Key") == "key" else None

    client = app.test_client()
    assert client.get("/", headers={"X-Api-Key": "key"}).get_json()["flask-login"] == "7"
    assert client.get("/", headers={"X-Api-Key": "no"}).get_json()["flask-login"] is None


def test_a_manager_that_can_make_no_user_says_so() -> None:
    app = application()
    app.testing = True
    LoginManager(app)
    app.get("/")(lambda: str(flask_login.current_user.get_id()))
    with pytest.raises(RuntimeError, match="user_loader"):
        app.test_client().get("/")


def test_outside_of_a_request_nobody_is_signed_in() -> None:
    with shop().test_request_context():
        assert flask_login.current_user.is_anonymous


# --- remember me


def test_a_remember_me_cookie_is_neither_set_nor_believed(caplog: pytest.LogCaptureFixture) -> None:
    app = shop(config={"SECRET_KEY": "x"})
    client = app.test_client()
    with caplog.at_level(logging.WARNING, "secmw"):
        client.get("/in/remembered")
    assert "sessions.persistent" in caplog.text
    assert client.get_cookie("remember_token") is None
    assert client.get("/").get_json()["data"] == ["_fresh", "_id"]
    other = app.test_client()
    with app.app_context():
        other.set_cookie("remember_token", flask_login.encode_cookie("42"))
    response = other.get("/")
    assert response.get_json()["flask-login"] is None
    assert other.get_cookie("remember_token") is None


def test_a_refreshing_remember_me_begins_no_session() -> None:
    client = shop(config={"REMEMBER_COOKIE_REFRESH_EACH_REQUEST": True}).test_client()
    client.get("/nowhere")
    assert cookie(client) == ""


# --- session_protection


@pytest.mark.parametrize("mode", ["basic", "strong", None])
def test_a_browser_that_stays_the_same_stays_signed_in(mode: str | None) -> None:
    client = shop(config={"SESSION_PROTECTION": mode}).test_client()
    client.get("/put/cart/apple")
    client.get("/in/42")
    assert [who(client) for _ in range(2)] == [("42", "42")] * 2
    client.get("/out")
    client.get("/put/cart/apple")
    assert client.get("/").get_json() == {"flask-login": None, "secmw": None, "data": ["cart"]}


@pytest.mark.parametrize(
    ("mode", "after", "fresh"), [("basic", "42", False), ("strong", None, None), (None, "42", True)]
)
def test_a_session_that_turns_up_in_another_browser_is_treated_as_the_mode_says(
    mode: str | None, after: str | None, fresh: bool | None
) -> None:
    app = shop(config={"SESSION_PROTECTION": mode})
    app.get("/fresh", endpoint="fresh")(lambda: {"is": session.get("_fresh")})
    client, thief = two_of(app)
    client.get("/in/42")
    thief.set_cookie(ID, cookie(client))
    found = thief.get("/", headers={"User-Agent": "another"}).get_json()
    assert (found["flask-login"], found["secmw"]) == (after, after)
    assert thief.get("/fresh", headers={"User-Agent": "another"}).get_json()["is"] is fresh
    assert who(client) == (after, after)


# --- pages, and managers of Flask-Login's own


def test_a_page_that_does_not_show_the_user_is_not_about_anybody() -> None:
    app = shop()
    app.get("/plain", endpoint="plain")(lambda: render_template_string("plain"))
    app.get("/user", endpoint="user")(lambda: render_template_string("{{ current_user.name }}"))
    client = app.test_client()
    client.get("/in/42")
    assert "Cache-Control" not in client.get("/plain").headers
    shown = client.get("/user")
    assert (shown.text, shown.headers["Cache-Control"]) == ("User 42", "no-store")


@pytest.mark.parametrize(
    "make", [flask_login.LoginManager, lambda app: flask_login.LoginManager().init_app(app)]
)
def test_flask_logins_own_manager_is_an_error_since_it_would_believe_the_data(
    make: Callable[..., Any],
) -> None:
    app = application()
    make(app)
    app.get("/")(lambda: "home")
    with pytest.raises(ConfigError, match=r"secmw_flask\.flask_login"):
        app.test_client().get("/")


def test_without_sessions_of_ours_flask_logins_own_manager_is_fine() -> None:
    app = application(relaxed(sessions=None))
    app.secret_key = "x"
    flask_login.LoginManager(app).user_loader(User)
    app.get("/")(lambda: "home")
    assert app.test_client().get("/").text == "home"


def test_two_applications_do_not_sign_each_others_users_out() -> None:
    first, second = shop(), shop()
    one, two = first.test_client(), second.test_client()
    one.get("/in/1")
    two.get("/in/2")
    one.get("/out")
    assert who(two) == ("2", "2")
