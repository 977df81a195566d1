"""What may happen between a person and a site, as a list: each situation is played on every build, and the answers compared.

A situation says what is asked and under which policy; it demands nothing itself. Add one where adapters could part ways.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tests.conformance.hosting import PASSWORD
from tests.conformance.person import ID, NAVIGATION, SCRIPT, Person, signed_in
from tests.conformance.policies import ORIGIN
from tests.conformance.test_outage import away
from tests.conformance.test_session_ends import HOUR, move
from tests.conformance.told import told

if TYPE_CHECKING:
    from secmw.testing import Response
    from tests.conformance.client import Headers, Site
    from tests.conformance.doing import Step

#: One row of numbers for all situations: the list of somebody's sessions shall hold one.
_NUMBERS: Final = iter(range(10_000, 99_999))

EVIL: Final = (("Origin", "https://evil.example"),)
OURS: Final = (("Origin", ORIGIN),)
HTML: Final = (("Accept", "text/html"),)
FORM: Final = (("Content-Type", "application/x-www-form-urlencoded"),)
FOREVER: Final = "public, max-age=31536000"


class Situation(NamedTuple):
    """Say what is asked, under which policy, and whose the answers are: ``ours`` are compared to the last byte."""

    name: str
    policy: str
    play: Callable[[Site], Sequence[Response]]
    ours: bool = False


def asking(
    method: str, target: str = "/", headers: Headers = (), body: bytes = b"", **settings: Any
) -> Callable[[Site], Sequence[Response]]:
    """Be a stranger's one request."""
    return lambda site: [site.request(method, target, headers, body, **settings)]


def page(path: str = "/", headers: Headers = (), **words: Any) -> Callable[[Site], Sequence[Response]]:
    """Be a stranger's GET of what the application is told to answer."""
    return asking("GET", told(path, **words), headers)


def signed(
    play: Callable[[Person], Sequence[Response]], **settings: Any
) -> Callable[[Site], Sequence[Response]]:
    """Be what somebody does who is signed in, as a user that nobody else is."""
    return lambda site: play(signed_in(site, f"user-{next(_NUMBERS)}", **settings))


def steps(*taken: Step, **words: Any) -> Callable[[Site], Sequence[Response]]:
    """Be a stranger for whom the application does something with the session."""
    return lambda site: [Person(site).asks(*taken, **words)]


def signed_steps(*taken: Step, **words: Any) -> Callable[[Site], Sequence[Response]]:
    """Be somebody signed in for whom it does."""
    return signed(lambda person: [person.asks(*taken, **words)])


def with_token(site: Site) -> Sequence[Response]:
    return [site.post("/", site.visit().headers())]


def form_with_token(site: Site) -> Sequence[Response]:
    person = Person(site)
    return [person.get("/_secmw/xsrf"), person.fills_in("/")]


def token_twice(site: Site) -> Sequence[Response]:
    person = Person(site)
    return [person.get(told(token=True)), person.get(told(token=True))]


def signing_in(site: Site) -> Sequence[Response]:
    person = Person(site)
    return [person.signs_in(), person.asks(("facts",)), person.get()]


def expired(person: Person) -> Sequence[Response]:
    move(person.site, 9 * HOUR)
    return [person.asks(("facts",)), person.get("/_secmw/sessions", NAVIGATION)]


def replaced(person: Person) -> Sequence[Response]:
    kept = dict(person.cookies)
    person.does(("rotate",))
    person.cookies = kept
    return [person.asks(("facts",)), person.get("/", HTML)]


def two_ids(site: Site) -> Sequence[Response]:
    one, other = signed_in(site, "one").id, signed_in(site, "other").id
    return [site.get(told(session=[("facts",)]), [("Cookie", f"{ID}={one}; {ID}={other}")])]


def forged(cookie: str) -> Callable[[Site], Sequence[Response]]:
    return page("/", [("Cookie", cookie)], session=[("facts",)])


