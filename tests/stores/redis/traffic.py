"""People who sign in, change something, look, and sign out again, all the time, while something happens to a Redis.

Every session says whose it is, so that an answer which went to somebody else is seen. An end counts when it was
acknowledged; what was answered with StoreError may be either.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

import msgspec

from secmw.errors import StoreError
from secmw.sessions import codec
from secmw.sessions.record import Over, Record
from secmw.sessions.writes import Create, End, Lost, Update, Why, Written
from secmw.stores.redis.store import RedisStore
from secmw.testing import FrozenClock
from tests.stores.redis.stepping import NOW, record

if TYPE_CHECKING:
    from typing import Self

PATIENCE = 30.0


class Awaited:
    """Ask an asynchronous store from any thread, on one event loop."""

    def __init__(self, made: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._made = made
        self._loop = loop

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def ask(*args: Any, **more: Any) -> Any:
            return asyncio.run_coroutine_threadsafe(
                getattr(self._made, name)(*args, **more), self._loop
            ).result(PATIENCE)

        return ask


@contextmanager
def asking(kind: Any, url: str) -> Iterator[Any]:
    """Open a store of either colour, to be asked from threads."""
    store = kind(url, clock=FrozenClock(NOW))
    if kind is RedisStore:
        with closing(store):
            yield store
        return
    loop = asyncio.new_event_loop()
    running = threading.Thread(target=loop.run_forever)
    running.start()
    try:
        with closing(Awaited(store, loop)) as awaited:
            yield awaited
    finally:
        loop.call_soon_threadsafe(loop.stop)
        running.join()
        loop.close()


class Traffic:
    """Be some people, each in a thread of their own; what they saw is looked at when they have stopped."""

    def __init__(self, store: Any, people: int = 6) -> None:
        self.store = store
        self.answered = [0] * people
        self.failed: list[float] = []
        self.said: set[str] = set()
        self.ended: set[str] = set()
        self.living: dict[str, tuple[int, int]] = {}
        self._numbers = count(1)
        self._stopped = threading.Event()
        self._errors: list[BaseException] = []
        self._threads = [threading.Thread(target=self._run, args=(person,)) for person in range(people)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        self.go_on()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        if self._errors:
            raise self._errors[0]

    def go_on(self, times: int = 12) -> float:
        """Wait until everybody was answered so often again; return how long that took."""
        start, until = time.monotonic(), [many + times for many in self.answered]
        while any(many < due for many, due in zip(self.answered, until, strict=True)):
            assert time.monotonic() - start < PATIENCE, f"nobody answers any more: {self.said}"
            assert not self._errors, self._errors[0]
            time.sleep(0.01)
        return time.monotonic() - start

    def _run(self, person: int) -> None:
        try:
            while not self._stopped.is_set():
                self._visit(person)
        except BaseException as error:  # noqa: BLE001 - raised again where the test sees it
            self._errors.append(error)

    def _visit(self, person: int) -> None:
        """Sign in, change something three times, and sign out; at the first failure begin anew."""
        data = codec.join({"whose": codec.encode("whose", person)})
        mine = msgspec.structs.replace(record(next(self._numbers), f"user {person}"), data=data)
        name = mine.selector
        create = Create(record=mine, user_id=f"user {person}", checked_at=NOW)
        if self._asked(person, lambda: self.store.write(create)) is None:
            return
        for number in range(3):
            change = Update(selector=name, at=NOW, changes={"times": codec.encode("times", number)})
            if self._asked(person, lambda: self.store.write(change)) is None:  # noqa: B023 - used at once
                return
            self.living[name] = (person, number)
            found = self._asked(person, lambda: self.store.load(name))
            if isinstance(found, Record):
                assert codec.decode(found.data)["whose"] == person
        del self.living[name]
        outcome = None
        while outcome is None and not self._stopped.is_set():
            # Whoever is told that it can't be done presses the button again.
            outcome = self._asked(
                person, lambda: self.store.write(End(selector=name, at=NOW, reason=Over.LOGGED_OUT))
            )
        if isinstance(outcome, Written) or outcome == Lost(Why.ENDED):
            self.ended.add(name)

    def _asked(self, person: int, asked: Callable[[], Any]) -> Any:
        """Return an answer, None where there is none, or where what was asked about is not there any more."""
        start = time.monotonic()
        try:
            outcome = asked()
        except StoreError as error:
            self.failed.append(time.monotonic() - start)
            self.said.add(str(error))
            self._stopped.wait(0.02)
            return None
        self.answered[person] += 1
        return outcome
