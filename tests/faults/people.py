"""The clients' side: people who use their sessions, write down what was acknowledged, and look at it again afterwards.

An answer of 200 is a promise: who signed in is signed in, what was put is there, who signed out stays signed out. After
any other answer nobody can say whether it was done; but a session that was refused once stays refused. Each answer names
whose session it is, and every person looks at that.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.races.app import OWNER, WORKER_HEADER
from tests.races.site import COOKIE, Answer, Broken, Connection, selector_of

if TYPE_CHECKING:
    from tests.servers import Server

#: What is counted where there was no answer: the connection was cut.
CUT: Final = 0

#: Seconds without an answer after which a person gives up; none should ever take so long.
_PATIENCE: Final = 20.0

#: Seconds between two requests of one person.
_PAUSE: Final = 0.01

#: Seconds in which what is waited for must come; generous: the machine may be busy.
_LONGEST: Final = 60.0

#: How many of the sessions that a person has left behind are looked at again meanwhile.
_REMEMBERED: Final = 8


@dataclass(kw_only=True)
class Tally:
    """Count what all clients saw.

    ``refused`` is the slowest answer of 503, in seconds; ``refusal`` is when the last thing came that was none of 200, by the
    monotonic clock; ``worker`` is the process that answered last; ``lost``, ``revived`` and
    ``crossed`` say in a sentence each what must not be.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    refused: float = 0.0
    refusal: float = 0.0
    worker: int = 0
    acknowledged: int = 0
    strangers: Counter[int] = field(default_factory=Counter)
    stranger: float = 0.0
    lost: list[str] = field(default_factory=list)
    revived: list[str] = field(default_factory=list)
    crossed: list[str] = field(default_factory=list)

    def saw(self, status: int, seconds: float) -> None:
        """Count one answer to who has a session."""
        self.statuses[status] += 1
        if status != 200:
            self.refusal = time.monotonic()
        if status == 503:
            self.refused = max(self.refused, seconds)


@dataclass(kw_only=True)
class _Session:
    """Be what a person knows of one session. ``certain``: whether it lives, or is over; None after an answer that may be either."""

    cookie: str
    certain: bool | None = True
    names: set[str] = field(default_factory=set)


class Visitor:
    """Ask the servers of a site, on a connection of one's own to each, opened again after each that was cut."""

    def __init__(self, servers: Sequence[Server]) -> None:
        self._servers = servers
        self._connections: dict[int, Connection] = {}

    async def ask(self, place: int, query: str, cookie: str | None = None) -> tuple[Answer | None, float]:
        """Return an answer and the seconds it took, None where the connection was cut."""
        headers = {"Cookie": f"{COOKIE}={cookie}"} if cookie else {}
        began = time.monotonic()
        answer = None
        try:
            async with asyncio.timeout(_PATIENCE):
                answer = await (await self._connection(place)).get(query, headers)
        except (OSError, EOFError, TimeoutError):
            pass
        return answer, time.monotonic() - began

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()

    async def _connection(self, place: int) -> Connection:
        found = self._connections.get(place)
        if found is None or not found.usable:
            if found is not None:
                found.close()
            server = self._servers[place]
            found = self._connections[place] = Connection(
                server, *await asyncio.open_connection(server.host, server.port)
            )
        return found


class Stranger:
    """Ask for pages without a session: needs no store, and is to notice nothing."""

    def __init__(self, servers: Sequence[Server], tally: Tally) -> None:
        self._servers = servers
        self._tally = tally

    async def live(self, over: Callable[[], bool]) -> None:
        """Ask until all is over."""
        visitor, turn = Visitor(self._servers), 0
        while not over():
            answer, seconds = await visitor.ask(turn % len(self._servers), "")
            self._tally.strangers[CUT if answer is None else answer.status] += 1
            self._tally.stranger = max(self._tally.stranger, seconds)
            turn += 1
            await asyncio.sleep(5 * _PAUSE)
        visitor.close()


