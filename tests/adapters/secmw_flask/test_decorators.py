from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Blueprint, Flask, url_for
from flask.testing import FlaskClient
from flask.views import MethodView

from secmw import ConfigError, Hooks, SessionError
from secmw_flask import login_required, override, session, sudo_required
from tests.adapters.secmw_flask.apps import PASSWORD, application, relaxed

NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Accept": "text/html"}


def signed_in(app: Flask) -> FlaskClient:
    client = app.test_client()
    with client.session_transaction() as begun:
        begun.login("42", "Jane")  # type: ignore[attr-defined]  # Flask's type for it
    return client


def elevated(app: Flask) -> FlaskClient:
    client = signed_in(app)
    with client.session_transaction() as there:
        there.grant_sudo()  # type: ignore[attr-defined]  # the same
    return client


def plain(decorator: Any) -> Flask:
    app = application()

    @app.get("/")
    @decorator  # type: ignore[untyped-decorator]  # one of several
    def view() -> str:
        return f"for {session.user_id}"

    return app


def awaited(decorator: Any) -> Flask:
    app = application()

    @app.get("/")
    @decorator  # type: ignore[untyped-decorator]  # one of several
    async def view() -> str:
        return f"for {session.user_id}"

    return app


def method(decorator: Any) -> Flask:
    app = application()

    class Page(MethodView):
        @decorator  # type: ignore[untyped-decorator]  # one of several
        def get(self) -> str:
            return f"for {session.user_id}"

        def post(self) -> str:
            return "sent"

    app.add_url_rule("/", view_func=Page.as_view("page"))
    return app


def whole_class(decorator: Any) -> Flask:
    app = application()

    class Page(MethodView):
        decorators = [decorator]  # noqa: RUF012 - as Flask's documentation writes it

        def get(self) -> str:
            return f"for {session.user_id}"

    app.add_url_rule("/", view_func=Page.as_view("page"))
    return app


def decorated_class(decorator: Any) -> Flask:
    app = application()

    @decorator
    class Page(MethodView):
        def get(self) -> str:
            return f"for {session.user_id}"

    app.add_url_rule("/", view_func=Page.as_view("page"))
    return app


def blueprint(decorator: Any) -> Flask:
    app = application()
    part = Blueprint("part", __name__)
    part.get("/")(lambda: f"for {session.user_id}")

    @part.before_request
    @decorator  # type: ignore[untyped-decorator]  # one of several
    def asked_first() -> None:
        """Let nobody else in."""

    app.register_blueprint(part)
    return app


@pytest.mark.parametrize("decorator", [login_required, login_required()], ids=["bare", "called"])
@pytest.mark.parametrize("make", [plain, awaited, method, whole_class, decorated_class, blueprint])
def test_only_somebody_who_is_signed_in_gets_through(make: Callable[[Any], Flask], decorator: Any) -> None:
    app = make(decorator)
    stranger = app.test_client().get("/", headers=NAVIGATION)
    assert (stranger.status_code, stranger.headers["Location"]) == (303, "/sign-in?next=/")
    assert stranger.headers["X-Frame-Options"] == "DENY"
    script = app.test_client().get("/")
    assert (script.status_code, script.get_json()["reason"]) == (401, "sign_in_required")
    assert signed_in(app).get("/").text == "for 42"


@pytest.mark.parametrize(
    "decorator", [sudo_required, sudo_required(), sudo_required(max_age=60)], ids=["bare", "called", "lately"]
)
@pytest.mark.parametrize("make", [plain, awaited, method, whole_class, decorated_class, blueprint])
def test_only_somebody_who_gave_the_password_lately_gets_through(
    make: Callable[[Any], Flask], decorator: Any
) -> None:
    app = make(decorator)
    assert app.test_client().get("/", headers=NAVIGATION).headers["Location"] == "/sign-in?next=/"
    client = signed_in(app)
    asked = client.get("/", headers=NAVIGATION)
    assert (asked.status_code, asked.headers["Location"]) == (303, "/_secmw/sudo?next=/")
    assert client.get("/").headers["WWW-Authenticate"].startswith("Bearer error=")
    assert elevated(app).get("/").text == "for 42"


def test_the_password_is_asked_for_by_secmws_own_page() -> None:
    app = plain(sudo_required)
    client = signed_in(app)
    assert "password" in client.get("/_secmw/sudo?next=/").text
    token = client.get_cookie("XSRF-TOKEN")
    assert token is not None
    form = {"password": PASSWORD, "next": "/", "xsrf_token": token.value}
    given = client.post("/_secmw/sudo", data=form, headers={"Origin": "http://localhost"})
    assert (given.status_code, given.headers["Location"]) == (303, "/")
    assert client.get("/").text == "for 42"


