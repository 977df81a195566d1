"""How the contract asks a store: one way for both colours, from as many threads as it likes. Loads no test framework."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from inspect import iscoroutinefunction
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from secmw.errors import StoreError
from secmw.sessions import codec
from secmw.sessions.identifier import digest
from secmw.sessions.record import FOREVER, Ended, Identity, Over, Record, written
from secmw.sessions.writes import Create, End, Lost, Why, Written
from secmw.stores.base import AsyncStore, Store
from secmw.testing.frozen_clock import FrozenClock

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

_Answer = TypeVar("_Answer")

#: Seconds after which an answer does not come any more.
_PATIENCE: Final = 30.0

_numbers: Final = count()


class Asking:
    """Make stores, ask them, and clean up; what a test sees is always a :class:`~secmw.stores.base.Store`.

    Each test has a clock of its own, :attr:`clock`, which stands still until it is moved.
    """

    def make_store(self, clock: FrozenClock) -> Store | AsyncStore:
        """Return a new store that is empty and takes its time from ``clock``."""
        raise NotImplementedError

    def make_another(self, store: Any, clock: FrozenClock) -> Store | AsyncStore | None:
        """Return a second store object on what ``store`` keeps, as another process would have; None if nobody could."""
        raise NotImplementedError

    def plant(self, store: Any, selector: str, raw: bytes) -> bool:
        """Put bytes in the place of what ``store`` keeps of a session, past all its rules: a fault of a disk, say.

        Return True; False for a store that keeps its bytes where nothing else can have written.
        """
        raise NotImplementedError

    def setup_method(self) -> None:
        """Begin a test; pytest calls this."""
        self.clock = FrozenClock()
        self._made: list[tuple[Any, Store]] = []
        self._loop: AbstractEventLoop | None = None

    def teardown_method(self) -> None:
        """End a test; pytest calls this."""
        while self._made:
            self._made.pop()[1].close()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_PATIENCE)
            self._loop.close()
            self._loop = None

    def store(self) -> Store:
        """Return a new store."""
        return self._as_store(self.make_store(self.clock))

    def another(self, store: Store) -> Store | None:
        """Return a second store object on what a store keeps."""
        other = self.make_another(self.made(store), self.clock)
        return None if other is None else self._as_store(other)

    def made(self, store: Store) -> Any:
        """Return the object that :meth:`make_store` made."""
        return next(made for made, asked in self._made if asked is store)

    def planted(self, store: Store, selector: str, raw: bytes) -> bool:
        """Put bytes in the place of what is kept of a session; say whether that can be."""
        return self.plant(self.made(store), selector, raw)

    def _as_store(self, made: Store | AsyncStore) -> Store:
        asked = _Awaited(made, self._running()) if iscoroutinefunction(made.load) else made
        self._made.append((made, cast("Store", asked)))
        return cast("Store", asked)

    def _running(self) -> AbstractEventLoop:
        if self._loop is None:
            import asyncio

            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
            self._thread.start()
        return self._loop

    # --- what tests begin with

    def record(
        self,
        user_id: str | None = None,
        *,
        authenticated: float | None = None,
        lifetime: float = 86_400,
        inactivity: int = 3_600,
        **values: Any,
    ) -> Record:
        """Return a record that no store has seen; it was made now, and signed in now where there is a ``user_id``."""
        now = self.clock.now()
        number = next(_numbers)
        who = Identity()
        if user_id is not None:
            who = Identity(user_id, "Jane Doe", now if authenticated is None else authenticated)
        return Record(
            selector=f"{number:022}",
            revision=0,
            created=now,
            seen=now,
            expires=now + lifetime,
            idle_until=now + inactivity if inactivity else FOREVER,
            inactivity=inactivity,
            verifier=digest(f"secret {number}"),
            data=codec.join({name: codec.encode(name, value) for name, value in values.items()}),
            owner=written(who),
        )

    def created(self, store: Store, user_id: str | None = None, **more: Any) -> Record:
        """Put a record into a store."""
        record = self.record(user_id, **more)
        outcome = store.write(Create(record=record, user_id=user_id, checked_at=self.clock.now()))
        same(outcome, Written(record), "the outcome of a Create")
        return record

    def ended(self, store: Store, selector: str, reason: Over = Over.LOGGED_OUT) -> None:
        """End a session."""
        outcome = store.write(End(selector=selector, at=self.clock.now(), reason=reason))
        check(isinstance(outcome, Written), f"a living session was not ended: {outcome}")

    def lives(self, store: Store, selector: str) -> bool:
        """Say whether a store takes a session for one that lives."""
        found = store.load(selector)
        return isinstance(found, Record) and found.over(self.clock.now()) is None


class _Awaited:
    """Ask an asynchronous store from any thread, on one event loop."""

    def __init__(self, made: Any, loop: AbstractEventLoop) -> None:
        self._made = made
        self._running = loop

    def __getattr__(self, name: str) -> Callable[..., Any]:
        from asyncio import run_coroutine_threadsafe

        method = getattr(self._made, name)

        def ask(*args: Any, **kwargs: Any) -> Any:
            return run_coroutine_threadsafe(method(*args, **kwargs), self._running).result(_PATIENCE)

        return ask


def together(calls: Sequence[Callable[[], _Answer]]) -> list[_Answer]:
    """Make each call in a thread of its own, all at the same moment, and return the answers; raise what one raised."""
    answers: list[Any] = [None] * len(calls)
    errors: list[BaseException] = []
    barrier = threading.Barrier(len(calls))

    def run(place: int) -> None:
        try:
            barrier.wait(_PATIENCE)
            answers[place] = calls[place]()
        except BaseException as error:  # noqa: BLE001 - raised again where the test sees it
            errors.append(error)

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in errors:
        raise error
    return answers


def insistent(call: Callable[[], _Answer]) -> _Answer:
    """Make a call, and again while the store is too busy: on a slow machine it may say so to one of many at once."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            return call()
        except StoreError:
            if time.monotonic() > until:
                raise


def values(found: Record | Ended | None) -> dict[str, Any]:
    """Return the data of a record."""
    if not isinstance(found, Record):
        raise AssertionError(f"this session lives, but the store says {found!r}")
    return codec.decode(found.data)


def same(found: object, expected: object, what: str) -> None:
    """Fail where two things differ."""
    if found != expected:
        raise AssertionError(f"{what}: found {found!r}, expected {expected!r}")


def check(truth: bool, sentence: str) -> None:
    """Fail where something does not hold."""
    if not truth:
        raise AssertionError(sentence)


def lost(outcome: Written | Lost, reason: Why, what: str) -> None:
    """Fail where a write was not lost for this reason."""
    same(outcome, Lost(reason), what)