def signing_out(person: Person) -> Sequence[Response]:
    return [person.fills_in("/_secmw/sign-out"), person.fills_in("/_secmw/sign-out"), person.get()]


def sudo_page(person: Person) -> Sequence[Response]:
    ways = ("/danger?a=b", "//evil.example/", "")
    return [person.get(f"/_secmw/sudo?next={way}", NAVIGATION) for way in ways]


def password(given: str) -> Callable[[Person], Sequence[Response]]:
    return lambda person: [person.fills_in("/_secmw/sudo", password=given, next="/danger")]


def elevated(person: Person) -> Sequence[Response]:
    person.does(("grant_sudo",))
    return [person.get(told("/danger", demands=way), SCRIPT) for way in ("sudo", "sudo-wrapped")]


def demanded(*ways: str) -> Callable[[Person], Sequence[Response]]:
    target = [told("/danger", demands=way) for way in ways]

    def play(person: Person) -> Sequence[Response]:
        answers = [person.get(one, lines) for one in target for lines in (NAVIGATION, SCRIPT)]
        return [*answers, *(person.send("POST", one, [*FORM, *NAVIGATION]) for one in target)]

    return play


def outage(person: Person) -> Sequence[Response]:
    with away(person.site):
        return [
            person.asks(("facts",)),
            person.get("/", HTML),
            person.posts(("set", "a", 1)),
            person.get("/_secmw/sessions", NAVIGATION),
            person.get("/_secmw/sudo", NAVIGATION),
        ]


def outage_for_readers(person: Person) -> Sequence[Response]:
    with away(person.site):
        return [person.asks(("facts",)), person.get()]


def outage_meanwhile(person: Person) -> Sequence[Response]:
    answers = []
    for step in (("set", "a", 1), ("rotate",), ("logout",)):
        answers.append(person.asks(("store_down",), step, headers=[("x-done", "yes")]))
        person.site.get(told(session=[("store_up",)]))
    return answers


def upset(*taken: Step) -> Callable[[Site], Sequence[Response]]:
    """Be somebody signed in whose application does something, and then answers 500."""
    return signed_steps(*taken, status=500)


