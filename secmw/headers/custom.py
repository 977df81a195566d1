"""Headers of people's own, as ``"Name: value"``. Checked here, before they could break a response or split it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from secmw.headers.values import field_name, field_value, text

#: Headers that a fixed value would break, and who sets them.
REFUSED: Final = {
    "connection": "the server sets it for each connection",
    "content-length": "the server counts it for each response",
    "host": "it belongs to requests",
    "set-cookie": "a fixed cookie would be everybody's; set cookies in the application",
    "transfer-encoding": "the server chooses it for each response",
}

#: Headers that browsers gave up, and what took their place.
RETIRED: Final = {
    "expect-ct": "browsers check certificate transparency unasked; leave it out",
    "feature-policy": "browsers heed Permissions-Policy instead; write permissions_policy",
    "public-key-pins": "browsers gave it up, and it could lock people out for months; leave it out",
    "public-key-pins-report-only": "browsers gave it up; leave it out",
    "x-content-security-policy": "browsers heed Content-Security-Policy instead; write csp",
    "x-webkit-csp": "browsers heed Content-Security-Policy instead; write csp",
    "x-xss-protection": "its filter made holes of its own and is gone from browsers; leave it out and write csp",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomHeader:
    """Be one more header, sent unless something later sets the same name.

    Blanks around name and value are trimmed. CR, LF and NUL would let a value end the header and begin another, or
    make the server drop the connection, so they are a ValueError at start-up, as is everything that is not latin-1.

    >>> CustomHeader.parse("X-Team: Data Platform").value
    'Data Platform'
    """

    name: str
    value: str

    def __post_init__(self) -> None:
        name = field_name(self.name)
        if why := REFUSED.get(name.lower()):
            raise ValueError(f"{name} can't be a custom header: {why}")
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "value", field_value(self.value))

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read ``Name: value``; raise ValueError for anything that no server could send."""
        name, colon, value = text(line).partition(":")
        if not colon:
            raise ValueError(f"{line!r} has no colon; write it like X-Team: Data Platform")
        return cls(name=name, value=value)

    @property
    def notices(self) -> tuple[str, ...]:
        """Say that a header is retired; it is sent all the same."""
        why = RETIRED.get(self.name.lower())
        return (f"custom_headers sends {self.name}: {why}",) if why else ()

    def render(self) -> str:
        """Write the value."""
        return self.value
