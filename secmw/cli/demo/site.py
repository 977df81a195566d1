"""The application that the demo protects: a small notebook that shows what happens to its own requests.

It is an ordinary Starlette application under the middleware; all that secmw does to it is written in :func:`policy_for`.
One page of it, the greeting, prints what it is given without escaping, on purpose: the policy has to hold then too.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from secmw.asgi import Middleware
from secmw.cli.account import account
from secmw.cli.demo.journal import REPORTS, Journal, Watch
from secmw.keys import development_key
from secmw.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.websockets import WebSocket

    from secmw.asgi import App
    from secmw.exchange import Exchange

HERE: Final = Path(__file__).parent
PAGES: Final = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

#: What the injected script of the demo tries to do; the page would say so if it had run.
PAYLOAD: Final = (
    "<script>document.getElementById('state').textContent = 'A foreign script has run.'</script>"
    "<img src=x onerror=\"document.getElementById('state').textContent = 'A foreign script has run.'\">"
)

_LONGEST_BODY: Final = 16_384
_SECRET: Final = frozenset({b"authorization", b"cookie", b"x-xsrf-token"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Say where the two sites are, the application and the one that attacks it, and what their server can do."""

    app: str
    attacker: str
    tls: bool
    sockets: bool


def policy_for(places: Places) -> Policy:
    """Return the policy of the demo: what anybody would write, and a Content-Security-Policy for its own pages."""
    shared: dict[str, Any] = {
        "sessions": None,
        "csp": {
            "default-src": ["'none'"],
            "base-uri": ["'none'"],
            "connect-src": ["'self'"],
            "form-action": ["'self'"],
            "frame-src": ["'self'", places.attacker],
            "img-src": ["'self'", "data:"],
            "script-src": ["'self'", "'nonce'"],
            "style-src": ["'self'"],
        },
        "csp_report_only": None,
    }
    if places.tls:
        policy = Policy.recommended(public_url=places.app, secret_keys=[development_key()], **shared)
    else:
        policy = Policy.development(**shared)
    return policy.at("/framed/", frame_options="SAMEORIGIN")


def site(places: Places, policy: Policy, journal: Journal) -> App:
    """Make the protected application."""
    return Watch(Middleware(Notebook(places, policy, journal).app(), policy), journal)


class Notebook:
    """Hold what the pages share: the notes, the journal, and what the policy does to a request for the first page."""

    def __init__(self, places: Places, policy: Policy, journal: Journal) -> None:
        self.places = places
        self.policy = policy
        self.journal = journal
        self.notes: deque[str] = deque(["Buy milk", "Read the threat model"], maxlen=20)
        self.account = account(policy, "/", host=places.app.partition("://")[2])

    def app(self) -> Starlette:
        """Return the application, unprotected."""
        return Starlette(
            routes=[
                Route("/", self.home),
                Route("/notes", self.write, methods=["POST"]),
                Route("/private", self.private),
                Route("/reset-link", self.reset_link),
                Route("/alone", self.alone),
                Route("/framed/", self.framed),
                Route("/framed/greet", self.greet),
                Route("/greet", self.greet),
                Route(REPORTS, self.blocked, methods=["POST"]),
                Route("/journal", self.read_journal),
                WebSocketRoute("/echo", self.echo),
                Mount("/static", StaticFiles(directory=HERE / "static")),
            ]
        )

    def page(self, request: Request, template: str, **values: Any) -> Response:
        """Render a page; its own scripts carry the nonce of this request."""
        exchange: Exchange = request.scope["secmw"]
        return HTMLResponse(
            PAGES.get_template(template).render(nonce=exchange.nonce, places=self.places, **values)
        )

    async def home(self, request: Request) -> Response:
        """Show the request as it arrived here, and everything there is to try."""
        exchange: Exchange = request.scope["secmw"]
        response = self.page(
            request,
            "home.html",
            preset=self.policy.preset,
            token=exchange.xsrf_token(),
            notes=list(self.notes),
            facts=facts(request, exchange),
            fields=fields(request.scope["headers"]),
            sent={part.partition("=")[0].strip() for part in request.headers.get("cookie", "").split(";")},
            account=self.account,
            payload=PAYLOAD,
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
        return RedirectResponse("/#send", status_code=303)

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
        return self.page(
            request, "framed.html", title="This page stands alone", text="Nobody should see it in a frame."
        )

    async def framed(self, request: Request) -> Response:
        """Show a page that this site's own pages may frame."""
        text = "Its path class says frame_options = SAMEORIGIN, and the page around it is of the same origin."
        return self.page(request, "framed.html", title="This page may be framed here", text=text)

    async def greet(self, request: Request) -> Response:
        """Print a name as it came: the mistake that a Content-Security-Policy is there to survive."""
        exchange: Exchange = request.scope["secmw"]
        exchange.xsrf_token()
        query = request.query_params
        whom = query.get("name", "stranger")
        return self.page(request, "greet.html", whom=whom, attack=query.get("attack", ""))

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


async def limited(request: Request) -> bytes:
    """Read a small body; of a larger one, its beginning."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_BODY:
            break
    return body[:_LONGEST_BODY]


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