#: What the application answers: its own lines stay, ours are beside them.
ANSWERED: Final = (
    Situation("a page", "recommended", page()),
    Situation("a page under strict", "strict", page()),
    Situation("a page under connect", "connect", page()),
    Situation("a page under workbench", "workbench", page()),
    Situation("a page over plain HTTP", "plain", asking("GET", scheme="http")),
    Situation("HEAD", "recommended", asking("HEAD", told(nonce=True))),
    Situation("OPTIONS", "recommended", asking("OPTIONS")),
    Situation("a 204", "recommended", page(status=204)),
    Situation("a redirect", "recommended", page(status=302, headers=[("location", "/x")])),
    Situation("a 304", "recommended", page(status=304, headers=[("etag", '"a"')])),
    Situation("a 304 of a page with a nonce", "recommended", page(status=304, nonce=True)),
    Situation("a 404", "recommended", page(status=404)),
    Situation("a 500", "recommended", page(status=500)),
    Situation("a 503", "recommended", page(status=503, headers=[("retry-after", "5")])),
    Situation("a nonce", "recommended", page(nonce=True)),
    Situation("a nonce under strict", "strict", page(nonce=True)),
    Situation("a nonce on a page for all", "strict", page(nonce=True, headers=[("cache-control", FOREVER)])),
    Situation("a token", "recommended", token_twice),
    Situation(
        "a token on a page for all", "recommended", page(token=True, headers=[("cache-control", FOREVER)])
    ),
    Situation("a page's own Vary", "recommended", page(token=True, headers=[("vary", "Accept-Encoding")])),
    Situation(
        "headers of its own",
        "recommended",
        page(headers=[("x-frame-options", "SAMEORIGIN"), ("content-security-policy", "default-src 'none'")]),
    ),
    Situation(
        "headers that are enforced",
        "modes",
        page(headers=[("x-frame-options", "SAMEORIGIN"), ("x-team", "red")]),
    ),
    Situation("headers that are dropped", "modes", page(headers=[("x-debug", "1"), ("x-powered-by", "me")])),
    Situation("fingerprints", "fingerprints", page(headers=[("x-generator", "me"), ("server", "me")])),
    Situation("a Server of the policy", "server", page(headers=[("server", "me")])),
    Situation("HSTS that forgets", "forget", page()),
    Situation("pages that go back and forth", "bfcache", page(token=True)),
    Situation("an embedded page", "embed", page(token=True)),
    Situation(
        "path classes",
        "classes",
        lambda site: [
            site.get(way) for way in ("/content/a", "/content/strict/a", "/content//a", "/contents")
        ],
    ),
    Situation("an override", "recommended", steps(("override", {"frame_options": None}))),
    Situation(
        "an override of a page with a nonce",
        "strict",
        steps(("override", {"frame_options": "SAMEORIGIN", "cache_control": "no-cache"}), nonce=True),
    ),
    Situation(
        "an override of a 500",
        "recommended",
        steps(("override", {"referrer_policy": "no-referrer"}), status=500),
    ),
    Situation(
        "cookies of its own",
        "cookies",
        page(
            headers=[
                ("set-cookie", "a=1"),
                ("set-cookie", "theme=dark; Path=/"),
                ("set-cookie", "b=; Max-Age=0"),
            ]
        ),
    ),
    Situation("cookies and their twins", "twins", page(token=True, headers=[("set-cookie", "a=1")])),
    Situation("a good token", "recommended", with_token),
    Situation("a good token in a form", "recommended", form_with_token),
    Situation("an exempt path", "hooks", asking("POST", "/hooks/a", EVIL)),
    Situation("a call with a key", "hooks", asking("POST", "/", [("X-Api-Key", "k")])),
    # sessions
    Situation("a session that is looked at", "sessions", steps(("get", "a"))),
    Situation("a session that begins", "sessions", steps(("set", "a", 1))),
    Situation("a session that is not there", "sessions-classes", page("/static/a")),
    Situation("signing in", "sessions", signing_in),
    Situation("signing in under strict", "sessions-strict", signing_in),
    Situation("signing in under connect", "sessions-connect", signing_in),
    Situation("signing in with the way back open", "sessions-bfcache", signing_in),
    Situation("signing in where it is embedded", "sessions-embed", signing_in),
    Situation("signing in for long", "sessions-limits", signing_in),
    Situation("a page for somebody", "sessions", signed_steps(("facts",))),
    Situation(
        "a page for somebody that all may keep",
        "sessions",
        signed_steps(("facts",), headers=[("cache-control", FOREVER)]),
    ),
    Situation("a token for somebody", "sessions", signed_steps(("facts",), token=True)),
    Situation("a new secret", "sessions", signed_steps(("rotate",))),
    Situation("a secret that was replaced", "sessions", signed(replaced), ours=True),
    Situation("an elevation", "sessions", signed(elevated)),
    Situation("somebody else", "sessions", signed_steps(("login", "somebody else"))),
    Situation("signing out", "sessions", signed(lambda person: [person.posts(("logout",))])),
    Situation("signing out and a message", "sessions", signed_steps(("logout",), ("set", "message", "Bye."))),
    Situation("signing out of everything", "sessions-everything", signed_steps(("logout",))),
    Situation("signing out everywhere", "sessions", signed_steps(("revoke_all",))),
    Situation("a change and a 500", "sessions", upset(("set", "a", 1))),
    Situation("signing in and a 500", "sessions", steps(("login", "42"), status=500)),
    Situation("signing out and a 500", "sessions", upset(("logout",))),
    Situation("a session that is over", "sessions", signed(expired)),
    Situation("a forged id", "sessions", forged(f"{ID}={'A' * 22}.{'B' * 43}")),
    Situation("an id that can't be one", "sessions", forged(f"{ID}=garbage")),
    Situation("two ids", "sessions", two_ids),
    Situation("an outage for those who only read", "sessions-anonymous", signed(outage_for_readers)),
)

