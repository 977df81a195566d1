"""What sessions cost: the whole policy on the memory store, asked by strangers and by somebody who is signed in.

A signed-in person's record holds seven fields, 106 bytes. Every variant is asked first what it answers: to the person, to
somebody with a made-up secret, and to somebody with one that was replaced a moment ago, whom only a look at the record
tells from the person.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from itertools import count
from typing import Any, Final, NamedTuple

import secmw.asgi
import secmw.wsgi
from benchmarks import requests
from benchmarks.fused import FusedAsgi, FusedWsgi
from benchmarks.probe import Answer, WrongAnswerError, ask, prove
from benchmarks.timing import Added, Ratio, compare
from secmw import Policy
from secmw.cli.bench.stand_in import AsgiNoop, WsgiNoop
from secmw.clock import system
from secmw.compile import response_lines
from secmw.keys import KeyRing, new_key
from secmw.sessions import codec
from secmw.sessions.identifier import SessionId, new_id
from secmw.sessions.record import Identity, Record, written
from secmw.sessions.writes import Create
from secmw.stores import AsyncMemoryStore, MemoryStore
from secmw.xsrf import Tokens


class Budget(NamedTuple):
    """Hold what a row may add, in multiples of the no-op wrapper's; None where there is no bound."""

    asgi: float | None = None
    wsgi: float | None = None


#: What Python takes before there is an exchange, a session, or an answer in place of an application that failed.
FUSED: Final = "for comparison, one closure: host and headers alone, GET"

#: Row by row.
BUDGET: Final[Mapping[str, Budget]] = {
    "anonymous, GET": Budget(4.5, 5.0),
    "anonymous, session read, GET": Budget(None, 6.5),
    "signed in, not read, GET": Budget(6.0, None),
    "signed in, session read, GET": Budget(9.0, 16.5),
    "signed in, session read, GET, cookies not seen before": Budget(),
    "signed in, POST with token": Budget(13.0, 22.0),
    "signed in, POST with a token not seen before": Budget(),
    "signed in, GET below a path without sessions": Budget(2.5, None),
    "signed in, session read, GET, behind a trusted proxy": Budget(),
    "signed in, POST with token, behind a trusted proxy": Budget(),
    FUSED: Budget(),
}

#: Where the policy has a class of paths without sessions.
STATIC: Final = "/static/"

#: What the person's session holds.
PAYLOAD: Final = {
    "name": "Jane Doe (jane)",
    "language": "en-GB",
    "theme": "dark",
    "cart": [1201, 1187, 96, 2210],
    "last_order": "2026-10-04/77120",
    "visits": 48,
    "beta": True,
}

_KEY: Final = new_key()
_USER: Final = "42"


def policy(**more: Any) -> Policy:
    """Return the recommended policy, everything on, sessions in memory."""
    settings = {"secret_keys": [_KEY], "public_url": "https://app.example.org", "store": "memory://"}
    return Policy.recommended(**settings, **more)


def behind_a_proxy() -> Policy:
    """Return the same for an application that a proxy stands in front of."""
    return policy(trusted_proxies=[requests.PROXY])


def with_static() -> Policy:
    """Return the same with a class of paths that has no sessions."""
    return policy().at(STATIC, sessions=None)


# --- applications that read


