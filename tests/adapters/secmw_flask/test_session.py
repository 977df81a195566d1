from __future__ import annotations

import logging
from types import FunctionType
from typing import Any

import pytest
from flask import (
    Response,
    flash,
    get_flashed_messages,
    render_template_string,
    request,
    session,
    stream_with_context,
)
from flask.testing import FlaskClient
from markupsafe import Markup

from secmw import Session
from secmw.errors import SessionError
from secmw_flask import SecmwSession
from secmw_flask import session as typed
from secmw_flask.testing import SecmwClient
from tests.adapters.secmw_flask.apps import ID, application, client_of, relaxed, shop


def test_a_session_needs_no_secret_key() -> None:
    app = shop()
    assert app.secret_key is None
    client = app.test_client()
    client.get("/cart/apple")
    assert client.get("/cart").get_json()["cart"] == ["apple"]


def test_a_page_that_does_not_look_at_the_session_sends_nothing_about_it() -> None:
    client = shop().test_client()
    client.get("/cart/apple")
    response = client.get("/plain")
    assert response.headers.getlist("Set-Cookie") == []
    assert response.vary.to_header() == ""
    assert "Cache-Control" not in response.headers
    assert client.get("/cart").headers["Cache-Control"] == "no-store"


def test_a_visitor_who_reads_an_empty_session_gets_none() -> None:
    client = shop().test_client()
    assert client.get("/cart").headers.getlist("Set-Cookie") == []


def test_what_changes_inside_a_value_is_written() -> None:
    client = shop().test_client()
    for item in ("apple", "pear"):
        client.get(f"/cart/{item}")
    assert client.get("/cart").get_json()["cart"] == ["apple", "pear"]


def test_flask_session_signs_in_with_a_new_id_and_keeps_the_cart() -> None:
    client = shop().test_client()
    client.get("/cart/apple")
    before = client.get_cookie(ID)
    client.get("/in/42")
    after = client.get_cookie(ID)
    assert before is not None
    assert after is not None
    assert before.value.partition(".")[0] != after.value.partition(".")[0]
    assert client.get("/cart").get_json() == {"cart": ["apple"], "user": "42", "names": ["cart"]}


def test_after_the_sign_out_nothing_is_left() -> None:
    client = shop().test_client()
    client.get("/in/42")
    client.get("/cart/apple")
    client.get("/out")
    assert client.get_cookie(ID) is None
    assert client.get("/cart").get_json() == {"cart": None, "user": None, "names": []}


@pytest.mark.parametrize("name", ["user_id", "_user_id", "_user", "_auth_user_id"])
def test_nothing_that_is_put_into_a_session_signs_anybody_in(name: str) -> None:
    app = shop()

    @app.get("/put")
    def put() -> str:
        session[name] = "42"
        return "put"

    client = app.test_client()
    client.get("/put")
    assert client.get("/cart").get_json()["user"] is None


def test_the_session_is_a_mapping_like_any_other() -> None:
    app = application()

    @app.get("/")
    def all_of_it() -> list[Any]:
        session.update(a=1, b=2)
        session["c"] = 3
        done: list[Any] = [session.pop("a"), session.pop("nothing", None), session.setdefault("b", 9)]
        del session["c"]
        done += [len(session), "b" in session, dict(session), session == {"b": 2}, session.get("c", 0)]
        both, before = typed | {"d": 4}, typed.copy()
        done += [both == {**before, "d": 4}]
        session.clear()
        return [*done, bool(session), isinstance(session, SecmwSession)]

    assert app.test_client().get("/").get_json() == [
        1,
        None,
        2,
        1,
        True,
        {"b": 2},
        True,
        0,
        True,
        False,
        True,
    ]


# --- flash


def test_flashed_messages_arrive_once_with_their_categories_and_safe_html() -> None:
    app = application()

    @app.get("/say")
    def say() -> str:
        flash("Saved <b>it</b>")
        flash(Markup("Saved <b>it</b>"), "html")
        return "said"

    @app.get("/")
    def show() -> str:
        found = get_flashed_messages(with_categories=True)
        assert all(type(pair) is tuple for pair in found)
        return render_template_string(
            "{% for kind, text in found %}[{{ kind }}: {{ text }}]{% endfor %}", found=found
        )

    client = app.test_client()
    client.get("/say")
    shown = "[message: Saved &lt;b&gt;it&lt;/b&gt;][html: Saved <b>it</b>]"
    assert [client.get("/").text, client.get("/").text] == [shown, ""]


# --- what Flask knows of a session


def run(policy: Any, *views: Any) -> list[Any]:
    """Have one visitor's requests run views, and return what they returned."""
    app = application(policy)
    for number, view in enumerate(views):
        app.add_url_rule(f"/{number}", str(number), lambda view=view: {"is": view()})
    client = app.test_client()
    return [client.get(f"/{number}").get_json()["is"] for number in range(len(views))]


def put() -> None:
    session["a"] = [1]


def test_a_session_is_new_until_it_is_kept() -> None:
    assert run(relaxed(), lambda: session.new, put, lambda: session.new) == [True, None, False]


def test_modified_is_true_where_there_is_something_to_write() -> None:
    def changes_inside() -> list[bool]:
        before = session.modified
        session["a"].append(2)
        return [before, session.modified]

    def asks() -> bool:
        typed.rotate()
        return session.modified

    def says_so() -> bool:
        session.modified = True
        return session.modified

    found = run(relaxed(), lambda: session.modified, put, changes_inside, asks, says_so)
    assert found == [False, None, [False, True], True, True]


def test_changes_are_not_taken_back_by_a_word() -> None:
    def takes_back() -> str:
        session.modified = False
        session["a"] = 1
        with pytest.raises(SessionError, match=r"session\.modified = False"):
            session.modified = False
        return "raised"

    assert run(relaxed(), takes_back) == ["raised"]


