"""The example applications work, and are protected as their pages say."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

from secmw.testing import Client, Response
from tests.adapters.secmw_django.site import apart
from tests.docs.blocks import DOCS

EXAMPLES: Final = DOCS / "examples"
HERE: Final = "http://localhost:8000"
SITE: Final = "https://app.example.org"
ELSEWHERE: Final = "https://evil.example"

#: Which test below is about which file; a new example needs a line.
TESTED: Final = {
    "accounts.py",
    "csp_nonce.py",
    # tests/adapters
    "django_site/documents/__init__.py",
    "django_site/documents/admin.py",
    "django_site/documents/apps.py",
    "django_site/documents/management/__init__.py",
    "django_site/documents/management/commands/__init__.py",
    "django_site/documents/management/commands/demo.py",
    "django_site/documents/migrations/0001_initial.py",
    "django_site/documents/migrations/__init__.py",
    "django_site/documents/models.py",
    "django_site/documents/views.py",
    "django_site/manage.py",
    "django_site/mysite/__init__.py",
    "django_site/mysite/asgi.py",
    "django_site/mysite/settings.py",
    "django_site/mysite/urls.py",
    "django_site/mysite/wsgi.py",
    "embedded.py",
    # tests/adapters
    "fastapi_spa/app.py",
    "flask_shop/shop/__init__.py",
    "flask_shop/shop/account.py",
    "flask_shop/shop/goods.py",
    "flask_shop/shop/hooks.py",
    "flask_shop/shop/people.py",
    "hello_asgi.py",
    "hello_wsgi.py",
    "notes_django.py",
    "notes_flask.py",
    "notes_starlette.py",
    "path_classes.py",
    # tests/adapters
    "quart_adapter/app.py",
    "quart_adapter/quart_secmw.py",
    "sharing/common.py",
    "sharing/desk.py",
    "sharing/forum.py",
    "sharing/serve.py",
    "sharing/shop.py",
    "shop_flask.py",
    "shop_starlette.py",
    "static_front_end/app.py",
    "test_notes.py",
}


@pytest.fixture(autouse=True)
def _examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.setenv("SECRET_KEY", "AcBFdJr4wMOsGxPvGpi0VONEjBOVMSM+lnbH5jVTxGg=")
    before = set(sys.modules)
    yield
    # Each test has an application of its own, without another one's notes; Django can be set up only once.
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(EXAMPLES) in str(sys.modules[name].__file__):
            del sys.modules[name]


def load(path: str) -> ModuleType:
    """Import an example, whatever folder it is in."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, EXAMPLES / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def token_field(page: str) -> str:
    return page.partition('name="xsrf_token" value="')[2].partition('"')[0]


def refused(client: Client, path: str, **settings: Any) -> str:
    """Send a POST that must be refused, and return the reason."""
    response = client.post(path, **settings)
    assert response.status == 403
    assert response.header("X-Frame-Options") == "DENY"
    reason: str = response.json()["reason"]
    return reason


def test_every_example_has_a_test() -> None:
    found = {path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("*.py")}
    assert found == TESTED


@pytest.mark.parametrize("path", ["hello_asgi.py", "hello_wsgi.py"])
def test_a_bare_application_says_which_host_it_was_asked_for(path: str) -> None:
    response = Client(load(path).app, base_url=HERE).get("/")
    assert response.text == "Hello, localhost:8000"
    assert response.header("X-Content-Type-Options") == "nosniff"


@pytest.mark.parametrize("path", ["notes_starlette.py", "notes_flask.py"])
def test_a_form_needs_the_token_of_its_page(path: str) -> None:
    client = Client(load(path).app, base_url=HERE)
    assert refused(client, "/notes", form={"note": "x"}) == "xsrf_cookie_missing"
    token = token_field(client.get("/").text)
    by_form = {"X-XSRF-TOKEN": None}
    assert refused(client, "/notes", form={"note": "x"}, headers=by_form) == "xsrf_missing"
    added = client.post("/notes", form={"xsrf_token": token, "note": "Call Ada"}, headers=by_form)
    assert added.status == 303
    assert "<li>Call Ada</li>" in client.get("/").text


