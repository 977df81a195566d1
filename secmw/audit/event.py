"""Event: one audit fact. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Say that something happened; the first six fields are what Posit's products write, in their order.

    ``id`` is the trail's to give, 0 before it has. ``time`` is Unix seconds. ``action`` is one of
    :class:`secmw.audit.Action`, or an application's own. ``outcome``: success, failure or refused. ``selector``: the public half of the
    session's id; no event holds a credential, a token, a cookie or the rest of an id. ``extra``: what the application adds,
    text to anything JSON can hold.

    >>> Event(time=0.0, user_id="42", user_description="Jane", action="web_sudo", event_description="gave the password").when
    '1970-01-01T00:00:00.000Z'
    """

    id: int = 0
    time: float
    user_id: str = ""
    user_description: str = ""
    action: str
    event_description: str = ""
    client: str = ""
    selector: str = ""
    outcome: str = "success"
    reason: str = ""
    extra: Mapping[str, Any] = {}

    @property
    def when(self) -> str:
        """The time as RFC 3339 text, UTC, to the millisecond."""
        moment = dt.datetime.fromtimestamp(self.time, dt.UTC)
        return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
