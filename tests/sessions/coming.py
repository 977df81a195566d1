"""Requests that come with the id of a session, and what becomes of them."""

from __future__ import annotations

from typing import Any

from secmw.exchange import Exchange
from secmw.http import Reason
from secmw.keys import KeyRing
from secmw.sessions.identifier import SessionId
from secmw.sessions.record import Ended, Record
from secmw.sessions.settlement import EndAll, EndOne
from secmw.stores import MemoryStore
from secmw.testing import FrozenClock
from secmw.xsrf import Tokens
from tests.making import KEY, exchange, values
from tests.sessions.making import NOW, record, site, visiting

TOKENS = Tokens(KeyRing([KEY]))
VISIT = TOKENS.new_visit()
ID, ANN = record("ann", {"a": 1}, seen=NOW - 1)
NOBODYS = record(None, {"a": 1}, id_=ID, seen=NOW - 1)[1]
HOME = {"sec-fetch-site": "same-origin"}
WITH_TOKEN = HOME | {"x-xsrf-token": TOKENS.token(ID.selector)}
WITH_VISIT = HOME | {"x-xsrf-token": TOKENS.token(VISIT)}
FORM = HOME | {"content-type": "application/x-www-form-urlencoded"}


def asked(method: str = "GET", path: str = "/", *, id_: SessionId = ID, settings: Any = None, **request: Any) -> Exchange:  # fmt: skip
    """Read a request that comes with an id, and stop where the store would be asked."""
    more = request.pop("cookie", "")
    return exchange(
        site(**(settings or {})),
        method,
        path,
        cookie=f"__Host-id={id_}" + (f"; {more}" if more else ""),
        **request,
    )


def came(
    found: Record | Ended | None = ANN, method: str = "GET", path: str = "/", **request: Any
) -> Exchange:
    settings = request.pop("settings", None)
    return visiting(site(**(settings or {})), request.pop("id_", ID), found, method, path, **request)


def finish(
    found: Exchange, status: int = 200, headers: Any = (), store: MemoryStore | None = None
) -> list[Any]:
    """Carry out what is asked for, on a store, and close."""
    store = store or MemoryStore(clock=FrozenClock(NOW))
    settlement = found.settle(status, NOW, "Browser/1")
    while settlement is not None and (step := settlement.next()) is not None:
        if not isinstance(step, EndOne | EndAll):
            settlement.outcome(step, store.write(step))
    if settlement is not None:
        found.settled(settlement)
    return found.close(status, list(headers))


def cookies(lines: Any) -> dict[str, str]:
    return dict(value.partition(";")[0].split("=", 1) for value in values(lines, "set-cookie"))


def refused(found: Exchange) -> Reason | None:
    return None if found.refusal is None else found.refusal.reason


def forged() -> Record:
    return record("ann", id_=SessionId(ID.selector, "x" * 43))[1]


def superseded(ago: float = 1) -> Record:
    return record("ann", id_=SessionId(ID.selector, "x" * 43), replaced=((ID.digest, NOW - ago),))[1]
