"""What a policy costs: time added to a request, as a multiple of what a wrapper adds that does nothing.

python -m benchmarks.overhead              print the tables
python -m benchmarks.overhead --write      put them into docs/explanation/performance.md as well
python -m benchmarks.overhead --quick      a hundredth of the work
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import secmw.asgi
import secmw.wsgi
from benchmarks import page, requests, sessions
from benchmarks.probe import ask, prove
from benchmarks.timing import Added, compare
from secmw import Policy
from secmw.compile import response_lines
from secmw.headers import HEADERS
from secmw.keys import KeyRing, new_key
from secmw.presets import RECOMMENDED
from secmw.xsrf import Tokens

PAGE = page.EXPLANATION / "performance.md"

#: The budget: time added over the no-op wrapper's, on ASGI.
BUDGET: Final[Mapping[str, float | None]] = {
    "headers only, GET": 3.5,
    "whole, GET": 6.0,
    "whole, POST with token": 16.0,
}

#: The headers of the application's own response.
OWN = len(requests.RESPONSE_HEADERS)

_KEY = new_key()


def whole() -> Policy:
    """Return the recommended policy, everything on but sessions."""
    return Policy.recommended(secret_keys=[_KEY], public_url="https://app.example.org", sessions=None)


def headers_only() -> Policy:
    """Return the recommended headers, without a place for a nonce, and no checks."""
    return just({"csp_report_only": None})


def just(settings: dict[str, Any]) -> Policy:
    """Return a policy of headers alone."""
    return Policy.recommended(screening=False, sessions=None, **settings)


class Visitor:
    """Be somebody who has been here before: requests with a visit and its token."""

    def __init__(self, *, asgi: bool) -> None:
        self._make: Any = requests.scope if asgi else requests.environ
        tokens = Tokens(KeyRing([_KEY]))
        visit = tokens.new_visit()
        cookie = f"__Host-visit={visit}"
        self._post = requests.post_headers(cookie, tokens.token(visit))
        self._broken = requests.post_headers(cookie, tokens.token(tokens.new_visit()))

    def get(self, _: str = "") -> Any:
        """Make a navigation, without cookies."""
        return self._make("GET", requests.BROWSER)

    def post(self, _: str = "") -> Any:
        """Make a POST with its token."""
        return self._make("POST", self._post)

    def broken(self, _: str = "") -> Any:
        """Make a POST with the token of another visit."""
        return self._make("POST", self._broken)


@dataclass(frozen=True, slots=True)
class Variants:
    """Hold what is measured on one interface."""

    asgi: bool
    bare: Any
    noop: Any
    headers_only: Any
    whole: Any

    @classmethod
    def on(cls, *, asgi: bool) -> Variants:
        """Wrap the application of one interface."""
        if asgi:
            app, wrap = requests.asgi_app, secmw.asgi.Middleware
            return cls(asgi, app, requests.asgi_noop(app), wrap(app, headers_only()), wrap(app, whole()))
        plain, around = requests.wsgi_app, secmw.wsgi.Middleware
        return cls(
            asgi, plain, requests.wsgi_noop(plain), around(plain, headers_only()), around(plain, whole())
        )

    def prove(self, visitor: Visitor) -> None:
        """Raise WrongAnswerError unless each does its job."""
        for name, app, headers in (
            ("bare", self.bare, OWN),
            ("noop", self.noop, OWN),
            ("headers only", self.headers_only, OWN + len(response_lines(headers_only()))),
            ("whole", self.whole, OWN + len(response_lines(whole()))),
        ):
            prove(name, ask(app, visitor.get(), asgi=self.asgi), headers=headers)
        prove("whole, with token", ask(self.whole, visitor.post(), asgi=self.asgi))
        prove("whole, broken token", ask(self.whole, visitor.broken(), asgi=self.asgi), status=403)


def measure(variants: Variants, *, rounds: int, count: int) -> dict[str, tuple[Added, float]]:
    """Measure the rows of one interface; each with its multiple of the no-op wrapper's in the same run."""
    visitor = Visitor(asgi=variants.asgi)
    variants.prove(visitor)
    rows: dict[str, tuple[Added, float]] = {}
    for make, timed in (
        (visitor.get, {"headers only, GET": variants.headers_only, "whole, GET": variants.whole}),
        (visitor.post, {"whole, POST with token": variants.whole}),
    ):
        every = {"bare": variants.bare, "noop": variants.noop, **timed}
        found = compare(every, make, asgi=variants.asgi, rounds=rounds, requests=count)
        for name in timed:
            rows[name] = (found[name], found[name].median / found["noop"].median)
    return rows


