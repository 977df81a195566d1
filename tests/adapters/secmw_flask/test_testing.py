from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from flask import Flask, redirect, request
from flask.testing import FlaskClient

from secmw_flask import Secmw, session
from secmw_flask.testing import SecmwClient
from tests.adapters.secmw_flask.apps import application, production, relaxed

EVIL = {"Origin": "https://evil.example"}


def forms(**settings: Any) -> Flask:
    app = application(relaxed(**settings))

    @app.route("/", methods=["GET", "POST", "DELETE"])
    def form() -> str:
        return f"{request.method} {request.form.get('a')}"

    @app.post("/sign-in")
    def sign_in() -> Any:
        session.login("42")
        return redirect("/", 303)

    @app.post("/moved")
    def moved() -> Any:
        return redirect("/", 308)

    return app


def test_a_form_is_sent_as_from_a_page_of_this_site() -> None:
    client = forms().test_client()
    assert isinstance(client, SecmwClient)
    assert client.post("/", data={"a": 1}).text == "POST 1"
    assert client.delete("/").text == "DELETE None"


def test_it_stays_so_after_a_sign_in_and_over_redirects() -> None:
    client = forms().test_client()
    assert client.post("/moved", data={"a": 1}, follow_redirects=True).text == "POST 1"
    assert client.post("/sign-in", follow_redirects=True).text == "GET None"
    assert client.post("/", data={"a": 2}).text == "POST 2"
    with client.session_transaction() as there:
        there["a"] = 1
    with client:
        assert client.post("/", data={"a": 3}).text == "POST 3"
        assert session.user_id == "42"


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        (EVIL, "cross_origin"),
        ({"Sec-Fetch-Site": "cross-site"}, "cross_origin"),
        ({"X-XSRF-TOKEN": ""}, "xsrf_mismatch"),
        ({"X-XSRF-TOKEN": "another"}, "xsrf_mismatch"),
    ],
)
def test_what_is_given_wins(headers: dict[str, str], reason: str) -> None:
    client = forms().test_client()
    client.post("/")
    assert client.post("/", headers=headers).get_json()["reason"] == reason


def test_an_api_call_is_sent_as_it_is() -> None:
    client = forms().test_client()
    assert client.post("/", headers={"Authorization": "Bearer x"}).status_code == 200
    assert client.get_cookie("XSRF-TOKEN") is None


@pytest.mark.parametrize(
    "xsrf", [None, {"token": False}, {"cookie": "c", "header": "X-Own", "compare": True}]
)
def test_the_policy_says_what_is_asked_for(xsrf: Any) -> None:
    assert forms(xsrf=xsrf).test_client().post("/").status_code == 200


def test_a_production_policy_is_tested_at_its_own_address() -> None:
    app = application(production())
    app.post("/")(lambda: "sent")
    assert app.test_client().post("/", base_url="https://app.example.org").text == "sent"
    assert app.test_client().post("/", base_url="https://evil.example").status_code == 400


def test_an_application_keeps_a_client_of_its_own() -> None:
    class Own(FlaskClient):
        """Be somebody's own."""

    app = Flask(__name__)
    app.test_client_class = Own
    Secmw(app, relaxed())
    assert type(app.test_client()) is Own


def test_an_application_that_is_not_tested_does_not_load_it() -> None:
    program = (
        "import sys, flask, secmw, secmw_flask; app = flask.Flask('a')\n"
        "secmw_flask.Secmw(app, secmw.Policy.recommended(sessions=None, xsrf=None))\n"
        "print([name for name in ('flask.testing', 'flask_login', 'secmw.cli.sessions', 'secmw.testing')\n"
        "       if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
