"""The part of the demo that is attacked: a small notebook that shows what happens to its own requests, open to everybody.

One page of it, the greeting, prints what it is given without escaping, on purpose: the policy has to hold then too.
"""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from secmw.cli.account import account
from secmw.cli.demo.journal import REPORTS, Journal
from secmw.cli.demo.rendering import HERE, Places, limited, page
from secmw.cli.demo.shop import top

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.routing import BaseRoute
    from starlette.websockets import WebSocket

    from secmw.exchange import Exchange
    from secmw.policy import Policy

#: What the injected script of the demo tries to do; the page would say so if it had run.
PAYLOAD: Final = (
    "<script>document.getElementById('state').textContent = 'A foreign script has run.'</script>"
    "<img src=x onerror=\"document.getElementById('state').textContent = 'A foreign script has run.'\">"
)

#: Where its first page is.
ATTACKS: Final = "/attacks"

_SECRET: Final = frozenset({b"authorization", b"cookie", b"x-xsrf-token"})


class Notebook:
    """Hold what the pages share: the notes, the journal, and what the policy does to a request for the first page."""

    def __init__(self, places: Places, policy: Policy, journal: Journal) -> None:
        self.places = places
        self.policy = policy
        self.journal = journal
        self.notes: deque[str] = deque(["Buy milk", "Read the threat model"], maxlen=20)
        self.account = account(policy, ATTACKS, host=places.app.partition("://")[2])

    def routes(self) -> list[BaseRoute]:
        """Return what it answers."""
        return [
            Route(ATTACKS, self.home),
            Route("/notes", self.write, methods=["POST"]),
            Route("/private", self.private),
            Route("/reset-link", self.reset_link),
            Route("/alone", self.alone),
            Route("/framed/", self.framed),
            Route("/framed/greet", self.greet),
            Route("/greet", self.greet),
            Route(REPORTS, self.blocked, methods=["POST"]),
            Route("/journal/", self.read_journal),
            WebSocketRoute("/echo", self.echo),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ]

    async def home(self, request: Request) -> Response:
        """Show the request as it arrived here, and everything there is to try."""
        exchange: Exchange = request.scope["secmw"]
        response = page(
            request,
            "attacks.html",
            places=self.places,
            notes=list(self.notes),
            facts=facts(request, exchange),
            fields=fields(request.scope["headers"]),
            sent={part.partition("=")[0].strip() for part in request.headers.get("cookie", "").split(";")},
            account=self.account,
            payload=PAYLOAD,
            **top(request, self.policy),
        )
        # To show that it does not leave.
        response.headers["X-Powered-By"] = "the demo"
        return response

    async def write(self, request: Request) -> Response:
        """Keep a note, from a form or from a script."""
        body = await limited(request)
        if request.headers.get("content-type", "").startswith("application/json"):
            note = str(json.loads(body).get("note", ""))
        else:
            note = parse_qs(body.decode("utf-8", "replace")).get("note", [""])[0]
        if note.strip():
            self.notes.append(note.strip()[:200])
        if "application/json" in request.headers.get("accept", ""):
            return JSONResponse({"saved": note.strip()[:200]})
        return RedirectResponse(f"{ATTACKS}#send", status_code=303)

    async def private(self, _request: Request) -> Response:
        """Return what only this site's own pages may read."""
        return JSONResponse({"notes": list(self.notes)})

    async def reset_link(self, request: Request) -> Response:
        """Make the link that a password mail would carry, out of the host that the request names."""
        exchange: Exchange = request.scope["secmw"]
        seen = [name.decode("latin-1") for name, _ in request.scope["headers"] if b"forwarded" in name]
        return JSONResponse(
            {"link": f"{exchange.scheme}://{exchange.host}/reset?code=0000", "forwarded": seen}
        )

    async def alone(self, request: Request) -> Response:
        """Show a page that nobody may frame."""
        return page(
            request, "framed.html", title="This page stands alone", text="Nobody should see it in a frame."
        )

    async def framed(self, request: Request) -> Response:
        """Show a page that this site's own pages may frame."""
        text = "Its path class says frame_options = SAMEORIGIN, and the page around it is of the same origin."
        return page(request, "framed.html", title="This page may be framed here", text=text)

    async def greet(self, request: Request) -> Response:
        """Print a name as it came: the mistake that a Content-Security-Policy is there to survive."""
        exchange: Exchange = request.scope["secmw"]
        exchange.xsrf_token()
        query = request.query_params
        whom = query.get("name", "stranger")
        return page(request, "greet.html", whom=whom, attack=query.get("attack", ""))

    async def blocked(self, request: Request) -> Response:
        """Note what a browser did not run; sent by our own script, with a token."""
        report = json.loads(await limited(request))
        self.journal.add(
            "blocked",
            f"inline script on {report.get('page', '')}",
            reason=str(report.get("directive", "")),
            attack=str(report.get("attack", "")),
        )
        return Response(status_code=204)

    async def read_journal(self, request: Request) -> Response:
        """Return what happened after an entry."""
        after = request.query_params.get("after", "0")
        return JSONResponse(self.journal.after(int(after) if after.isdecimal() and len(after) < 12 else 0))

    async def echo(self, socket: WebSocket) -> None:
        """Say back what is said."""
        await socket.accept()
        async for text in socket.iter_text():
            await socket.send_text(text[:200])


def facts(request: Request, exchange: Exchange) -> list[tuple[str, str, str]]:
    """List what the application knows of a request besides its fields: name, value, and where it comes from."""
    return [
        ("Method", request.method, "the request"),
        ("Scheme", exchange.scheme, "the connection; a forwarding header only from a trusted proxy"),
        ("Host", exchange.host, "the Host field, checked against allowed_hosts and public_url"),
        ("Path", exchange.path, "the request, below the mount point"),
        ("Client", exchange.client or "", "the connection; a forwarding header only from a trusted proxy"),
        ("HTTP", request.scope.get("http_version", ""), "the connection"),
    ]


def fields(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """Return a request's header fields for showing: secrets are cut off after four characters."""
    return [
        (
            name.decode("latin-1"),
            masked(value.decode("latin-1")) if name in _SECRET else value.decode("latin-1"),
        )
        for name, value in headers
    ]


def masked(value: str) -> str:
    """Cut every value of a Cookie field, or the one value of another, after four characters."""
    parts = []
    for part in value.split("; "):
        name, equals, rest = part.partition("=")
        parts.append(f"{name}={rest[:4]}…" if equals else f"{part[:4]}…")
    return "; ".join(parts)
