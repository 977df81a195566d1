"""What a session in a Redis costs the application: the processor time of its process for each request, and round trips.

python -m benchmarks.redis_clients               print the tables
python -m benchmarks.redis_clients --write       put them into docs/explanation/benchmarks.md as well
python -m benchmarks.redis_clients --short       some seconds; --quick: hardly anything

In process, without a server: 32 requests of somebody who is signed in are under way at a time, on a real Redis on this machine. The
process's own time is measured, the event loop's and the kernel's for it included, and not the Redis's. Round trips are counted on
the wire, one request at a time.
"""

from __future__ import annotations

import asyncio
import gc
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Final

from benchmarks import page, requests, served
from benchmarks.probe import WrongAnswerError, ask_asgi, prove
from benchmarks.served import BARE, KNOWING, MEMORY, NOOP, SECMW_REDIS, STACK_A, STACK_B
from benchmarks.timing import verdict
from benchmarks.trips import Trips, relayed
from secmw.cli.bench.plot import bars
from tests.services.redis import RedisServer, serve_redis

CONCURRENT: Final = 32

#: How many times as much stack B is to add as secmw does at least, both in a Redis.
BUDGET: Final = 8.0

VARIANTS: Final = (BARE, NOOP, MEMORY, SECMW_REDIS, STACK_A, STACK_B)

AUTHENTICATED: Final = "signed in, GET"
STRANGER: Final = "a stranger's GET"
REFUSED: Final = "signed in, POST with a wrong token"

#: Round trips of secmw's requests as designed.
DESIGNED: Final[Mapping[str, int]] = {AUTHENTICATED: 1, STRANGER: 0, REFUSED: 0}


class WrongTripsError(Exception):
    """A request takes other round trips than designed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Hold the figures of one application, in microseconds a request.

    ``cpu``: the process's own, median and least. ``wall``: by the clock, while 32 are under way. ``added``: how many more of the
    process's than the bare application, the median within a round. ``trips``: round trips by kind of request.
    """

    variant: str
    cpu: tuple[float, float]
    wall: tuple[float, float]
    added: float
    trips: Mapping[str, int] | None


class Person:
    """Be somebody who is signed in to one application, and make their requests."""

    def __init__(self, cookie: str) -> None:
        known = requests.FOREIGN_COOKIES.decode() + (f"; {cookie}" if cookie else "")
        self._get = (*requests.BROWSER, (b"cookie", known.encode()))
        self._post = (
            *self._get,
            (b"content-type", b"application/json"),
            (b"content-length", b"2"),
            (b"origin", f"https://{served.HOST}".encode()),
            (b"x-xsrf-token", b"0123456789abcdef" * 4),
            (b"x-csrftoken", b"0123456789abcdef" * 4),
        )

    @classmethod
    async def at(cls, app: Any, variant: str) -> Person:
        """Sign in; raise WrongAnswerError where that is not how it works."""
        scope = _scope("GET", requests.BROWSER)
        scope["path"] = served.SIGN_IN
        found = await ask_asgi(app, scope)
        prove(f"{variant}, sign-in", found)
        return cls(served.cookies_of(found.values("set-cookie")))

    def get(self) -> Any:
        return _scope("GET", self._get)

    def refused(self) -> Any:
        return _scope("POST", self._post)


def _scope(method: str, headers: Sequence[tuple[bytes, bytes]]) -> Any:
    return requests.scope(method, headers)


def _stranger() -> Any:
    return _scope("GET", requests.BROWSER)


async def _silent(_: Any) -> None:
    return None


# --- applications ---------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def living(app: Any) -> Any:
    """Have an application begin, and end it: its connections go with it."""
    messages: asyncio.Queue[Any] = asyncio.Queue()
    answers: asyncio.Queue[Any] = asyncio.Queue()
    life = asyncio.ensure_future(
        app({"type": "lifespan", "asgi": {"version": "3.0"}}, messages.get, answers.put)
    )
    await messages.put({"type": "lifespan.startup"})
    assert (await answers.get())["type"] == "lifespan.startup.complete"
    yield app
    await messages.put({"type": "lifespan.shutdown"})
    await life


