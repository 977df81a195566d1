"""Where servers differ in what they let an application see and send. ONE table; docs/reference/servers.md shows it too.

A test that meets a difference asserts the safe outcome for both kinds of server; none is skipped for it.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal


class Fact(enum.Enum):
    """Name one difference; the value says what happens instead, and why that is safe."""

    BARE_DENIAL = "no whole response to a refused handshake"


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """Hold what is known of one server."""

    interface: Literal["asgi", "wsgi"] = "asgi"
    options: tuple[str, ...] = ()
    facts: frozenset[Fact] = field(default_factory=frozenset)


SERVERS: Final[Mapping[str, Traits]] = {
    "uvicorn-h11": Traits(options=("--no-server-header",)),
    "uvicorn-httptools": Traits(options=("--no-server-header",)),
    "hypercorn": Traits(),
    "granian": Traits(),
    "daphne": Traits(options=("--no-server-name",), facts=frozenset({Fact.BARE_DENIAL})),
    "gunicorn-uvicorn": Traits(),
    "gunicorn-sync": Traits(interface="wsgi"),
    "gunicorn-gthread": Traits(interface="wsgi"),
    "waitress": Traits(interface="wsgi", options=("--ident=",)),
    "granian-wsgi": Traits(interface="wsgi"),
}
