from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask, render_template_string

from secmw import SessionError
from secmw.testing import Client
from secmw_flask import csp_nonce, exchange, xsrf_field, xsrf_token
from tests.adapters.secmw_flask.apps import ORIGIN, application, relaxed


def showing(template: str, **settings: Any) -> Flask:
    app = application(relaxed(**settings))
    app.testing = True
    app.get("/")(lambda: render_template_string(template))
    app.post("/", endpoint="sent")(lambda: "sent")
    return app


def test_a_form_with_the_field_is_accepted() -> None:
    client = Client(showing('<form method="post">{{ xsrf_field() }}</form>'), base_url=ORIGIN)
    page = client.get("/").text
    found = re.search(r'<input type="hidden" name="xsrf_token" value="([0-9a-f]+)">', page)
    assert found is not None
    without = {"X-XSRF-TOKEN": None}
    assert client.post("/", form={"xsrf_token": found[1]}, headers=without).text == "sent"
    assert client.post("/", form={"xsrf_token": "0"}, headers=without).status == 403


def test_a_script_of_the_page_has_the_nonce_of_the_header() -> None:
    app = showing("{{ csp_nonce() }} {{ csp_nonce() }}", csp={"script-src": ["'nonce'"]})
    response = app.test_client().get("/")
    first, second = response.text.split()
    assert first == second
    assert f"script-src 'nonce-{first}'" in response.headers["Content-Security-Policy"]


def test_a_macro_that_is_imported_without_context_has_them_too() -> None:
    app = showing("{% from 'field.html' import field %}{{ field() }}")
    from jinja2 import DictLoader

    app.jinja_loader = DictLoader({"field.html": "{% macro field() %}{{ xsrf_field() }}{% endmacro %}"})
    assert 'name="xsrf_token"' in app.test_client().get("/").text


def test_the_field_has_the_name_that_the_policy_gives_it() -> None:
    assert 'name="t"' in showing("{{ xsrf_field() }}", xsrf={"field": "t"}).test_client().get("/").text


@pytest.mark.parametrize("template", ["{{ xsrf_token() }}", "{{ xsrf_field() }}"])
@pytest.mark.parametrize("xsrf", [None, {"token": False}])
def test_where_no_token_is_asked_for_there_is_none(template: str, xsrf: Any) -> None:
    with pytest.raises(SessionError, match="no XSRF token"):
        showing(template, xsrf=xsrf).test_client().get("/")


def test_a_template_outside_of_a_request_through_secmw_says_why() -> None:
    app = showing("")
    for asks in (xsrf_token, xsrf_field, csp_nonce, exchange):
        with app.test_request_context(), pytest.raises(SessionError, match="did not come through secmw"):
            asks()


def test_views_reach_the_exchange() -> None:
    app = application()

    @app.get("/")
    def view() -> str:
        exchange().audit("greeted", "said hello")
        return f"{exchange().host} {len(xsrf_token()) > 20} {len(csp_nonce()) > 20}"

    assert app.test_client().get("/").text == "localhost True True"