class Person:
    """Sign in, change things, sign out, and come back, now on this server and now on that; hold them to their word."""

    def __init__(self, name: str, servers: Sequence[Server], tally: Tally) -> None:
        self.name = name
        self.answered = 0
        self._tally = tally
        self._visitor = Visitor(servers)
        self._servers = len(servers)
        self._sessions: list[_Session] = []
        self._chance = random.Random(name)  # noqa: S311 - no secret

    async def live(self, over: Callable[[], bool]) -> None:
        """Use one session after another until all is over."""
        while not over():
            session = await self._sign_in()
            for turn in range(self._chance.randrange(2, 7)):
                if over() or session is None or session.certain is False:
                    break
                await self._put(session, f"n{turn}")
            if session is not None and self._chance.random() < 0.5:
                await self._sign_out(session)
            if self._sessions:
                await self._look(self._chance.choice(self._sessions[-_REMEMBERED:]))

    async def judge(self) -> None:
        """Look at all that was acknowledged, once everything works again."""
        for session in self._sessions:
            for _ in range(200):
                if await self._look(session):
                    break
                await asyncio.sleep(0.05)
            else:
                self._lose("the store does not come back")
        self._visitor.close()

    async def _ask(self, query: str, session: _Session | None = None) -> Answer | None:
        """Return an answer of 200, None for any other; whatever it says must be about this person."""
        await asyncio.sleep(_PAUSE)
        cookie = session.cookie if session else None
        place = self._chance.randrange(self._servers)
        answer, seconds = await self._visitor.ask(place, query, cookie)
        status = CUT if answer is None else answer.status
        self._tally.saw(status, seconds)
        if answer is None or answer.status != 200:
            if answer is not None and answer.status != 503:
                self._lose(f"?{query} was answered {answer.status}: {answer.body[:200]!r}")
            return None
        self.answered += 1
        self._tally.worker = int(answer.header(WORKER_HEADER) or 0)
        if "see" in query and not answer.views:
            self._tally.crossed.append(f"{self.name} asked ?{query} and got {answer.body!r}")
            return None
        for view in answer.views:
            texts = {value for value in view.data.values() if isinstance(value, str)}
            others = (texts | {view.user, view.data.get(OWNER)}) - {self.name, None}
            if others:
                self._tally.crossed.append(
                    f"{self.name} asked ?{query} and got what is {sorted(map(str, others))}'s"
                )
            if session and view.selector not in (selector_of(session.cookie), None):
                self._tally.crossed.append(f"{self.name} asked ?{query} and got another session")
        return answer

    async def _sign_in(self) -> _Session | None:
        answer = await self._ask(f"login={self.name}&see")
        if answer is None:
            return None
        if not answer.cookie or answer.view.user != self.name:
            self._lose("a sign-in gave nothing")
            return None
        self._tally.acknowledged += 1
        session = _Session(cookie=answer.cookie)
        self._sessions.append(session)
        return session

    async def _put(self, session: _Session, name: str) -> None:
        answer = await self._ask(f"see&put={name}", session)
        if answer is None:
            return
        self._judge(session, answer)
        if answer.views[0].user == self.name:
            self._tally.acknowledged += 1
            session.names.add(name)

    async def _sign_out(self, session: _Session) -> None:
        if await self._ask("logout", session) is None:
            session.certain = session.certain and None
        else:
            self._tally.acknowledged += 1
            session.certain = False

    async def _look(self, session: _Session) -> bool:
        """Look whether a session is as it must be; return whether there was an answer."""
        answer = await self._ask("see", session)
        if answer is not None:
            self._judge(session, answer)
        return answer is not None

    def _judge(self, session: _Session, answer: Answer) -> None:
        view = answer.views[0]
        if view.user is None:
            if session.certain:
                self._lose(f"a session that nobody has ended is over: {view.over}")
            session.certain = False
            return
        if session.certain is False:
            self._tally.revived.append(f"{self.name}: a session that was over opened again")
        missing = session.names - set(view.data)
        if missing:
            self._lose(f"{sorted(missing)} was acknowledged and is not there")
            session.names -= missing

    def _lose(self, what: str) -> None:
        self._tally.lost.append(f"{self.name}: {what}")


class Crowd:
    """Be the people who use a site at the same time, and one stranger."""

    def __init__(self, servers: Sequence[Server], tally: Tally, run: str, size: int = 6) -> None:
        self.tally = tally
        self._people = [Person(f"{run}-{number}", servers, tally) for number in range(size)]
        self._stranger = Stranger(servers, tally)
        self._over = False
        self._lives: list[asyncio.Task[None]] = []

    async def begin(self) -> None:
        """Let everyone come; return when each has been answered some times."""
        everyone: list[Person | Stranger] = [*self._people, self._stranger]
        self._lives = [asyncio.create_task(each.live(lambda: self._over)) for each in everyone]
        await self.answered(5)

    async def answered(self, times: int) -> None:
        """Wait until each person has been answered so many times from now on, not counting refusals."""
        before = [person.answered for person in self._people]
        await self._until(
            lambda: all(
                person.answered >= was + times for person, was in zip(self._people, before, strict=True)
            )
        )

    async def refused(self, times: int) -> None:
        """Wait until so many requests were not answered as they should from now on."""
        counts = self.tally.statuses
        before = counts.total() - counts[200]
        await self._until(lambda: counts.total() - counts[200] - before >= times)

    async def end(self) -> None:
        """Let everyone finish what they began, and judge what they were promised."""
        self._over = True
        await asyncio.gather(*self._lives)
        await asyncio.gather(*(person.judge() for person in self._people))

    async def leave(self) -> None:
        """End at once, whatever was promised."""
        self._over = True
        await asyncio.gather(*self._lives, return_exceptions=True)

    async def _until(self, true: Callable[[], bool]) -> None:
        until = time.monotonic() + _LONGEST
        while not true():
            for life in self._lives:
                if life.done():
                    life.result()
            if time.monotonic() > until:
                raise Broken(f"nothing comes of it: {self.tally}")
            await asyncio.sleep(0.01)
