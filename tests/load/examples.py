"""The examples of the documentation, each copied, made ready as its page says, and served with two workers."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlencode

import msgspec

from secmw.testing import Response, SetCookie
from tests.conformance.client import Sent
from tests.docs.blocks import DOCS
from tests.load.playing import OPTIONS, PEOPLE, Site, Visitor, patiently
from tests.servers import serve

if TYPE_CHECKING:
    from tests.servers import Server

#: Where they say they are: this machine, by the name that the development preset answers.
HOST: Final = "localhost:8000"
ORIGIN: Final = f"http://{HOST}"

_FIELD: Final = re.compile(r'name="(xsrf_token|csrfmiddlewaretoken)" value="([^"]+)"')
_NONCE: Final = re.compile(r"'nonce-[0-9a-f]{32}'")
_VARIES: Final = frozenset(
    {"date", "content-length", "set-cookie", "connection", "last-modified", "etag", "expires"}
)

#: What all of them send on every page.
WANTED: Final = {"x-content-type-options": "nosniff", "x-frame-options": "DENY"}


class Browser:
    """Keep one connection, and cookies."""

    def __init__(self, server: Server) -> None:
        self._connection = HTTPConnection(server.host, server.port, timeout=30)
        self.cookies: dict[str, str] = {}
        self.page = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def headers(self, **more: str) -> dict[str, str]:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {"Host": HOST, **({"Cookie": cookie} if cookie else {}), **more}

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Response:
        """Send a request, and keep the cookies of the answer; its text is the page that is shown."""
        response = patiently(lambda: self._send(method, path, body, headers))
        for line in response.all("Set-Cookie"):
            cookie = SetCookie.parse(line)
            assert cookie is not None, line
            if cookie.deletes:
                self.cookies.pop(cookie.name, None)
            else:
                self.cookies[cookie.name] = cookie.value
        self.page = response.text
        return response

    def _send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Response:
        self._connection.request(method, path, body, self.headers(**headers))
        found = self._connection.getresponse()
        return Response(found.status, found.getheaders(), found.read())

    def get(self, path: str) -> Response:
        return self.send("GET", path, Accept="text/html")

    def fills_in(self, path: str, **fields: str) -> Response:
        """Send a form of the page that is shown."""
        token = dict(_FIELD.findall(self.page))
        assert token, f"there is no form: {self.page[:500]}"
        form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": ORIGIN}
        return self.send("POST", path, urlencode({**token, **fields}).encode(), **form)

    def calls(self, method: str, path: str, given: object = None) -> Response:
        """Send JSON as a script of the page does."""
        told = {"Content-Type": "application/json", "X-XSRF-TOKEN": self.cookies.get("XSRF-TOKEN", "")}
        return self.send(method, path, msgspec.json.encode(given), Origin=ORIGIN, **told)


class Guest(Visitor):
    """Use an example as people do; but for nonces its headers must be the same each time."""

    def __init__(self, name: str, server: Server, play: Play) -> None:
        super().__init__(name)
        self._server = server
        self._play = play
        self._known: dict[str, list[tuple[str, str]]] = {}

    def round(self) -> Iterator[str]:
        with Browser(self._server) as browser:
            for where, wanted, response in self._play(browser):
                self.answers += 1
                if response.status != wanted:
                    yield f"{where}: {response.status}, not {wanted}: {response.text[:300]}"
                else:
                    yield from self.headers(where, response)

    def headers(self, where: str, response: Response) -> Iterator[str]:
        """Look at every header of an answer."""
        lines = [(name.lower(), value) for name, value in response.headers]
        fixed = sorted((name, _NONCE.sub("", value)) for name, value in lines if name not in _VARIES)
        missing = dict(WANTED.items() - set(fixed))
        if missing:
            yield f"{where}: without {missing}: {response.headers}"
        before = self._known.setdefault(where, fixed)
        if before != fixed:
            yield f"{where}: {set(fixed) ^ set(before)} differs from before"


#: What a guest does: where, the status that is wanted, and the answer, one after another.
Play = Callable[[Browser], Iterator[tuple[str, int, Response]]]


def shops(browser: Browser) -> Iterator[tuple[str, int, Response]]:
    """Fill a cart, sign in, and go."""
    yield "the shop", 200, browser.get("/")
    for count in (1, 2):
        yield "the cart", 303, browser.fills_in("/cart", item="apples")
        yield f"the shop with {count}", 200, browser.get("/")
        assert browser.page.count("<li>apples</li>") == count, browser.page
    yield "the form", 200, browser.get("/account/sign-in?next=/")
    yield (
        "signing in",
        303,
        browser.fills_in("/account/sign-in", name="jane", password="correct horse", next="/"),
    )
    yield "the shop for somebody", 200, browser.get("/")
    assert "Jane Doe (jane)" in browser.page
    assert browser.page.count("<li>apples</li>") == 2
    yield "signing out", 303, browser.fills_in("/_secmw/sign-out")
    yield "the shop again", 200, browser.get("/")
    assert "Jane Doe" not in browser.page
    assert "<li>" not in browser.page


def notes(browser: Browser) -> Iterator[tuple[str, int, Response]]:
    """Open the page, sign in by a script, write, and go."""
    yield "the page", 200, browser.get("/")
    yield "the token", 204, browser.get("/_secmw/xsrf")
    yield "notes of nobody", 401, browser.calls("GET", "/api/notes")
    given = {"name": "jane", "password": "correct horse"}
    yield "signing in", 200, browser.calls("POST", "/api/sign-in", given)
    for _ in range(2):
        yield "who it is", 200, browser.calls("GET", "/api/me")
        assert browser.page == '{"name":"jane"}', browser.page
        yield "a note", 201, browser.calls("POST", "/api/notes", {"text": "Call Ada"})
    yield "removing all", 401, browser.calls("DELETE", "/api/notes")
    yield "signing out", 200, browser.calls("POST", "/api/sign-out")
    yield "who it was", 200, browser.calls("GET", "/api/me")
    assert browser.page == '{"name":null}', browser.page


def administers(browser: Browser) -> Iterator[tuple[str, int, Response]]:
    """Sign in to Django's admin, look around, and go."""
    yield "the form", 200, browser.get("/admin/login/")
    yield (
        "signing in",
        302,
        browser.fills_in("/admin/login/", username="jane", password="correct horse", next="/admin/"),
    )
    for _ in range(2):
        yield "the admin", 200, browser.get("/admin/")
        assert "jane" in browser.page.lower()
        yield "documents", 200, browser.get("/admin/documents/document/")
    yield "signing out", 200, browser.fills_in("/admin/logout/")
    yield "the admin of nobody", 302, browser.get("/admin/")


