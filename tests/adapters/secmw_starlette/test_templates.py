"""Templates have the token, its field and the nonce."""

from __future__ import annotations

import re

import jinja2
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.templating import Jinja2Templates

from secmw_starlette import template_context
from tests.adapters.secmw_starlette.sites import client, policy, site, wrapped

PAGE = """<script nonce="{{ csp_nonce() }}"></script><form method="post">{{ xsrf_field() }}</form>{{ csp_nonce() }} {{ xsrf_token() }}"""


def pages() -> Jinja2Templates:
    env = jinja2.Environment(loader=jinja2.DictLoader({"page": PAGE, "plain": "plain"}), autoescape=True)
    return Jinja2Templates(env=env, context_processors=[template_context])


async def page(request: Request) -> Response:
    return pages().TemplateResponse(request, "page")


async def plain(request: Request) -> Response:
    return pages().TemplateResponse(request, "plain")


async def post(request: Request) -> Response:
    return Response((await request.form()).get("xsrf_token", "").__class__.__name__)


def test_a_form_made_of_them_is_accepted() -> None:
    person = site(Route("/", page), Route("/", post, methods=["POST"]))
    shown = person.get("/")
    found = re.search(r'<input type="hidden" name="xsrf_token" value="([\w.-]+)">', shown.text)
    assert found is not None
    by_form = {"X-XSRF-TOKEN": None}
    assert person.post("/", form={"xsrf_token": found[1]}, headers=by_form).text == "str"
    assert person.post("/", form={"xsrf_token": "x"}, headers=by_form).status == 403


def test_the_nonce_is_the_one_of_the_header() -> None:
    shown = site(Route("/", page)).get("/")
    (nonce,) = set(re.findall(r'nonce="([\w-]+)"', shown.text))
    assert f"'nonce-{nonce}'" in (shown.header("Content-Security-Policy-Report-Only") or "")
    assert shown.text.count(nonce) == 2


def test_a_page_that_asks_for_none_stays_as_it_is() -> None:
    response = site(Route("/", plain)).get("/")
    assert (response.all("Set-Cookie"), response.header("Cache-Control")) == ([], None)


def test_the_field_has_the_name_of_the_policy() -> None:
    app = wrapped_with_field("own_field")
    assert '<input type="hidden" name="own_field" value="' in client(app).get("/").text


def wrapped_with_field(name: str) -> object:
    from starlette.applications import Starlette

    return wrapped(Starlette(routes=[Route("/", page)]), given=policy(xsrf={"field": name}))
