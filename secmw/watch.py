"""Watch: looks after what outlives its request under ASGI, sockets and responses that stream on. No rule lives here.

Each *session* is looked at once in a while, however many sockets and streams it has, by a timer of its own; those that
are due together share one task, which is gone when they are done. What is watched is held weakly: whatever way it ends,
nothing is left of it. The rules are in :mod:`secmw.sessions.watching`.
"""

from __future__ import annotations

import logging
import sys
from collections import deque
from copy import copy
from typing import TYPE_CHECKING, Any, Final, Protocol
from weakref import WeakSet

from secmw.audit.action import Action
from secmw.errors import SessionError, StoreError
from secmw.outliving import Stream
from secmw.sessions import watching
from secmw.sessions.demand import Asking
from secmw.sessions.record import NOBODY, Ended, Over, Record
from secmw.sessions.settlement import AWAY
from secmw.sessions.writes import Touch, Written

if TYPE_CHECKING:
    from secmw.exchange import Exchange
    from secmw.guard import AsyncGuard
    from secmw.sessions.rules import Rules
    from secmw.sessions.watching import Began

_log = logging.getLogger("secmw")

#: Sessions that are looked at side by side.
_BATCH: Final = 32

#: Seconds that a look may take, whatever a store or a hook does.
_PATIENCE: Final = 10.0


class Outliving(Protocol):
    """Be something that goes on after the head of its response has left.

    ``began``: the session as it was, once it is watched.
    """

    began: Began | None

    @property
    def kind(self) -> str:
        """What it is, for people."""
        ...

    @property
    def exchange(self) -> Exchange | None:
        """Its exchange; None once that is gone."""
        ...

    def end(self, reason: str) -> bool:
        """Take note that it has to end; return whether it does so now."""
        ...

    def __hash__(self) -> int: ...


class Rest:
    """Be the rest of a request that was read long ago."""

    accept = ""
    agent = ""
    query = b""
    asking = Asking(method="GET", target="/")

    async def peek(self, limit: int) -> tuple[bytes, bool]:  # noqa: ARG002 - there is nothing of any length
        """Return nothing, which is all."""
        return b"", True


_REST: Final = Rest()


class _Held:
    """Be one session, and all that belongs to it on one event loop."""

    __slots__ = ("active", "failures", "looking", "loop", "record", "rules", "things", "timer")

    def __init__(self, loop: Any, rules: Rules, record: Record) -> None:
        self.loop = loop
        self.rules = rules
        self.record = record
        self.things: WeakSet[Outliving] = WeakSet()
        self.failures = 0
        self.active = 0.0
        self.looking = False
        self.timer: Any = None


