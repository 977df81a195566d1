"""Sign-in, and the page that asks for the password again before it shows where orders go."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from secmw.location import local_target
from secmw_flask import exchange, session, sudo_required
from shop import people

account = Blueprint("account", __name__, url_prefix="/account")


@account.get("/sign-in")
def ask() -> str:
    return render_template("sign_in.html", next=local_target(request.args.get("next", "")))


@account.post("/sign-in")
def sign_in() -> ResponseReturnValue:
    name = request.form.get("name", "")
    after = local_target(request.form.get("next", ""))
    user_id = people.find(name, request.form.get("password", ""))
    if user_id is None:
        exchange().audit("authn_login_fail", f"as {name!r}")
        return render_template("sign_in.html", wrong=True, next=after), 403
    session.login(user_id, people.DESCRIPTIONS[user_id])
    return redirect(after, 303)


@account.get("/addresses")
@sudo_required
def addresses() -> str:
    return render_template("addresses.html", address=people.ADDRESSES[session.user_id or ""])


@account.post("/addresses")
@sudo_required
def move() -> ResponseReturnValue:
    people.ADDRESSES[session.user_id or ""] = request.form["address"]
    exchange().audit("address_changed", "moved")
    return redirect("/account/addresses", 303)
