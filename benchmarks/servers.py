"""What security costs on a real server: requests a second, and the server's processor time for each of them.

python -m benchmarks.servers               print the table
python -m benchmarks.servers --write       put it into docs/explanation/benchmarks.md as well
python -m benchmarks.servers --short       two minutes; --quick: uvicorn alone, for a moment
python -m benchmarks.servers --only granian

wrk keeps 32 connections busy with the request of somebody who is signed in, at a server with one worker. A line of ours tells the
applications that it came over HTTPS, but for the one behind a proxy: that one is sent ``X-Forwarded-Proto`` and ``-For``, which
secmw reads, judges and takes away by itself. What the headers alone cost a server, which checks and writes each, shows a bare
application that sends the same. All applications of a server run at the same time, one of them is asked at a time,
in rounds of a new order.
"""

from __future__ import annotations

import argparse
import http.client
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks import page, requests, served
from benchmarks.pressing import press, processor
from benchmarks.probe import Answer, WrongAnswerError, prove
from benchmarks.served import (
    BARE,
    HEADERS,
    HOST,
    IN_REDIS,
    KNOWING,
    MEMORY,
    NOOP,
    PROXY,
    SECMW_REDIS,
    STACK_A,
    STACK_B,
)
from benchmarks.timing import verdict
from secmw.cli.bench.plot import bars
from tests.servers import Server, serve
from tests.services.redis import RedisServer, serve_redis

CONNECTIONS: Final = 32

#: To each of ours, what others have for the same.
THEIRS: Final[Mapping[str, str]] = {MEMORY: STACK_A, PROXY: STACK_A, SECMW_REDIS: STACK_B}

#: The budget: the share of what these add that ours may add on uvicorn.
BUDGET: Final[Mapping[str, float]] = {MEMORY: 1 / 6, SECMW_REDIS: 1 / 10}

#: Headers that an answer has at least, of ours as of theirs.
_ADDED: Final = 12

