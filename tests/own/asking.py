"""Requests to our own pages, by somebody who is signed in."""

from __future__ import annotations

from typing import Any, Final

from secmw.exchange import Exchange
from secmw.keys import KeyRing
from secmw.sessions.identifier import SessionId
from secmw.sessions.record import Ended, Record
from secmw.xsrf import Tokens
from tests.making import KEY
from tests.sessions.making import NOW, record, site, visiting

TOKENS: Final = Tokens(KeyRing([KEY]))
ID, ANN = record("ann", {"a": 1}, seen=NOW - 1)


def got(path: str, made: Record | Ended | None = ANN, *, id_: SessionId = ID, method: str = "GET", settings: Any = None, **request: Any) -> Exchange:  # fmt: skip
    """Get a page of ours as whoever holds a session."""
    return visiting(site(**(settings or {})), id_, made, method, f"/_secmw/{path}", **request)


def posted(path: str, made: Record | Ended | None = ANN, *, id_: SessionId = ID, settings: Any = None, **request: Any) -> Exchange:  # fmt: skip
    """Post to it, with a token of this session."""
    headers = {"sec-fetch-site": "same-origin", "x-xsrf-token": TOKENS.token(id_.selector)}
    return got(path, made, id_=id_, method="POST", settings=settings, headers=headers, **request)
