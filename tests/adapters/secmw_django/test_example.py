"""The project in docs/examples/django_site: one command starts it, and in production nothing is missing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import pytest

from tests.servers import Server, _free_port, make_tls, raw_request, serve

pytestmark = pytest.mark.server

EXAMPLE: Final = Path(__file__).resolve().parents[3] / "docs" / "examples" / "django_site"
PRODUCTION: Final = {
    "PUBLIC_URL": "https://app.example.org",
    "SECRET_KEY": "of these tests alone: 8c1z4b6n0w7h3q9x2m5v8c1z4b6n0w",
}

#: Seconds that the command may take to make a database and to say where it is.
START: Final = 60.0

HEADERS: Final = (
    "Cache-Control",
    "Content-Security-Policy",
    "Cross-Origin-Embedder-Policy",
    "Cross-Origin-Opener-Policy",
    "Cross-Origin-Resource-Policy",
    "Origin-Agent-Cluster",
    "Permissions-Policy",
    "Referrer-Policy",
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "X-DNS-Prefetch-Control",
    "X-Frame-Options",
    "X-Permitted-Cross-Domain-Policies",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Be a copy of the example, as somebody gets it who has never started it."""
    copied = tmp_path_factory.mktemp("example") / EXAMPLE.name
    made = shutil.ignore_patterns("*.sqlite3*", "static", "uploads", "__pycache__")
    return shutil.copytree(EXAMPLE, copied, ignore=made)


def environment(**more: str) -> dict[str, str]:
    """Return this environment without what a project would read of it."""
    ours = {name: value for name, value in os.environ.items() if name not in PRODUCTION}
    return {**ours, "DJANGO_SETTINGS_MODULE": "mysite.settings", "PYTHONUNBUFFERED": "1", **more}


def manage(folder: Path, *words: str, **more: str) -> str:
    """Run a command of the project, and return everything that it says."""
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=folder,
        env=environment(**more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


# --- in production ----------------------------------------------------------------------------------------------------


def test_nothing_is_said_of_the_settings_for_production(folder: Path) -> None:
    said = manage(folder, "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)
    assert said.startswith("System check identified no issues"), said


def test_the_model_is_what_its_migrations_make(folder: Path) -> None:
    assert "No changes detected" in manage(folder, "makemigrations", "--check", "--dry-run")


@pytest.fixture(scope="module")
def production(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Be the example on a server, with a database, and with TLS, as a proxy would speak it."""
    manage(folder, "migrate", **PRODUCTION)
    tls = make_tls(tmp_path_factory.mktemp("tls"), "app.example.org", "127.0.0.1")
    env = environment(**PRODUCTION, PYTHONPATH=str(folder))
    with serve("gunicorn-gthread", "mysite.wsgi:application", tls=tls, env=env) as server:
        yield server


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("GET /admin/login/", 200),
        ("GET /admin/", 302),
        ("GET /nowhere", 404),
        ("GET /uploads/minutes.html", 302),
        ("POST /admin/login/", 403),
    ],
)
def test_whatever_is_answered_has_every_header(production: Server, head: str, status: int) -> None:
    asked = f"{head} HTTP/1.1\r\nHost: app.example.org\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    answer = raw_request(production, asked.encode()).partition(b"\r\n\r\n")[0].decode()
    lines = answer.split("\r\n")
    assert lines[0].split()[1] == str(status), answer
    names = [line.partition(":")[0].lower() for line in lines[1:]]
    assert [name for name in HEADERS if names.count(name.lower()) != 1] == [], answer


# --- on a developer's machine -----------------------------------------------------------------------------------------


class Visitor:
    """Be a browser at a developer's machine, as far as it takes to sign in."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookies: dict[str, str] = {}

    def ask(self, path: str, form: dict[str, str] | None = None) -> tuple[HTTPResponse, str]:
        connection = HTTPConnection("localhost", self.port, timeout=START)
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if form is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
            sent["Origin"] = f"http://localhost:{self.port}"
        body = None if form is None else urlencode(form)
        connection.request("GET" if form is None else "POST", path, body, sent)
        response = connection.getresponse()
        for line in response.headers.get_all("Set-Cookie", []):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        text = response.read().decode()
        connection.close()
        return response, text


@contextmanager
def demo(folder: Path) -> Iterator[tuple[int, str]]:
    """Start the example as its page says, and return its port and all that it has said."""
    port = _free_port()
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "demo", "--port", str(port)],
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + START
        while "Quit the server" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield port, log.read_text()
    finally:
        process.terminate()
        process.wait(START)


def test_one_command_makes_a_site_that_the_printed_password_opens(tmp_path: Path, folder: Path) -> None:
    fresh = shutil.copytree(folder, tmp_path / "fresh", ignore=shutil.ignore_patterns("*.sqlite3*"))
    with demo(fresh) as (port, said):
        assert f"http://localhost:{port}/admin/" in said
        found = re.search(r"Sign in as jane with (\w{16,})", said)
        assert found is not None, said
        visitor = Visitor(port)
        _, page = visitor.ask("/admin/login/")
        token = page.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
        form = {"username": "jane", "password": found[1], "next": "/admin/", "csrfmiddlewaretoken": token}
        response, _ = visitor.ask("/admin/login/", form)
        assert (response.status, response.headers["Location"]) == (302, "/admin/")
        response, page = visitor.ask("/admin/")
        assert response.status == 200
        assert "/admin/documents/document/add/" in page
        # Static files have the headers too.
        response, _ = visitor.ask("/static/admin/css/base.css")
        assert (response.status, response.headers["X-Content-Type-Options"]) == (200, "nosniff")
    # The next time everything is there already.
    with demo(fresh) as (port, said):
        assert "Sign in as" not in said
        visitor.port = port
        assert visitor.ask("/admin/")[0].status == 200