@pytest.mark.parametrize("path", ["notes_starlette.py", "notes_flask.py"])
def test_a_form_of_another_site_is_refused(path: str) -> None:
    client = Client(load(path).app, base_url=HERE)
    client.get("/")
    assert refused(client, "/notes", form={"note": "x"}, headers={"Origin": ELSEWHERE}) == "cross_origin"


def test_a_script_sends_the_token_in_a_header() -> None:
    client = Client(load("notes_starlette.py").app, base_url=HERE)
    client.get("/")
    assert client.post("/api/notes", json={"note": "Call Ada"}).json() == {"notes": ["Buy milk", "Call Ada"]}


def test_a_socket_of_another_site_is_refused() -> None:
    client = Client(load("notes_starlette.py").app, base_url=HERE)
    assert client.websocket("/echo", send=["hello"], replies=1).messages == ("hello",)
    assert not client.websocket("/echo", origin=ELSEWHERE).accepted


def test_django_asks_for_its_token_and_secmw_for_the_origin() -> None:
    with apart():  # it configures Django, and this process is another project already
        client = Client(load("notes_django.py").application, base_url=HERE)
        page = client.get("/").text
        token = page.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
        assert refused(client, "/notes", form={"note": "x"}, headers={"Origin": ELSEWHERE}) == "cross_origin"
        assert client.post("/notes", form={"note": "x"}).status == 403  # Django's own page
        assert client.post("/notes", form={"note": "Call Ada", "csrfmiddlewaretoken": token}).status == 302
        assert "<li>Call Ada</li>" in client.get("/").text


def test_a_static_front_end_fetches_its_token() -> None:
    client = Client(load("static_front_end/app.py").app, base_url=HERE)
    page = client.get("/")
    assert page.header("Content-Type") == "text/html; charset=utf-8"
    assert not client.cookies
    assert client.get("/notes.js").status == 200
    assert refused(client, "/api/notes", json={"note": "x"}) == "xsrf_cookie_missing"
    assert client.get("/_secmw/xsrf").status == 204
    assert client.post("/api/notes", json={"note": "Call Ada"}).json() == ["Buy milk", "Call Ada"]


def test_the_script_of_a_static_front_end_does_that() -> None:
    script = (EXAMPLES / "static_front_end" / "static" / "notes.js").read_text()
    for word in ('"XSRF-TOKEN"', '"X-XSRF-TOKEN"', '"/_secmw/xsrf"'):
        assert word in script


def test_one_script_of_the_page_has_the_nonce_of_the_header() -> None:
    client = Client(load("csp_nonce.py").app, base_url=HERE)
    response = client.get("/")
    nonce = response.text.partition('<script nonce="')[2].partition('"')[0]
    assert len(nonce) >= 22
    assert f"script-src 'self' 'nonce-{nonce}'" in (response.header("Content-Security-Policy") or "")
    assert response.text.count("<script>") == 1
    assert response.header("Cache-Control") == "no-store"
    assert nonce not in client.get("/").text


def test_an_embedded_application_names_its_portal_and_has_cookies_of_its_own() -> None:
    client = Client(load("embedded.py").app, base_url=SITE)
    response = client.get("/")
    assert "frame-ancestors https://portal.example.org" in (response.header("Content-Security-Policy") or "")
    assert response.header("X-Frame-Options") is None
    visit, token = response.all("Set-Cookie")
    assert visit.startswith("__Host-visit-embed=")
    for line in (visit, token):
        assert line.endswith("; SameSite=None; Partitioned")
        assert "; Secure; " in line


def test_each_path_class_has_its_headers() -> None:
    client = Client(load("path_classes.py").app, base_url=HERE)

    def sent(path: str) -> tuple[str | None, str | None, str | None]:
        headers = ("X-Frame-Options", "Cross-Origin-Resource-Policy", "Cache-Control")
        response = client.get(path)
        return response.header(headers[0]), response.header(headers[1]), response.header(headers[2])

    assert sent("/") == ("DENY", "same-origin", None)
    assert sent("/widgets/clock") == (None, "cross-origin", None)
    assert sent("/widgets/admin/users") == ("DENY", "cross-origin", None)
    assert sent("/docs/start") == ("DENY", "same-origin", "public, max-age=300")
    assert sent("/widgets/../admin") == ("DENY", "same-origin", None)
    assert sent("/widgets") == ("DENY", "same-origin", None)


