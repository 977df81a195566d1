"""secmw next to other libraries: what each does to an application, what it adds to a request, what becomes of a session.

And in the place of another: Django's own tests, played against secmw's session engine and middleware; if one fails, so does this.

python -m benchmarks.peers                     print all tables
python -m benchmarks.peers --write             put them into docs/explanation/ as well
python -m benchmarks.peers --only behaviour    one of behaviour, times, sessions and django-tests

It runs in the environment that `make peers` makes from requirements/peers.txt. No peer is imported before it is asked
for, so this module loads without any.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import secmw.asgi
from benchmarks import page, parts, requests
from benchmarks.behaviour import QUESTIONS, Subject
from benchmarks.django_tests.report import report
from benchmarks.probe import ask, prove
from benchmarks.semantics import table
from benchmarks.timing import compare
from secmw.asgi import App, Scope

PAGE: Final = page.EXPLANATION / "peers.md"
SESSIONS: Final = page.EXPLANATION / "sessions-compared.md"
DJANGO: Final = page.EXPLANATION / "django-tests.md"

_SECRET: Final = "for-measuring-only-0123456789abcdef"  # noqa: S105 (signs nothing that matters)

Headers = tuple[tuple[bytes, bytes], ...]


def get(module: str, name: str) -> Any:
    """Import what a peer calls this."""
    return getattr(import_module(module), name)


# --- each peer, as its documentation sets it up -----------------------------------------------------------------------


def secure(app: App) -> App:
    """Wrap with secure's defaults (BALANCED)."""
    wrapped: App = get("secure.middleware", "SecureASGIMiddleware")(app)
    return wrapped


def secweb(app: App, **options: Any) -> App:
    """Wrap with Secweb's defaults."""

    class Takes:
        """What SecWeb asks of a Starlette application; the rest of one would be timed too."""

        app: App

        def add_middleware(self, kind: Any, **settings: Any) -> None:
            self.app = kind(app, **settings)

    taken = Takes()
    get("Secweb", "SecWeb")(taken, **options)
    return taken.app


def secweb_nonce(_: Scope) -> str:
    """Make the nonces of a request; return the one for scripts."""
    found: str = get("Secweb.headers.csp", "Nonce_Processor")()[1]
    return found


def starlette_csrf(app: App) -> App:
    """Wrap with starlette-csrf's defaults."""
    wrapped: App = get("starlette_csrf", "CSRFMiddleware")(app, secret=_SECRET)
    return wrapped


def asgi_csrf(app: App) -> App:
    """Wrap with asgi-csrf's defaults."""
    wrapped: App = get("asgi_csrf", "asgi_csrf")(app, signing_secret=_SECRET)
    return wrapped


def cross_origin(app: App) -> App:
    """Wrap with asgi-cross-origin-protection's defaults."""
    wrapped: App = get("asgi_cross_origin_protection", "CrossOriginProtection")(app)
    return wrapped


def whole(app: App) -> App:
    """Wrap with the recommended policy, everything on."""
    return secmw.asgi.Middleware(app, parts.whole())


def headers_only(app: App) -> App:
    """Wrap with the recommended headers and no checks."""
    return secmw.asgi.Middleware(app, parts.headers_only())


def secmw_nonce(scope: Scope) -> str:
    """Return the nonce of a request."""
    nonce: str = scope["secmw"].nonce
    return nonce


#: Column by column, by the name that its index knows.
SUBJECTS: Final = (
    Subject(name="secmw", wrap=whole, with_nonce=whole, nonce=secmw_nonce),
    Subject(name="secure", wrap=secure),
    Subject(
        name="Secweb",
        wrap=secweb,
        with_nonce=lambda app: secweb(app, script_nonce=True),
        nonce=secweb_nonce,
    ),
    Subject(name="starlette-csrf", wrap=starlette_csrf),
    Subject(name="asgi-csrf", wrap=asgi_csrf),
    Subject(name="asgi-cross-origin-protection", wrap=cross_origin),
)


def behaviour(subjects: Iterable[Subject] = SUBJECTS) -> str:
    """Ask every subject every question and write the answers down as Markdown."""
    asked = list(subjects)
    lines = [
        f"Run {page.machine()}.",
        "",
        f"| | {' | '.join(f'{subject.name} {version(subject.name)}' for subject in asked)} |",
        f"|---|{'---|' * len(asked)}",
    ]
    for question, find in QUESTIONS.items():
        lines.append(f"| {question} | {' | '.join(str(find(subject)) for subject in asked)} |")
    return "\n".join(lines) + "\n"


