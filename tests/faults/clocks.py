"""Clocks that are set while servers run, by libfaketime: each process has a file that says how wrong its clock is.

The monotonic clock is spared, as it is where an administrator sets the other one. libfaketime breaks `time.sleep` then,
which gunicorn needs before it knows of any application; so the other server here is waitress.
"""

from __future__ import annotations

import asyncio
import math
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.faults.people import Visitor
from tests.faults.places import STORES, Colour
from tests.servers import serve

if TYPE_CHECKING:
    from tests.servers import Server

HOUR: Final = 3_600.0
DAY: Final = 24 * HOUR

#: How long a session lives here, whatever happens in it.
LIFETIME: Final = HOUR

#: How far the clock of one server is behind the other's, and how old a session gets between, as shares of that.
BEHIND: Final = (DAY, 300.0, 10.0)
_SHARES: Final = (-0.2, 0.2, 0.5, 0.8, 0.95, 1.05, 1.2)

#: How many seconds a session has left when the clock is set back, and seconds for which it is waited that it ends.
_LEFT: Final = 2.0
_LONGEST: Final = 60.0

#: How often somebody asks: waitress closes what is idle by the clock that is set, and a disk may be busy.
_ASKED: Final = 4

#: Seconds by which two readings of one clock differ in their rounding.
_EXACT: Final = 0.01

#: Where clocks are set to, one after another.
_JUMPS: Final = (2 * HOUR, -2 * HOUR, DAY, -DAY, 0.5 * HOUR, -5_000.0, 0.0)

_LIBRARY: Final = "/usr/lib/*/faketime/libfaketimeMT.so.1"


_began: Final = time.monotonic()


def true() -> float:
    """Return what a clock shows that nobody sets."""
    return time.monotonic() - _began


@dataclass(slots=True, kw_only=True)
class Machine:
    """Be a server with a clock of its own, ``ahead`` of the true one; both show seconds since this module was loaded."""

    server: Server
    clock: Path
    ahead: float = 0.0

    def show(self, seconds: float) -> None:
        """Set the clock: now it shows so many seconds, and goes on from there."""
        self.ahead = seconds - true()
        draft = self.clock.with_suffix(".draft")
        draft.write_text(f"{self.ahead:+.3f}\n")
        # In one step: the server reads it at any time.
        draft.replace(self.clock)

    def shows(self) -> float:
        """Return what the clock shows now."""
        return true() + self.ahead


@contextmanager
def machine(url: str, colour: Colour, ahead: float = 0.0) -> Iterator[Machine]:
    """Run a server on a store, with a clock that can be set."""
    library = next(Path("/").glob(_LIBRARY[1:]), None)
    if library is None:
        raise FileNotFoundError("libfaketime; on Debian: apt-get install libfaketime")
    with tempfile.TemporaryDirectory(prefix="faults-clock-") as folder:
        clock = Path(folder) / "clock"
        env = {
            "FAULTS_STORE": url,
            "FAULTS_LIFETIME": f"{LIFETIME:.0f}",
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            # Or whoever waits for a lock spins.
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
            "COVERAGE_PROCESS_CONFIG": "",
        }
        clock.write_text(f"{ahead:+.3f}\n")
        kind = "uvicorn-httptools" if colour == "asgi" else "waitress"
        with serve(kind, f"tests.faults.serve:{colour}", env=env) as server:
            try:
                yield Machine(server=server, clock=clock, ahead=ahead)
            finally:
                # It leaves these behind where a process ends by a signal.
                for name in (f"faketime_shm_{server.pid}", f"sem.faketime_sem_{server.pid}"):
                    (Path("/dev/shm") / name).unlink(missing_ok=True)


@dataclass(kw_only=True)
class Watched:
    """Tell what came of it on one store.

    ``beyond`` says of each distance between two clocks how long after its limit a session was opened last, and refused
    first; ``alone`` how long after it in one process whose clock was set back by a day. ``broken`` says in a sentence each
    what must not be.
    """

    store: str
    requests: int = 0
    sessions: int = 0
    alone: float = 0.0
    beyond: dict[float, tuple[float, float]] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        beyond = [f"{opened:.0f} s of {behind:.0f} s" for behind, (opened, _) in self.beyond.items()]
        cells = (
            self.store,
            self.sessions,
            self.requests,
            f"{self.alone:.1f} s",
            *(beyond or ["", "", ""]),
            len(self.broken),
        )
        return f"| {' | '.join(map(str, cells))} |"


HEAD: Final = (
    "| store | sessions | requests | longer in one process | longer between clocks a day apart | five minutes apart"
    " | ten seconds apart | opened again, or no answer |\n"
    "| --- | --: | --: | --: | --: | --: | --: | --: |"
)


@dataclass(kw_only=True)
class _Life:
    """Be a session, when it ends by the clock that began it, as of before and after, and whether it was ever refused."""

    name: str
    cookie: str
    ends: tuple[float, float]
    over: bool = False


