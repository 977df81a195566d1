"""Where servers differ in what they let an application see and send. ONE table; docs/reference/servers.md shows it too.

A test that meets a difference asserts the safe outcome for both kinds of server, and skips none. Each fact has a probe
in test_servers_page.py, so that a server that changes its ways is noticed.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final, Literal, NamedTuple


class Difference(NamedTuple):
    """Say what a server does, and what comes of it."""

    what: str
    outcome: str


class Fact(enum.Enum):
    """Name one difference."""

    BARE_DENIAL = Difference(
        "refuses a handshake with a bare 403: it knows no `websocket.http.response`",
        "the socket stays closed; no reason and no headers, of which a browser would show none",
    )
    NO_ACCEPT_HEADERS = Difference(
        "loses the headers of an accepted handshake",
        "no HSTS on the 101; it is on every page",
    )
    NO_SOCKET_SCHEME = Difference(
        "gives no `scheme` for a WebSocket",
        "a page of an https origin can open `wss:` alone, so the Origin tells; behind a proxy the proxy does",
    )
    NO_LIFESPAN = Difference("has no lifespan", "secmw needs none")
    FEW_CLOSE_CODES = Difference(
        "sends no close code below 3000 but 1000",
        "a socket whose session is over closes with ours and 3000 more: 4008, 4013",
    )
    OWN_FORMS = Difference(
        "parses multipart bodies by itself, and answers 400 to a broken one",
        "refused, by the server",
    )
    HANGS = Difference(
        "leaves the connection open when an application fails after its response has begun",
        "the response never looks complete",
    )
    CLEAN_BREAK = Difference(
        "ends a chunked response as if it were whole when the application fails in the middle",
        "responses with a Content-Length break off; give one",
    )
    FOLDS_LINE_ENDS = Difference(
        "turns CR LF in a response header into a blank",
        "one header line stays one; the other servers fail the response or leave the header out",
    )
    UTF8_VALUES = Difference(
        "sends response header values that are not ASCII as UTF-8",
        "keep custom headers to ASCII",
    )
    ASCII_FIELDS = Difference(
        "empties a request header whose value is not ASCII",
        "such a cookie is no cookie, and the request is refused where it needed one",
    )
    JOINED_LINES = Difference(
        "joins repeated request headers into one line, Cookie lines too",
        "two Hosts are no host: 400; of two Cookie lines joined by a comma neither visit is well-formed: 403",
    )
    FOLDED_NAMES = Difference(
        "takes `X_Forwarded_For` for `X-Forwarded-For`",
        "the proxy in front must drop names with underscores, as nginx does unless it is told otherwise",
    )
    NO_UNDERSCORES = Difference(
        "drops request headers with an underscore in their name", "nothing to drop for secmw"
    )
    TIDY_SLASHES = Difference(
        "makes one slash of several at the beginning of a path",
        "secmw and the application see the same path",
    )
    HIDDEN_TARGET = Difference(
        "does not tell how a path was spelled",
        "`%2F` is a slash for secmw and for the application alike; redirects spell the path anew",
    )
    CAPITAL_METHODS = Difference(
        "writes the method in capitals",
        "`get` is GET for secmw and for the application alike",
    )
    NO_WRITE = Difference(
        "`start_response` returns no `write`",
        "an application that uses it fails with the server's own 500",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """Hold what is known of one server.

    ``package``: the distribution whose version was looked at. ``options``: what the suite, and everybody, should start
    it with, besides what keeps it from rewriting the peer. ``server``: the Server header that it adds all the same.
    ``adds``: the names of the response headers it adds, ``server`` included.
    """

    interface: Literal["asgi", "wsgi"] = "asgi"
    package: str = ""
    options: tuple[str, ...] = ()
    facts: frozenset[Fact] = frozenset()
    server: str = ""
    adds: frozenset[str] = frozenset({"date", "connection"})

    @property
    def version(self) -> str:
        """The version on this machine."""
        return version(self.package)


#: The client that drives applications in process: on WSGI as bad a server as PEP 3333 allows.
IN_PROCESS: Final[Mapping[str, Traits]] = {
    "asgi": Traits(adds=frozenset()),
    "wsgi": Traits(
        interface="wsgi", adds=frozenset(), facts=frozenset({Fact.FOLDED_NAMES, Fact.JOINED_LINES})
    ),
}

_AND_SERVER: Final = frozenset({"date", "connection", "server"})

SERVERS: Final[Mapping[str, Traits]] = {
    "uvicorn-h11": Traits(package="uvicorn", options=("--no-server-header",)),
    "uvicorn-httptools": Traits(package="uvicorn", options=("--no-server-header",)),
    "hypercorn": Traits(
        package="hypercorn",
        server="hypercorn-h11",
        adds=_AND_SERVER,
        facts=frozenset({Fact.CAPITAL_METHODS}),
    ),
    "granian": Traits(
        package="granian",
        server="granian",
        adds=_AND_SERVER,
        facts=frozenset({Fact.NO_ACCEPT_HEADERS}),
    ),
    "daphne": Traits(
        package="daphne",
        options=("--no-server-name",),
        facts=frozenset(
            {
                Fact.BARE_DENIAL,
                Fact.FEW_CLOSE_CODES,
                Fact.FOLDS_LINE_ENDS,
                Fact.HANGS,
                Fact.NO_ACCEPT_HEADERS,
                Fact.NO_LIFESPAN,
                Fact.NO_SOCKET_SCHEME,
                Fact.NO_UNDERSCORES,
                Fact.OWN_FORMS,
            }
        ),
    ),
    "gunicorn-uvicorn": Traits(package="uvicorn-worker", server="uvicorn", adds=_AND_SERVER),
    "gunicorn-sync": Traits(
        package="gunicorn",
        interface="wsgi",
        server="gunicorn",
        adds=_AND_SERVER,
        facts=frozenset({Fact.JOINED_LINES, Fact.NO_UNDERSCORES}),
    ),
    "gunicorn-gthread": Traits(
        package="gunicorn",
        interface="wsgi",
        server="gunicorn",
        adds=_AND_SERVER,
        facts=frozenset({Fact.JOINED_LINES, Fact.NO_UNDERSCORES}),
    ),
    "waitress": Traits(
        package="waitress",
        interface="wsgi",
        options=("--ident=",),
        facts=frozenset({Fact.JOINED_LINES, Fact.NO_UNDERSCORES, Fact.TIDY_SLASHES}),
    ),
    "granian-wsgi": Traits(
        package="granian",
        interface="wsgi",
        server="granian",
        adds=_AND_SERVER,
        facts=frozenset(
            {
                Fact.ASCII_FIELDS,
                Fact.CLEAN_BREAK,
                Fact.FOLDED_NAMES,
                Fact.HIDDEN_TARGET,
                Fact.JOINED_LINES,
                Fact.NO_WRITE,
                Fact.UTF8_VALUES,
            }
        ),
    ),
}


def table() -> str:
    """Write the differences as the docs show them: what, where, and what comes of it."""
    rows = [
        (
            fact.value.what,
            ", ".join(name for name in SERVERS if fact in SERVERS[name].facts),
            fact.value.outcome,
        )
        for fact in Fact
    ]
    lines = ["| A server that ... | Which | What comes of it |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {what} | {where} | {outcome} |" for what, where, outcome in rows)])
