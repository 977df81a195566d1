from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import Any

import pytest
import werkzeug.test
from flask import Blueprint, Flask, session
from flask.sessions import SecureCookieSessionInterface
from werkzeug.debug import DebuggedApplication

from secmw import ConfigError
from secmw.testing import Client
from secmw_flask import Secmw, login_required, override
from tests.adapters.secmw_flask.apps import application, production, relaxed


def fails() -> str:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("path", "status"),
    [("/", 200), ("/static/app.js", 200), ("/nowhere", 404), ("/posted", 405), ("/fails", 500)],
)
def test_every_answer_has_the_headers(path: str, status: int, tmp_path: Path) -> None:
    (tmp_path / "app.js").write_text("1")
    app = Flask(__name__, static_folder=str(tmp_path), static_url_path="/static")
    app.config["PROPAGATE_EXCEPTIONS"] = False
    Secmw(app, relaxed())
    app.add_url_rule("/", "home", lambda: "home")
    app.add_url_rule("/posted", "posted", lambda: "posted", methods=["POST"])
    app.add_url_rule("/fails", "fails", fails)
    response = app.test_client().get(path)
    assert (response.status_code, response.headers["X-Frame-Options"]) == (status, "DENY")


def test_a_form_without_a_token_reaches_no_view() -> None:
    app = application()
    app.add_url_rule("/", "home", lambda: "home", methods=["POST"])
    response = app.test_client(use_cookies=False).post("/")
    assert response.status_code == 403
    assert response.get_json()["reason"] == "xsrf_cookie_missing"


# --- factories


def test_one_extension_serves_applications_with_policies_of_their_own() -> None:
    extension = Secmw()
    made = []
    for framing in ("DENY", "SAMEORIGIN"):
        app = Flask(__name__)
        extension.init_app(app, relaxed(frame_options=framing))
        app.add_url_rule("/", "home", lambda: "home")
        made.append(app)
    sent = [app.test_client().get("/").headers["X-Frame-Options"] for app in made]
    assert sent == ["DENY", "SAMEORIGIN"]


def test_an_extension_keeps_no_application() -> None:
    extension = Secmw(policy=relaxed())
    app = Flask(__name__)
    extension.init_app(app)
    gone = weakref.ref(app)
    del app
    gc.collect()
    assert gone() is None


def test_the_policy_of_init_app_is_the_later_word() -> None:
    app = Flask(__name__)
    Secmw(policy=relaxed()).init_app(app, relaxed(frame_options="SAMEORIGIN"))
    assert app.extensions["secmw"].policy.frame_options == "SAMEORIGIN"


def test_an_application_is_protected_once() -> None:
    app = application()
    with pytest.raises(RuntimeError, match="has Secmw already"):
        Secmw(app, relaxed())


def test_a_policy_whose_store_can_t_be_had_leaves_the_application_as_it_was() -> None:
    app = Flask(__name__)
    before = app.wsgi_app, app.session_interface
    with pytest.raises(ConfigError, match="store"):
        Secmw(app, relaxed(store="nonsense://"))
    assert (app.wsgi_app, app.session_interface) == before
    Secmw(app, relaxed())


def test_the_application_comes_first_and_the_policy_is_one() -> None:
    wrong: Any = relaxed()
    with pytest.raises(TypeError, match=r"Secmw\(app, policy\) protects a Flask application, not a Policy"):
        Secmw(wrong)
    mapping: Any = {"preset": "strict"}
    with pytest.raises(ConfigError, match="from_mapping"):
        Secmw(Flask(__name__), mapping)


# --- errors


def failing(**flags: bool) -> Flask:
    app = application(production())
    for name, value in flags.items():
        app.config[name] = value
    app.add_url_rule("/fails", "fails", fails)
    return app


@pytest.mark.parametrize("flag", ["DEBUG", "TESTING"])
def test_whoever_debugs_or_tests_sees_the_error_itself(flag: str) -> None:
    client = failing(**{flag: True}).test_client()
    with pytest.raises(ZeroDivisionError):
        client.get("/fails", base_url="https://app.example.org")


def test_flasks_debugger_shows_the_error() -> None:
    client = werkzeug.test.Client(DebuggedApplication(failing(DEBUG=True)))
    response = client.get("/fails", base_url="https://app.example.org")
    assert response.status_code == 500
    assert "ZeroDivisionError" in response.text


def test_an_error_after_the_answer_has_begun_breaks_it_off_for_everybody() -> None:
    for flags in ({}, {"DEBUG": True}):
        app = failing(**flags)

        @app.get("/pieces")
        def pieces() -> Any:
            def broken() -> Any:
                yield "one"
                raise ZeroDivisionError

            return broken()

        with pytest.raises(ZeroDivisionError):
            _ = app.test_client().get("/pieces", base_url="https://app.example.org").data


def test_an_error_that_a_test_wants_answered_is_answered_by_flask() -> None:
    client = failing(TESTING=True, PROPAGATE_EXCEPTIONS=False).test_client()
    response = client.get("/fails", base_url="https://app.example.org")
    assert (response.status_code, response.headers["X-Frame-Options"]) == (500, "DENY")


