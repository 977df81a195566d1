"""What the tests of sessions are made from: rules, ids, records, and requests that come with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Final

from secmw.exchange import Exchange
from secmw.http import ASGI, Wire
from secmw.plan import Plans
from secmw.sessions import codec
from secmw.sessions.identifier import SessionId, new_id
from secmw.sessions.record import FOREVER, Ended, Identity, Record, written
from secmw.sessions.rules import Rules
from secmw.sessions.rules import rules as rules_of
from secmw.sessions.session import Session
from secmw.testing import FrozenClock
from tests.making import exchange, policy

#: When everything happens unless a test says otherwise.
NOW: Final = 1_750_000_000.0
DAY: Final = 86_400
IDLE: Final = 28_800

_MADE: dict[tuple[str, str], Plans] = {}


def rules(**changes: Any) -> Rules:
    """Work out the rules of the recommended preset, with others in their places."""
    return replace(_recommended(), **changes)


@cache
def _recommended() -> Rules:
    # Worked out once: searches ask ten thousand times.
    made = rules_of(policy(sessions="on"), can_verify=True)
    assert made is not None
    return made


def site(wire: Wire = ASGI, **settings: Any) -> Plans:
    """Make the plans of a site with sessions, a trail, and somebody who knows passwords."""
    key = wire.label, repr(settings)
    if key not in _MADE:
        made = policy(**{"sessions": "on", **settings})
        _MADE[key] = made.compile(wire, can_verify=True, audited=True, clock=FrozenClock(NOW))
    return _MADE[key]


def record(
    user_id: str | None = None,
    data: Mapping[str, Any] | None = None,
    *,
    id_: SessionId | None = None,
    created: float = NOW - 100,
    seen: float | None = None,
    inactivity: int = IDLE,
    revision: int = 1,
    **identity: Any,
) -> tuple[SessionId, Record]:
    """Make a living session, and the id that opens it; ``identity`` is what a sign-in wrote."""
    id_ = id_ or new_id()
    seen = created if seen is None else seen
    values = codec.join({name: codec.encode(name, value) for name, value in (data or {}).items()})
    if user_id is not None:
        identity = {"user_id": user_id, "description": user_id.title(), "authenticated": created, **identity}
    made = Record(
        id_.selector,
        revision,
        created,
        seen,
        created + DAY,
        seen + inactivity if inactivity else FOREVER,
        inactivity,
        id_.digest,
        values,
        written(Identity(**identity)),
    )
    return id_, made


def session(
    user_id: str | None = None,
    data: Mapping[str, Any] | None = None,
    *,
    now: float = NOW,
    under: Rules | None = None,
    **fields: Any,
) -> Session:
    """Make the session of a request that came with the id of a living record."""
    id_, made = record(user_id, data, **fields)
    return Session(under or rules(), made, now, None, id_.digest)


def nobody(*, under: Rules | None = None) -> Session:
    """Make the session of a request that came with nothing."""
    return Session(under or rules(), None, NOW)


def visiting(
    made: Plans,
    id_: SessionId,
    found: Record | Ended | None,
    method: str = "GET",
    path: str = "/",
    *,
    cookie: str = "",
    now: float = NOW,
    **request: Any,
) -> Exchange:
    """Read a request that comes with an id, and go on with what the store holds under it."""
    sent = f"{made.safe['/'].sessions.cookie}={id_}" if made.safe["/"].sessions else ""
    seen = exchange(made, method, path, cookie=f"{sent}; {cookie}" if cookie else sent, **request)
    seen.resume(found, now)
    return seen
