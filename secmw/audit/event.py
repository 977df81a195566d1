"""Event: one audit fact. Pure."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any

import msgspec

_TEXTS = (
    "user_id",
    "user_description",
    "action",
    "event_description",
    "client",
    "selector",
    "outcome",
    "reason",
)


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Say that something happened; the first six fields are what Posit's products write, in their order.

    ``id`` is the trail's to give, 0 before it has. ``time`` is Unix seconds. ``action`` is one of
    :class:`secmw.audit.Action`, or an application's own. ``outcome``: success, failure or refused. ``selector``: the public half of the
    session's id; no event holds a credential, a token, a cookie or the rest of an id. ``extra``: what the application adds,
    text to anything JSON can hold; it is copied, and TypeError is raised for the rest.

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

    def __post_init__(self) -> None:
        for name in _TEXTS:
            given = getattr(self, name)
            # An Action is text too, but what reads the trail back gets plain text.
            if type(given) is not str or not given.isascii():
                msgspec.structs.force_setattr(self, name, _text(given))
        if self.extra:
            msgspec.structs.force_setattr(self, "extra", _plain(self.extra))

    @property
    def when(self) -> str:
        """The time as RFC 3339 text, UTC, to the millisecond."""
        moment = dt.datetime.fromtimestamp(self.time, dt.UTC)
        return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _text(given: str) -> str:
    """Return text that can be written out: half a character (a lone surrogate) as its escape."""
    return str.__str__(given).encode("utf-8", "backslashreplace").decode()


def _plain(extra: Mapping[str, Any]) -> Any:
    return _writable(msgspec.to_builtins(dict(extra), str_keys=True))


def _writable(value: Any) -> Any:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        return {_text(name): _writable(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_writable(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    # A reader may know no larger whole numbers than its machine does.
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return str(value)
    return value
