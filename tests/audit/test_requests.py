"""What requests leave in the trail: committed before the answer leaves, without a secret, and not too much of it."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import secmw.asgi
import secmw.wsgi
from secmw import Policy
from secmw.audit import SQLiteTrail
from secmw.config.settings import Audit
from secmw.hooks import Hooks
from secmw.sinks import JSONLinesSink, LoggingSink
from secmw.testing import Client, FrozenClock
from tests.making import KEY

HOME = "https://app.example.org"
PASSWORD = "correct horse battery staple"


def act(exchange: Any) -> None:
    """Do what a request asks for by its path."""
    match exchange.path:
        case "/sign-in":
            exchange.session.login("42", description="Jane Doe (jane)")
        case "/sign-out":
            exchange.session.logout()
        case "/key":
            exchange.audit("add_api_key", "created a key", key=7)
        case "/put":
            exchange.session["cart"] = ["canary-in-the-data"]
    exchange.xsrf_token()


async def asgi_site(scope: Any, receive: Any, send: Any) -> None:
    act(scope["secmw"])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"done"})


def wsgi_site(environ: Any, start_response: Any) -> Any:
    act(environ["secmw"])
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"done"]


class Site:
    """Hold a protected site of either wire, its clock, and the files that it writes."""

    def __init__(self, wire: str, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.clock = FrozenClock()
        policy = Policy.recommended(
            secret_keys=[KEY],
            public_url=HOME,
            store="memory://",
            trail=f"sqlite://{folder}/audit.db",
            audit=Audit(**settings),
        )
        common: dict[str, Any] = {
            "hooks": Hooks(verify=lambda user_id, password: password == PASSWORD),
            "sinks": [JSONLinesSink(folder / "audit.jsonl", extended=True), LoggingSink()],
            "clock": self.clock,
        }
        self.app: Any = (
            secmw.asgi.Middleware(asgi_site, policy, **common)
            if wire == "asgi"
            else secmw.wsgi.Middleware(wsgi_site, policy, **common)
        )

    def client(self, peer: str = "203.0.113.9") -> Client:
        return Client(self.app, base_url=HOME, peer=(peer, 50_000))

    @property
    def kept(self) -> list[Any]:
        """The events, read by another process as it were, oldest first."""
        trail = SQLiteTrail(self.folder / "audit.db")
        events = trail.recent(100_000)[::-1]
        trail.close()
        return events

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "audit.jsonl").read_bytes().splitlines()]

    def close(self) -> None:
        closing = self.app.guard.close()
        if inspect.iscoroutine(closing):
            asyncio.run(closing)


Make = Callable[..., Site]


@pytest.fixture(params=["asgi", "wsgi"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    made: list[Site] = []

    def site(**settings: Any) -> Site:
        made.append(Site(request.param, tmp_path, **settings))
        return made[-1]

    yield site
    for one in made:
        one.close()


def test_an_event_says_who_what_when_and_from_where(make: Make) -> None:
    """AU-01"""
    site = make()
    jane = site.client()
    jane.get("/sign-in")
    jane.get("/key")
    login, key = site.kept
    assert (login.id, login.action, login.outcome) == (1, "user_login", "success")
    assert (key.id, key.action, key.event_description, key.extra) == (
        *(2, "add_api_key", "created a key"),
        {"key": 7},
    )
    for event in (login, key):
        assert (event.user_id, event.user_description) == ("42", "Jane Doe (jane)")
        assert event.client == "203.0.113.9"
        assert event.time == site.clock.now()
        assert jane.cookies["__Host-id"].value.startswith(event.selector)


def test_sinks_repeat_what_the_trail_has_numbered(make: Make) -> None:
    site = make()
    jane = site.client()
    for path in ("/sign-in", "/key", "/key", "/sign-out"):
        jane.get(path)
    assert [int(line["id"]) for line in site.lines] == [event.id for event in site.kept] == [1, 2, 3, 4]
    assert [line["action"] for line in site.lines] == [event.action for event in site.kept]


@pytest.mark.anyio
async def test_an_event_is_committed_before_the_head_of_the_answer_leaves(make: Make) -> None:
    site = make()
    seen: list[int] = []

    def start_response(*_: Any) -> Any:
        seen.append(len(site.kept))

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            seen.append(len(site.kept))

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    if isinstance(site.app, secmw.wsgi.Middleware):
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": "/key",
            "SCRIPT_NAME": "",
            "QUERY_STRING": "",
            "HTTP_HOST": "app.example.org",
            "wsgi.url_scheme": "https",
            "REMOTE_ADDR": "203.0.113.9",
        }
        list(site.app(environ, start_response))
    else:
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/key",
            "raw_path": b"/key",
            "query_string": b"",
            "scheme": "https",
            "headers": [(b"host", b"app.example.org")],
            "client": ("203.0.113.9", 50_000),
        }
        await site.app(scope, receive, send)
    assert seen == [1]


def test_nothing_that_is_recorded_holds_a_secret(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    """AU-03: cookies, tokens, passwords, bodies, queries and headers of every kind of request are looked for."""
    caplog.set_level(logging.DEBUG)
    site = make()
    jane, mallory = site.client(), site.client("198.51.100.7")
    canary = {
        "Authorization": "Bearer canary-authorization",
        "X-Api-Key": "canary-key",
        "Referer": HOME + "/canary-referer",
    }
    secrets = {PASSWORD, "canary"}

    def remember() -> None:
        for name in ("__Host-id", "XSRF-TOKEN", "__Host-visit"):
            cookie = jane.cookies.get(name)
            if cookie is not None and cookie.value:
                # Of an id the first half is public.
                secrets.add(cookie.value.partition(".")[2] or cookie.value)

    def sudo(password: str) -> None:
        form = {
            "xsrf_token": jane.cookies["XSRF-TOKEN"].value,
            "password": password,
            "next": "/?q=canary-next",
        }
        jane.post("/_secmw/sudo", form=form, headers=canary)
        remember()

    for path in ("/put", "/sign-in?q=canary-query", "/key"):
        jane.get(path, headers=canary)
        remember()
    stolen = jane.cookies["__Host-id"]
    sudo("canary-wrong-password")
    sudo(PASSWORD)
    # A copy of a replaced id, a forged one, two at once, a foreign form, a wrong token, a foreign host, a broken body.
    site.clock.move(3600)
    mallory.get("/", headers={"Cookie": f"__Host-id={stolen.value}", **canary})
    mallory.get("/", headers={"Cookie": f"__Host-id={stolen.value[:-43]}{'A' * 43}"})
    mallory.get("/", headers={"Cookie": f"__Host-id={stolen.value}; __Host-id={'B' * len(stolen.value)}"})
    mallory.post("/", form={"comment": "canary-body"}, headers={"Origin": "https://evil.example/canary"})
    mallory.post("/", body=b"canary-body", headers={"X-XSRF-TOKEN": "canary-token", **canary})
    mallory.get("/", headers={"Host": "canary.example"})
    jane.get("/sign-out", headers=canary)
    jane.get("/", headers={"Cookie": f"__Host-id={stolen.value}"})

    actions = {event.action for event in site.kept}
    assert {"user_login", "web_sudo", "session_logged_out", "malicious_csrf"} <= actions
    assert actions & {"session_rotated_use", "session_forged", "session_ambiguous"}
    site.close()
    said = caplog.text.encode() + b"".join(
        path.read_bytes() for path in site.folder.iterdir() if path.name.startswith("audit")
    )
    assert len(secrets) >= 6
    assert sorted(secret for secret in secrets if secret.encode() in said) == []


def test_every_wrong_password_is_an_event_of_its_own(make: Make) -> None:
    """SU-05: the allowance of strangers is not for those whose credentials were looked at."""
    site = make(refusals_per_minute=2)
    jane = site.client()
    jane.get("/sign-in")
    token = jane.cookies["XSRF-TOKEN"].value
    for _ in range(6):
        jane.post("/_secmw/sudo", form={"xsrf_token": token, "password": "wrong", "next": "/"})
    assert [(event.action, event.outcome) for event in site.kept[1:]] == [("web_sudo", "failure")] * 6


def test_a_flood_of_foreign_requests_is_so_many_events_and_one_count(make: Make) -> None:
    """AU-11"""
    site = make()
    for number in range(100):
        mallory = site.client(f"198.51.100.{number}")
        assert mallory.post("/", headers={"Origin": "https://evil.example"}).status == 403
    assert [event.action for event in site.kept] == ["malicious_csrf"] * 20
    site.clock.move(60)
    site.client().get("/key")
    *_, suppressed, key = site.kept
    assert (suppressed.action, suppressed.client, suppressed.extra["count"]) == (
        "suppressed",
        "198.51.100.0/24",
        80,
    )
    assert key.action == "add_api_key"


# --- the trail is away


def break_trail(site: Site) -> None:
    """Put a folder where the file was to be."""
    (site.folder / "audit.db").mkdir()


def test_the_application_goes_on_without_its_trail(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    """AU-07"""
    site = make()
    break_trail(site)
    jane = site.client()
    assert jane.get("/sign-in").status == 200
    assert jane.get("/key").status == 200
    assert site.app.guard.recorder.lost == 2
    assert [record.levelname for record in caplog.records if "can't be written" in record.message] == [
        "CRITICAL"
    ]


def test_or_says_that_it_has_happened_and_is_not_recorded(make: Make) -> None:
    """AU-07"""
    site = make(on_failure="refuse")
    break_trail(site)
    found = site.client().get("/key", headers={"Accept": "application/json"})
    assert found.status == 503
    assert found.header("Content-Type") == "application/problem+json"
    assert found.json()["reason"] == "audit_away"
    assert site.app.guard.recorder.lost == 1


def test_who_asks_for_nothing_that_is_recorded_notices_nothing(make: Make) -> None:
    """AU-07"""
    site = make(on_failure="refuse")
    break_trail(site)
    assert site.client().get("/").status == 200
