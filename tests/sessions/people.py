"""A whole application and the people who use it, for tests of what sessions promise.

On both interfaces, in one process, over a memory store and a clock that stands still.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs

import secmw.asgi
import secmw.wsgi
from secmw import Policy
from secmw.audit import Event
from secmw.errors import StoreError
from secmw.hooks import Hooks
from secmw.keys import new_key
from secmw.sessions.identifier import SessionId, parse
from secmw.sessions.record import Ended, Record, opened
from secmw.sessions.writes import Create, Lost, Why, Write, Written
from secmw.stores import AsyncMemoryStore, MemoryStore
from secmw.testing import Client, FrozenClock, Response

SITE: Final = "https://app.example.org"
KEYS: Final = (new_key(), new_key())
NAVIGATES: Final = {"Sec-Fetch-Mode": "navigate", "Accept": "text/html"}

Act = Callable[[Any], None]


def act(exchange: Any, path: str, query: Mapping[str, list[str]]) -> str:
    """Do what the path says; return what the session then holds."""
    if path == "/static/quiet":
        return "there is no session here"
    session = exchange.session
    match path:
        case "/login":
            session.login(query.get("as", ["42"])[0], "Jane Doe (jane)")
        case "/logout":
            session.logout()
        case "/rotate":
            session.rotate()
        case "/set":
            session[query["name"][0]] = query["value"][0]
        case "/huge":
            session["huge"] = "x" * 17_000
        case "/object":
            session["object"] = object()
        case "/token":
            return str(exchange.xsrf_token())
        case "/quiet":
            return "nothing of the session was looked at"
        case "/fail":
            session["late"] = "x"
            raise RuntimeError("the application failed")
    return json.dumps({"user": session.user_id, "sudo": session.has_sudo, **session})


class Watched(MemoryStore):
    """Note which selectors are looked up, do not answer while ``away``, and say of ``taken`` new ids that they exist."""

    def __init__(self, clock: FrozenClock) -> None:
        super().__init__(clock=clock)
        self.asked: list[str] = []
        self.away = False
        self.taken = 0
        self.load_now = self._load_now

    def _load_now(self, selector: bytes) -> bytes | None:
        self.asked.append(selector.decode())
        if self.away:
            raise StoreError("away")
        return self._sessions.get(selector)

    def load(self, selector: str) -> Record | Ended | None:
        self.asked.append(selector)
        if self.away:
            raise StoreError("away")
        # As a store does that others could write to: it checks the sum.
        return opened(selector, self._sessions.get(selector.encode()), self._now())

    def write(self, write: Write) -> Written | Lost:
        if isinstance(write, Create) and self.taken:
            self.taken -= 1
            return Lost(Why.EXISTS)
        return super().write(write)


class AsyncWatched(AsyncMemoryStore):
    """Be the same for an event loop."""

    def __init__(self, clock: FrozenClock) -> None:
        super().__init__(clock=clock)
        self.blocking = Watched(clock)  # type: ignore[misc]
        self.load_now = self.blocking.load_now


@dataclass
class Site:
    """Be one application under one policy; ``meanwhile`` runs while a request is in the application's hands."""

    asgi: bool
    clock: FrozenClock = field(default_factory=FrozenClock)
    hooks: Hooks = field(default_factory=lambda: Hooks(verify=lambda user, password: password == "right"))
    meanwhile: Act | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    keys: Iterable[str] = KEYS

    def __post_init__(self) -> None:
        policy = Policy.recommended(
            **{"secret_keys": list(self.keys), "public_url": SITE, "store": "memory://", **self.settings}
        )
        self.store = Watched(self.clock)
        if self.asgi:
            together = AsyncWatched(self.clock)
            self.store = together.blocking  # type: ignore[assignment]
            self.middleware: Any = secmw.asgi.Middleware(
                self._asgi, policy, hooks=self.hooks, store=together, clock=self.clock
            )
        else:
            self.middleware = secmw.wsgi.Middleware(
                self._wsgi, policy, hooks=self.hooks, store=self.store, clock=self.clock
            )

    def _run(self, exchange: Any, path: str, query: str) -> bytes:
        text = act(exchange, path, parse_qs(query))
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile(exchange)
        return text.encode()

    async def _asgi(self, scope: Any, _: Any, send: Any) -> None:
        if scope["path"].startswith("/secret"):
            reply = secmw.asgi.demand_sudo(scope)
            if reply is not None:
                await secmw.asgi.respond(reply, send)
                return
        body = self._run(scope["secmw"], scope["path"], scope["query_string"].decode())
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}
        )
        await send({"type": "http.response.body", "body": body})

    def _wsgi(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith("/secret"):
            reply = secmw.wsgi.demand_sudo(environ)
            if reply is not None:
                answer: Iterable[bytes] = secmw.wsgi.respond(reply, start_response)
                return answer
        body = self._run(environ["secmw"], environ["PATH_INFO"], environ["QUERY_STRING"])
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [body]

    def browser(self) -> Person:
        """Return somebody who has not been here."""
        return Person(Client(self.middleware, base_url=SITE, timeout=None), self)

    def events(self) -> list[Event]:
        """Return what the audit trail has, the oldest first."""
        trail = self.middleware.guard.recorder.trail
        found: list[Event] = list(getattr(trail, "blocking", trail).recent(1000))
        return found[::-1]

    def actions(self) -> list[str]:
        """Return what happened, by name."""
        return [event.action for event in self.events()]


class Person:
    """Be a browser, and whoever sits before it."""

    def __init__(self, client: Client, site: Site) -> None:
        self.client = client
        self.site = site

    def get(self, path: str = "/", **headers: str) -> Response:
        return self.client.get(path, headers={name.replace("_", "-"): text for name, text in headers.items()})

    def post(self, path: str, **settings: Any) -> Response:
        if "XSRF-TOKEN" not in self.client.cookies:
            assert self.client.get("/_secmw/xsrf").status == 204
        return self.client.post(path, **settings)

    def sign_in(self, user_id: str = "42") -> Person:
        assert self.post(f"/login?as={user_id}").json()["user"] == user_id
        return self

    def give_password(self, password: str = "right") -> Response:
        return self.post("/_secmw/sudo", form={"password": password, "next": "/secret"})

    def who(self) -> str | None:
        """Return who is signed in."""
        found: str | None = self.get("/").json()["user"]
        return found

    @property
    def id(self) -> SessionId:
        return parse(self.client.cookies["__Host-id"].value)

    @property
    def record(self) -> Record:
        found = self.site.store.load(self.id.selector)
        assert isinstance(found, Record)
        return found

    def copy(self) -> Person:
        """Return another browser with the same cookies."""
        other = self.site.browser()
        other.client.cookies.update(self.client.cookies)
        return other


def like(site: Site, **settings: Any) -> Site:
    """Return another site on the same interface and clock."""
    return Site(asgi=site.asgi, clock=site.clock, settings=settings)
