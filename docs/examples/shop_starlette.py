"""A shop with Starlette: a cart, sign-in, and a page behind web sudo.

Run it: uvicorn --no-proxy-headers --no-server-header shop_starlette:app
"""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qs

import accounts
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

import secmw
from secmw.location import local_target

FORM = '<form method="post" action="{action}"><input type="hidden" name="xsrf_token" value="{token}">{inner}</form>'


def page(request: Request, title: str, text: str) -> Response:
    return HTMLResponse(f"<!doctype html>\n<title>{title}</title>\n<h1>{title}</h1>\n{text}")


def form(request: Request, action: str, inner: str) -> str:
    return FORM.format(action=action, token=request.scope["secmw"].xsrf_token(), inner=inner)


async def shop(request: Request) -> Response:
    session = request.scope["secmw"].session
    items = "".join(f"<li>{escape(item)}</li>" for item in session.get("cart", []))
    if session.user_id is None:
        person = '<a href="/sign-in">Sign in</a>'
    else:
        person = escape(session.user_description) + form(
            request, "/_secmw/sign-out", "<button>Sign out</button>"
        )
    add = form(request, "/cart", '<input name="item"> <button>Add</button>')
    return page(request, "Shop", f"<ul>{items}</ul>\n{add}\n<p>{person}</p>")


async def add_to_cart(request: Request) -> Response:
    session = request.scope["secmw"].session
    fields = parse_qs((await request.body()).decode())
    session.setdefault("cart", []).append(fields["item"][0])
    return RedirectResponse("/", status_code=303)


async def ask(request: Request) -> Response:
    after = escape(local_target(request.query_params.get("next", "")))
    inner = (
        f'<input type="hidden" name="next" value="{after}">'
        '<input name="name" autocomplete="username">'
        '<input name="password" type="password" autocomplete="current-password"> <button>Sign in</button>'
    )
    return page(request, "Sign in", form(request, "/sign-in", inner))


async def sign_in(request: Request) -> Response:
    fields = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
    name, password = fields.get("name", ""), fields.get("password", "")
    user_id = await run_in_threadpool(accounts.find, name, password)
    exchange = request.scope["secmw"]
    if user_id is None:
        exchange.audit("authn_login_fail", f"as {name!r}")
        return page(request, "Wrong name or password", '<a href="/sign-in">Try again</a>')
    exchange.session.login(user_id, accounts.DESCRIPTIONS[user_id])
    return RedirectResponse(local_target(fields.get("next", "")), status_code=303)


async def addresses(request: Request) -> Response:
    return page(
        request, "Where we send your orders", f"<p>Asked by {request.scope['secmw'].session.user_id}.</p>"
    )


account = Starlette(routes=[Route("/addresses", addresses)])

routes = [
    Route("/", shop),
    Route("/cart", add_to_cart, methods=["POST"]),
    Route("/sign-in", ask, methods=["GET"]),
    Route("/sign-in", sign_in, methods=["POST"]),
    Mount("/account", secmw.asgi.sudo_required(account)),
]

policy = secmw.Policy.development(sessions={"sign_in_url": "/sign-in"})
app = secmw.asgi.Middleware(Starlette(routes=routes), policy, hooks=secmw.Hooks(verify=accounts.verify))
