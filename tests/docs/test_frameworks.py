"""What the how-to pages say of frameworks is so."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

import secmw.asgi
import secmw.wsgi
from secmw import Policy
from secmw.testing import Client

HERE = "http://localhost:8000"


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Policy:
    monkeypatch.chdir(tmp_path)
    return Policy.development(sessions=None)


async def fails(_: Request) -> Response:
    raise RuntimeError("on purpose")


async def own_page(_: Request, __: Exception) -> Response:
    return PlainTextResponse("a page of ours", 500)


def starlette() -> Starlette:
    return Starlette(routes=[Route("/fails", fails)], exception_handlers={500: own_page})


def test_a_wrapped_starlette_answers_500_with_its_own_page_and_our_headers(policy: Policy) -> None:
    response = Client(secmw.asgi.Middleware(starlette(), policy), base_url=HERE).get("/fails")
    assert (response.status, response.text) == (500, "a page of ours")
    assert response.header("X-Frame-Options") == "DENY"


def test_a_middleware_registered_inside_answers_500_first(policy: Policy) -> None:
    inside = starlette()
    inside.add_middleware(secmw.asgi.Middleware, policy=policy)
    response = Client(inside, base_url=HERE).get("/fails")
    assert response.status == 500
    assert response.json()["reason"] == "application_failed"
    assert response.header("X-Frame-Options") == "DENY"


@pytest.mark.parametrize("inside", [True, False])
def test_the_frameworks_own_404_has_the_headers_either_way(policy: Policy, inside: bool) -> None:
    app = starlette()
    if inside:
        app.add_middleware(secmw.asgi.Middleware, policy=policy)
    response = Client(app if inside else secmw.asgi.Middleware(app, policy), base_url=HERE).get("/nowhere")
    assert response.status == 404
    assert response.header("X-Frame-Options") == "DENY"


def test_an_exception_under_flasks_debugger_becomes_a_plain_500(policy: Policy) -> None:
    app = Flask(__name__)
    app.debug = True

    @app.get("/fails")
    def fails() -> str:
        raise RuntimeError("on purpose")

    client = Client(secmw.wsgi.Middleware(app, policy), base_url=HERE)
    response = client.get("/fails")
    assert response.status == 500
    assert response.json()["reason"] == "application_failed"
    assert "on purpose" not in response.text
