"""Sessions where there is no request: transactions of the test client, and contexts that go around secmw."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from flask import Response, flash, get_flashed_messages, has_request_context, session
from flask.testing import FlaskClient

from secmw.errors import SessionError, StoreError
from secmw.stores import MemoryStore
from secmw_flask import SecmwSession
from secmw_flask import session as typed
from tests.adapters.secmw_flask.apps import ID, application, production, shop


def test_a_transaction_writes_what_the_next_request_reads() -> None:
    client = shop().test_client()
    with client.session_transaction() as before:
        before["cart"] = ["apple"]
    assert client.get("/cart").get_json()["cart"] == ["apple"]
    client.get("/cart/pear")
    with client.session_transaction() as after:
        assert after["cart"] == ["apple", "pear"]
        after["cart"].append("plum")
    assert client.get("/cart").get_json()["cart"] == ["apple", "pear", "plum"]


def test_a_transaction_can_sign_somebody_in_and_out() -> None:
    client = shop().test_client()
    with client.session_transaction() as begun:
        assert isinstance(begun, SecmwSession)
        begun.login("42", "Jane")
    assert client.get("/cart").get_json()["user"] == "42"
    with client.session_transaction() as there:
        assert isinstance(there, SecmwSession)
        assert there.user_id == "42"
        there.logout()
    assert client.get_cookie(ID) is None
    assert client.get("/cart").get_json()["user"] is None


def test_flasks_own_client_has_transactions_too() -> None:
    client = FlaskClient(app := shop(), app.response_class, use_cookies=True)
    with client.session_transaction() as begun:
        begun["cart"] = ["apple"]
    assert client.get("/cart").get_json()["cart"] == ["apple"]
    with app.test_client().session_transaction("/cart", environ_overrides={"REMOTE_ADDR": "::1"}) as other:
        assert "cart" not in other


def test_a_transaction_that_changes_nothing_begins_no_session() -> None:
    client = shop().test_client()
    with client.session_transaction() as looked_at:
        assert "cart" not in looked_at
    assert client.get_cookie(ID) is None


def test_a_transaction_that_fails_writes_nothing() -> None:
    client = shop().test_client()
    with suppress(ZeroDivisionError), client.session_transaction() as begun:
        begun["cart"] = ["apple"]
        raise ZeroDivisionError
    assert client.get("/cart").get_json()["cart"] is None


def test_a_transaction_with_an_address_that_the_policy_refuses_says_what_to_do() -> None:
    app = application(production())
    client = app.test_client()
    with (
        pytest.raises(SessionError, match=r"base_url=.*secmw\.testing\.policy"),
        client.session_transaction(),
    ):
        raise AssertionError("there is no session")
    bare = FlaskClient(app, app.response_class, use_cookies=True)
    with pytest.raises(SessionError, match="base_url="), bare.session_transaction():
        raise AssertionError("there is no session")
    assert not has_request_context()
    with client.session_transaction(base_url="https://app.example.org") as begun:
        begun["a"] = 1
    assert client.get_cookie("__Host-id", "app.example.org") is not None


def test_a_transaction_that_the_store_does_not_take_fails() -> None:
    class Away(MemoryStore):
        def write(self, write: Any) -> Any:
            raise StoreError("away")

    client = application(store=Away()).test_client()
    with (
        pytest.raises(SessionError, match="the session was not written"),
        client.session_transaction() as begun,
    ):
        begun["a"] = 1


def test_a_request_context_without_a_request_has_an_empty_session_that_says_why() -> None:
    app = shop()
    with app.test_request_context():
        assert not session
        assert session.get("cart") is None
        assert get_flashed_messages() == []
        assert (typed.user_id, typed.user_description, typed.has_sudo, typed.sudo_until) == (
            None,
            "",
            False,
            None,
        )
        asking: tuple[Callable[[], object], ...] = (
            lambda: session.update(a=1),
            lambda: flash("hello"),
            lambda: typed.login("42"),
            lambda: typed.revoke("x"),
        )
        for asks in asking:
            with pytest.raises(SessionError, match="did not come through secmw"):
                asks()
        with pytest.raises(AttributeError):
            typed.nothing_of_the_kind  # type: ignore[attr-defined]  # noqa: B018 - that it is none is the point
    with app.test_request_context("/cart/apple"):
        with pytest.raises(SessionError, match="did not come through secmw"):
            app.dispatch_request()
        app.process_response(Response("x"))


def test_a_context_inside_a_request_is_nobodys() -> None:
    app = shop()

    @app.get("/inside")
    def inside() -> str:
        with app.test_request_context():
            return str(len(session))

    client = app.test_client()
    client.get("/cart/apple")
    assert client.get("/inside").text == "0"
