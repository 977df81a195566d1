"""Start Debian's Chromium so that it trusts our own authority and finds our hosts, and nothing else in the world.

The authority is trusted for real, in the NSS database of a home directory of its own: a browser that is told to ignore
certificate errors keeps no HSTS. Host names are mapped by the browser, ports included, so that every address has the
default port of its scheme, as on the web.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.browser.policies import BEFORE, WSGI
from tests.servers import raw_request

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

    from tests.servers import Server


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """Name the three servers: TLS on ASGI and on WSGI, and plain HTTP for who types no https."""

    asgi: Server
    wsgi: Server
    plain: Server

    def notes(self, origin: str) -> list[str]:
        """Return what has been written on a site so far, asked past the browser."""
        host = origin.removeprefix("https://")
        answer = raw_request(
            self.of(origin), f"GET /notes HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        )
        written: list[str] = json.loads(answer.partition(b"\r\n\r\n")[2])
        return written

    def of(self, origin: str) -> Server:
        """Return the server of a site."""
        return self.wsgi if origin.endswith(WSGI.domain) else self.asgi

    def move(self, origin: str, seconds: float) -> None:
        """Let time pass for the sessions of a site's server."""
        clock = self.of(origin).directory / "clock"
        ahead = float(clock.read_text("ascii")) if clock.exists() else 0.0
        written = clock.with_suffix(".new")
        written.write_text(str(ahead + seconds), "ascii")
        written.replace(clock)

    def log(self) -> str:
        """Return the last words of each."""
        running = (self.asgi, self.wsgi, self.plain)
        return "\n".join(f"{each.kind} ({each.scheme}):\n{each.log()[-1500:]}" for each in running)


#: How to get what this suite drives.
_FIX: Final = "sudo apt-get install --yes chromium libnss3-tools"


def program(*names: str) -> str:
    """Return the path of the first program that is installed; without one the test is skipped, which CI calls failed."""
    for name in names:
        if found := shutil.which(name):
            return found
    pytest.skip(f"{' or '.join(names)} is not installed; {_FIX}")


def trusting_home(directory: Path, authorities: Iterable[Path]) -> Path:
    """Make a home directory whose NSS database trusts these authorities for servers."""
    certutil = program("certutil")
    database = directory / ".pki" / "nssdb"
    database.mkdir(parents=True)
    run(certutil, "-d", f"sql:{database}", "-N", "--empty-password")
    for number, authority in enumerate(authorities):
        words = ("-A", "-t", "C,,", "-n", f"secmw-test-{number}", "-i", str(authority))
        run(certutil, "-d", f"sql:{database}", *words)
    return directory


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}{done.stderr}")


def resolver_rules(servers: Servers) -> str:
    """Say where the browser finds each host: the first rule that fits counts, and the last one finds nothing."""
    asgi, wsgi, plain = servers.asgi, servers.wsgi, servers.plain
    rules = [
        f"MAP *.{WSGI.domain}:443 {wsgi.host}:{wsgi.port}",
        f"MAP *.test:443 {asgi.host}:{asgi.port}",
        f"MAP *.test:{BEFORE} {asgi.host}:{asgi.port}",
        f"MAP *.test:80 {plain.host}:{plain.port}",
        "MAP * ~NOTFOUND",
        # Where the demo lives.
        "EXCLUDE localhost",
        "EXCLUDE 127.0.0.1",
    ]
    return ", ".join(rules)


def launch(playwright: Playwright, home: Path, rules: str) -> Browser:
    """Start the browser."""
    return playwright.chromium.launch(
        executable_path=program("chromium", "chromium-browser", "google-chrome"),
        headless=True,
        chromium_sandbox=False,
        env={**os.environ, "HOME": str(home)},
        args=[f"--host-resolver-rules={rules}", "--disable-dev-shm-usage", "--disable-gpu"],
    )
