"""secmw next to other libraries: what each does to an application, and what becomes of a session.

And in the place of another: Django's own tests, played against secmw's session engine and middleware; if one fails, so does this.

python -m benchmarks.peers                     print all tables
python -m benchmarks.peers --write             put them into docs/explanation/ as well
python -m benchmarks.peers --only behaviour    one of behaviour, sessions and django-tests

It runs in the environment that `make peers` makes from requirements/peers.txt. No peer is imported before it is asked
for, so this module loads without any.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import secmw.asgi
from benchmarks import page, parts
from benchmarks.behaviour import QUESTIONS, Subject
from benchmarks.django_tests.report import report
from benchmarks.semantics import table
from benchmarks.stacks.stack import SECRET, get
from secmw.asgi import App, Scope

PAGE: Final = page.EXPLANATION / "peers.md"
SESSIONS: Final = page.EXPLANATION / "sessions-compared.md"
DJANGO: Final = page.EXPLANATION / "django-tests.md"


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
    wrapped: App = get("starlette_csrf", "CSRFMiddleware")(app, secret=SECRET)
    return wrapped


def asgi_csrf(app: App) -> App:
    """Wrap with asgi-csrf's defaults."""
    wrapped: App = get("asgi_csrf", "asgi_csrf")(app, signing_secret=SECRET)
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


#: What there is, and where each goes, between the marks of its name.
PARTS: Final[dict[str, tuple[Callable[[], str], Path]]] = {
    "behaviour": (behaviour, PAGE),
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
