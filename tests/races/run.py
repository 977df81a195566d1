"""Rounds of the races: start the workers, play every scenario so often, and count."""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.races.scenarios import SCENARIOS, WIDE
from tests.races.site import PER_WORKER, WORKERS, Broken, Client, visit
from tests.servers import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Server

#: Rounds that are played beside each other, each on connections of its own.
LANES: Final = 4

#: Seconds that a round may take; generous: the machine may be busy.
LONGEST: Final = 120.0

_SHARED: Final = ("--workers", str(WORKERS), "--log-level", "warning")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """Say how the workers are started: what of tests/servers.py, what of serve.py, with which options."""

    server: str
    app: str
    options: tuple[str, ...]


KINDS: Final = {
    "uvicorn": _Kind(
        server="uvicorn-httptools",
        app="tests.races.serve:asgi",
        options=(
            *(*_SHARED, "--no-access-log"),
            *("--timeout-keep-alive", "600", "--timeout-worker-healthcheck", "120"),
        ),
    ),
    # gunicorn makes threaded workers of synchronous ones that are given more than one thread.
    "gunicorn": _Kind(
        server="gunicorn-sync",
        app="tests.races.serve:wsgi",
        options=(*_SHARED, "--threads", str(PER_WORKER), "--keep-alive", "600", "--timeout", "120"),
    ),
}


@dataclass(kw_only=True)
class Tally:
    """Count the rounds of one scenario on one kind of server and one store."""

    kind: str
    store: str
    scenario: str
    rounds: int = 0
    requests: int = 0
    repeats: int = 0
    seconds: float = 0.0
    broken: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.kind:9}{self.store:11}{self.scenario:42}{self.rounds:6} rounds{self.requests:9} requests"
            f"{self.repeats:6} told to come back{len(self.broken):4} broken{self.seconds:8.1f} s"
        )


@contextmanager
def workers(kind: str, *, faults: bool = False) -> Iterator[Server]:
    """Run the workers of a kind for the time of the block; ``faults`` serves the stores that are wrong too."""
    how = KINDS[kind]
    # Coverage tracing would make the workers half as fast, and measures nothing that other tests don't.
    env = {"RACES_FAULTS": "1" if faults else "", "COVERAGE_PROCESS_CONFIG": ""}
    with serve(how.server, how.app, options=how.options, env=env) as server:
        yield server


def play(
    kind: str,
    server: Server,
    scenario: str,
    rounds: int,
    *,
    store: str = "sqlite",
    url: str = "",
    fault: str = "",
    enough: int = 5,
) -> Tally:
    """Play one scenario so often, or until ``enough`` rounds are broken.

    ``url``: of the store, empty for the workers' own file; ``fault`` names one that is wrong.
    """
    tally = Tally(kind=kind, store=store, scenario=scenario)
    return asyncio.run(_play(server, tally, rounds, enough, url=url, fault=fault))


async def _play(server: Server, tally: Tally, rounds: int, enough: int, *, url: str, fault: str) -> Tally:
    turns = iter(range(rounds))
    play_round = SCENARIOS[tally.scenario]

    async def lane(client: Client) -> None:
        for turn in turns:
            if len(tally.broken) >= enough:
                return
            try:
                async with asyncio.timeout(LONGEST):
                    await play_round(client, turn)
            except Broken as broken:
                tally.broken.append(f"round {turn}: {broken}")
            except TimeoutError:
                tally.broken.append(f"round {turn}: took more than {LONGEST:.0f} s")
            finally:
                await client.settle()
            tally.rounds += 1

    began = time.monotonic()
    async with visit(server, url) as site:
        clients = site.clients(1 if tally.scenario in WIDE else LANES, run=secrets.token_hex(3), fault=fault)
        await asyncio.gather(*(lane(client) for client in clients))
        tally.requests = sum(client.requests for client in clients)
        tally.repeats = sum(client.repeats for client in clients)
    tally.seconds = time.monotonic() - began
    return tally
