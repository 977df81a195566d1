"""A person with a browser, as far as sessions need one: cookies that are kept and sent back, and the token of a form."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urljoin

from secmw.testing import SetCookie
from tests.conformance.client import Sent, seen
from tests.conformance.inprocess import InProcess
from tests.conformance.policies import ORIGIN
from tests.conformance.told import told

if TYPE_CHECKING:
    from secmw.testing import Response
    from tests.conformance.client import Headers, Site
    from tests.conformance.doing import Step

#: The session's cookie under the recommended policy.
ID: Final = "__Host-id"

#: What a browser says of itself when somebody clicks a link, and when a script asks.
NAVIGATION: Final = (
    ("Sec-Fetch-Mode", "navigate"),
    ("Sec-Fetch-Site", "same-origin"),
    ("Accept", "text/html"),
)
SCRIPT: Final = (("Sec-Fetch-Mode", "cors"), ("Sec-Fetch-Site", "same-origin"), ("Accept", "*/*"))

#: Every way to look at a session.
READS: Final[list[Step]] = [("get", "cart"), ("has", "cart"), ("len",), ("names",), ("all",), ("facts",)]


class Person:
    """Visit a site again and again with the same cookies."""

    def __init__(
        self, site: Site, *, scheme: Any = "https", host: str | None = None, id_cookie: str = ID
    ) -> None:
        self.site = site
        self.cookies: dict[str, str] = {}
        self._id_cookie = id_cookie
        self._where: dict[str, Any] = {"scheme": scheme} | ({} if host is None else {"host": host})
        self._header = "X-XSRF-TOKEN" if site.policy.xsrf is None else site.policy.xsrf.header
        self._origin = ORIGIN if host is None else f"{scheme}://{host}"

    @property
    def id(self) -> str | None:
        """The value of the session's cookie."""
        return self.cookies.get(self._id_cookie)

    @property
    def selector(self) -> str:
        """The public half of it."""
        assert self.id is not None, "there is no session"
        return self.id.partition(".")[0]

    @property
    def token(self) -> str | None:
        """The token as a script of our pages reads it."""
        xsrf = self.site.policy.xsrf
        return None if xsrf is None else self.cookies.get(xsrf.cookie)

    def sent(self, method: str, target: str = "/", headers: Headers = (), body: bytes = b"") -> Sent:
        """Write the request that this person's browser would send."""
        lines = list(headers)
        if self.cookies:
            lines.append(("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items())))
        if method not in ("GET", "HEAD"):
            lines.append(("Origin", self._origin))
            if self.token is not None:
                lines.append((self._header, self.token))
        return Sent(method=method, target=target, headers=lines, body=body, **self._where)

    def keep(self, response: Response) -> Response:
        """Keep the cookies of a response, and drop those that it deletes."""
        for line in response.all("Set-Cookie"):
            cookie = SetCookie.parse(line)
            assert cookie is not None, line
            if cookie.deletes:
                self.cookies.pop(cookie.name, None)
            else:
                self.cookies[cookie.name] = cookie.value
        return response

    def send(self, method: str, target: str = "/", headers: Headers = (), body: bytes = b"") -> Response:
        """Send a request, and keep the cookies of its response."""
        sent = self.sent(method, target, headers, body)
        return self.keep(self.site.request(method, target, sent.headers, body, **self._where))

    def get(self, target: str = "/", headers: Headers = ()) -> Response:
        return self.send("GET", target, headers)

    def asks(self, *steps: Step, path: str = "/", **words: Any) -> Response:
        """Have the application take steps for a GET, and return the response."""
        return self.get(told(path, session=steps, **words))

    def does(self, *steps: Step, path: str = "/", **words: Any) -> list[Any]:
        """Have the application take steps for a GET, and return what each of them left."""
        found: list[Any] = seen(self.asks(*steps, path=path, **words))["did"]
        return found

    def posts(self, *steps: Step, path: str = "/", **words: Any) -> Response:
        """Have the application take steps for a POST, with the token that it wants."""
        if self.token is None:
            assert self.get("/_secmw/xsrf").status == 204
        return self.send("POST", told(path, session=steps, **words))

    def signs_in(self, user_id: str = "42", description: str = "Jane Doe") -> Response:
        """Sign in as people do: with a form, and the token that it was given when it was shown."""
        assert self.get("/_secmw/xsrf").status == 204
        response = self.posts(("login", user_id, description))
        assert response.status == 200, (response.status, response.body)
        return response

    def facts(self, path: str = "/") -> dict[str, Any]:
        """Return what the application sees of the session."""
        found: dict[str, Any] = self.does(("facts",), path=path)[0]
        return found

    def fills_in(self, target: str, **fields: str) -> Response:
        """Send a form as a browser does, token included, and return the response."""
        sent = self.sent("POST", target)
        lines = [(name, value) for name, value in sent.headers if name != self._header]
        form = [("Content-Type", "application/x-www-form-urlencoded"), *NAVIGATION]
        body = urlencode({"xsrf_token": self.token or "", **fields}).encode()
        return self.keep(self.site.request("POST", target, [*lines, *form], body, **self._where))


def signed_in(site: Site, user_id: str = "42", **settings: Any) -> Person:
    """Be a person who has signed in."""
    person = Person(site, **settings)
    person.signs_in(user_id)
    return person


def leads_to(response: Response, path: str) -> str:
    """Return where a redirect in answer to a request for ``path`` leads: path and query, on our own site or not at all."""
    assert response.status == 303, (response.status, response.body)
    target = urljoin(f"{ORIGIN}{path}", str(response.header("Location")))
    assert target.startswith(f"{ORIGIN}/"), target
    return target.removeprefix(ORIGIN)


def told_why(response: Response) -> str:
    """Return why a person's request was refused, as the page says it."""
    assert response.header("Content-Type") == "text/html; charset=utf-8", response.headers
    found = re.search(rb"<code>(\w+)</code>", response.body)
    assert found is not None, response.body
    return found[1].decode()


def late(response: Response) -> list[Any]:
    """Return what the steps left that the application took after the head of its response had left."""
    assert response.status == 200, (response.status, response.body)
    found: list[Any] = json.loads(response.body)["did"]
    return found


def id_line(response: Response, name: str = ID) -> SetCookie | None:
    """Return the session's cookie as a response sets it, None where it doesn't."""
    found = [SetCookie.parse(line) for line in response.all("Set-Cookie")]
    return next((cookie for cookie in found if cookie is not None and cookie.name == name), None)


def asked(person: Person) -> list[str]:
    """Return what the store was asked since the last time; in process alone."""
    assert isinstance(person.site, InProcess)
    store = person.site.app.guard.store
    questions: list[str] = list(store.asked)
    store.asked.clear()
    return questions
