"""What a policy costs: time added to a request, as a multiple of what a wrapper adds that does nothing.

python -m benchmarks.overhead              print the tables
python -m benchmarks.overhead --write      put them into docs/explanation/performance.md
python -m benchmarks.overhead --quick      a hundredth of the work, for the tests
"""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import secmw.asgi
import secmw.wsgi
from benchmarks import requests
from benchmarks.timing import Added, compare
from secmw import Policy
from secmw.compile import response_lines
from secmw.headers import HEADERS
from secmw.keys import KeyRing, new_key
from secmw.presets import RECOMMENDED
from secmw.xsrf import Tokens

PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "performance.md"

#: The budget: time added over the no-op wrapper's, on ASGI.
BUDGET = {"headers only, GET": 3.5, "whole, GET": 6.0, "whole, POST with token": 16.0}

_KEY = new_key()


def whole() -> Policy:
    """Return the recommended policy, everything on."""
    return Policy.recommended(secret_keys=[_KEY], public_url="https://app.example.org", sessions=None)


def headers_only(**settings: Any) -> Policy:
    """Return the recommended headers, without a place for a nonce, and no checks."""
    return Policy.recommended(screening=False, sessions=None, csp_report_only=None, **settings)


def measure(*, asgi: bool, rounds: int, count: int) -> dict[str, tuple[Added, float]]:
    """Measure the rows of one interface; each with its multiple of the no-op wrapper's in the same run."""
    app = requests.asgi_app if asgi else requests.wsgi_app
    noop = (requests.asgi_noop if asgi else requests.wsgi_noop)(app)
    wrap = secmw.asgi.Middleware if asgi else secmw.wsgi.Middleware
    make = requests.scope if asgi else requests.environ
    tokens = Tokens(KeyRing([_KEY]))
    visit = tokens.new_visit()
    post = requests.post_headers(visit, tokens.token(visit))
    rows: dict[str, tuple[Added, float]] = {}

    def run(variants: dict[str, Any], build: Callable[[], Any]) -> None:
        found = compare(
            {"bare": app, "noop": noop, **variants}, build, asgi=asgi, rounds=rounds, requests=count
        )
        for name in variants:
            rows[name] = (found[name], found[name].median / found["noop"].median)

    run(
        {"headers only, GET": wrap(app, headers_only()), "whole, GET": wrap(app, whole())},
        lambda: make("GET", requests.BROWSER),
    )
    run({"whole, POST with token": wrap(app, whole())}, lambda: make("POST", post))
    return rows


def each_header(*, rounds: int, count: int) -> Iterator[tuple[str, Added, int]]:
    """Measure each header of the recommended policy alone, against the same policy without any."""
    off: dict[str, Any] = {
        header.setting: None
        for header in HEADERS
        if header.setting not in ("content_type_sniffing", "server")
    }
    off |= {"content_type_sniffing": True, "drop_headers": (), "frame_options": None, "csp": None}
    without = headers_only_of(off)
    variants: dict[str, Any] = {"bare": secmw.asgi.Middleware(requests.asgi_app, without)}
    size: dict[str, int] = {}
    for header in HEADERS:
        value = RECOMMENDED[header.setting].value
        if value is None:
            continue
        policy = headers_only_of({**off, header.setting: value})
        lines = response_lines(policy)
        if not lines:
            continue
        variants[header.name] = secmw.asgi.Middleware(requests.asgi_app, policy)
        # Name, ": ", value, CR LF: what it adds to every response of HTTP/1.1.
        size[header.name] = sum(len(line.name) + len(line.value) + 4 for line in lines)
    found = compare(
        variants, lambda: requests.scope("GET", requests.BROWSER), asgi=True, rounds=rounds, requests=count
    )
    for name, bytes_ in size.items():
        yield name, found[name], bytes_


def headers_only_of(settings: dict[str, Any]) -> Policy:
    """Return a policy of exactly these headers."""
    return Policy.recommended(screening=False, sessions=None, **settings)


def report(*, rounds: int, count: int) -> str:
    """Measure everything and write it down as Markdown."""
    now = datetime.now(UTC).date()
    lines = [
        f"Measured {now} on {platform.machine()}, {os.cpu_count()} cores, {platform.python_implementation()} "
        f"{platform.python_version()}; {rounds} rounds of {count} requests.",
        "",
        "| | ASGI, µs added | × no-op | budget | WSGI, µs added | × no-op |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    asgi = measure(asgi=True, rounds=rounds, count=count)
    wsgi = measure(asgi=False, rounds=rounds, count=count)
    for name, (added, times) in asgi.items():
        other, other_times = wsgi[name]
        lines.append(
            f"| {name} | {added.median:.2f} ({added.least:.2f}) | {times:.1f} | {BUDGET[name]:g} "
            f"| {other.median:.2f} ({other.least:.2f}) | {other_times:.1f} |"
        )
    lines += ["", "| header, alone, on ASGI | µs | bytes |", "|---|--:|--:|"]
    for name, cost, size in each_header(rounds=rounds, count=count):
        lines.append(f"| {name} | {cost.median:.2f} | {size} |")
    return "\n".join(lines) + "\n"


def write(text: str, page: Path = PAGE) -> None:
    """Put the tables between the two marks of the page."""
    begin, end = "<!-- overhead: begin -->", "<!-- overhead: end -->"
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    page.write_text(f"{before}{begin}\n\n{text}\n{end}{after}", encoding="utf-8")


def main(arguments: list[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args(arguments)
    text = report(rounds=3, count=10) if options.quick else report(rounds=60, count=200)
    if options.write:
        write(text)
    print(text)


if __name__ == "__main__":
    main()
