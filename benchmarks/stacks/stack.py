"""Stack: middleware around an application that keeps a session; who asks it; what is proved before it is timed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any, Final

from benchmarks import requests
from benchmarks.probe import Answer, WrongAnswerError, ask, prove
from benchmarks.requests import Headers
from benchmarks.timing import Added, Ratio, compare
from secmw.cli.bench.stand_in import AsgiNoop, WsgiNoop

#: What signs cookies and tokens in every stack that signs.
SECRET: Final = "for-measuring-only-0123456789abcdef-0123456789abcdef"  # noqa: S105 (signs nothing that matters)
HOST: Final = "app.example.org"

#: What a session of every stack holds.
KNOWN: Final = b"ok"
#: What an application answers to those whom it does not know.
UNKNOWN: Final = b"no"

SIGN_IN: Final = "/sign-in"
TOKEN: Final = "/token"  # noqa: S105 (a path)
CART: Final = "/cart"

#: What most is compared with, by name.
STACK_A: Final = "A: redirect, host, secure (our headers), starlette-csrf, starsessions in memory"

#: The columns.
KINDS: Final = ("GET, anonymous", "GET, signed in", "POST with token")


def get(module: str, name: str) -> Any:
    """Import what a peer calls this; none is imported before it is asked for."""
    return getattr(import_module(module), name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Be one row: an application, what stands in front of it, and what that can't do.

    Its application answers to ``/sign-in`` (the session is filled), ``/token`` (the body is the token) and ``/cart``.
    ``sessions``: whether one can sign in, and ``reads`` whether ``/cart`` looks at the session then. ``header``: what carries the token, empty where nothing asks for one.
    ``refuses``: the status of a refusal. ``foreign``: whether a POST from another site's page is refused. ``adds``: how many
    headers it adds at least. ``packages``: the distributions that the row is about.
    """

    name: str
    app: Any
    asgi: bool = True
    sessions: bool = False
    reads: bool = True
    header: str = ""
    refuses: int = 403
    foreign: bool = False
    adds: int = 0
    lacks: str = ""
    packages: tuple[str, ...] = ()

    def ask(self, method: str, headers: Headers, path: str = CART) -> Answer:
        """Send one request."""
        make: Any = requests.scope if self.asgi else requests.environ
        return ask(self.app, make(method, headers, path), asgi=self.asgi)


class Guest:
    """Be somebody who has signed in where that can be done, and has what a POST needs."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._cookies: dict[str, str] = {}
        self.token = ""
        if stack.sessions:
            prove(f"{stack.name}, signing in", self._follow(SIGN_IN))
        if stack.sessions or stack.header:
            # Before there is a cookie, some send a token that the next request would not be asked for.
            self._follow(CART)
            found = self._follow(TOKEN)
            prove(f"{stack.name}, token", found)
            self.token = found.body.decode() or self._cookies.get("csrftoken", "")

    def _follow(self, path: str) -> Answer:
        found = self._stack.ask("GET", self._browser(), path)
        for line in found.values("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self._cookies[name.strip()] = value.strip()
        return found

    def _cookie(self) -> bytes:
        ours = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        return requests.FOREIGN_COOKIES + (f"; {ours}".encode() if ours else b"")

    def _browser(self) -> Headers:
        return (*requests.BROWSER, (b"cookie", self._cookie()))

    def _post(self, token: str, **other: bytes) -> Headers:
        said = {
            **dict(requests.BROWSER),
            b"content-type": b"application/json",
            b"content-length": b"2",
            b"origin": f"https://{HOST}".encode(),
            b"referer": f"https://{HOST}/cart".encode(),
            b"cookie": self._cookie(),
            **{name.replace("_", "-").encode(): value for name, value in other.items()},
        }
        if self._stack.header:
            said[self._stack.header.encode()] = token.encode()
        return tuple(said.items())

    def headers(self, kind: str) -> tuple[str, Headers]:
        """Return the method and the request headers of a column."""
        if kind == KINDS[0]:
            return "GET", requests.BROWSER
        return ("GET", self._browser()) if kind == KINDS[1] else ("POST", self._post(self.token))

    def prove(self) -> None:
        """Raise WrongAnswerError unless the stack does what its row says."""
        stack = self._stack
        for kind in KINDS:
            found = stack.ask(*self.headers(kind))
            prove(f"{stack.name}, {kind}", found)
            expected = KNOWN if stack.sessions and stack.reads and kind != KINDS[0] else UNKNOWN
            if found.body != expected:
                raise WrongAnswerError(f"{stack.name}, {kind}: the body is {found.body!r}")
            if len(found.headers) < len(requests.RESPONSE_HEADERS) + stack.adds:
                raise WrongAnswerError(f"{stack.name}, {kind}: too few headers: {found.headers}")
        if stack.header:
            other = Guest(stack).token
            prove(
                f"{stack.name}, another's token", stack.ask("POST", self._post(other)), status=stack.refuses
            )
        if stack.foreign:
            lines = self._post(self.token, origin=b"https://evil.example", sec_fetch_site=b"cross-site")
            prove(f"{stack.name}, another site's POST", stack.ask("POST", lines), status=stack.refuses)


@dataclass(frozen=True, slots=True)
class Cell:
    """Hold what one stack adds to one kind of request, the same over a no-op wrapper's, and over secmw's."""

    added: Added
    units: Ratio
    times: Ratio


Table = Mapping[str, Mapping[str, Cell]]


def measure(stacks: Iterable[Stack], *, ours: str, rounds: int, count: int) -> Table:
    """Measure every stack against the first of them, which is bare; ``ours`` is the name of secmw's row.

    All have the same interface. A wrapper that does nothing is measured with them, as ``no-op wrapper``.
    """
    first, *others = stacks
    plain: Callable[[Any], Any] = AsgiNoop if first.asgi else WsgiNoop
    noop = Stack(name="no-op wrapper", app=plain(first.app), asgi=first.asgi)
    every = [first, noop, *others]
    guests = {stack.name: Guest(stack) for stack in every}
    for guest in guests.values():
        guest.prove()
    apps = {"bare" if stack is first else stack.name: stack.app for stack in every}
    make: Any = requests.scope if first.asgi else requests.environ
    table: dict[str, dict[str, Cell]] = {stack.name: {} for stack in every[1:]}
    for kind in KINDS:
        sent = {name: guest.headers(kind) for name, guest in guests.items()}
        sent["bare"] = sent[first.name]

        def fresh(name: str, sent: Any = sent) -> Any:
            return make(*sent[name])

        found = compare(apps, fresh, asgi=first.asgi, rounds=rounds, requests=count)
        for name, cells in table.items():
            added = found[name]
            cells[kind] = Cell(added, added.over(found[noop.name]), added.over(found[ours]))
    return table


def plain(table: Table) -> dict[str, Any]:
    """Return a table as JSON can hold it."""
    return {name: {kind: asdict(cell) for kind, cell in cells.items()} for name, cells in table.items()}
