"""What type checkers are told of the public names; mypy reads this, and running it only imports them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, assert_type

from flask import Blueprint, Flask
from flask.views import MethodView
from markupsafe import Markup

import secmw_flask
from secmw import Exchange, Hooks, Policy
from secmw_flask import (
    Secmw,
    SecmwSession,
    csp_nonce,
    exchange,
    login_required,
    override,
    session,
    sudo_required,
    xsrf_exempt,
    xsrf_field,
    xsrf_token,
)
from secmw_flask.flask_login import LoginManager

if TYPE_CHECKING:

    def the_extension(app: Flask, policy: Policy) -> None:
        assert_type(Secmw(), Secmw)
        assert_type(Secmw(app, policy, hooks=Hooks(), sinks=[]), Secmw)
        assert_type(Secmw(policy=policy).init_app(app), None)
        assert_type(LoginManager(app, describe=str), LoginManager)

    def the_session() -> None:
        assert_type(session, SecmwSession)
        assert_type(session.user_id, str | None)
        assert_type(session.has_sudo, bool)
        assert_type(session.login("42", "Jane", checked_at=1.0), None)
        assert_type(session.permanent, bool)

    def what_templates_have() -> None:
        assert_type(exchange(), Exchange)
        assert_type(xsrf_token(), str)
        assert_type(csp_nonce(), str)
        assert_type(xsrf_field(), Markup)

    @login_required
    def bare(number: int) -> str:
        return str(number)

    @login_required()
    @sudo_required(max_age=60)
    @override(frame_options=None)
    @xsrf_exempt
    def all_of_them(number: int) -> str:
        return str(number)

    @sudo_required
    async def waits() -> str:
        return "waited"

    assert_type(bare(1), str)
    assert_type(all_of_them(1), str)

    @xsrf_exempt
    @override(csp=None)
    class Page(MethodView):
        @sudo_required
        def post(self, number: int) -> str:
            return str(number)

    assert_type(Page(), Page)
    assert_type(Page().post(1), str)
    assert_type(xsrf_exempt(Blueprint("a", "a")), Blueprint)
    assert_type(override(csp=None)(Blueprint("a", "a")), Blueprint)
    function: Callable[[], str] = login_required(lambda: "in")


def test_every_public_name_is_there() -> None:
    assert sorted(secmw_flask.__all__) == [
        "Secmw",
        "SecmwSession",
        "SecmwSessionInterface",
        "csp_nonce",
        "exchange",
        "login_required",
        "override",
        "session",
        "sudo_required",
        "xsrf_exempt",
        "xsrf_field",
        "xsrf_token",
    ]
    for name in secmw_flask.__all__:
        assert getattr(secmw_flask, name).__doc__
