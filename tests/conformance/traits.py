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
    OWN_TRACE = "answers TRACE by itself"
    UTF8_VALUES = "sends header values that are not ASCII as UTF-8"
    TIDY_SLASHES = "joins slashes at the beginning of a path"
    HIDDEN_TARGET = "does not tell how a path was spelled"
    EAGER_START = "takes the head of a response when the application returns"
    ASCII_FIELDS = "drops a request header whose value is not ASCII"
    FOLDED_NAMES = "joins X_Forwarded_For and X-Forwarded-For"
    LAST_PROTO = "keeps one of two lines"
    OWN_FORMS = "parses multipart bodies by itself"
    NO_HEAD_LENGTH = "sends no Content-Length to HEAD"
    CLEAN_BREAK = "ends a chunked response as if it were whole when the application fails"
    NO_ACCEPT_HEADERS = "loses the headers of an accepted handshake"
    NO_SOCKET_SCHEME = "gives no scheme of a handshake"
    HANGS = "leaves the connection open when the application fails after it started"
    NO_LIFESPAN = "has no lifespan"
    NO_WRITE = "start_response returns no write"


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """Hold what is known of one server.

    ``server``: the Server header that it adds whatever we say. ``adds``: the response headers it adds besides.
    ``refused_paths``: paths that it answers by itself.
    """

    interface: Literal["asgi", "wsgi"] = "asgi"
    options: tuple[str, ...] = ()
    facts: frozenset[Fact] = field(default_factory=frozenset)
    server: str = ""
    adds: frozenset[str] = frozenset()
    refused_paths: frozenset[str] = frozenset()

    def own_500(self, data: bytes) -> bool:
        return False


#: The client that drives applications in process is as bad a server as PEP 3333 allows.
IN_PROCESS: Final[Mapping[str, Traits]] = {
    "asgi": Traits(),
    "wsgi": Traits(interface="wsgi", facts=frozenset({Fact.FOLDED_NAMES})),
}

DATE = frozenset({"date"})
SERVERS: Final[Mapping[str, Traits]] = {
    "uvicorn-h11": Traits(options=("--no-server-header",), adds=DATE),
    "uvicorn-httptools": Traits(options=("--no-server-header",), adds=DATE),
    "hypercorn": Traits(server="hypercorn-h11", adds=DATE | {"server"}),
    "granian": Traits(server="granian", adds=DATE | {"server"}),
    "daphne": Traits(options=("--no-server-name",), facts=frozenset({Fact.BARE_DENIAL, Fact.OWN_FORMS, Fact.HANGS, Fact.NO_ACCEPT_HEADERS})),
    "gunicorn-uvicorn": Traits(server="uvicorn", adds=DATE | {"server"}),
    "gunicorn-sync": Traits(interface="wsgi", server="gunicorn", adds=DATE | {"server", "connection"}),
    "gunicorn-gthread": Traits(interface="wsgi", server="gunicorn", adds=DATE | {"server", "connection"}),
    "waitress": Traits(
        interface="wsgi", options=("--ident=",), adds=DATE, facts=frozenset({Fact.TIDY_SLASHES})
    ),
    "granian-wsgi": Traits(
        interface="wsgi",
        server="granian",
        adds=DATE | {"server"},
        facts=frozenset(
            {
                Fact.UTF8_VALUES,
                Fact.HIDDEN_TARGET,
                Fact.EAGER_START, Fact.CLEAN_BREAK,
                Fact.NO_WRITE,
                Fact.ASCII_FIELDS,
                Fact.FOLDED_NAMES,
            }
        ),
    ),
}
