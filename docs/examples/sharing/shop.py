"""The shop, with Flask. People sign in here, for all three."""

from __future__ import annotations

import common
from flask import Blueprint, Flask, redirect, request
from flask.typing import ResponseReturnValue

from secmw import Policy
from secmw_flask import Secmw, exchange, session, xsrf_token

shop = Blueprint("shop", __name__, url_prefix="/shop")


@shop.get("/")
def look() -> str:
    return common.page("shop", exchange().session, xsrf_token())


@shop.post("/items")
def add() -> ResponseReturnValue:
    session.setdefault("items", []).append(request.form["item"])
    return redirect("/shop/", 303)


@shop.post("/theme")
def change() -> ResponseReturnValue:
    session["theme"] = request.form["theme"]
    return redirect("/shop/", 303)


@shop.get("/sign-in")
def ask(wrong: str = "") -> str:
    return common.SIGN_IN.format(wrong=wrong, token=xsrf_token())


@shop.post("/sign-in")
def sign_in() -> ResponseReturnValue:
    found = common.check(request.form["name"], request.form["password"])
    if found is None:
        exchange().audit("authn_login_fail", f"as {request.form['name']!r}")
        return ask("Wrong name or password."), 403
    session.login(*found)
    return redirect("/shop/", 303)


@shop.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    session.logout()
    return redirect("/shop/", 303)


app = Flask(__name__)
app.register_blueprint(shop)
Secmw(app, Policy.from_mapping(common.settings("shop")), hooks=common.HOOKS)