# --- the shops


SHOPS: Final = pytest.mark.parametrize("path", ["shop_starlette.py", "shop_flask.py"])
NAVIGATES: Final = {"Sec-Fetch-Mode": "navigate", "Accept": "text/html"}
ADDRESSES: Final = "/account/addresses"


def shop(path: str) -> Client:
    client = Client(load(path).app, base_url=HERE)
    assert client.get("/").status == 200
    return client


def sign_in(client: Client, password: str = "correct horse", after: str = "/") -> Response:
    return client.post("/sign-in", form={"name": "jane", "password": password, "next": after})


@SHOPS
def test_a_visitors_cart_is_still_there_after_the_sign_in(path: str) -> None:
    client = shop(path)
    for item in ("apples", "pears"):
        assert client.post("/cart", form={"item": item}).status == 303
    before = client.cookies["id"].value
    assert sign_in(client).status == 303
    page = client.get("/").text
    assert "<li>apples</li><li>pears</li>" in page
    assert "Jane Doe (jane)" in page
    assert client.cookies["id"].value != before


@SHOPS
def test_a_wrong_password_signs_nobody_in(path: str) -> None:
    client = shop(path)
    assert "Wrong name or password" in sign_in(client, "wrong").text
    assert "Jane" not in client.get("/").text


@SHOPS
def test_after_the_sign_out_nobody_is_signed_in(path: str) -> None:
    client = shop(path)
    sign_in(client)
    copy = client.cookies["id"].value
    out = client.post("/_secmw/sign-out")
    assert (out.status, out.header("Clear-Site-Data")) == (303, '"cache", "storage"')
    assert "id" not in client.cookies
    assert "Jane" not in client.get("/", headers={"Cookie": f"id={copy}"}).text


@SHOPS
def test_the_sign_in_leads_back_to_this_site_alone(path: str) -> None:
    client = shop(path)
    asked = client.get(ADDRESSES, headers=NAVIGATES).header("Location") or ""
    assert asked == f"/sign-in?next={ADDRESSES}"
    assert f'name="next" value="{ADDRESSES}"' in client.get(asked).text
    assert sign_in(client, after=ADDRESSES).header("Location") == ADDRESSES
    assert sign_in(shop(path), after="//evil.example/").header("Location") == "/"


@SHOPS
def test_the_addresses_need_the_password_again(path: str) -> None:
    client = shop(path)
    sign_in(client)
    asked = client.get(ADDRESSES, headers=NAVIGATES).header("Location") or ""
    assert asked == f"/_secmw/sudo?next={ADDRESSES}"
    assert client.get(asked).status == 200
    again = {"next": ADDRESSES, "password": "wrong"}
    assert client.post("/_secmw/sudo", form=again).status == 403
    assert client.get(ADDRESSES, headers={"Sec-Fetch-Mode": "cors"}).status == 401
    given = client.post("/_secmw/sudo", form={**again, "password": "correct horse"})
    assert (given.status, given.header("Location")) == (303, ADDRESSES)
    assert "Where we send your orders" in client.get(ADDRESSES, headers=NAVIGATES).text


def test_an_account_knows_its_own_password_alone() -> None:
    module = load("accounts.py")
    assert module.find("jane", "correct horse") == "42"
    assert module.find("jane", "wrong") is None
    assert module.find("joan", "correct horse") is None
    assert not module.verify("43", "correct horse")


def test_the_tests_that_the_testing_page_shows_pass(tmp_path: Path) -> None:
    for file in ("test_notes.py", "notes_starlette.py", "notes_flask.py"):
        (tmp_path / file).write_text((EXAMPLES / file).read_text())
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_notes.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "4 passed" in done.stdout, done.stdout
