"""What is written above views, inherited by them, and written in templates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client

from secmw import ConfigError
from secmw_django import override
from tests.adapters.secmw_django.pages import HERE, project

NAVIGATION = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}
SCRIPT = {"Accept": "application/json", "Sec-Fetch-Mode": "cors"}
SITE = {"public_url": "https://testserver"}


@pytest.fixture
def site() -> Iterator[None]:
    with project(SECMW={**SITE, "sessions": {"sign_in_url": "/sign-in"}}):
        yield


class Asked(Client):
    """Be Django's client over HTTPS, asked for tokens like a browser."""

    def __init__(self) -> None:
        super().__init__(enforce_csrf_checks=True)

    def generic(self, *given: Any, **more: Any) -> Any:
        more["secure"] = True
        return super().generic(*given, **more)


# --- exempt -----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("path", ["/hook", "/hook-async", "/hook-class", "/shops/7/hooks/paid"])
def test_a_view_says_itself_that_other_servers_may_post_to_it(path: str) -> None:
    response = Asked().post(path, headers={"Origin": "https://partner.example"})
    assert (response.status_code, response.content) == (200, b"heard")


def test_djangos_middleware_asks_an_exempt_view_for_nothing_either() -> None:
    with project("django.middleware.csrf.CsrfViewMiddleware", SECMW=SITE):
        assert Asked().post("/hook").content == Asked().post("/hook-class").content == b"heard"


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(
    "path",
    [
        "/hook-of-django",  # libraries write that above what answers browsers
        "/half-hook",  # what dispatches is not exempt
        "/shops/x/hooks/paid",  # leads nowhere
        "/nowhere",
        "/posted",
    ],
)
def test_all_others_are_asked(path: str) -> None:
    assert Asked().post(path).status_code == 403


@pytest.mark.parametrize("path", ["/hook"])
def test_an_address_that_leads_to_another_view_meanwhile_answers_nobody(path: str) -> None:
    with project(f"{HERE}.Elsewhere", SECMW=SITE):
        client = Asked()
        assert client.get(path).status_code == 200
        response = client.post(path)
        assert response.status_code == 403
        assert response.json()["reason"] == "xsrf_missing"
        assert response.headers["X-Frame-Options"] == "DENY"

        async def post() -> Any:
            return await AsyncClient(enforce_csrf_checks=True).post(path, secure=True)

        assert async_to_sync(post)().status_code == 403


# --- headers of its own -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("site")
def test_a_view_has_headers_of_its_own() -> None:
    response = Asked().get("/framed")
    assert "X-Frame-Options" not in response.headers
    assert response.headers["Content-Security-Policy"] == "default-src 'none'"
    assert Asked().get("/framed-async").headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("said", [{"enforce_headers": ["X-Frame-Options"]}, {}])
def test_what_a_policy_enforces_no_decorator_of_djangos_takes_away(said: dict[str, Any]) -> None:
    with project(SECMW={**SITE, **said}):
        response = Asked().get("/unframed")
        assert response.headers.get("X-Frame-Options") == ("DENY" if said else None)
        assert ("frame-ancestors 'none'" in response.headers["Content-Security-Policy"]) is bool(said)


def test_an_override_of_what_is_no_header_fails_where_it_is_written() -> None:
    with pytest.raises(ConfigError, match="hsts"):
        override(hsts="off", frame_options=None)


# --- demands ----------------------------------------------------------------------------------------------------------

