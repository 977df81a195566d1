"""The demo in process, and people who use it from browsers of their own."""

from __future__ import annotations

import functools
import html
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from secmw.cli.demo.journal import Journal
from secmw.cli.demo.rendering import Places
from secmw.cli.demo.site import policy_for, site
from secmw.cli.demo.users import USERS, User, Users, password_of
from secmw.testing import Client, FrozenClock

if TYPE_CHECKING:
    from secmw.testing import Response

KEY: Final = "AcBFdJr4wMOsGxPvGpi0VONEjBOVMSM+lnbH5jVTxGg="

PLAIN: Final = Places(app="http://localhost:8000", attacker="http://127.0.0.1:8001", tls=False, sockets=True)
TLS: Final = Places(app="https://localhost:8000", attacker="https://127.0.0.1:8001", tls=True, sockets=False)

JANE, OMAR, MINA = USERS

#: What a browser sends with a link that is followed.
VISITING: Final = {
    "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
    "Sec-Fetch-Mode": "navigate",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0 Safari/537.36",
}


@functools.cache
def users() -> Users:
    """Return the demo's users, hashed once for all tests, and not as thoroughly."""
    return Users(KEY, cost=2)


class Demo:
    """A demo in the folder one is in."""

    def __init__(self, places: Places = PLAIN, *, short: bool = False) -> None:
        self.places = places
        self.clock = FrozenClock()
        self.journal = Journal()
        self.policy = policy_for(places, short=short)
        self.app = site(places, self.policy, users(), self.journal, clock=self.clock)
        self.client = self.browser().client

    def browser(self) -> Browser:
        """Open a browser that has never been here."""
        return Browser(Client(self.app, base_url=self.places.app))


class Browser:
    """Somebody at a browser without scripts: follows links, and sends the forms of the page."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def visit(self, target: str, **headers: str) -> Response:
        """Open a page, and follow redirects."""
        response = self.client.get(target, headers={**VISITING, **headers})
        for _ in range(5):
            location = response.header("Location")
            if location is None:
                break
            # A relative one of our own pages: they live in one folder.
            location = "/" if location == "../" else location
            location = location if location.startswith("/") else f"/_secmw/{location}"
            response = self.client.get(location.partition("#")[0], headers=VISITING)
        return response

    def send(self, target: str, **form: Any) -> Response:
        """Send a form with the token that the page would carry, and return the answer itself."""
        headers = {**VISITING, "X-XSRF-TOKEN": None}
        body = urlencode({"xsrf_token": self.token(), **form})
        headers |= {"Content-Type": "application/x-www-form-urlencoded"}
        return self.client.post(target, body=body.encode(), headers=headers)

    def token(self) -> str:
        """Return the token of a page that is open."""
        return token(self.visit("/sign-in"))

    def sign_in(self, user: User = JANE, **more: str) -> Response:
        """Sign in, and return the answer."""
        return self.send("/sign-in", name=user.name, password=password_of(user, KEY), **more)


def token(response: Response) -> str:
    """Return the token of a page's first form."""
    found = re.search(r'name="xsrf_token" value="([^"]+)"', response.text)
    assert found, response.text
    return found[1]


def words(response: Response) -> str:
    """Return what a page says, without its markup."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", response.text)))