class Watch:
    """Look after all that outlives its request in one process, on whatever event loop it is."""

    def __init__(self, guard: AsyncGuard) -> None:
        self._guard = guard
        self._held: dict[tuple[Any, str], _Held] = {}
        self._due: dict[Any, deque[_Held]] = {}
        self._tasks: dict[Any, Any] = {}
        self._young: dict[Any, set[Stream]] = {}

    def begin(self, thing: Outliving, *, soon: bool = False) -> bool:
        """Look after something from now on, at once if ``soon``; False where it has no session, or the loop is not asyncio's."""
        loop = _loop()
        exchange = thing.exchange
        session = None if exchange is None else exchange.mine
        record = None if session is None else session.record
        if loop is None or session is None or record is None:
            return False
        thing.began = watching.began(record, session.proof)
        session.live = self._guard.clock.now
        held = self._held.get((loop, record.selector))
        if held is None:
            held = self._held[loop, record.selector] = _Held(loop, session.rules, record)
        held.things.add(thing)
        if soon and held.timer is not None:
            held.timer.cancel()
            held.timer = None
        self._wait(held, soon=soon)
        return True

    def stream(self, exchange: Exchange) -> Stream:
        """Look after a response whose body goes on, once it has gone on for a while."""
        stream = Stream(self, exchange)
        rules = exchange.plan.sessions
        if rules is None or (exchange.held is None and exchange.kept is None):
            return stream
        loop = _loop()
        if loop is not None:
            young = self._young.get(loop)
            if young is None:
                young = self._young[loop] = set()
                loop.call_later(rules.recheck / 2, self._grow, loop, rules.recheck / 2, set())
            young.add(stream)
            stream.among = young
        return stream

    def _grow(self, loop: Any, pause: float, old: set[Stream]) -> None:
        """Look after the responses that have been there for a whole pause; most are gone before, and cost nothing more."""
        for stream in tuple(old):
            stream.begin()
        young = self._young.pop(loop)
        if young:
            self._young[loop] = set()
            loop.call_later(pause, self._grow, loop, pause, young)

    def leave(self, thing: Outliving) -> None:
        """Forget something that has ended."""
        if thing.began is not None:
            held = self._held.get((_loop(), thing.began.selector))
            if held is not None:
                held.things.discard(thing)
                if not held.things and not held.looking:
                    self._forget(held)

    def used(self, thing: Outliving) -> None:
        """Take note that the session of something is in use."""
        held = None if thing.began is None else self._held.get((_loop(), thing.began.selector))
        if held is not None:
            held.active = self._guard.clock.now()

    async def save(self, exchange: Exchange) -> None:
        """Write what was asked of a session so far; raise SessionError where it can't be, StoreError while the store is away.

        After a StoreError it is still asked for, and the next time may go well.
        """
        if not exchange.pending:
            return
        held = exchange.held
        before = None if held is None else held.record
        part = exchange.apart()
        asked = copy(part.held)
        try:
            await self._guard.settle(part, 200, _REST)
        except SessionError:
            # What was to be ended is ended even so.
            await self._guard.settle(part, 500, _REST)
            raise
        if held is not None and asked is not None and part.refusal is AWAY:
            held.undone(asked)
            raise StoreError("the session store is away; what was asked of the session is tried again")
        if held is not None and part.held is not None:
            held.caught_up(part.held, before)
        if part.refusal is not None:
            raise SessionError(part.refusal.detail)

    async def tell(self, thing: Outliving, reason: str) -> None:
        """Log that something ended before its time, and have the trail record it, if there are not too many."""
        exchange = thing.exchange
        if exchange is None:
            return
        _log.info("closed a %s of %s: %s", thing.kind, ascii(exchange.path), reason)
        recorder = self._guard.recorder
        if recorder is not None:
            words = f"a {thing.kind} ended before its time"
            await recorder.note(
                exchange._event(str(Action.SESSION_CONNECTION_CLOSED), words, reason=str(reason))
            )

    # --- when

    def _wait(self, held: _Held, *, soon: bool = False) -> None:
        """Set the timer of a session to when there may be something to see."""
        if held.timer is None and not held.looking:
            pause = watching.wait(held.record, self._guard.clock.now(), 0.0 if soon else held.rules.recheck)
            held.timer = held.loop.call_later(pause, self._ring, held)

    def _ring(self, held: _Held) -> None:
        """Have a session looked at."""
        held.timer, held.looking = None, True
        self._due.setdefault(held.loop, deque()).append(held)
        if held.loop not in self._tasks:
            self._tasks[held.loop] = held.loop.create_task(self._look_after(held.loop))

    def _forget(self, held: _Held) -> None:
        if held.timer is not None:
            held.timer.cancel()
            held.timer = None
        if self._held.get((held.loop, held.record.selector)) is held:
            del self._held[held.loop, held.record.selector]

    # --- the look

    async def _look_after(self, loop: Any) -> None:
        """Look at all sessions that are due, a few at a time."""
        import asyncio

        due = self._due[loop]
        try:
            while due:
                batch = [due.popleft() for _ in range(min(_BATCH, len(due)))]
                await asyncio.gather(*(self._look(held) for held in batch))
        finally:
            del self._tasks[loop], self._due[loop]

    async def _look(self, held: _Held) -> None:
        """Look at one session, end what has to end, and wait again."""
        try:
            if held.things:
                await self._judge(held)
        except Exception:  # noqa: BLE001 - nobody may stay in because a look failed in a way that nobody thought of
            _log.exception("a session could not be looked at; it is tried again")
        finally:
            held.looking = False
            if held.things:
                self._wait(held)
            else:
                self._forget(held)

    async def _judge(self, held: _Held) -> None:
        import asyncio

        for thing in list(held.things):
            exchange = thing.exchange
            if exchange is not None and exchange.pending:
                await self._keep(exchange)
        found: Record | Ended | None = None
        try:
            async with asyncio.timeout(_PATIENCE):
                found = await self._ask(held)
            held.failures = 0
        except Exception as error:  # noqa: BLE001 - a store that is away, or a hook that fails
            held.failures += 1
            _log.warning("a session could not be looked at, %d times running: %s", held.failures, error)
        now = self._guard.clock.now()
        if isinstance(found, Record):
            held.record = found
        for thing in list(held.things):
            since = thing.began
            if since is None:
                continue
            if held.failures:
                reason = watching.unheard(since, held.failures, now)
            else:
                reason = watching.over(since, found, now)
            if reason is not None:
                held.things.discard(thing)
                if thing.end(reason):
                    await self.tell(thing, reason)
            elif isinstance(found, Record) and watching.superseded(since, found):
                exchange = thing.exchange
                if exchange is not None and exchange.held is not None:
                    exchange.held.superseded = True

    async def _ask(self, held: _Held) -> Record | Ended | None:
        """Ask the store what has become of a session, and the host whether its user may still be signed in with it."""
        store, now, selector = self._guard.store, self._guard.clock.now(), held.record.selector
        if store is None:
            return None
        found: Record | Ended | None = None
        if watching.touch(held.record, held.active, now, held.rules.touch_every):
            outcome = await store.write(Touch(selector=selector, at=held.active))
            found = outcome.record if isinstance(outcome, Written) else None
        if found is None:
            found = await store.load(selector)
        identity = found.identity if isinstance(found, Record) else NOBODY
        caller = self._guard.caller
        if caller.versioned and identity.user_id is not None:
            version = await caller.version(identity.user_id, identity.credentials)
            if version is None or version != identity.credentials:
                return Ended(Over.CREDENTIALS_CHANGED)
        return found

    async def _keep(self, exchange: Exchange) -> None:
        """Write what the application has changed meanwhile."""
        try:
            await self.save(exchange)
        except StoreError:
            pass  # the look that follows finds out
        except SessionError as error:
            _log.error("what the application put into the session is lost: %s", error)


def _loop() -> Any:
    """Return the event loop; None where it is not asyncio's."""
    # Whoever runs one has loaded it.
    asyncio: Any = sys.modules.get("asyncio")
    try:
        return asyncio.get_running_loop()
    except (RuntimeError, AttributeError):
        return None
