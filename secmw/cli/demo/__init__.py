"""`secmw demo`: a protected application, and a second site that attacks it, to open in a browser.

For one person on one machine: both sites listen on loopback only. Sessions, the audit trail, the key and the certificate are
in the folder ``.secmw``; everything else is in memory.
"""

from __future__ import annotations

from pathlib import Path

import click

from secmw.cli.demo.certificate import own_certificate
from secmw.cli.demo.serve import serve_demo

FOLDER = Path(".secmw") / "demo"


@click.command()
@click.option(
    "--port", type=click.IntRange(1, 65_534), default=8000, show_default=True, help="The first port to try."
)
@click.option("--tls", is_flag=True, help="Serve https, with a certificate made for this machine.")
@click.option(
    "--short", is_flag=True, help="End sessions after 30 seconds without a request, or after 3 minutes."
)
@click.option("--open", "browser", is_flag=True, help="Open the page in the browser.")
def command(port: int, tls: bool, short: bool, browser: bool) -> None:
    """Serve a protected application to sign in to.

    The terminal says who may. Another site attacks it, on the next port, and the page shows how each attack ends.
    """
    serve_demo(port, files=own_certificate(FOLDER) if tls else None, short=short, browser=browser)
