"""What ordinary applications do, and what secmw adds then: a header or a cookie of their own, a nonce, a list, a write, a stream.

Each is asked by somebody who is signed in, and stands on a bare application that sends the same response. The row it is
compared with is the fast path: one text read from the session, and nothing else.
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
from benchmarks.sessions import PAYLOAD, Person, policy
from benchmarks.timing import Added, Ratio, compare
from secmw.cli.bench.stand_in import AsgiNoop, WsgiNoop
from secmw.exchange import Exchange
from secmw.sessions.record import Record
from secmw.sessions.writes import Create
from secmw.stores import AsyncMemoryStore, MemoryStore

#: What an ordinary application may cost over the fast path.
BUDGET: Final = 1.6
#: What a body message may cost over a closure that does nothing.
MESSAGE_BUDGET: Final = 0.7
#: Messages of the body that is streamed, and of the one that is subtracted.
FEW: Final = 2
MANY: Final = 100

FAST: Final = "reads one text from the session"

_counter: Final = count()


@dataclass(frozen=True, slots=True)
class Deed:
    """Be what an application does: with the session, and to its response.

    ``use`` returns whether the session held what it should; ``holds`` whether a response came out right.
    """

    use: Callable[[Exchange], bool]
    headers: tuple[tuple[bytes, bytes], ...] = ()
    budget: float | None = BUDGET
    holds: Callable[[Answer], bool] = lambda _: True


def _text(exchange: Exchange) -> bool:
    return bool(exchange.session.get("name") == PAYLOAD["name"])


def _list(exchange: Exchange) -> bool:
    return bool(exchange.session.get("cart") == PAYLOAD["cart"])


def _write(exchange: Exchange) -> bool:
    exchange.session["visits"] = next(_counter)
    return True


def _nonce(exchange: Exchange) -> bool:
    return _text(exchange) and len(exchange.nonce) >= 22


def _one_cache_control(found: Answer) -> bool:
    return len(found.values("cache-control")) == 1 and "Cookie" in ", ".join(found.values("vary"))


DEEDS: Final[Mapping[str, Deed]] = {
    FAST: Deed(_text, budget=None, holds=_one_cache_control),
    "and sets Cache-Control": Deed(
        _text, ((b"cache-control", b"private, max-age=60"),), holds=_one_cache_control
    ),
    "and sets a cookie of its own": Deed(
        _text,
        ((b"set-cookie", b"theme=dark; Path=/"),),
        holds=lambda found: found.values("set-cookie") == ["theme=dark; Path=/"],
    ),
    "and uses a nonce": Deed(
        _nonce, holds=lambda found: "'nonce-" in " ".join(found.values("content-security-policy-report-only"))
    ),
    "reads a list from the session": Deed(_list, holds=_one_cache_control),
    "writes one name": Deed(_write, budget=None),
}


def asgi_application(deed: Deed, *, bare: bool = False) -> Any:
    """Make an application that does this; a bare one sends the same response and has no session."""
    lines = (*requests.RESPONSE_HEADERS, *deed.headers)
    use = deed.use

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001 (ASGI)
        status = 200 if bare or use(scope["secmw"]) else 403
        await send({"type": "http.response.start", "status": status, "headers": list(lines)})
        await send({"type": "http.response.body", "body": b"ok"})

    return app


def wsgi_application(deed: Deed, *, bare: bool = False) -> Any:
    """Make the same for WSGI."""
    lines = [
        (name.decode().title(), value.decode()) for name, value in (*requests.RESPONSE_HEADERS, *deed.headers)
    ]
    use = deed.use

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        start_response("200 OK" if bare or use(environ["secmw"]) else "403 Forbidden", list(lines))
        return [b"ok"]

    return app


@dataclass(frozen=True, slots=True)
class Variant:
    """Be one deed on one interface: its person and store, the application with secmw, and the bare one."""

    person: Person
    store: MemoryStore
    app: Any
    bare: Any

    @classmethod
    def of(cls, deed: Deed, *, asgi: bool) -> Variant:
        """Wrap the application and sign its person in."""
        person = Person(asgi=asgi)
        if asgi:
            together = AsyncMemoryStore()
            store = together.blocking
            app: Any = secmw.asgi.Middleware(asgi_application(deed), policy(), store=together)
            bare = asgi_application(deed, bare=True)
        else:
            store = MemoryStore()
            app = secmw.wsgi.Middleware(wsgi_application(deed), policy(), store=store)
            bare = wsgi_application(deed, bare=True)
        store.write(Create(record=person.record(), user_id="42"))
        return cls(person, store, app, bare)

    def prove(self, name: str, deed: Deed, *, asgi: bool) -> None:
        """Raise WrongAnswerError unless the deed is done, and the session holds what it leaves there."""
        for _ in range(2):
            before = self.store.load(self.person.id.selector)
            found = ask(self.app, self.person.get(), asgi=asgi)
            prove(name, found)
            if not deed.holds(found):
                raise WrongAnswerError(f"{name}: a wrong response: {found.headers}")
            after = self.store.load(self.person.id.selector)
            changed = not (
                isinstance(before, Record) and isinstance(after, Record) and before.data == after.data
            )
            if changed != (deed.use is _write):
                raise WrongAnswerError(
                    f"{name}: the session in the store {'changed' if changed else 'stayed'}"
                )
        prove(f"{name}, bare", ask(self.bare, self.person.get(), asgi=asgi))


@dataclass(frozen=True, slots=True)
class Row:
    """Hold what was found of one deed: time added, over the no-op wrapper's and over the fast path's, and its budget."""

    added: Added
    units: Ratio
    ratio: Ratio
    budget: float | None


def measure(*, asgi: bool, rounds: int, count: int) -> dict[str, Row]:
    """Measure every deed on one interface."""
    made = {name: Variant.of(deed, asgi=asgi) for name, deed in DEEDS.items()}
    for name, deed in DEEDS.items():
        made[name].prove(name, deed, asgi=asgi)
    plain: Any = requests.asgi_app if asgi else requests.wsgi_app
    every = {"bare": plain, "noop": AsgiNoop(plain) if asgi else WsgiNoop(plain)}
    under = {}
    for name, variant in made.items():
        every[name], every[f"{name}, bare"] = variant.app, variant.bare
        under[name] = f"{name}, bare"
    people = {name: variant.person.get for name, variant in made.items()}

    def make(name: str) -> Any:
        return people.get(name, people[FAST])(name)

    found = compare(every, make, asgi=asgi, rounds=rounds, requests=count, against=under)
    return {
        name: Row(found[name], found[name].over(found["noop"]), found[name].over(found[FAST]), deed.budget)
        for name, deed in DEEDS.items()
    }


# --- streams


def streaming(messages: int) -> Any:
    """Make an ASGI application whose body comes in so many messages."""

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001 (ASGI)
        await send(
            {"type": "http.response.start", "status": 200, "headers": list(requests.RESPONSE_HEADERS[:1])}
        )
        for left in range(messages - 1, -1, -1):
            await send({"type": "http.response.body", "body": b"ok", "more_body": left > 0})

    return app


def measure_messages(*, rounds: int, count: int) -> dict[str, tuple[Added, Ratio]]:
    """Measure what each message of a streamed body costs, and that over an async closure that does nothing."""
    person, store = Person(asgi=True), AsyncMemoryStore()
    store.blocking.write(Create(record=person.record(), user_id="42"))
    # Of two messages: what a response costs because it streams at all, it costs once.
    many, few = streaming(MANY), streaming(FEW)
    wraps: dict[str, Callable[[Any], Any]] = {
        "noop": AsgiNoop,
        "secmw": lambda app: secmw.asgi.Middleware(app, policy(), store=store),
    }
    every = {"bare": few, "bare, many": many}
    for name, wrap in wraps.items():
        every[name], every[f"{name}, many"] = wrap(few), wrap(many)
    under = {name: "bare, many" for name in every if name.endswith(", many")}
    rows = {}
    for who, make in (("to a stranger", person.stranger), ("to somebody signed in", person.get)):
        for name, app in every.items():
            found = ask(app, make())
            prove(f"{name}, {who}", found)
            if found.body != b"ok" * (MANY if name.endswith("many") else FEW):
                raise WrongAnswerError(f"{name}, {who}: {len(found.body)} bytes of body")
        sample = compare(every, make, asgi=True, rounds=rounds, requests=max(1, count // 10), against=under)
        each = {name: _share(sample[f"{name}, many"].without(sample[name])) for name in wraps}
        rows[f"a message of a body, {who}"] = (each["secmw"], each["secmw"].over(each["noop"]))
    return rows


def _share(added: Added) -> Added:
    return Added(added.median / (MANY - FEW), added.least / (MANY - FEW))