async def asgi_reader(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001 (ASGI)
    """Answer 200 to the person and 403 to everybody else, as the session says."""
    status = 200 if scope["secmw"].session.get("name") == PAYLOAD["name"] else 403
    await send({"type": "http.response.start", "status": status, "headers": list(requests.RESPONSE_HEADERS)})
    await send({"type": "http.response.body", "body": b"ok"})


_WSGI_HEADERS: Final = [(name.decode().title(), value.decode()) for name, value in requests.RESPONSE_HEADERS]


def wsgi_reader(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Do the same."""
    known = environ["secmw"].session.get("name") == PAYLOAD["name"]
    start_response("200 OK" if known else "403 Forbidden", list(_WSGI_HEADERS))
    return [b"ok"]


# --- who asks


def record_of(made: SessionId, replaced: SessionId) -> Record:
    """Make the record of a sign-in a moment ago, whose secret has been replaced since."""
    now = system.now()
    identity = Identity(
        user_id=_USER,
        description="Jane Doe (jane)",
        authenticated=now,
        address="127.0.0.1",
        agent="Firefox",
        replaced=((replaced.digest, now),),
    )
    data = codec.join({name: codec.encode(name, value) for name, value in PAYLOAD.items()})
    return Record(
        selector=made.selector,
        revision=1,
        created=now,
        seen=now,
        expires=now + 86_400,
        idle_until=now + 28_800,
        inactivity=28_800,
        verifier=made.digest,
        data=data,
        owner=written(identity),
    )


class Person:
    """Be somebody who is signed in, and make their requests."""

    def __init__(self, *, asgi: bool) -> None:
        self._make: Any = requests.scope if asgi else requests.environ
        self.id = new_id()
        self._counter = count()
        self.earlier = SessionId(self.id.selector, new_id().verifier)
        self._tokens = Tokens(KeyRing([_KEY]))
        self._cookie = f"__Host-id={self.id}"
        self._get = requests.with_cookie(self._cookie)
        self._post = requests.post_headers(self._cookie, self._tokens.token(self.id.selector))
        self._broken = requests.post_headers(self._cookie, self._tokens.token(new_id().selector))

    def record(self) -> Record:
        """Return what the store is to hold of them."""
        return record_of(self.id, self.earlier)

    def behind_a_proxy(self) -> Person:
        """Return the same person, whose requests come through the proxy."""
        other = copy(self)
        asgi = self._make is requests.scope
        other._make = lambda *request: requests.relayed(self._make(*request), asgi=asgi)
        return other

    def stranger(self, _: str = "") -> Any:
        """Make a navigation without cookies."""
        return self._make("GET", requests.BROWSER)

    def elsewhere(self) -> Any:
        """Make a navigation to a host that is not ours."""
        return self._make("GET", ((b"host", b"elsewhere.example"), *requests.BROWSER[1:]))

    def get(self, _: str = "") -> Any:
        """Make a navigation."""
        return self._make("GET", self._get)

    def get_anew(self, _: str = "") -> Any:
        """Make a navigation with a Cookie header that nobody has seen."""
        return self._make("GET", requests.with_cookie(f"_gid={next(self._counter)}; {self._cookie}"))

    def get_static(self, _: str = "", *, secret: SessionId | None = None) -> Any:
        """Ask for a file below the paths without sessions; the browser sends its cookies all the same."""
        headers = self._get if secret is None else requests.with_cookie(f"__Host-id={secret}")
        return self._make("GET", headers, f"{STATIC}app.css")

    def with_id(self, other: SessionId) -> Any:
        """Make a navigation with another id."""
        return self._make("GET", requests.with_cookie(f"__Host-id={other}"))

    def post(self, _: str = "") -> Any:
        """Make a POST with a token that has been seen before."""
        return self._make("POST", self._post)

    def post_anew(self, _: str = "") -> Any:
        """Make a POST with a token that nobody has seen."""
        token = self._tokens.token(self.id.selector)
        return self._make("POST", requests.post_headers(self._cookie, token))

    def broken(self, _: str = "") -> Any:
        """Make a POST with the token of another session."""
        return self._make("POST", self._broken)


@dataclass(frozen=True, slots=True)
class Variants:
    """Hold what is measured on one interface; ``store`` is the one both middlewares use."""

    asgi: bool
    person: Person
    store: MemoryStore
    bare: Any
    noop: Any
    whole: Any
    reader: Any
    static: Any
    proxied: Any
    fused: Any

    @classmethod
    def on(cls, *, asgi: bool) -> Variants:
        """Wrap the applications of one interface, and sign the person in."""
        person = Person(asgi=asgi)
        if asgi:
            together = AsyncMemoryStore()
            store = together.blocking
            bare: Any = requests.asgi_app
            noop: Any = AsgiNoop(bare)
            whole: Any = secmw.asgi.Middleware(bare, policy(), store=together)
            reader: Any = secmw.asgi.Middleware(asgi_reader, policy(), store=together)
            static: Any = secmw.asgi.Middleware(bare, with_static(), store=together)
            proxied: Any = secmw.asgi.Middleware(asgi_reader, behind_a_proxy(), store=together)
            fused: Any = FusedAsgi(bare, policy())
        else:
            store = MemoryStore()
            bare = requests.wsgi_app
            noop = WsgiNoop(bare)
            whole = secmw.wsgi.Middleware(bare, policy(), store=store)
            reader = secmw.wsgi.Middleware(wsgi_reader, policy(), store=store)
            static = secmw.wsgi.Middleware(bare, with_static(), store=store)
            proxied = secmw.wsgi.Middleware(wsgi_reader, behind_a_proxy(), store=store)
            fused = FusedWsgi(bare, policy())
        store.write(Create(record=person.record(), user_id=_USER))
        return cls(asgi, person, store, bare, noop, whole, reader, static, proxied, fused)

    def ask(self, app: Any, request: Any) -> Answer:
        """Send one request."""
        return ask(app, request, asgi=self.asgi)

    def prove(self) -> None:
        """Raise WrongAnswerError unless each does its job."""
        person, own = self.person, len(requests.RESPONSE_HEADERS)
        ours = own + len(response_lines(policy()))
        for name, app, headers in (
            ("bare", self.bare, own),
            ("noop", self.noop, own),
            ("whole", self.whole, ours),
            ("fused", self.fused, ours),
        ):
            prove(name, self.ask(app, person.stranger()), headers=headers)
        prove("fused, another host", self.ask(self.fused, person.elsewhere()), status=400)
        prove("below a path without sessions", self.ask(self.static, person.get_static()), headers=ours)
        beside = self.ask(self.static, person.with_id(person.earlier))
        prove("a replaced secret, beside it", beside, status=503)
        below = self.ask(self.static, person.get_static(secret=person.earlier))
        prove("a replaced secret, below it", below, headers=ours)
        prove("signed in, not read", self.ask(self.whole, person.get()), headers=ours)
        read = self.ask(self.reader, person.get())
        prove("signed in and read", read)
        if read.values("cache-control") != ["no-store"] or "Cookie" not in ", ".join(read.values("vary")):
            raise WrongAnswerError(f"signed in and read: a cache could keep it: {read.headers}")
        guess = SessionId(person.id.selector, new_id().verifier)
        for name, other in (("a stranger", new_id()), ("a made-up secret", guess)):
            prove(f"{name}, read", self.ask(self.reader, person.with_id(other)), status=403)
        for name, app in (("not read", self.whole), ("read", self.reader)):
            prove(f"a replaced secret, {name}", self.ask(app, person.with_id(person.earlier)), status=503)
        for name, request, status in (
            ("with token", person.post(), 200),
            ("with a new token", person.post_anew(), 200),
            ("with a broken token", person.broken(), 403),
        ):
            prove(f"signed in, POST {name}", self.ask(self.reader, request), status=status)
        through = person.behind_a_proxy()
        for name, request, status in (
            ("GET", through.get(), 200),
            ("GET of a stranger", through.with_id(new_id()), 403),
            ("POST", through.post(), 200),
            ("POST with a broken token", through.broken(), 403),
        ):
            prove(f"behind a proxy, {name}", self.ask(self.proxied, request), status=status)
        prove("a proxy that nobody trusts", self.ask(self.reader, through.post()), status=403)
        held = self.store.load(person.id.selector)
        if (
            not isinstance(held, Record)
            or held.data != person.record().data
            or len(self.store.of_user(_USER)) != 1
        ):
            raise WrongAnswerError("the requests left something else in the store than there was")


@dataclass(frozen=True, slots=True)
class Row:
    """Hold what was found of one row: time added, the same over the no-op wrapper's, and what it may be."""

    added: Added
    ratio: Ratio
    budget: float | None


def measure(variants: Variants, *, rounds: int, count: int) -> dict[str, Row]:
    """Measure the rows of one interface, in the order of the budget."""
    variants.prove()
    person = variants.person
    rows: dict[str, Row] = {}
    whole, reader, through = variants.whole, variants.reader, person.behind_a_proxy()
    for make, timed in (
        (person.stranger, {"anonymous, GET": whole, "anonymous, session read, GET": reader}),
        (person.get, {"signed in, not read, GET": whole, "signed in, session read, GET": reader}),
        (person.get_anew, {"signed in, session read, GET, cookies not seen before": reader}),
        (person.post, {"signed in, POST with token": reader}),
        (person.post_anew, {"signed in, POST with a token not seen before": reader}),
        (person.get_static, {"signed in, GET below a path without sessions": variants.static}),
        (through.get, {"signed in, session read, GET, behind a trusted proxy": variants.proxied}),
        (through.post, {"signed in, POST with token, behind a trusted proxy": variants.proxied}),
        (person.stranger, {FUSED: variants.fused}),
    ):
        every = {"bare": variants.bare, "noop": variants.noop, **timed}
        found = compare(every, make, asgi=variants.asgi, rounds=rounds, requests=count)
        for name in timed:
            budget = BUDGET[name].asgi if variants.asgi else BUDGET[name].wsgi
            rows[name] = Row(found[name], found[name].over(found["noop"]), budget)
    return rows
