"""The second site of the demo, which attacks the first: what a page on the web, and a program, could try.

It is not protected and knows no secret. It may ask the demo's journal how an attack ended, which no attacker could.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from secmw.cli.demo.notebook import PAYLOAD
from secmw.cli.demo.rendering import HERE, PAGES, Places

if TYPE_CHECKING:
    from starlette.requests import Request

    from secmw.cli.demo.journal import Journal

#: The host that the server side of an attack claims.
FALSE_HOST: Final = "evil.example"


class Attack(NamedTuple):
    """Be one thing to try: a key for the script, words for people, and what stops it.

    ``kept``: how an attack ends that the application does not refuse, because something else stops it.
    """

    key: str
    title: str
    tries: str
    stopped_by: str
    setting: str
    kept: str = ""


ATTACKS: Final = (
    Attack(
        "form",
        "Send a form in your name",
        "A hidden form posts a note to the application while you look at this page.",
        "The browser says that the request is cross-site, and the guard does not let it in.",
        "xsrf.origin",
    ),
    Attack(
        "fetch",
        "Send a request by script",
        "The same with fetch() and your cookies, without asking for permission to read the answer.",
        "The browser says that the request is cross-site, and the guard does not let it in.",
        "xsrf.origin",
    ),
    Attack(
        "read",
        "Read your notes",
        "fetch() asks for your private notes with your cookies.",
        "The application names no other site that may read it, so the browser keeps the answer away.",
        "resource_policy",
        "The browser kept the answer to itself",
    ),
    Attack(
        "socket",
        "Open a WebSocket",
        "Browsers let every site connect to every other. The handshake would carry your cookies.",
        "Every handshake is asked where it comes from before anybody accepts it.",
        "xsrf.origin",
    ),
    Attack(
        "frame",
        "Put the application in a frame",
        "An invisible frame over a harmless button makes you click what you did not mean to.",
        "The browser shows nothing: the page says who may frame it.",
        "frame_options",
        "The browser did not show the page",
    ),
    Attack(
        "host",
        "Poison the Host",
        f"This site's server asks for a password link with Host: {FALSE_HOST}, so that the mail would lead there.",
        "A host that the policy does not name gets no answer.",
        "allowed_hosts",
    ),
    Attack(
        "forwarded",
        "Pretend to be a proxy",
        f"The same with X-Forwarded-Host: {FALSE_HOST} and a client address of its own choice.",
        "Nobody named this peer as a proxy, so its forwarding headers are removed.",
        "trusted_proxies",
        "The application was told the truth",
    ),
    Attack(
        "script",
        "Slip a script into a link",
        "The link leads, in a tab of its own, to a page that forgets to escape a name.",
        "The browser runs only scripts with the nonce of this one response.",
        "csp",
        "The browser did not run the script",
    ),
)


def attacker(places: Places, journal: Journal, context: ssl.SSLContext | None = None) -> Starlette:
    """Make the attacking site; ``context`` is how its server side speaks TLS to the application."""

    async def home(_request: Request) -> Response:
        page = PAGES.get_template("attacker.html")
        return HTMLResponse(page.render(places=places, attacks=ATTACKS, payload=PAYLOAD))

    async def verdict(request: Request) -> Response:
        return JSONResponse(journal.of(request.path_params["attack"]))

    async def ask(request: Request) -> Response:
        """Send what a browser never would: a request with a Host, or forwarding headers, that are not true."""
        false = [("Host", FALSE_HOST)]
        if request.path_params["kind"] == "forwarded":
            false = [
                ("Host", urlsplit(places.app).netloc),
                ("X-Forwarded-Host", FALSE_HOST),
                ("X-Forwarded-Proto", "https"),
                ("X-Forwarded-For", "203.0.113.7"),
            ]
        attack = request.query_params.get("attack", "")
        if not attack.isalnum():
            return JSONResponse({"status": 0, "body": {}}, 400)
        status, body = await get(places.app, f"/reset-link?attack={attack}", false, context)
        return JSONResponse({"status": status, "body": body})

    return Starlette(
        routes=[
            Route("/", home),
            Route("/verdict/{attack}", verdict),
            Route("/ask/{kind}", ask, methods=["POST"]),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ]
    )


async def get(
    origin: str, target: str, fields: list[tuple[str, str]], context: ssl.SSLContext | None
) -> tuple[int, dict[str, Any]]:
    """Ask the application for JSON in the attacker's own words; return status (0: none) and body."""
    address = urlsplit(origin)
    reader, writer = await asyncio.open_connection(
        "localhost", address.port, ssl=context, server_hostname=None if context is None else "localhost"
    )
    lines = [
        f"GET {target} HTTP/1.1",
        *(f"{name}: {value}" for name, value in fields),
        "Connection: close",
        "",
        "",
    ]
    try:
        writer.write("\r\n".join(lines).encode("latin-1"))
        answer = await asyncio.wait_for(reader.read(), timeout=5)
    finally:
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    status = re.match(rb"HTTP/1\.1 ([0-9]{3}) ", head)
    try:
        found = json.loads(body)
    except ValueError:
        found = {}
    return int(status[1]) if status else 0, found if isinstance(found, dict) else {}
