"""Histories on a server that many processes share: what a history asks is asked by threads and by an event loop in turn.

So whatever one colour of a store has written the other one reads.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from secmw.errors import StoreError
from secmw.stores import open_store, sealed
from secmw.stores.base import AsyncStore, Store
from tests.making import KEY, OTHER_KEY
from tests.model.driver import Crash
from tests.model.dying import Mortal
from tests.services.shared import KINDS, Found, Kind, Shared, shared

if TYPE_CHECKING:
    from tests.model.search import Opener
    from tests.model.watched import Clocks


#: Seconds: what fails sooner does not fail because a machine is busy. No store waits for less until it gives up.
_SLOW: Final = 0.2
#: Seconds after which a server has stopped what nobody waits for any more.
_GIVEN_UP: Final = 1.0

SEALED: Final = "sealed"
"""The name of a Redis under seal."""

NAMES: Final = (*KINDS, SEALED)

_KEYS: Final = [KEY, OTHER_KEY]

COLOURS: Final = ("threads", "an event loop")


class Slow(BaseException):
    """Say that a server was waited for too long: what becomes of the history nobody can say."""


class InTurns:
    """Be a store whose calls are carried out by a store for threads and by one for event loops in turn.

    ``calls`` counts them, by colour and name; ``slow`` once one of them took too long.
    """

    def __init__(
        self, server: Shared, clocks: Clocks, loop: asyncio.AbstractEventLoop, *, under_seal: bool
    ) -> None:
        self._server = server
        self._clocks = clocks
        self._loop = loop
        self.under_seal = under_seal
        self._below: tuple[Store, AsyncStore] = (
            open_store(server.url, clock=clocks),
            open_store(server.url, asynchronous=True, clock=clocks),
        )
        self._threads, self._loops = self._below
        self._mortal = Mortal(self._below[0])
        self._turn = self.slow = self.died_within = False
        #: Whether sessions are forgotten by the server's own clock.
        self.forgets = server.elapse is not None
        self.calls: Counter[str] = Counter()

    def begin(self) -> None:
        """Begin a history: with nothing, and with the same colour as every one."""
        self._server.empty()
        if self.under_seal:
            # They know the keys of the last history. Each seals by another key, as when keys are replaced.
            threads, loops = self._below
            self._threads = sealed(threads, _KEYS, clock=self._clocks)
            self._loops = sealed(loops, _KEYS[::-1], clock=self._clocks)
        self._turn = False
        self.calls.clear()
        self.died_within = False

    def __getattr__(self, name: str) -> Any:
        """Return a method that asks the store whose turn it is then."""
        return partial(self._ask, name)

    def _ask(self, name: str, *args: Any, **named: Any) -> Any:
        self._turn = not self._turn
        self.calls[f"{name} by {COLOURS[not self._turn]}"] += 1
        began = time.monotonic()
        try:
            if self._turn:
                return getattr(self._threads, name)(*args, **named)
            return self._loop.run_until_complete(getattr(self._loops, name)(*args, **named))
        except StoreError as error:
            if time.monotonic() - began < _SLOW:
                raise AssertionError(f"the store fails by itself: {error}") from error
            self.slow = True
            raise Slow from error

    def die(self, within: int, work: Callable[[], Any]) -> None:
        """Let the process die after so many questions to the server; who is asked is the store for threads."""
        self._turn = False
        self._mortal.left = within
        try:
            work()
        finally:
            self.died_within = self.died_within or self._mortal.left is None
            self._mortal.left = None
        raise Crash

    def look(self, selectors: Iterable[str]) -> Found:
        """Return what the server keeps of some sessions, past the store where that can be read."""
        if self.under_seal:
            return {selector: self._threads.load(selector) for selector in selectors}
        return self._server.rows(self._clocks.now())

    def close(self) -> None:
        """Close the connections of both."""
        threads, loops = self._below
        threads.close()
        self._loop.run_until_complete(loops.close())


@contextmanager
def on_server(name: str) -> Iterator[Opener]:
    """Start a server of one of :data:`NAMES`, and let histories play on it one after the other."""
    kind: Kind = "redis" if name == SEALED else name  # type: ignore[assignment] # it is one of them
    stores: dict[Clocks, InTurns] = {}
    with shared(kind) as server, asyncio.Runner() as runner:

        def opener(clocks: Clocks) -> Store:
            if clocks in stores and stores[clocks].slow:
                stores.pop(clocks).close()
                # Whatever is still under way has been given up by then.
                time.sleep(_GIVEN_UP)
            if clocks not in stores:
                stores[clocks] = InTurns(server, clocks, runner.get_loop(), under_seal=name == SEALED)
            stores[clocks].begin()
            clocks.elapse = server.elapse
            return cast(Store, stores[clocks])

        try:
            yield opener
        finally:
            for store in stores.values():
                store.close()
