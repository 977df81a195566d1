from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import flask
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse
from starlette.routing import Route

import secmw.asgi
import secmw.wsgi
from secmw import Hooks, Policy
from secmw.cli.bench.driving import AsgiDriver, Request, WsgiDriver
from secmw.cli.bench.parts import measurable
from secmw.cli.bench.target import Target, TargetError, load, said
from secmw.errors import SessionError
from secmw.keys import new_key
from secmw_flask import Secmw
from secmw_starlette import SecmwMiddleware

ASKED = Request(method="GET", scheme="https", host="app.example.org", target="/", headers=())


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    return Policy.recommended(
        secret_keys=[new_key()],
        public_url="https://app.example.org",
        store=f"sqlite:{tmp_path / 'sessions.db'}",
    )


def wsgi_app(environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return [b"with" if "secmw" in environ else b"without"]


async def asgi_app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"with" if "secmw" in scope else b"without"})


def in_starlette(policy: Policy) -> Any:
    async def root(request: StarletteRequest) -> PlainTextResponse:
        return PlainTextResponse("with" if "secmw" in request.scope else "without")

    return Starlette(
        routes=[Route("/", root)],
        middleware=[Middleware(GZipMiddleware), Middleware(SecmwMiddleware, policy=policy)],
    )


def in_flask(policy: Policy) -> Any:
    app = flask.Flask("shop")

    @app.get("/")
    def root() -> str:
        return "with" if "secmw" in flask.request.environ else "without"

    Secmw(app, policy)
    return app


class Around:
    """Be somebody else's middleware, outside of ours."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __call__(self, environ: Any, start_response: Any) -> Any:
        return self.inner(environ, start_response)


def in_closure(inner: Any) -> Any:
    async def middleware(scope: Any, receive: Any, send: Any) -> None:
        await inner(scope, receive, send)

    return middleware


def by_its_method(layer: secmw.wsgi.Middleware) -> Any:
    serve = layer.__call__

    def middleware(environ: Any, start_response: Any) -> Any:
        return serve(environ, start_response)

    return middleware


MADE: dict[str, Callable[[Policy], Any]] = {
    "asgi": lambda policy: secmw.asgi.Middleware(asgi_app, policy),
    "wsgi": lambda policy: secmw.wsgi.Middleware(wsgi_app, policy),
    "starlette": in_starlette,
    "around starlette": lambda policy: SecmwMiddleware(Starlette(routes=in_starlette(policy).routes), policy),
    "flask": in_flask,
    "inside of another": lambda policy: Around(secmw.wsgi.Middleware(wsgi_app, policy)),
    "called by its method": lambda policy: by_its_method(secmw.wsgi.Middleware(wsgi_app, policy)),
    "inside of a function": lambda policy: in_closure(secmw.asgi.Middleware(asgi_app, policy)),
}


@pytest.mark.parametrize("kind", MADE)
def test_the_layer_is_found_taken_away_and_put_back(kind: str, policy: Policy, tmp_path: Path) -> None:
    app = MADE[kind](policy)
    target = Target.of(app)
    assert target.policy == policy
    before = dict(vars(target.layer))
    with AsgiDriver() if target.asgi else WsgiDriver() as driver:
        answers = []
        target.place(measurable(policy))
        target.alone()
        answers.append(driver.ask(target.bare, driver.made(ASKED), b""))
        target.whole()
        answers.append(driver.ask(target.app, driver.made(ASKED), b""))
        target.alone()
        answers.append(driver.ask(target.bare, driver.made(ASKED), b""))
        target.restore()
        target.place(measurable(policy))
        answers.append(driver.ask(target.app, driver.made(ASKED), b""))
        target.restore()
    assert [answer.body for answer in answers] == [b"without", b"with"] * 2
    assert ["x-frame-options" in {name.lower() for name, _ in answer.headers} for answer in answers] == [
        False,
        True,
    ] * 2
    assert vars(target.layer) == before
    assert type(target.layer).__name__ in ("Middleware", "SecmwMiddleware")
    # Nothing has touched its store.
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("app", [asgi_app, wsgi_app])
def test_around_an_application_without_a_layer_one_is_put(app: Any, policy: Policy) -> None:
    target = Target.of(app)
    assert (target.policy, target.asgi) == (None, app is asgi_app)
    target.place(measurable(policy))
    assert target.bare is app
    with AsgiDriver() if target.asgi else WsgiDriver() as driver:
        assert driver.ask(target.app, driver.made(ASKED), b"").body == b"with"


def test_hooks_of_the_application_are_not_asked_for_somebody_made_up(policy: Policy) -> None:
    def never(*_: str) -> Any:
        raise AssertionError("this is the application's own")

    hooks = Hooks(verify=never, current_credentials_version=never)
    stand_ins = Target.of(secmw.wsgi.Middleware(wsgi_app, policy, hooks=hooks)).hooks
    assert stand_ins.verify is not None
    assert stand_ins.verify("jane", "correct horse") is False
    assert stand_ins.current_credentials_version is not None
    assert stand_ins.current_credentials_version("jane") == "secmw-bench"
    assert Target.of(secmw.wsgi.Middleware(wsgi_app, policy)).hooks == Hooks()


def test_of_a_user_who_is_named_the_hook_is_asked_once(policy: Policy) -> None:
    known = {"jane": "v7"}
    target = Target.of(
        secmw.wsgi.Middleware(wsgi_app, policy, hooks=Hooks(current_credentials_version=known.get))
    )
    target.learn("jane", WsgiDriver().wait)
    assert target.version == "v7"
    with pytest.raises(TargetError, match="knows no user 'joe'"):
        target.learn("joe", WsgiDriver().wait)


def test_views_that_are_exempt_stay_so(policy: Policy) -> None:
    app = flask.Flask("shop")

    @app.post("/hook")
    @secmw_flask_exempt
    def hook() -> str:
        return "thanks"

    Secmw(app, policy)
    target = Target.of(app)
    assert target.exempts is not None
    assert target.exempts("/hook")
    assert not target.exempts("/other")


def secmw_flask_exempt(view: Any) -> Any:
    from secmw_flask import xsrf_exempt

    return xsrf_exempt(view)


# --- names


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path / "some_site.py"
    sys.modules.pop("some_site", None)


def test_an_application_is_imported_from_the_folder_that_is_named(module: Path) -> None:
    module.write_text("class site:\n    app = staticmethod(print)\ndef make():\n    return len\n")
    assert load("some_site:site.app", module.parent) is print
    assert load("some_site:make()", module.parent) is len


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("some_site", "names no application; write module:app"),
        ("some_site:", "names no application"),
        ("nowhere_at_all:app", "No module named 'nowhere_at_all'"),
        ("some_site:other", "has no attribute 'other'"),
        ("some_site:number", "is a int"),
        ("some_site:fail()", r"ValueError in fail\(\), some_site.py line 3"),
    ],
)
def test_what_is_wrong_with_a_name_is_said(module: Path, name: str, message: str) -> None:
    module.write_text('number = 5\ndef fail():\n    raise ValueError("the password is geheim")\n')
    with pytest.raises(TargetError, match=message) as raised:
        load(name, module.parent)
    assert "geheim" not in str(raised.value)


def test_an_error_of_ours_is_told_whole() -> None:
    assert said(SessionError("the policy has no sessions")) == "the policy has no sessions"