DANGERS = ("/danger", "/wrapped", "/danger-async", "/danger-class", "/danger-class-async")


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("path", DANGERS)
def test_what_is_dangerous_asks_for_the_password_and_then_goes_on(path: str) -> None:
    client = Asked()
    client.get("/in")
    response = client.get(path, headers=NAVIGATION)
    assert (response.status_code, response.headers["Location"]) == (303, f"/_secmw/sudo?next={path}")
    assert client.get(path, headers=SCRIPT).status_code == 401
    form = client.get(f"/_secmw/sudo?next={path}").content.decode()
    token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)[0]
    given = {"csrfmiddlewaretoken": token, "password": "right", "next": path}
    kind = "application/x-www-form-urlencoded"
    headers = {"Origin": "https://testserver"}
    answer = client.post("/_secmw/sudo", urlencode(given), content_type=kind, headers=headers)
    assert (answer.status_code, answer.headers["Location"]) == (303, path)
    assert client.get(path).content == b"done"


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("path", ["/mine", "/mine-class", *DANGERS])
def test_a_stranger_is_sent_to_sign_in(path: str) -> None:
    response = Asked().get(path, headers=NAVIGATION)
    assert (response.status_code, response.headers["Location"]) == (303, f"/sign-in?next={path}")
    assert Asked().get(path, headers=SCRIPT).json()["reason"] == "sign_in_required"


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("path", ["/mine", "/mine-class"])
def test_who_is_signed_in_gets_through(path: str) -> None:
    client = Asked()
    client.get("/in")
    assert client.get(path).content == b"yours"


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("path", ["/mine", "/danger-async", "/danger-class-async", "/seen-async"])
def test_demands_hold_on_an_event_loop_too(path: str) -> None:
    async def ask() -> Any:
        return await AsyncClient().get(path, secure=True, headers=NAVIGATION)

    assert async_to_sync(ask)().status_code == (200 if path == "/seen-async" else 303)


# --- templates --------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("template", ["{% csrf_token %}", "{% load secmw %}{% xsrf_token %}"])
def test_a_form_with_either_tag_passes(template: str) -> None:
    client = Asked()
    field = client.get("/page", {"template": template}).content.decode()
    name, token = re.findall(r'name="([^"]+)" value="([^"]+)"', field)[0]
    assert name == "csrfmiddlewaretoken"
    answer = client.post("/posted", {name: token}, headers={"Origin": "https://testserver"})
    assert answer.status_code == 200


@pytest.mark.parametrize("template", ["{% csrf_token %}", "{% load secmw %}{% xsrf_token %}"])
def test_where_djangos_own_middleware_asks_both_tags_write_its_token(template: str) -> None:
    with project("django.middleware.csrf.CsrfViewMiddleware", SECMW=SITE):
        client = Asked()
        page = client.get("/page", {"template": template})
        name, token = re.findall(r'name="([^"]+)" value="([^"]+)"', page.content.decode())[0]
        headers = {"Origin": "https://testserver"}
        assert client.post("/posted", {name: token}, headers=headers).status_code == 200
        assert client.post("/posted", {name: "x" * 64}, headers=headers).status_code == 403
        foreign = client.post("/posted", {name: token}, headers={"Origin": "https://evil.example"})
        assert foreign.json()["reason"] == "cross_origin"


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("template", ["{{ csp_nonce }}", "{% load secmw %}{% csp_nonce %}"])
def test_the_nonce_of_a_page_is_in_its_policy(template: str) -> None:
    response = Asked().get("/page", {"template": template})
    nonce = response.content.decode()
    assert len(nonce) >= 22
    assert f"'nonce-{nonce}'" in response.headers["Content-Security-Policy-Report-Only"]
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.usefixtures("site")
def test_a_page_that_writes_none_of_them_has_none() -> None:
    response = Asked().get("/page", {"template": "plain"})
    assert "nonce-" not in response.headers["Content-Security-Policy-Report-Only"]
    assert (response.cookies, "Cache-Control" in response.headers) == ({}, False)


@pytest.mark.parametrize(
    "template",
    [
        "{% csrf_token %}",
        "{{ csp_nonce }}",
        "{% load secmw %}{% xsrf_token %}",
        "{% load secmw %}{% csp_nonce %}",
    ],
)
def test_djangos_cache_never_gives_ones_token_or_nonce_to_another(template: str) -> None:
    cache = [f"django.middleware.cache.{name}Middleware" for name in ("UpdateCache", "FetchFromCache")]
    memory = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": template}}
    with project(*cache, SECMW=SITE, CACHES=memory):
        pages = {Asked().get("/page", {"template": template}).content for _ in range(3)}
        assert len(pages) == 3
        # What is for everybody is kept.
        assert len({Asked().get("/counted").content for _ in range(3)}) == 1