def test_an_error_that_flask_lets_through_in_production_is_answered_with_the_headers() -> None:
    response = Client(failing(PROPAGATE_EXCEPTIONS=True), base_url="https://app.example.org").get("/fails")
    assert (response.status, response.json()["reason"]) == (500, "application_failed")
    assert response.header("X-Frame-Options") == "DENY"


@pytest.mark.parametrize("wrapped", [False, True])
def test_after_the_first_request_nothing_stands_before_the_middleware_but_what_somebody_has_put_there(
    wrapped: bool,
) -> None:
    app = application(relaxed())
    app.add_url_rule("/", "home", lambda: "home")
    seen: list[str] = []
    inner = app.wsgi_app

    def outside(environ: Any, start_response: Any) -> Any:
        seen.append(environ["PATH_INFO"])
        return inner(environ, start_response)

    if wrapped:
        app.wsgi_app = outside  # type: ignore[method-assign]  # as Flask's documentation does it
    for _ in range(2):
        response = app.test_client().get("/")
        assert (response.text, response.headers["X-Frame-Options"]) == ("home", "DENY")
    assert seen == (["/", "/"] if wrapped else [])
    assert app.wsgi_app == (outside if wrapped else app.extensions["secmw"].middleware.__call__)


def test_an_error_is_kept_for_nobody_in_production() -> None:
    app = failing(PROPAGATE_EXCEPTIONS=True)
    seen: list[dict[str, Any]] = []
    inner = app.wsgi_app

    def outside(environ: Any, start_response: Any) -> Any:
        seen.append(environ)
        return inner(environ, start_response)

    app.wsgi_app = outside  # type: ignore[method-assign]  # as Flask's documentation does it
    app.test_client().get("/fails", base_url="https://app.example.org")
    assert not any(isinstance(value, Exception) for value in seen[0].values())


def test_an_error_that_is_raised_has_written_nothing() -> None:
    app = application()
    app.testing = True

    @app.get("/")
    def puts() -> str:
        session["a"] = 1
        raise ZeroDivisionError

    client = app.test_client()
    with pytest.raises(ZeroDivisionError):
        client.get("/")
    with client.session_transaction() as after:
        assert "a" not in after


# --- what only the whole application shows


def home() -> str:
    return "home"


def test_a_decorator_above_the_route_is_an_error_since_it_would_guard_nothing() -> None:
    app = application()
    app.testing = True
    for number, decorator in enumerate((login_required, login_required(), override(frame_options=None))):
        view: Any = lambda: "home"  # noqa: E731 - a function of its own each time
        decorator(app.get(f"/{number}", endpoint=f"view-{number}")(view))
    with pytest.raises(ConfigError) as caught:
        app.test_client().get("/1")
    assert [problem.setting for problem in caught.value.problems] == [
        "@login_required of 'view-0'",
        "@login_required of 'view-1'",
        "@override of 'view-2'",
    ]
    assert "the route first" in str(caught.value)


def test_such_an_application_answers_nothing_at_all() -> None:
    app = application()
    login_required(app.get("/")(lambda: "home"))
    for _ in range(2):
        with pytest.raises(ConfigError):
            app.test_client().get("/")


class Others(SecureCookieSessionInterface):
    """Be somebody else's sessions."""


def test_sessions_of_somebody_else_are_an_error_whoever_came_first() -> None:
    before, after, without = Flask(__name__), application(), Flask(__name__)
    before.session_interface = after.session_interface = without.session_interface = Others()
    with pytest.raises(ConfigError, match=r"app\.session_interface: is .*Others"):
        Secmw(before, relaxed())
    with pytest.raises(ConfigError, match=r"app\.session_interface: is .*Others"):
        after.test_client().get("/")
    Secmw(without, relaxed(sessions=None))
    assert without.test_client().get("/").status_code == 404


def test_blueprints_are_looked_at_too() -> None:
    app = application()
    admin = Blueprint("admin", __name__)
    login_required(admin.get("/")(lambda: "home"))
    app.register_blueprint(admin)
    with pytest.raises(ConfigError, match=r"@login_required of 'admin\."):
        app.test_client().get("/")


def test_decorators_below_the_route_are_fine() -> None:
    app = application()
    app.get("/")(login_required(home))
    assert app.test_client().get("/").status_code == 401


def test_views_that_are_objects_are_fine_too() -> None:
    class Unhashable:
        __hash__ = None  # type: ignore[assignment]  # the point of it

        def __call__(self) -> str:
            return "called"

    app = application()
    app.add_url_rule("/", "plain", Unhashable())
    app.add_url_rule("/in", "guarded", override(frame_options=None)(Unhashable()))
    assert [app.test_client().get(path).text for path in ("/", "/in")] == ["called", "called"]


def test_the_middleware_is_there_for_whoever_wants_to_close_it() -> None:
    app = application()
    app.extensions["secmw"].middleware.guard.close()
