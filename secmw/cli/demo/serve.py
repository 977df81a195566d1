"""Serve both sites of the demo from one process: sockets, server, and what to print. Loopback only, whatever happens."""

from __future__ import annotations

import errno
import importlib.util
import logging
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import uvicorn

from secmw.cli.demo.attacker import attacker
from secmw.cli.demo.journal import Journal
from secmw.cli.demo.rendering import Places
from secmw.cli.demo.site import policy_for, site
from secmw.cli.demo.users import USERS, Users, password_of
from secmw.keys import development_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from secmw.asgi import App, Receive, Scope, Send
    from secmw.cli.demo.certificate import Files

#: How many pairs of ports are tried after the one that was asked for.
_TRIES: Final = 20
#: The loopback addresses that a browser may try for localhost.
_LOOPBACK: Final = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
_NOISE: Final = (
    "ASGI callable returned without completing handshake.",
    "No supported WebSocket library detected.",
    "Unsupported upgrade request.",
)
_NO_ADDRESS: Final = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})


class TakenError(OSError):
    """A port is in use."""


def listen(port: int) -> list[socket.socket]:
    """Listen on a port of every loopback address of this machine.

    Raise TakenError if anybody listens there on any of them: half the browsers would see the one, half the other.
    """
    opened: list[socket.socket] = []
    try:
        for family, address in _LOOPBACK:
            try:
                opened.append(_bound(family, address, port))
            except OSError as error:
                if error.errno not in _NO_ADDRESS:
                    raise
    except OSError as error:
        for each in opened:
            each.close()
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            raise TakenError(error.errno, f"port {port} is taken") from None
        raise
    return opened


def _bound(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        # Connections of the demo before this one may linger; on POSIX this lets nobody share a port.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((address, port))
        made.listen(128)
    except OSError:
        made.close()
        raise
    return made


def pairs(port: int) -> Iterator[tuple[int, int]]:
    """Yield pairs of ports to try, for the application and for the attacking site."""
    for first in range(port, min(port + 2 * _TRIES, 65_535), 2):
        yield first, first + 1


def open_both(port: int) -> tuple[int, list[socket.socket], list[socket.socket]]:
    """Listen on the first free pair of ports from one on; return the port and both sites' sockets."""
    for first, second in pairs(port):
        try:
            app = listen(first)
        except TakenError:
            continue
        try:
            return first, app, listen(second)
        except TakenError:
            for each in app:
                each.close()
    raise click.ClickException(f"no two free ports from {port} on; give another with --port")


class TwoSites:
    """Send each connection to the site whose port it came to."""

    def __init__(self, app: App, other: App, port: int) -> None:
        self.app = app
        self.other = other
        self.port = port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; start-up and shutdown are the application's."""
        ours = scope["type"] == "lifespan" or scope["server"][1] == self.port
        await (self.app if ours else self.other)(scope, receive, send)


def sockets_work() -> bool:
    """Say whether uvicorn finds a library that speaks WebSocket."""
    return any(importlib.util.find_spec(name) is not None for name in ("websockets", "wsproto"))


def serve_demo(port: int, *, files: Files | None, short: bool, browser: bool) -> None:
    """Serve the demo until Ctrl-C."""
    found, first, second = open_both(port)
    if found != port:
        click.echo(f"Port {port} is taken, so this is port {found}.")
    scheme = "http" if files is None else "https"
    places = Places(
        app=f"{scheme}://localhost:{found}",
        attacker=f"{scheme}://127.0.0.1:{found + 1}",
        tls=files is not None,
        sockets=sockets_work(),
    )
    key = development_key()
    say(places, files, key, short=short)
    log_to_terminal()
    journal = Journal()
    context = None if files is None else ssl.create_default_context(cafile=str(files.authority))
    ours = site(places, policy_for(places, short=short), Users(key), journal)
    app = TwoSites(ours, attacker(places, journal, context), found)
    config = uvicorn.Config(
        app,
        access_log=False,
        log_level="warning",
        # What the middleware needs to be true: nobody before it rewrites the peer or names the software.
        proxy_headers=False,
        server_header=False,
        ssl_certfile=None if files is None else str(files.chain),
        ssl_keyfile=None if files is None else str(files.key),
        timeout_graceful_shutdown=1,
    )
    if browser:
        # The sockets listen already: a browser that is faster than the server waits in the queue.
        click.launch(places.app)
    try:
        uvicorn.Server(config).run(sockets=[*first, *second])
    except KeyboardInterrupt:
        # uvicorn has shut everything down and hands the signal on.
        click.echo("\nStopped.")


def log_to_terminal() -> None:
    """Show what secmw logs: start-up notices, and a line for each refusal with the setting that it follows."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("  %(message)s"))
    logger = logging.getLogger("secmw")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    # What uvicorn says of handshakes that were refused: the line above says it better.
    logging.getLogger("uvicorn.error").addFilter(lambda record: not record.getMessage().startswith(_NOISE))


def say(places: Places, files: Files | None, key: str, *, short: bool) -> None:
    """Print where the demo is, who may sign in, and what has to be known before it is opened."""
    click.echo()
    click.secho("secmw demo", bold=True)
    click.echo(f"  Open this       {click.style(places.app, fg='cyan', underline=True)}")
    for number, user in enumerate(USERS):
        password = click.style(password_of(user, key), bold=True)
        click.echo(f"  {'or' if number else 'Sign in as':15} {user.name}  with the password  {password}")
    click.echo(f"  It is attacked by {places.attacker}")
    click.echo()
    if short:
        click.echo("  Sessions end after 30 seconds without a request, and after 3 minutes in any case.\n")
    if files is None:
        click.secho(
            "  Plain HTTP, for this machine only. Not protected here: nothing is encrypted, cookies are",
            fg="yellow",
        )
        click.secho(
            "  neither Secure nor prefixed with __Host-, no HSTS. --tls shows these too.", fg="yellow"
        )
    else:
        click.echo("\n".join(f"  {line}".rstrip() for line in how_to_trust(files)))
    if not places.sockets:
        click.echo("  There is no WebSocket library here: pip install websockets shows an open one too.")
    click.echo("  Ctrl-C stops it.\n")


def how_to_trust(files: Files) -> list[str]:
    """Say how a browser learns to trust the certificate, and how it forgets it again."""
    authority = Path(files.authority).resolve()
    return [
        f"The certificate{' (just made)' if files.fresh else ''} is signed by an authority of its own: {authority}",
        "It can vouch for this machine's own names only, and its private key is gone. To trust it:",
        f'  Chromium on Linux   certutil -d sql:"$HOME/.pki/nssdb" -A -t C,, -n secmw-demo -i "{authority}"',
        f'  macOS               security add-trusted-cert -k ~/Library/Keychains/login.keychain-db "{authority}"',
        f'  Windows             certutil -user -addstore Root "{authority}"',
        "  Firefox             Settings, Privacy & Security, View Certificates, Authorities, Import",
        "Or tell your browser to go on in spite of its warning: for this demo nothing else depends on it.",
        "",
    ]