_FORWARDED: Final = ((b"x-forwarded-proto", b"https"), (b"x-forwarded-for", b"192.0.2.7"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Be one server: what starts it, its distributions, and its interface."""

    start: str
    packages: tuple[str, ...]
    interface: str = "asgi"
    options: tuple[str, ...] = ()

    @property
    def variants(self) -> tuple[str, ...]:
        return served.ASGI if self.interface == "asgi" else served.WSGI


_PARSER: Final = "httptools" if find_spec("httptools") else "h11"

KINDS: Final[Mapping[str, Kind]] = {
    "uvicorn": Kind(
        start=f"uvicorn-{_PARSER}",
        packages=("uvicorn", "uvloop", _PARSER),
        options=("--no-access-log", "--log-level", "warning"),
    ),
    "granian": Kind(start="granian", packages=("granian", "uvloop")),
    "hypercorn": Kind(start="hypercorn", packages=("hypercorn", "h11")),
    "gunicorn": Kind(start="gunicorn-gthread", packages=("gunicorn",), interface="wsgi"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Hold the figures of one application on one server.

    ``rate``: requests a second, median and best. ``cpu``: microseconds of the server for each, median and least. ``added``: how
    many of them more than the bare application, the median within a round. ``samples``: all that ``cpu`` and ``rate`` are of.
    """

    server: str
    variant: str
    rate: tuple[float, float]
    cpu: tuple[float, float]
    added: float
    samples: tuple[tuple[float, float], ...]


# --- asking -------------------------------------------------------------------------------------------------------------


def ask(server: Server, variant: str, cookie: str = "", path: str = "/") -> Answer:
    """Ask a server once, as wrk does."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=20)
    try:
        connection.request("GET", path, headers=dict(_headers(variant, cookie)))
        response = connection.getresponse()
        response.read()
        return Answer(response.status, tuple((name.lower(), value) for name, value in response.getheaders()))
    finally:
        connection.close()


def _headers(variant: str, cookie: str) -> Iterator[tuple[str, str]]:
    proxy = _FORWARDED if variant == PROXY else ()
    lines = (*requests.BROWSER, *proxy, *([(b"cookie", cookie.encode())] if cookie else []))
    for name, value in lines:
        # In capitals, or wrk sends a Host of its own besides.
        yield name.decode().title(), HOST if name == b"host" else value.decode()


def sign_in(server: Server, variant: str) -> str:
    """Sign somebody in, and return their Cookie header: three foreign ones, and what the application has set."""
    found = ask(server, variant, path=served.SIGN_IN)
    prove(f"{variant}, sign-in", found)
    ours = served.cookies_of(found.values("set-cookie"))
    if variant in KNOWING and not ours:
        raise WrongAnswerError(f"{variant} sets no cookie: {found.headers}")
    return "; ".join(filter(None, [requests.FOREIGN_COOKIES.decode(), ours]))


def check(server: Server, variant: str, cookie: str) -> None:
    """Raise WrongAnswerError unless an application knows who is signed in, and nobody else, and sends its headers."""
    found = ask(server, variant, cookie)
    prove(variant, found)
    if variant in (BARE, NOOP):
        return
    if variant in KNOWING:
        prove(f"{variant}, a stranger", ask(server, variant), status=403)
    names = security_headers(found)
    if len(names) < _ADDED:
        raise WrongAnswerError(f"{variant} adds {len(names)} headers: {found.headers}")


def security_headers(found: Answer) -> list[str]:
    """Return the names of security headers among those of an answer."""
    known = (
        *("strict-transport-security", "x-frame-options", "x-content-type-options", "referrer-policy"),
        *("content-security-policy", "content-security-policy-report-only", "permissions-policy"),
        *("cross-origin-opener-policy", "cross-origin-resource-policy", "origin-agent-cluster"),
        *("x-dns-prefetch-control", "x-permitted-cross-domain-policies"),
    )
    return [name for name in known if found.values(name)]


def sample(server: Server, variant: str, cookie: str, seconds: int) -> tuple[float, float]:
    """Return requests a second, and the server's microseconds for each; raise WrongAnswerError where one was not answered well."""
    before = processor(server.pid)
    load = press(f"{server.url}/", _headers(variant, cookie), CONNECTIONS, seconds)
    spent = processor(server.pid) - before
    if load.wrong or not load.requests:
        raise WrongAnswerError(f"{variant}: {load.wrong} of {load.requests} were not answered with 2xx")
    return load.rate, spent / load.requests * 1e6


# --- measuring ----------------------------------------------------------------------------------------------------------


def installed() -> dict[str, str]:
    """Return the servers that are installed here, with what to call them: their distributions and versions."""
    found = {}
    for name, kind in KINDS.items():
        try:
            known = [f"{kind.packages[0]} {version(kind.packages[0])}"]
        except PackageNotFoundError:
            continue
        known += [
            f"{package} {version(package)}" for package in kind.packages[1:] if find_spec(package) is not None
        ]
        found[name] = ", ".join(known)
    return found


def measure(
    name: str, redis: RedisServer, folder: Path, *, variants: Sequence[str], rounds: int, seconds: int
) -> list[Row]:
    """Run some applications on one server and measure each once a round, in a new order each time."""
    kind = KINDS[name]
    with ExitStack() as running:
        servers: dict[str, Server] = {}
        cookies: dict[str, str] = {}
        for variant in variants:
            env = {
                "PYTHONPATH": str(folder),
                served.WHICH: f"{kind.interface}: {variant}",
                served.REDIS: redis.url,
            }
            server = running.enter_context(
                serve(kind.start, "benchmarks.served:application", env=env, options=kind.options)
            )
            before = redis.ask("DBSIZE")
            servers[variant], cookies[variant] = server, sign_in(server, variant)
            check(server, variant, cookies[variant])
            if (redis.ask("DBSIZE") != before) != (variant in IN_REDIS):
                raise WrongAnswerError(f"{variant} keeps its session somewhere else")
        samples: dict[str, list[tuple[float, float]]] = {variant: [] for variant in variants}
        order = list(variants)
        # A round more, to warm up; but for one alone, which nobody reads.
        for round_ in range(-1 if rounds > 1 else 0, rounds):
            random.shuffle(order)
            for variant in order:
                found = sample(servers[variant], variant, cookies[variant], seconds if round_ >= 0 else 1)
                if round_ >= 0:
                    samples[variant].append(found)
        for variant in variants:
            check(servers[variant], variant, cookies[variant])
    return [_row(name, variant, found, samples[BARE]) for variant, found in samples.items()]


def _row(
    server: str, variant: str, found: Sequence[tuple[float, float]], bare: Sequence[tuple[float, float]]
) -> Row:
    rates, costs = [rate for rate, _ in found], [cost for _, cost in found]
    return Row(
        server=server,
        variant=variant,
        rate=(median(rates), max(rates)),
        cpu=(median(costs), min(costs)),
        added=median(cost - base for cost, (_, base) in zip(costs, bare, strict=True)),
        samples=tuple(found),
    )


# --- the table ----------------------------------------------------------------------------------------------------------


def shares(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Return, to each server, which share of the stack's added time each of ours adds."""
    added = {(row.server, row.variant): row.added for row in rows}
    found: dict[str, dict[str, float]] = {}
    for (server, variant), ours in added.items():
        if variant in THEIRS:
            theirs = added.get((server, THEIRS[variant]))
            if theirs is not None and theirs > 0:
                found.setdefault(server, {})[variant] = ours / theirs
    return found


def _table(rows: Sequence[Row]) -> Iterator[str]:
    ratios = shares(rows)
    yield "| server | application | requests/s, median (best) | server, µs each (least) | added, µs | of the stack's |"
    yield "|---|---|--:|--:|--:|--:|"
    for row in rows:
        share = ratios.get(row.server, {}).get(row.variant)
        added = "" if row.variant == BARE else f"{row.added:.1f}"
        yield (
            f"| {row.server} | {row.variant} | {row.rate[0]:,.0f} ({row.rate[1]:,.0f}) "
            f"| {row.cpu[0]:.1f} ({row.cpu[1]:.1f}) | {added} | {'' if share is None else _said(share)} |"
        )


def _said(share: float) -> str:
    return f"1/{1 / share:.1f}" if share > 0 else "nothing"


def _verdict(rows: Sequence[Row]) -> Iterator[str]:
    found = shares(rows).get("uvicorn", {})
    for variant, budget in BUDGET.items():
        if variant in found:
            share, met = _said(found[variant]), verdict(found[variant] <= budget)
            yield f"On uvicorn {variant} adds {share} of what {THEIRS[variant]} adds (budget 1/{1 / budget:.0f}; met: {met})."


def _sending(rows: Sequence[Row]) -> Iterator[str]:
    added = {row.variant: row.added for row in rows if row.server == "uvicorn"}
    if HEADERS in added and MEMORY in added:
        yield (
            f"{added[HEADERS]:.1f} of the {added[MEMORY]:.1f} µs are what uvicorn takes to send these headers, whoever adds them."
        )


def _missing(known: Mapping[str, str]) -> Iterator[str]:
    absent = [name for name in KINDS if name not in known]
    if absent:
        yield f"Not installed here: {', '.join(absent)}."
    if served.stack_versions() is None:
        yield f"The stacks were left out, for they need {', '.join(served.PARTS)}: `make peers` has them."
    else:
        yield "The parts of the stacks know ASGI alone, so that gunicorn's WSGI workers have none."


def report(*, quick: bool = False, short: bool = False, only: Sequence[str] = tuple(KINDS)) -> page.Section:
    """Measure all servers that are installed, with all applications whose parts are."""
    rounds, seconds = (1, 1) if quick else (6, 1) if short else (12, 4)
    known = installed()
    names = [name for name in known if name in (only[:1] if quick else only)]
    stacks = served.stack_versions()
    rows: list[Row] = []
    with serve_redis() as redis, served.importable() as folder:
        for name in names:
            variants = [
                variant for variant in KINDS[name].variants if stacks or variant not in (STACK_A, STACK_B)
            ]
            rows += measure(name, redis, folder, variants=variants, rounds=rounds, seconds=seconds)
        redis_version = redis_named(redis)
    parts = ", ".join(f"{name} {number}" for name, number in (stacks or {}).items())
    lines = [
        (
            f"Measured {page.machine()}; {rounds} rounds of {seconds} s with {CONNECTIONS} connections and one worker. "
            f"{'; '.join(known[name] for name in names)}; {redis_version}{'; stacks: ' if parts else ''}{parts}."
        ),
        "",
        *_table(rows),
        "",
        " ".join([*_verdict(rows), *_sending(rows), *_missing(known)]),
        "",
        "![Added by server](benchmarks/servers-added.svg)",
    ]
    data = {
        "rows": [asdict(row) for row in rows],
        "shares": shares(rows),
        "servers": {name: known[name] for name in names},
        "stacks": stacks,
        "redis": redis_version,
    }
    return page.Section(
        "servers", "\n".join(lines) + "\n", data, {"added": _plot(rows)}, list(_budgets(rows))
    )


def _budgets(rows: Sequence[Row]) -> Iterator[page.Budget]:
    for variant, share in shares(rows).get("uvicorn", {}).items():
        if variant in BUDGET:
            bound = f"1/{1 / BUDGET[variant]:.0f}"
            met = verdict(share <= BUDGET[variant])
            yield page.Budget(f"uvicorn, {variant}", f"{_said(share)} of {THEIRS[variant]}", bound, met)


def redis_named(redis: RedisServer) -> str:
    """Return what a Redis is called, with its version."""
    said = redis.ask("INFO", "server")
    assert isinstance(said, bytes)
    found = re.search(rb"redis_version:(\S+)", said)
    assert found is not None
    return f"Redis {found[1].decode()}"


def _plot(rows: Sequence[Row]) -> str:
    series = [variant for variant in served.ASGI if variant not in (BARE, NOOP)]
    added = {(row.server, row.variant): row.added for row in rows}
    names = dict.fromkeys(row.server for row in rows)
    return bars(
        "Added to the server's processor time for each request",
        series,
        [(name, [added.get((name, variant)) for variant in series]) for name in names],
        unit="microseconds",
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="hardly anything; the figures mean nothing")
    parser.add_argument("--short", action="store_true", help="two minutes")
    parser.add_argument("--write", action="store_true", help=f"put it into {page.BENCHMARKS.name} as well")
    parser.add_argument("--only", choices=KINDS, help="one server and no other")
    options = parser.parse_args(arguments)
    page.quiet()
    only = [options.only] if options.only else list(KINDS)
    section = report(quick=options.quick, short=options.short, only=only)
    if options.write:
        page.publish(section)
    print(section.text)


if __name__ == "__main__":
    main()