#: Whoever catches the error answers: the framework with a page of its own, or we do.
FAILURE: Final = Situation("an application that fails", "recommended", page(fails="before"))
#: What the first looks like to us.
HANDLED: Final = Situation("a failure that was handled", "recommended", page(status=500))

#: What we answer ourselves, or have the application answer for us.
ANSWERED_BY_US: Final = (
    Situation("plain HTTP", "recommended", asking("GET", "/a?b=c", scheme="http"), ours=True),
    Situation("plain HTTP with HEAD", "recommended", asking("HEAD", "/a?b=c", scheme="http"), ours=True),
    Situation("a form over plain HTTP", "recommended", asking("POST", "/", HTML, scheme="http"), ours=True),
    Situation("plain HTTP that is refused", "refuse", asking("GET", "/", HTML, scheme="http"), ours=True),
    Situation("plain HTTP for all", "redirect-all", asking("POST", "/a", scheme="http"), ours=True),
    Situation("a host that is not ours", "hosts", asking("GET", "/", HTML, host="evil.example"), ours=True),
    Situation("no host", "recommended", asking("GET", "/", host=None), ours=True),
    Situation("a form from elsewhere", "recommended", asking("POST", "/", [*EVIL, *HTML]), ours=True),
    Situation("a script from elsewhere", "recommended", asking("POST", "/", EVIL), ours=True),
    Situation("no token", "recommended", asking("POST", "/", OURS), ours=True),
    Situation("no token on a page", "strict", asking("POST", "/", [*OURS, *HTML]), ours=True),
    Situation("no token in a form", "recommended", asking("POST", "/", [*OURS, *FORM], b"a=1"), ours=True),
    Situation(
        "a token of nobody", "recommended", asking("POST", "/", [*OURS, ("X-XSRF-TOKEN", "x")]), ours=True
    ),
    Situation("TRACE", "recommended", asking("TRACE"), ours=True),
    Situation("no page of ours", "recommended", asking("GET", "/_secmw/nothing", HTML), ours=True),
    Situation("the wrong method", "sessions", asking("GET", "/_secmw/sign-out", HTML), ours=True),
    Situation("the page of tokens", "recommended", asking("GET", "/_secmw/xsrf"), ours=True),
    Situation("the page of tokens with HEAD", "recommended", asking("HEAD", "/_secmw/xsrf"), ours=True),
    Situation("a stranger's list", "sessions", asking("GET", "/_secmw/sessions", NAVIGATION), ours=True),
    Situation("a script's list", "sessions", asking("GET", "/_secmw/sessions", SCRIPT), ours=True),
    Situation(
        "somebody's list",
        "sessions",
        signed(lambda person: [person.get("/_secmw/sessions", NAVIGATION)]),
        ours=True,
    ),
    Situation("the page for signing out", "sessions", signed(signing_out)),
    Situation("the page of the password", "sessions", signed(sudo_page), ours=True),
    Situation(
        "the page of the password with HEAD",
        "sessions",
        signed(lambda person: [person.send("HEAD", "/_secmw/sudo", NAVIGATION)]),
        ours=True,
    ),
    Situation("the password", "sessions", signed(password(PASSWORD)), ours=True),
    Situation("no password", "sessions", signed(password("wrong")), ours=True),
    Situation("sudo is demanded", "sessions", signed(demanded("sudo", "sudo-wrapped")), ours=True),
    Situation(
        "sudo is demanded where it is embedded",
        "sessions-embed",
        signed(demanded("sudo", "sudo-wrapped")),
        ours=True,
    ),
    Situation(
        "a sign-in is demanded",
        "sessions",
        lambda site: demanded("login", "login-wrapped")(Person(site)),
        ours=True,
    ),
    Situation("an outage", "sessions", signed(outage), ours=True),
    Situation("an outage meanwhile", "sessions", signed(outage_meanwhile), ours=True),
)

SITUATIONS: Final = (*ANSWERED, *ANSWERED_BY_US)