async def check(app: Any, variant: str) -> Person:
    """Sign somebody in; raise WrongAnswerError unless an application knows them, and nobody else, and refuses a wrong token."""
    person = await Person.at(app, variant)
    prove(variant, await ask_asgi(app, person.get()))
    if variant in KNOWING:
        prove(f"{variant}, a stranger", await ask_asgi(app, _stranger()), status=403)
        prove(f"{variant}, a wrong token", await ask_asgi(app, person.refused()), status=403)
    return person


# --- how long -------------------------------------------------------------------------------------------------------------


async def sample(app: Any, person: Person, count: int) -> tuple[float, float]:
    """Have so many requests carried out, 32 at a time; return the microseconds of the process, and by the clock, for each."""
    each = max(1, count // CONCURRENT)
    batches = [[person.get() for _ in range(each)] for _ in range(CONCURRENT)]

    async def some(scopes: Sequence[Any]) -> None:
        for scope in scopes:
            await app(scope, requests.receive, _silent)

    gc.collect(0)
    gc.disable()
    try:
        cpu, wall = time.process_time(), time.perf_counter()
        await asyncio.gather(*map(some, batches))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    finally:
        gc.enable()
    done = each * CONCURRENT
    return cpu / done * 1e6, wall / done * 1e6


async def times(apps: Mapping[str, Any], *, rounds: int, count: int) -> dict[str, list[tuple[float, float]]]:
    """Take a sample of every application a round, in a new order each time; the first round is there to warm up."""
    people = {variant: await check(app, variant) for variant, app in apps.items()}
    samples: dict[str, list[tuple[float, float]]] = {variant: [] for variant in apps}
    order = list(apps)
    for round_ in range(-1, rounds):
        random.shuffle(order)
        for variant in order:
            found = await sample(apps[variant], people[variant], count)
            if round_ >= 0:
                samples[variant].append(found)
    for variant, app in apps.items():
        prove(f"{variant}, afterwards", await ask_asgi(app, people[variant].get()))
    return samples


# --- round trips ------------------------------------------------------------------------------------------------------------


async def round_trips(app: Any, variant: str, trips: Trips) -> dict[str, int]:
    """Count those of each kind of request, once the connection is there."""
    person = await check(app, variant)
    trips.read()
    found = {}
    for name, make in ((AUTHENTICATED, person.get), (STRANGER, _stranger), (REFUSED, person.refused)):
        await ask_asgi(app, make())
        found[name] = trips.read()
    return found


def designed(found: Mapping[str, int]) -> None:
    """Raise WrongTripsError unless round trips are as designed."""
    if dict(found) != dict(DESIGNED):
        raise WrongTripsError(f"{SECMW_REDIS}: {dict(found)}, and not {dict(DESIGNED)}")


# --- the tables -------------------------------------------------------------------------------------------------------------


async def measure(redis: RedisServer, variants: Sequence[str], *, rounds: int, count: int) -> list[Row]:
    """Count the round trips of those in a Redis, and measure all."""
    counted: dict[str, dict[str, int]] = {}
    for variant in variants:
        if variant in served.IN_REDIS:
            with relayed(redis.port) as (port, trips):
                url = redis.url.replace(f":{redis.port}/", f":{port}/")
                async with living(served.asgi(variant, url)) as app:
                    counted[variant] = await round_trips(app, variant, trips)
    designed(counted[SECMW_REDIS])
    before = redis.ask("DBSIZE")
    if not before:
        raise WrongAnswerError("nobody keeps anything in the Redis")
    apps = {variant: served.asgi(variant, redis.url) for variant in variants}
    samples = await times(apps, rounds=rounds, count=count)
    for app in apps.values():
        async with living(app):
            pass
    return [_row(variant, found, samples[BARE], counted.get(variant)) for variant, found in samples.items()]


def _row(
    variant: str,
    found: Sequence[tuple[float, float]],
    bare: Sequence[tuple[float, float]],
    trips: Mapping[str, int] | None,
) -> Row:
    cpu, wall = [one for one, _ in found], [one for _, one in found]
    return Row(
        variant=variant,
        cpu=(median(cpu), min(cpu)),
        wall=(median(wall), min(wall)),
        added=median(one - base for one, (base, _) in zip(cpu, bare, strict=True)),
        trips=trips,
    )


def _table(rows: Sequence[Row]) -> Iterator[str]:
    unit = next(row.added for row in rows if row.variant == NOOP)
    yield f"| | process, µs (least) | added, µs | × no-op | clock, µs | round trips: {', '.join(DESIGNED)} |"
    yield "|---|--:|--:|--:|--:|---|"
    for row in rows:
        added = "" if row.variant == BARE else f"{row.added:.1f}"
        times = "" if row.variant == BARE or unit <= 0 else f"{row.added / unit:.1f}"
        trips = "" if row.trips is None else ", ".join(map(str, row.trips.values()))
        yield (
            f"| {row.variant} | {row.cpu[0]:.1f} ({row.cpu[1]:.1f}) | {added} | {times} | {row.wall[0]:.1f} | {trips} |"
        )


def ratio(rows: Sequence[Row]) -> float | None:
    """Return how many times as much stack B adds as secmw does; None where it was not measured, or secmw adds nothing."""
    added = {row.variant: row.added for row in rows}
    ours, theirs = added[SECMW_REDIS], added.get(STACK_B)
    return None if theirs is None or ours <= 0 else theirs / ours


def _verdict(rows: Sequence[Row]) -> str:
    found = ratio(rows)
    if found is None:
        return f"The stacks were left out, for they need {', '.join(served.PARTS)}: `make peers` has them."
    return f"{STACK_B} adds {found:.1f} times as much as {SECMW_REDIS} (budget {BUDGET:g} at least; met: {verdict(found >= BUDGET)})."


def _budgets(rows: Sequence[Row]) -> Iterator[page.Budget]:
    found = ratio(rows)
    if found is not None:
        what = f"{STACK_B} over {SECMW_REDIS}"
        yield page.Budget(what, f"{found:.1f} × secmw", f"at least {BUDGET:g}", verdict(found >= BUDGET))


def report(*, quick: bool = False, short: bool = False) -> page.Section:
    """Measure all applications whose parts are installed."""
    rounds, count = (2, 64) if quick else (10, 640) if short else (60, 1_920)
    stacks = served.stack_versions()
    variants = [variant for variant in VARIANTS if stacks or variant not in (STACK_A, STACK_B)]
    with serve_redis() as redis:
        rows = asyncio.run(measure(redis, variants, rounds=rounds, count=count))
        known = f"Redis {redis_version(redis)}"
    parts = ", ".join(f"{name} {number}" for name, number in (stacks or {}).items())
    lines = [
        (
            f"Measured {page.machine()}; {rounds} rounds of {count} requests, {CONCURRENT} at a time. {known}"
            f"{'; stacks: ' if parts else ''}{parts}."
        ),
        "",
        *_table(rows),
        "",
        _verdict(rows),
        "",
        "![Added to a request](benchmarks/redis-added.svg)",
    ]
    plot = bars(
        f"Added to a request with {CONCURRENT} at a time",
        ["added"],
        [(row.variant, [row.added]) for row in rows if row.variant != BARE],
        unit="microseconds of the application's process",
    )
    data = {"rows": [asdict(row) for row in rows], "ratio": ratio(rows), "stacks": stacks, "redis": known}
    return page.Section("redis", "\n".join(lines) + "\n", data, {"added": plot}, list(_budgets(rows)))


def redis_version(redis: RedisServer) -> str:
    """Return the version that a Redis says it is."""
    said = redis.ask("INFO", "server")
    assert isinstance(said, bytes)
    return dict(line.partition(":")[::2] for line in said.decode().splitlines())["redis_version"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    page.run(report, (__doc__ or "").partition("\n")[0], arguments)


if __name__ == "__main__":
    main()