def each_header(*, rounds: int, count: int) -> Iterator[tuple[str, Added, int]]:
    """Measure each header of the recommended policy alone, against the same policy without any."""
    off: dict[str, Any] = {header.setting: None for header in HEADERS if header.setting != "server"}
    off |= {"content_type_sniffing": True, "drop_headers": ()}
    visitor = Visitor(asgi=True)
    variants: dict[str, Any] = {"bare": secmw.asgi.Middleware(requests.asgi_app, just(off))}
    prove("no header", ask(variants["bare"], visitor.get()), headers=OWN)
    size: dict[str, int] = {}
    for header in HEADERS:
        value = RECOMMENDED[header.setting].value
        if value is None:
            continue
        policy = just({**off, header.setting: value})
        lines = response_lines(policy)
        if not lines:
            continue
        app = variants[header.name] = secmw.asgi.Middleware(requests.asgi_app, policy)
        prove(header.name, ask(app, visitor.get()), headers=OWN + len(lines))
        # Name, ": ", value, CR LF: what it adds to every response of HTTP/1.1.
        size[header.name] = sum(len(line.name) + len(line.value) + 4 for line in lines)
    found = compare(variants, visitor.get, asgi=True, rounds=rounds, requests=count)
    for name, bytes_ in size.items():
        yield name, found[name], bytes_


Rows = Mapping[str, tuple[Added, float]]


def table(asgi: Rows, wsgi: Rows, budget: Mapping[str, float | None]) -> Iterator[str]:
    """Write the rows of both interfaces side by side."""
    yield "| | ASGI, µs added | × no-op | budget | WSGI, µs added | × no-op |"
    yield "|---|--:|--:|--:|--:|--:|"
    for name, (added, times) in asgi.items():
        other, other_times = wsgi[name]
        limit = budget[name]
        yield (
            f"| {name} | {added.median:.2f} ({added.least:.2f}) | {times:.1f} | {'' if limit is None else f'{limit:g}'} "
            f"| {other.median:.2f} ({other.least:.2f}) | {other_times:.1f} |"
        )


def report(*, rounds: int, count: int) -> str:
    """Measure everything and write it down as Markdown."""
    work = {"rounds": rounds, "count": count}
    asgi, wsgi = (measure(Variants.on(asgi=kind), **work) for kind in (True, False))
    lines = [
        f"Measured {page.machine()}; {rounds} rounds of {count} requests.",
        "",
        *table(asgi, wsgi, BUDGET),
        "",
        "With sessions, the whole policy:",
        "",
    ]
    asgi, wsgi = (sessions.measure(sessions.Variants.on(asgi=kind), **work) for kind in (True, False))
    lines += table(asgi, wsgi, sessions.BUDGET)
    lines += ["", "| header, alone, on ASGI | µs | bytes |", "|---|--:|--:|"]
    for name, cost, size in each_header(rounds=rounds, count=count):
        lines.append(f"| {name} | {cost.median:.2f} | {size} |")
    return "\n".join(lines) + "\n"


def write(text: str, target: Path = PAGE) -> None:
    """Put the tables between the two marks of the page."""
    page.write(text, target, "overhead")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="What a policy costs.")
    either = parser.add_mutually_exclusive_group()
    either.add_argument(
        "--quick", action="store_true", help="a hundredth of the work; the figures mean nothing"
    )
    either.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.name} as well")
    options = parser.parse_args(arguments)
    page.quiet()
    text = report(rounds=3, count=10) if options.quick else report(rounds=60, count=200)
    if options.write:
        write(text)
    print(text)


if __name__ == "__main__":
    main()
