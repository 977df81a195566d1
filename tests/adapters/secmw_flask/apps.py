"""What these tests put under test: a policy that Flask's test client can speak to, and applications with a page or two."""

from __future__ import annotations

from typing import Any, Final

from flask import Flask, render_template_string, session

import secmw.testing
from secmw import Hooks, Policy
from secmw_flask import Secmw
from secmw_flask import session as typed
from secmw_flask.testing import SecmwClient

#: A key that protects nothing but these tests.
KEY: Final = "dGhlIGtleSBvZiB0aGUgZmxhc2sgdGVzdHMsIDMyIGI="
ORIGIN: Final = "http://localhost"
PASSWORD: Final = "correct horse"
#: The name of the session's cookie.
ID: Final = "id"


def production(**settings: Any) -> Policy:
    """Be a site's policy."""
    rules = settings.pop("sessions", {})
    if rules is not None:
        rules = {"sign_in_url": "/sign-in", **rules}
    return Policy.recommended(
        **{
            "secret_keys": [KEY],
            "public_url": "https://app.example.org",
            "store": "memory://",
            "sessions": rules,
            **settings,
        }
    )


def relaxed(**settings: Any) -> Policy:
    """Be the same for Flask's test client."""
    return secmw.testing.policy(production(**settings))


def client_of(app: Flask) -> SecmwClient:
    """Make the test client of an application, with its type."""
    client = app.test_client()
    assert isinstance(client, SecmwClient)
    return client


def verify(_user_id: str, password: str) -> bool:
    return password == PASSWORD


def application(policy: Policy | None = None, **settings: Any) -> Flask:
    """Make an application without a page, under a policy."""
    app = Flask(__name__)
    Secmw(app, relaxed() if policy is None else policy, **{"hooks": Hooks(verify=verify), **settings})
    return app


def shop() -> Flask:
    """Be an application that does what its path says."""
    app = application()

    @app.get("/cart/<item>")
    def add(item: str) -> dict[str, Any]:
        session.setdefault("cart", []).append(item)
        return {"cart": session["cart"]}

    @app.get("/cart")
    def cart() -> dict[str, Any]:
        return {"cart": session.get("cart"), "user": typed.user_id, "names": sorted(session)}

    @app.get("/in/<user_id>")
    def sign_in(user_id: str) -> str:
        typed.login(user_id, f"User {user_id}")
        return "in"

    @app.get("/out")
    def sign_out() -> str:
        typed.logout()
        return "out"

    @app.get("/plain")
    def plain() -> str:
        return render_template_string("nothing of anybody")

    return app
