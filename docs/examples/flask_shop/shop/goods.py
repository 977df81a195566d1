"""What there is to buy, and the cart, which is in the session whether somebody is signed in or not."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

GOODS = {"apples": 3, "pears": 4, "plums": 5}

goods = Blueprint("goods", __name__)


@goods.get("/")
def shop() -> str:
    return render_template("shop.html", goods=GOODS, cart=session.get("cart", []))


@goods.post("/cart")
def add_to_cart() -> ResponseReturnValue:
    item = request.form["item"]
    if item not in GOODS:
        abort(404)
    session.setdefault("cart", []).append(item)
    flash(f"There are {item} in your cart now.")
    return redirect(url_for("goods.shop"), 303)
