"""What the tests of sessions do with a browser: sign in, start what takes its time, and look who is there."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tests.browser.driving import PATIENCE, fetch, one, send, stored, visit
from tests.browser.people import PASSWORD

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator, Page, Response

    from tests.browser.chromium import Servers
    from tests.browser.driving import Said

ID: Final = "__Host-id"


@dataclass(frozen=True)
class Gate:
    """Hold back a request in its server until it is let go."""

    folder: Path
    name: str

    def somebody_waits(self, page: Page) -> None:
        """Wait until a request stands before it; meanwhile the browser goes on."""
        deadline = time.monotonic() + PATIENCE
        while not (self.folder / f"{self.name}.arrived").exists():
            assert time.monotonic() < deadline, f"nobody came to {self.name}"
            page.wait_for_timeout(10)

    def open(self) -> None:
        (self.folder / f"{self.name}.open").touch()


def gate(servers: Servers, origin: str, name: str = "") -> Gate:
    """Make a gate in the server of a site."""
    return Gate(servers.of(origin).directory, name or uuid.uuid4().hex)


def sign_in(page: Page, origin: str, user: str = "jane", *, following: str = "/") -> Response:
    """Sign in as people do."""
    visit(page, f"{origin}/sign-in?next={following}")
    return fill_in_sign_in(page, user)


def fill_in_sign_in(page: Page, user: str = "jane") -> Response:
    """Fill in the form that is open, and send it."""
    page.fill("[name=user]", user)
    page.fill("[name=password]", PASSWORD)
    return send(page)


def who(page: Page, origin: str) -> str:
    """Return who the site thinks is there."""
    visit(page, f"{origin}/")
    return page.inner_text("#user")


def state(page: Page) -> dict[str, Any]:
    """Return what the site of the page that is open knows, asked by a script."""
    answer = fetch(page, "/state?kind=json")
    assert answer["status"] == 200, answer
    found: dict[str, Any] = json.loads(answer["body"])
    return found


def way_out(page: Page, which: str) -> Locator:
    """Return the button of the sessions page that ends a session, by its selector, or several: `others`, `all`."""
    return page.locator(f'form:has([name="end"][value="{which}"]) button')


def begin(page: Page, url: str) -> None:
    """Have the page that is open fetch an address, and don't wait for the answer."""
    page.evaluate("url => { window.pending = fetch(url).then(answer => answer.status) }", url)


def end(page: Page) -> int:
    """Wait for the answer to what was begun, and return its status."""
    status: int = page.evaluate("() => window.pending")
    return status


def id_of(page: Page) -> str:
    """Return the session's cookie as the browser keeps it."""
    value: str = one(page, ID)["value"]
    return value


def has_id(page: Page) -> bool:
    """Say whether the browser has a session's cookie."""
    return bool(stored(page, ID))


def plant(page: Page, origin: str, value: str) -> None:
    """Put an id into the browser, as whoever finds a way to would."""
    page.context.add_cookies(
        [{"name": ID, "value": value, "url": origin, "secure": True, "httpOnly": True, "sameSite": "Lax"}]
    )


def complaints(said: Said) -> list[str]:
    """Return what the browser's console holds against our pages."""
    # Chromium knows this feature on other systems (see the strict preset), and tells of what it was asked to clear.
    return [line for line in said.console if "web-share" not in line and "Cleared data types" not in line]