# --- times ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """Be one row: a middleware, and the requests of a visitor whom it knows.

    ``adds`` is how many headers it adds at least. ``knows`` is what the visitor's browser sends with each request,
    ``proof`` what a POST needs on top, None where it is asked for nothing, and ``broken`` what is refused in its place.
    """

    wrap: Callable[[App], App]
    ours: bool = False
    adds: int = 0
    knows: Headers = ()
    proof: Headers | None = None
    broken: Headers = ()


def _cookie(value: bytes = b"") -> Headers:
    return ((b"cookie", requests.FOREIGN_COOKIES + value),)


def rows() -> dict[str, Timed]:
    """Return what is timed, with its requests."""
    token: bytes = (
        get("itsdangerous.url_safe", "URLSafeSerializer")(_SECRET, "csrftoken").dumps("x" * 24).encode()
    )
    theirs = _cookie(b"; csrftoken=" + token)
    double = ((b"x-csrftoken", token),)
    visitor = parts.Visitor(asgi=True)
    post, broken = dict(visitor.post()["headers"]), dict(visitor.broken()["headers"])
    ours = ((b"cookie", post[b"cookie"]),)
    bad = ((b"x-csrftoken", token[:-4] + b"AAAA"),)
    return {
        "noop": Timed(wrap=requests.asgi_noop, ours=True, knows=_cookie(), proof=()),
        "secmw, headers only": Timed(wrap=headers_only, ours=True, adds=5, knows=_cookie()),
        "secmw, whole": Timed(
            wrap=whole,
            ours=True,
            adds=5,
            knows=ours,
            proof=((b"x-xsrf-token", post[b"x-xsrf-token"]),),
            broken=((b"cookie", broken[b"cookie"]), (b"x-xsrf-token", broken[b"x-xsrf-token"])),
        ),
        "secure": Timed(wrap=secure, adds=5, knows=_cookie()),
        "Secweb": Timed(wrap=secweb, adds=5, knows=_cookie()),
        "starlette-csrf": Timed(wrap=starlette_csrf, knows=theirs, proof=double, broken=bad),
        "asgi-csrf": Timed(wrap=asgi_csrf, knows=theirs, proof=double, broken=bad),
        "asgi-cross-origin-protection": Timed(
            wrap=cross_origin, knows=_cookie(), proof=(), broken=((b"sec-fetch-site", b"cross-site"),)
        ),
    }


def _browser(more: Headers = ()) -> Headers:
    """Return a browser's headers, with these in the place of those it has."""
    names = {name for name, _ in more}
    return (*(line for line in requests.BROWSER if line[0] not in names), *more)


def _post(row: Timed, proof: Headers) -> Headers:
    said = (
        (b"content-type", b"application/json"),
        (b"content-length", b"2"),
        (b"origin", b"https://app.example.org"),
        (b"referer", b"https://app.example.org/cart"),
    )
    # A broken proof may be a cookie: the last of a name counts.
    return _browser((*said, *dict((*row.knows, *proof)).items()))


#: The columns: the method, and what the browser sends; None: nothing that this row has to do.
KINDS: Final[dict[str, tuple[str, Callable[[Timed], Headers | None]]]] = {
    "GET, no cookie": ("GET", lambda _: _browser()),
    "GET, known visitor": ("GET", lambda row: _browser(row.knows)),
    "POST, checked": ("POST", lambda row: None if row.proof is None else _post(row, row.proof)),
}


def _prove(name: str, row: Timed, app: App) -> None:
    """Raise WrongAnswerError unless a row does its job."""
    for method, sends in KINDS.values():
        headers = sends(row)
        if headers is not None:
            found = ask(app, requests.scope(method, headers))
            enough = len(found.headers) >= parts.OWN + row.adds
            prove(name, found, headers=None if enough else parts.OWN + row.adds)
    if row.broken:
        refused = ask(app, requests.scope("POST", _post(row, row.broken)))
        prove(f"{name}, broken", refused, status=403)


def times(timed: Mapping[str, Timed] | None = None, *, rounds: int = 120, count: int = 50) -> str:
    """Measure every row on three requests and write it down as Markdown."""
    timed = rows() if timed is None else timed
    apps: dict[str, App] = {name: row.wrap(requests.asgi_app) for name, row in timed.items()}
    for name, row in timed.items():
        _prove(name, row, apps[name])
    cells: dict[str, list[str]] = {name: [] for name in timed}
    for method, sends in KINDS.values():
        sent = {name: headers for name, row in timed.items() if (headers := sends(row)) is not None}
        sent["bare"] = _browser()
        every = {"bare": requests.asgi_app, **{name: apps[name] for name in apps if name in sent}}
        make = partial(_make, method, sent)
        found = compare(every, make, asgi=True, rounds=rounds, requests=count)
        for name, line in cells.items():
            if name not in sent:
                line.append("—")
                continue
            added = found[name].median
            line.append(f"{added:.2f} ({added / found['noop'].median:.1f}×)")
    lines = [
        f"Measured {page.machine()}; {rounds} rounds of {count} requests. Added on ASGI: µs, and × no-op.",
        "",
        f"| | {' | '.join(KINDS)} |",
        f"|---|{'--:|' * len(KINDS)}",
    ]
    for name, line in cells.items():
        known = name if timed[name].ours else f"{name} {version(name)}"
        lines.append(f"| {known} | {' | '.join(line)} |")
    return "\n".join(lines) + "\n"


def _make(method: str, sent: Mapping[str, Headers], name: str) -> Scope:
    return requests.scope(method, sent[name])


#: What there is, and where each goes, between the marks of its name.
PARTS: Final[dict[str, tuple[Callable[[], str], Path]]] = {
    "behaviour": (behaviour, PAGE),
    "times": (times, PAGE),
    "sessions": (table.tables, SESSIONS),
    "django-tests": (report, DJANGO),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="secmw next to other libraries.")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/explanation as well")
    parser.add_argument("--only", choices=PARTS, help="make one part and leave the others")
    options = parser.parse_args(arguments)
    page.quiet()
    for mark, (make, where) in PARTS.items():
        if options.only in (None, mark):
            text = make()
            if options.write:
                page.write(text, where, mark)
            print(text)


if __name__ == "__main__":
    main()
