"""The faults of servers: killed, held up, out of room, one worker less. Each is played under load, and told in a row."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from tests.faults.people import CUT, Crowd, Tally
from tests.faults.places import STORES, Colour, Disk, Store, disk, site, workers
from tests.services.redis import RedisServer, Sentinel, sentinel

if TYPE_CHECKING:
    from tests.servers import Server

#: Lets something happen under load, and returns when it was over, by the monotonic clock.
Fault = Callable[[Crowd], Awaitable[float]]

#: Seconds in which what is waited for must come; generous: the machine may be busy.
_LONGEST: Final = 60.0

#: Refusals that are waited for before a fault ends, besides its time.
_NOTICED: Final = 8


@dataclass(kw_only=True)
class Row:
    """Tell of one fault: how often it was played, what clients saw, and in how many seconds all was well again.

    ``away``: the longest time, in seconds, from the fault to the last answer that was none of 200. ``forgets``: whether
    this store may lose what was acknowledged; but what was over never opens again.
    """

    fault: str
    times: int
    tally: Tally
    recovery: float = 0.0
    away: float = 0.0
    forgets: bool = False
    notes: list[str] = field(default_factory=list)

    def broken(self) -> list[str]:
        """Return what must not be, whatever happened."""
        lost = [] if self.forgets else self.tally.lost
        return [*lost, *self.tally.revived, *self.tally.crossed]

    def __str__(self) -> str:
        tally = self.tally
        statuses = ", ".join(
            f"{'cut' if status == CUT else status}: {number}"
            for status, number in sorted(tally.statuses.items())
        )
        strangers = tally.strangers.total() - tally.strangers[200]
        cells = (
            f"{self.fault} ({self.times})",
            statuses,
            f"{tally.refused:.2f} s" if tally.refused else "none",
            f"{self.away:.2f} s",
            f"{self.recovery:.2f} s",
            f"{strangers} of {tally.strangers.total()}",
            str(tally.acknowledged),
            str(len(tally.lost)),
            str(len(tally.revived)),
            str(len(tally.crossed)),
        )
        return f"| {' | '.join(cells)} |"


HEAD: Final = (
    "| fault (times) | answers to people with a session | slowest refusal | refusals until | and after its end | strangers not served"
    " | acknowledged | lost | revived | crossed |\n"
    "| --- | --- | --: | --: | --: | --: | --: | --: | --: | --: |"
)


def played(servers: Sequence[Server], name: str, fault: Fault, times: int, *, forgets: bool = False) -> Row:
    """Let a fault happen so often while people use their sessions, and return what came of it."""
    return asyncio.run(_played(servers, Row(fault=name, times=times, tally=Tally(), forgets=forgets), fault))


async def _played(servers: Sequence[Server], row: Row, fault: Fault) -> Row:
    crowd = Crowd(servers, row.tally, run=os.urandom(3).hex())
    try:
        await crowd.begin()
        for _ in range(row.times):
            began = time.monotonic()
            ended = await fault(crowd)
            await crowd.answered(10)
            row.recovery = max(row.recovery, row.tally.refusal - ended)
            row.away = max(row.away, row.tally.refusal - began)
        await crowd.end()
    finally:
        await crowd.leave()
    return row


async def _noticed(crowd: Crowd, seconds: float) -> None:
    """Wait until a fault has lasted so long, and was noticed."""
    began = time.monotonic()
    await crowd.refused(_NOTICED)
    await asyncio.sleep(max(began + seconds - time.monotonic(), 0))


def killed(store: Store, seconds: float) -> Fault:
    """Kill a store, and start it again after some seconds."""

    async def fault(crowd: Crowd) -> float:
        await asyncio.to_thread(store.kill)
        await _noticed(crowd, seconds)
        await asyncio.to_thread(store.run)
        return time.monotonic()

    return fault


def held_up(store: Store, seconds: float) -> Fault:
    """Let a store stand still for some seconds."""

    async def fault(crowd: Crowd) -> float:
        await asyncio.to_thread(store.hold)
        try:
            await _noticed(crowd, seconds)
        finally:
            await asyncio.to_thread(store.go_on)
        return time.monotonic()

    return fault


def full(place: Disk, servers: Sequence[Server], seconds: float) -> Fault:
    """Leave no room for the store's file for some seconds."""

    async def fault(crowd: Crowd) -> float:
        place.fill(servers)
        try:
            await _noticed(crowd, seconds)
        finally:
            place.clear(servers)
        return time.monotonic()

    return fault


async def worker_killed(crowd: Crowd) -> float:
    """Kill the worker that has answered last, in the middle of what it does."""
    os.kill(crowd.tally.worker, signal.SIGKILL)
    ended = time.monotonic()
    await crowd.answered(2)
    return ended


def failed_over(group: Sentinel, how: Literal["kill", "hold"]) -> Fault:
    """Take the master away until another has taken its place; it is over when that one is there."""

    async def fault(crowd: Crowd) -> float:
        old = group.master
        await asyncio.to_thread(old.stop if how == "kill" else old.hold)
        try:
            ended = await asyncio.to_thread(_succeeded, group, old)
            await crowd.answered(5)
        finally:
            # One that was killed stays away; one that stood still takes itself for the master.
            if how == "hold":
                await asyncio.to_thread(old.go_on)
        return ended

    return fault


def _succeeded(group: Sentinel, old: RedisServer) -> float:
    """Wait until the sentinels name another master, and it is one; return when that was."""
    until = time.monotonic() + _LONGEST
    while (named := group.named()) is None or named is old or named.role() != "master":
        if time.monotonic() > until:
            raise TimeoutError("nobody takes the master's place")
        time.sleep(0.01)
    return time.monotonic()


async def nothing(crowd: Crowd) -> float:
    """Let nothing happen."""
    return time.monotonic()


# --- what is played


def play_store(name: str, times: int, seconds: float) -> Iterator[Row]:
    """Use a store that was used before the workers were forked; kill it so often, and hold it up, for some seconds."""
    with STORES[name]() as store, site(store.url) as servers:
        yield played(servers, f"{name}: used before the fork", nothing, times)
        yield played(servers, f"{name}: kill -9", killed(store, seconds), times)
        yield played(servers, f"{name}: SIGSTOP", held_up(store, seconds), times)


def play_sentinel(times: int, how: Literal["kill", "hold"]) -> Iterator[Row]:
    """Let a replica take over; what it had not heard of is lost, but no end that was acknowledged."""
    word = {"kill": "kill -9", "hold": "SIGSTOP"}[how]
    # Sentinels don't let one master follow another so soon: each time begins with a new group.
    for _ in range(times):
        with sentinel("redis", replicas=2) as group, site(group.url) as servers:
            yield played(servers, f"sentinel: {word} of the master", failed_over(group, how), 1, forgets=True)


def play_full_disk(how: Literal["tmpfs", "limit"] | None, times: int, seconds: float) -> Iterator[Row]:
    """Leave SQLite no room."""
    with disk(how) as place, site(f"sqlite:{place.folder}/sessions.db") as servers:
        yield played(servers, f"sqlite: {place.how}", full(place, servers, seconds), times)


def play_worker_kills(colour: Colour, times: int) -> Iterator[Row]:
    """Kill workers that share one SQLite file."""
    with tempfile.TemporaryDirectory() as folder, workers(f"sqlite:{folder}/sessions.db", colour) as servers:
        yield played(
            servers,
            f"sqlite: kill -9 of a worker, {'uvicorn' if colour == 'asgi' else 'gunicorn'}",
            worker_killed,
            times,
        )
