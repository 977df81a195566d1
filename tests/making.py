"""What the tests of the core are made from: one key, a policy, its plans, the facts of a request, an exchange."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final

from secmw.checks import Wants
from secmw.exchange import Exchange
from secmw.http import ASGI, Facts, Reply, Wire
from secmw.own import Visit
from secmw.plan import Plans
from secmw.policy import Policy
from secmw.request import Seen, read, usual
from secmw.sessions.demand import Asking

KEY: Final = base64.b64encode(bytes(range(32))).decode()
OTHER_KEY: Final = base64.b64encode(bytes(range(100, 132))).decode()

HOST: Final = "app.example"
URL: Final = f"https://{HOST}"


_MADE: dict[tuple[str, str], Plans] = {}


def policy(**settings: Any) -> Policy:
    """Make a policy of the recommended preset, at home on https://app.example."""
    return Policy.recommended(**{"secret_keys": [KEY], "public_url": URL, "sessions": None, **settings})


def plans(wire: Wire = ASGI, **settings: Any) -> Plans:
    """Make such a policy and compile it; one that was made before is the same."""
    key = wire.label, repr(settings)
    if key not in _MADE:
        _MADE[key] = policy(**settings).compile(wire)
    return _MADE[key]


def facts(
    method: str = "GET",
    path: str = "/",
    *,
    scheme: str = "https",
    host: str | Sequence[str] | None = HOST,
    headers: Mapping[str, str | Sequence[str]] | None = None,
    cookie: str | Sequence[str] | None = None,
    peer: tuple[str, Any] | None = ("192.0.2.1", 50_000),
    certified: bool = False,
    socket: bool = False,
    wire: Wire = ASGI,
) -> Facts:
    """State a request as a wire would."""
    said = {"host": host, "cookie": cookie, **(headers or {})}
    lines = {
        wire.field(name): [wire.encode(line) for line in ([value] if isinstance(value, str) else value)]
        for name, value in said.items()
        if value is not None
    }
    return Facts(
        method,
        scheme,
        path,
        peer,
        {name: values[-1] for name, values in lines.items()},
        {name: values for name, values in lines.items() if len(values) > 1},
        certified,
        socket,
    )


def seen(
    made: Plans,
    method: str = "GET",
    path: str = "/",
    *,
    spelled: str | None = None,
    query: str = "",
    **request: Any,
) -> tuple[Exchange, Seen | None]:
    """Read and screen a request; return the exchange, and what the application would see otherwise."""
    raw = path.encode("utf-8", "surrogateescape").decode("latin-1") if spelled is None else spelled
    target = made.wire.encode(raw), made.wire.encode(query)
    asked = facts(method, path, wire=made.wire, **request)
    fields = dict(asked.fields)
    found, sees = read(made, asked, lambda _: target, None)
    if not (asked.repeated or asked.certified or asked.socket):
        for _ in range(2):
            short = usual(made, method, asked.scheme, path, asked.peer, fields, lambda _: target, None)
            # Whoever takes the short way gets the same answers, the second time too.
            assert short is None or answers(short[0]) == answers(found)
            assert short is None or (None if short[1] is None else short[1].seen) == sees
    return found, sees


def answers(found: Exchange) -> tuple[object, ...]:
    """Return all that an exchange has found out."""
    said = (found.plan, found.site, found.method, found.scheme, found.path, found.client, found.cookie)
    kind = (found.socket, found.forwarded, found.claims_https, found.certified, found.target, found.presented)
    return (*said, *kind, found.refusal, found.wants, found.bound)


def exchange(made: Plans, method: str = "GET", path: str = "/", **request: Any) -> Exchange:
    """Read and screen a request."""
    return seen(made, method, path, **request)[0]


def served(found: Exchange, *, accept: str = "", target: str = "/", **fetched: Any) -> Reply:
    """Have a page of ours answer, with what a guard would have fetched for it."""
    if found.wants is Wants.PAGE:
        found.answer(Visit(**fetched), Asking(method=found.method, target=target, accept=accept))
    return found.reply(accept)


def sent(lines: Sequence[Any]) -> list[tuple[str, str]]:
    """Return header lines of either wire as text, names in lower case."""
    return [(_text(name).lower(), _text(value)) for name, value in lines]


def values(lines: Sequence[Any], name: str) -> list[str]:
    """Return the values of one header, whatever the wire."""
    return [value for found, value in sent(lines) if found == name.lower()]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else bytes(value).decode("latin-1")