_DJANGO: Final = """
import django, os
os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"
django.setup()
from django.contrib.auth import get_user_model
from django.core.management import call_command
call_command("migrate", verbosity=0)
get_user_model().objects.create_superuser("jane", password="correct horse")
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """Say how an example is served: its folder, what the server imports, and who makes it ready.

    ``pages``: what wrk asks as a stranger; ``signed``: what as somebody who has played so far as ``until``.
    """

    folder: str
    app: str
    interface: str
    play: Play
    pages: tuple[str, ...]
    signed: str
    until: str
    prepare: str = ""
    env: Mapping[str, str] = field(default_factory=dict)


EXAMPLES: Final = {
    "flask_shop": Example(
        folder="flask_shop",
        app="shop:create_app()",
        interface="wsgi",
        play=shops,
        pages=("/", "/account/sign-in"),
        signed="/account/sign-in",
        until="signing in",
    ),
    "fastapi_spa": Example(
        folder="fastapi_spa",
        app="app:app",
        interface="asgi",
        play=notes,
        pages=("/", "/app.js", "/api/me"),
        signed="/api/notes",
        until="signing in",
    ),
    "django_site": Example(
        folder="django_site",
        app="mysite.wsgi:application",
        interface="wsgi",
        play=administers,
        pages=("/admin/login/",),
        signed="/admin/",
        until="signing in",
        prepare=_DJANGO,
    ),
}


@contextmanager
def example(made: Example) -> Iterator[Site]:
    """Serve an example, with people who use it."""
    kind, options = OPTIONS[made.interface]
    with tempfile.TemporaryDirectory(prefix="secmw-example-") as directory:
        folder = Path(directory, made.folder)
        shutil.copytree(
            DOCS / "examples" / made.folder,
            folder,
            ignore=shutil.ignore_patterns("*.sqlite3*", "__pycache__"),
        )
        env = {"PYTHONPATH": str(folder), **made.env}
        if made.prepare:
            ready = {**os.environ, **env}
            subprocess.run([sys.executable, "-c", made.prepare], cwd=folder, env=ready, check=True)
        with serve(kind, made.app, env=env, options=options, ready="/nothing") as server:
            yield Site(server, asked(server, made), WANTED, guests(server, made))


def guests(server: Server, made: Example) -> list[Guest]:
    return [Guest(f"guest-{number}", server, made.play) for number in range(PEOPLE)]


def asked(server: Server, made: Example) -> list[Sent]:
    """Write what wrk asks: pages of strangers, and one of somebody who has signed in."""
    stranger = {"host": HOST, "method": "GET", "headers": ()}
    pages = [Sent(target=path, **stranger) for path in made.pages]  # type: ignore[arg-type] # the three fit
    with Browser(server) as browser:
        for where, wanted, response in made.play(browser):
            assert response.status == wanted, (where, response.status, response.text)
            if where == made.until:
                break
        cookie = browser.headers()["Cookie"]
    return [*pages, Sent(target=made.signed, host=HOST, headers=(("Cookie", cookie),))]
