"""A shop with Flask: a cart, sign-in, and a page behind web sudo. Run it: flask --app shop_flask run --port 8000"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec

import accounts
from flask import Flask, redirect, render_template_string, request
from flask.typing import ResponseReturnValue

import secmw
from secmw.location import local_target

SHOP = """<!doctype html>
<title>Shop</title>
<ul>{% for item in session.cart %}<li>{{ item }}</li>{% endfor %}</ul>
<form method="post" action="/cart">
  <input type="hidden" name="xsrf_token" value="{{ xsrf_token() }}">
  <input name="item"> <button>Add</button>
</form>
{% if session.user_id is none %}<a href="/sign-in">Sign in</a>{% else %}
<form method="post" action="/_secmw/sign-out">
  <input type="hidden" name="xsrf_token" value="{{ xsrf_token() }}">
  {{ session.user_description }} <button>Sign out</button>
</form>{% endif %}
"""

SIGN_IN = """<!doctype html>
<title>Sign in</title>
{% if wrong %}<p>Wrong name or password.</p>{% endif %}
<form method="post">
  <input type="hidden" name="xsrf_token" value="{{ xsrf_token() }}">
  <input type="hidden" name="next" value="{{ next }}">
  <input name="name" autocomplete="username">
  <input name="password" type="password" autocomplete="current-password"> <button>Sign in</button>
</form>
"""


Given = ParamSpec("Given")


def exchange() -> secmw.Exchange:
    found: secmw.Exchange = request.environ["secmw"]
    return found


def sudo_required(view: Callable[Given, ResponseReturnValue]) -> Callable[Given, ResponseReturnValue]:
    """Ask for the password again before a view."""

    @functools.wraps(view)
    def guarded(*arguments: Given.args, **names: Given.kwargs) -> ResponseReturnValue:
        reply = secmw.wsgi.demand_sudo(request.environ)
        if reply is not None:
            # Flask takes a WSGI application for a response.
            return lambda environ, start_response: secmw.wsgi.respond(reply, start_response)
        return view(*arguments, **names)

    return guarded


app = Flask(__name__)


@app.context_processor
def security() -> dict[str, object]:
    return {"xsrf_token": exchange().xsrf_token, "session": exchange().session}


@app.get("/")
def shop() -> str:
    return render_template_string(SHOP)


@app.post("/cart")
def add_to_cart() -> ResponseReturnValue:
    exchange().session.setdefault("cart", []).append(request.form["item"])
    return redirect("/", 303)


@app.get("/sign-in")
def ask() -> str:
    return render_template_string(SIGN_IN, next=local_target(request.args.get("next", "")))


@app.post("/sign-in")
def sign_in() -> ResponseReturnValue:
    name = request.form.get("name", "")
    after = local_target(request.form.get("next", ""))
    user_id = accounts.find(name, request.form.get("password", ""))
    if user_id is None:
        exchange().audit("authn_login_fail", f"as {name!r}")
        return render_template_string(SIGN_IN, wrong=True, next=after), 403
    exchange().session.login(user_id, accounts.DESCRIPTIONS[user_id])
    return redirect(after, 303)


@app.get("/account/addresses")
@sudo_required
def addresses() -> str:
    return f"Where we send your orders, asked by {exchange().session.user_id}."


policy = secmw.Policy.development(sessions={"sign_in_url": "/sign-in"})
hooks = secmw.Hooks(verify=accounts.verify)
app.wsgi_app = secmw.wsgi.Middleware(app.wsgi_app, policy, hooks=hooks)  # type: ignore[method-assign]  # as Flask's docs do it
