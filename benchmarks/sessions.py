"""What sessions cost: the whole policy on the memory store, asked by strangers and by somebody who is signed in.

A signed-in person's record holds seven fields, 106 bytes. Every variant is asked first what it answers: to the person, to
somebody with a made-up secret, and to somebody with one that was replaced a moment ago, whom only a look at the record
tells from the person.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

import secmw.asgi
import secmw.wsgi
from benchmarks import requests
from benchmarks.probe import Answer, WrongAnswerError, ask, prove
from benchmarks.timing import Added, compare
from secmw import Policy
from secmw.clock import system
from secmw.compile import response_lines
from secmw.keys import KeyRing, new_key
from secmw.sessions import codec
from secmw.sessions.identifier import SessionId, new_id
from secmw.sessions.record import Identity, Record, written
from secmw.sessions.writes import Create
from secmw.stores import AsyncMemoryStore, MemoryStore
from secmw.xsrf import Tokens

#: The budget: time added over the no-op wrapper's, on ASGI; None where there is none.
BUDGET: Final[Mapping[str, float | None]] = {
    "anonymous, GET": 7.0,
    "signed in and read, GET": 13.0,
    "signed in, not read, GET": 9.0,
    "signed in and read, GET, cookies not seen before": None,
    "signed in, POST with token": 19.0,
    "signed in, POST with a token not seen before": None,
}

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


def policy() -> Policy:
    """Return the recommended policy, everything on, sessions in memory."""
    return Policy.recommended(secret_keys=[_KEY], public_url="https://app.example.org", store="memory://")


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

    def stranger(self, _: str = "") -> Any:
        """Make a navigation without cookies."""
        return self._make("GET", requests.BROWSER)

    def get(self, _: str = "") -> Any:
        """Make a navigation."""
        return self._make("GET", self._get)

    def get_anew(self, _: str = "") -> Any:
        """Make a navigation with a Cookie header that nobody has seen."""
        return self._make("GET", requests.with_cookie(f"_gid={next(self._counter)}; {self._cookie}"))

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

    @classmethod
    def on(cls, *, asgi: bool) -> Variants:
        """Wrap the applications of one interface, and sign the person in."""
        person = Person(asgi=asgi)
        if asgi:
            together = AsyncMemoryStore()
            store = together.blocking
            bare: Any = requests.asgi_app
            noop: Any = requests.asgi_noop(bare)
            whole: Any = secmw.asgi.Middleware(bare, policy(), store=together)
            reader: Any = secmw.asgi.Middleware(asgi_reader, policy(), store=together)
        else:
            store = MemoryStore()
            bare = requests.wsgi_app
            noop = requests.wsgi_noop(bare)
            whole = secmw.wsgi.Middleware(bare, policy(), store=store)
            reader = secmw.wsgi.Middleware(wsgi_reader, policy(), store=store)
        store.write(Create(record=person.record(), user_id=_USER))
        return cls(asgi, person, store, bare, noop, whole, reader)

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
        ):
            prove(name, self.ask(app, person.stranger()), headers=headers)
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
        held = self.store.load(person.id.selector)
        if (
            not isinstance(held, Record)
            or held.data != person.record().data
            or len(self.store.of_user(_USER)) != 1
        ):
            raise WrongAnswerError("the requests left something else in the store than there was")


def measure(variants: Variants, *, rounds: int, count: int) -> dict[str, tuple[Added, float]]:
    """Measure the rows of one interface; each with its multiple of the no-op wrapper's in the same run."""
    variants.prove()
    person = variants.person
    rows: dict[str, tuple[Added, float]] = {}
    for make, timed in (
        (person.stranger, {"anonymous, GET": variants.whole}),
        (
            person.get,
            {"signed in and read, GET": variants.reader, "signed in, not read, GET": variants.whole},
        ),
        (person.get_anew, {"signed in and read, GET, cookies not seen before": variants.reader}),
        (person.post, {"signed in, POST with token": variants.reader}),
        (person.post_anew, {"signed in, POST with a token not seen before": variants.reader}),
    ):
        every = {"bare": variants.bare, "noop": variants.noop, **timed}
        found = compare(every, make, asgi=variants.asgi, rounds=rounds, requests=count)
        for name in timed:
            rows[name] = (found[name], found[name].median / found["noop"].median)
    return rows