def test_max_age_is_the_decorators_own(monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock:
        ahead = 0.0

        def now(self) -> float:
            return 1_900_000_000 + self.ahead

    clock = Clock()
    app = application(clock=clock)
    app.get("/now")(sudo_required(max_age=60)(lambda: "now"))
    app.get("/lately", endpoint="lately")(sudo_required(lambda: "lately"))
    client = elevated(app)
    clock.ahead = 61
    assert [client.get(path).status_code for path in ("/now", "/lately")] == [401, 200]


def test_what_a_view_is_given_and_returns_stays_the_same() -> None:
    app = application()

    @app.get("/item/<int:number>")
    @login_required
    def item(number: int) -> tuple[str, int]:
        """Show one."""
        return str(number + 1), 202

    assert (item.__name__, item.__doc__) == ("item", "Show one.")
    response = signed_in(app).get("/item/1")
    assert (response.status_code, response.text) == (202, "2")
    with app.test_request_context():
        assert url_for("item", number=3) == "/item/3"


def test_a_refused_view_does_not_run() -> None:
    ran = []
    app = application()

    @app.get("/")
    @login_required
    def view() -> str:
        ran.append(1)
        return "ran"

    app.test_client().get("/")
    assert ran == []


def test_without_secmw_around_the_request_nobody_gets_through() -> None:
    app = plain(login_required)
    bare = Flask(__name__)
    bare.secret_key = "x"
    bare.testing = True
    bare.get("/")(login_required(lambda: "in"))
    with pytest.raises(SessionError, match="did not come through secmw"):
        bare.test_client().get("/")
    with app.test_request_context(), pytest.raises(SessionError, match="did not come through secmw"):
        app.dispatch_request()


def test_sudo_without_a_way_to_check_a_password_says_what_is_missing() -> None:
    app = application(hooks=Hooks())
    app.testing = True
    app.get("/")(sudo_required(lambda: "in"))
    with pytest.raises(ConfigError, match="verify"):
        signed_in(app).get("/")


@pytest.mark.parametrize("decorator", [login_required, sudo_required, override(frame_options=None)])
def test_decorators_go_on_views(decorator: Any) -> None:
    with pytest.raises(TypeError, match="goes on a view function"):
        decorator(type("Page", (), {}))


# --- override


def framing(app: Flask, path: str) -> tuple[str | None, str | None]:
    response = app.test_client().get(path)
    return response.headers.get("X-Frame-Options"), response.headers.get("Referrer-Policy")


def test_a_view_has_headers_of_its_own() -> None:
    app = application()
    app.get("/own")(override(frame_options=None, referrer_policy="no-referrer")(lambda: "own"))
    app.get("/", endpoint="home")(lambda: "home")

    @app.get("/waits")
    @override(frame_options="SAMEORIGIN")
    async def waits() -> str:
        return "waits"

    assert framing(app, "/own") == (None, "no-referrer")
    assert framing(app, "/waits") == ("SAMEORIGIN", "strict-origin-when-cross-origin")
    assert framing(app, "/") == ("DENY", "strict-origin-when-cross-origin")


def test_a_class_and_a_blueprint_have_headers_of_their_own() -> None:
    app = application()

    @override(frame_options=None)
    class Page(MethodView):
        def get(self) -> str:
            return "page"

    app.add_url_rule("/page", view_func=Page.as_view("page"))
    part = override(frame_options="SAMEORIGIN")(Blueprint("part", __name__))
    part.get("/part")(lambda: "part")
    app.register_blueprint(part)
    assert (framing(app, "/page")[0], framing(app, "/part")[0]) == (None, "SAMEORIGIN")


def test_a_refusal_of_the_view_itself_has_them_too() -> None:
    app = application()
    app.get("/")(override(referrer_policy="no-referrer")(login_required(lambda: "in")))
    assert framing(app, "/")[1] == "no-referrer"


def test_other_settings_are_an_error_where_they_are_written() -> None:
    with pytest.raises(ConfigError) as caught:
        override(frame_option=None, hsts=None)
    text = str(caught.value)
    assert "override(frame_option=...): is not a setting; did you mean frame_options?" in text
    assert "override(hsts=...)" in text


def test_a_wrong_value_is_an_error_of_the_first_response() -> None:
    app = application(relaxed())
    app.testing = True
    app.get("/")(override(referrer_policy="sometimes")(lambda: "home"))
    with pytest.raises(ConfigError, match="referrer_policy"):
        app.test_client().get("/")