class _Watch:
    """Sign in, look, and notice what opens again."""

    def __init__(self, machines: Sequence[Machine], seen: Watched) -> None:
        self._visitor = Visitor([machine.server for machine in machines])
        self.machines = machines
        self.seen = seen
        self.lives: list[_Life] = []

    async def sign_in(self, place: int) -> _Life:
        """Sign in at a machine; the session is there at once."""
        machine = self.machines[place]
        self.seen.sessions += 1
        name, before = f"p{self.seen.sessions}", machine.shows()
        answer = await self._ask(place, f"login={name}&see", "")
        ends = before + LIFETIME, machine.shows() + LIFETIME
        life = _Life(name=name, cookie=(answer and answer[0]) or "", ends=ends)
        self.lives.append(life)
        if not await self.opens(place, life):
            self.broken(f"{name} signed in, and was not signed in")
        return life

    async def opens(self, place: int, life: _Life) -> bool:
        """Say whether a session opens at a machine."""
        answer = await self._ask(place, "see", life.cookie)
        user = answer[1] if answer else None
        if user is None:
            life.over = True
        elif user != life.name or life.over:
            self.broken(f"{life.name} is {user} again, {self.machines[place].ahead:.0f} s ahead")
        return user is not None

    def broken(self, what: str) -> None:
        self.seen.broken.append(what)

    def close(self) -> None:
        self._visitor.close()

    async def _ask(self, place: int, query: str, cookie: str) -> tuple[str, str | None] | None:
        self.seen.requests += 1
        answer = None
        for _ in range(_ASKED):
            answer, _ = await self._visitor.ask(place, query, cookie or None)
            if answer is not None and answer.status != 503:
                break
        if answer is None or answer.status != 200:
            log = self.machines[place].server.log()[-500:]
            self.broken(f"?{query} got {answer.status if answer else 'no answer'}: {log}")
            return None
        return answer.cookie or "", answer.view.user


#: Where it is played: in the memory of one server, and on stores that two share.
PLACES: Final = ("memory", "sqlite", "redis-always", "postgresql")


def play_clocks(store: str) -> Watched:
    """Set the clocks of the servers on one store, ``memory`` being a store of one server."""
    with ExitStack() as running:
        if store == "memory":
            machines = [running.enter_context(machine("memory://", "asgi"))]
        else:
            if store == "sqlite":
                url = f"sqlite:{running.enter_context(tempfile.TemporaryDirectory())}/sessions.db"
            else:
                url = running.enter_context(STORES[store]()).url
            machines = [
                running.enter_context(machine(url, "asgi")),
                running.enter_context(machine(url, "wsgi", -BEHIND[0])),
            ]
        return asyncio.run(_play(machines, Watched(store=store)))


async def _play(machines: Sequence[Machine], seen: Watched) -> Watched:
    watch = _Watch(machines, seen)
    try:
        await _alone(watch)
        if len(machines) > 1:
            for behind in BEHIND:
                await _between(watch, behind)
        await _jump(watch)
    finally:
        watch.close()
    return seen


async def _alone(watch: _Watch) -> None:
    """Set a clock back by a day when a session has some seconds to live."""
    first = watch.machines[0]
    life = await watch.sign_in(0)
    first.show(life.ends[0] - _LEFT)
    # The process has known this time at least.
    known, since = first.shows(), time.monotonic()
    if not await watch.opens(0, life) and first.shows() < life.ends[0]:
        watch.broken("a session was over before its time")
    first.show(known - DAY)
    unknown, opened = 0.0, -_LEFT
    async with asyncio.timeout(_LONGEST):
        while (now := time.monotonic()) and await watch.opens(0, life):
            # It goes on from what it knew when it first notices.
            unknown = unknown or time.monotonic() - since
            opened = known + (now - since) - life.ends[1]
            await asyncio.sleep(0.05)
    watch.seen.alone = max(opened, 0.0)
    if opened > unknown:
        watch.broken(f"in a process whose clock was set back a session lived {opened:.1f} s longer")
    first.show(life.ends[1] + DAY)


async def _between(watch: _Watch, behind: float) -> None:
    """Sign in at one machine, and look at the other, whose clock is behind."""
    first, second = watch.machines
    lives = [await watch.sign_in(0) for _ in _SHARES]
    opened, refused = 0.0, math.inf
    for share, life in zip(_SHARES, lives, strict=True):
        first.show(max(life.ends[1] + behind * share, first.shows()))
        second.show(first.shows() - behind)
        # None has been looked at since: the other one is the first to judge it.
        before = first.shows() - life.ends[1]
        opens = await watch.opens(1, life)
        after = first.shows() - life.ends[0]
        if opens:
            opened = max(opened, before)
        else:
            refused = min(refused, after)
        if opens and before > behind + _EXACT:
            watch.broken(f"{behind:.0f} s behind, a session opens {before:.1f} s past its limit")
        if not opens and after < behind - _EXACT:
            watch.broken(f"{behind:.0f} s behind, a session is over {after:.1f} s past its limit")
        # Who is told that it is over, by a clock that is right, tells all others.
        if await watch.opens(0, life) and before > 0:
            watch.broken(f"{before:.1f} s past its limit a session opens where it began")
        await watch.opens(1, life)
    watch.seen.beyond[behind] = opened, refused


async def _jump(watch: _Watch) -> None:
    """Set the clocks forward and back, of one machine after the other; whatever was refused stays refused."""
    for ahead in _JUMPS:
        for place, each in enumerate(watch.machines):
            await watch.sign_in(place)
            each.show(true() + ahead)
            for life in watch.lives[-8:]:
                for other in range(len(watch.machines)):
                    await watch.opens(other, life)
            await watch.sign_in(place)