def test_accessed_says_whether_the_answer_depends_on_the_session() -> None:
    def looks() -> list[bool]:
        before = session.accessed
        session.get("a")
        return [before, session.accessed]

    assert run(relaxed(), looks) == [[False, True]]


def test_permanent_is_the_policys_word_and_nothing_is_kept_for_it(caplog: pytest.LogCaptureFixture) -> None:
    def asks_for_it() -> list[Any]:
        session.permanent = True
        session.permanent = False
        return [session.permanent, session.modified]

    def always() -> bool:
        session.permanent = True
        with pytest.raises(SessionError, match=r"sessions\.persistent"):
            session.permanent = False
        return bool(session.permanent)

    with caplog.at_level(logging.WARNING, "secmw"):
        assert run(relaxed(), asks_for_it, asks_for_it) == [[False, False]] * 2
    assert [record.message for record in caplog.records if "permanent" in record.message][1:] == []
    assert run(relaxed(sessions={"persistent": True}), always) == [True]


# --- what secmw knows of one

#: What an application asks of secmw.Session; a name that comes there must come here too.
ASKED = frozenset(
    {
        "login",
        "logout",
        "rotate",
        "grant_sudo",
        "drop_sudo",
        "revoke",
        "revoke_others",
        "revoke_all",
        "strict",
    }
)
SAID = frozenset(
    {"user_id", "user_description", "selector", "over", "created", "authenticated", "seen", "expires"}
    | {"idle_until", "has_sudo", "sudo_until"}
)


def test_flask_session_says_what_the_session_of_secmw_says() -> None:
    app = shop()

    @app.get("/said")
    def said() -> dict[str, bool]:
        assert repr(typed).startswith("<Session ")
        return {name: getattr(typed, name) == getattr(typed.core, name) is not None for name in SAID}

    client = client_of(app)
    with client.session_transaction() as begun:
        begun.login("42", "Jane")
    with client.session_transaction() as there:
        there.grant_sudo()
    assert client.get("/said").get_json() == {name: name != "over" for name in SAID}


def test_every_question_of_the_session_of_secmw_can_be_put_to_flask_session() -> None:
    documented = {
        name
        for name, value in vars(Session).items()
        if not name.startswith("_") and isinstance(value, property | FunctionType)
    }
    # What the guard and the settlement ask, and an identity as one value.
    inner = {"identity", "handle", "whose", "sudo_within", "now", "settled", "apart", "caught_up", "undone"}
    assert documented - inner - {"strict"} == (ASKED | SAID) - {"strict"}
    assert set(dir(SecmwSession)) >= ASKED | SAID


def test_what_is_asked_of_flask_session_is_done() -> None:
    app = shop()

    @app.get("/do/<name>")
    def do(name: str) -> dict[str, Any]:
        needs = [request.args["of"]] if "of" in request.args else []
        getattr(typed, name)(*needs)
        return {"sudo": typed.has_sudo}

    def selector(client: SecmwClient) -> str:
        with client.session_transaction() as there:
            return there.selector or ""

    def user(client: FlaskClient) -> str | None:
        found: str | None = client.get("/cart").get_json()["user"]
        return found

    one, two, three = (client_of(app) for _ in range(3))
    for client in (one, two, three):
        client.get("/in/42")
    assert [one.get(f"/do/{name}").get_json()["sudo"] for name in ("grant_sudo", "strict", "drop_sudo")] == [
        True,
        True,
        False,
    ]
    one.get(f"/do/revoke?of={selector(two)}")
    assert [user(client) for client in (one, two, three)] == ["42", None, "42"]
    one.get("/do/revoke_others")
    assert [user(client) for client in (one, two, three)] == ["42", None, None]
    before = one.get_cookie(ID)
    one.get("/do/rotate")
    assert one.get_cookie(ID) != before
    assert user(one) == "42"
    one.get("/do/revoke_all")
    assert user(one) is None


# --- when it is written


def test_what_is_changed_after_the_view_is_written_too() -> None:
    app = shop()

    @app.after_request
    def note(response: Response) -> Response:
        if response.status_code == 404:
            session["missed"] = True
        return response

    client = app.test_client()
    client.get("/nowhere")
    assert client.get("/cart").get_json()["names"] == ["missed"]


def test_a_response_that_streams_can_read_and_change_the_session() -> None:
    app = shop()

    @app.get("/stream")
    def stream() -> Response:
        session["begun"] = True

        def pieces() -> Any:
            yield str(session["begun"])
            session["ended"] = True

        return Response(stream_with_context(pieces()))

    client = app.test_client()
    assert client.get("/stream").text == "True"
    assert client.get("/cart").get_json()["names"] == ["begun", "ended"]


def test_a_test_can_look_at_the_session_of_the_last_request() -> None:
    with shop().test_client() as client:
        client.get("/cart/apple")
        assert session["cart"] == ["apple"]


def test_without_sessions_in_the_policy_flasks_own_stay() -> None:
    app = application(relaxed(sessions=None))
    app.secret_key = "of Flask's own cookie"

    @app.get("/")
    def count() -> str:
        session["n"] = session.get("n", 0) + 1
        return str(session["n"])

    client = app.test_client()
    assert [client.get("/").text, client.get("/").text] == ["1", "2"]


def test_a_path_without_sessions_says_so() -> None:
    app = application(relaxed().at("/static-like/", sessions=None))

    @app.get("/static-like/page")
    def page() -> str:
        with pytest.raises(SessionError, match="no sessions for this path"):
            session.get("a")
        return "raised"

    assert app.test_client().get("/static-like/page").text == "raised"
