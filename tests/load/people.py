"""People at the suite's application while it is under load, each with a session of their own; they look at every answer."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from tests.conformance.client import reason, seen
from tests.conformance.person import ID, NAVIGATION, Person
from tests.conformance.test_headers import RECOMMENDED
from tests.conformance.told import told
from tests.load.playing import Visitor

if TYPE_CHECKING:
    from secmw.testing import Response
    from tests.conformance.client import Site

#: What every answer of the application has, whoever asks: what `recommended` sends.
CONSTANT: Final[Mapping[str, str]] = {name.lower(): value for name, value in RECOMMENDED.items()}

_CSP: Final = "content-security-policy-report-only"
_NONCE: Final = re.compile(r" 'nonce-([0-9a-f]{32})'")


class Nonces:
    """Remember the nonces of all answers; none comes twice."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: set[str] = set()

    def is_new(self, nonce: str) -> bool:
        with self._lock:
            new = nonce not in self._seen
            self._seen.add(nonce)
            return new


class Regular(Visitor):
    """Be somebody at the suite's application."""

    def __init__(self, site: Site, name: str, nonces: Nonces) -> None:
        super().__init__(name)
        self.site = site
        self.nonces = nonces
        self.person = Person(site)
        self._count = 0

    def round(self) -> Iterator[str]:
        """Play one round: a page, a form that is refused, and every fifth time a whole session."""
        if self._count % 5 == 0:
            self.person.signs_in(self.name, self.name)
            self.answers += 2
        self._count += 1
        yield from self.page()
        yield from self.notes()
        yield from self.foreign_form()
        if self._count % 5 == 0:
            yield from self.sign_out()

    def page(self) -> Iterator[str]:
        response = self.person.get(told(nonce=True))
        yield from self.headers(response, personal=False)
        found = _NONCE.findall(str(response.header(_CSP)))
        if found != seen(response)["nonces"][:1]:
            yield f"the page has the nonce {seen(response)['nonces']}, and its headers {found}"
        elif not self.nonces.is_new(found[0]):
            yield f"the nonce {found[0]} came twice"

    def notes(self) -> Iterator[str]:
        """Write with a form, on whichever worker, and read it back on whichever."""
        response = self.person.posts(("set", "count", self._count), ("set", "name", self.name))
        yield from self.headers(response, personal=False)
        response = self.person.asks(("get", "count"), ("get", "name"), ("facts",))
        yield from self.headers(response, personal=True)
        count, name, facts = seen(response)["did"]
        if (count, name, facts["user_id"]) != (self._count, self.name, self.name):
            yield f"the session holds {count}, {name} of {facts['user_id']}, not {self._count}"

    def foreign_form(self) -> Iterator[str]:
        response = self.site.post(
            "/", [("Origin", "https://evil.example"), ("Cookie", f"{ID}={self.person.id}")]
        )
        self.answers += 1
        if (response.status, reason(response)) != (403, "cross_origin"):
            yield f"a form of another site was answered {response.status}"
        if response.header("Strict-Transport-Security") is None or response.all("Set-Cookie"):
            yield f"a refusal has the headers {response.headers}"

    def sign_out(self) -> Iterator[str]:
        kept = dict(self.person.cookies)
        response = self.person.fills_in("/_secmw/sign-out")
        self.answers += 1
        if response.status != 303 or self.person.id is not None:
            yield f"signing out was answered {response.status} {response.headers}"
        self.person.cookies = kept
        after = self.person.get("/_secmw/sessions", NAVIGATION)
        self.answers += 1
        if after.status != 303:
            yield f"who signed out sees the list of sessions: {after.status}"
        self.person.cookies = {}

    def headers(self, response: Response, *, personal: bool) -> Iterator[str]:
        """Look at every header of an answer of the application."""
        self.answers += 1
        if response.status != 200:
            yield f"answered {response.status}: {response.body[:200]!r}"
            return
        for name, value in CONSTANT.items():
            found = [_NONCE.sub("", line) for line in response.all(name)]
            if found != [value]:
                yield f"{name} is {found}"
        if personal and (response.header("Cache-Control"), response.all("Set-Cookie")) != ("no-store", []):
            yield f"an answer for one person has the headers {response.headers}"
