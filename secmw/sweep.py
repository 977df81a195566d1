"""Sweeper: removes what is over from a store, now and then, in one process of many, without holding up a request.

A daemon thread does it, started with the first request and again after a fork. Where threads don't run, a response now
and then takes a small batch along. Who sweeps is settled by a lease in the store.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from inspect import iscoroutinefunction
from typing import Any, Final

from secmw.clock import Clock, system
from secmw.errors import StoreError
from secmw.stores.base import AsyncStore, Store

_log = logging.getLogger("secmw")

#: What is removed in one go: a few milliseconds of any store.
BATCH: Final = 500

#: Seconds between two batches: requests come first.
_PAUSE: Final = 0.05

#: Seconds until the first look, for a process that does not live as long as the time between two sweeps.
_SOON: Final = 5.0

#: Seconds between two rounds of chores, and until a sweep that failed goes on.
_CHORES: Final = 60.0


class Sweeper:
    """Sweep a store every so many seconds, if no other process does.

    An asynchronous store is swept through its ``blocking`` one; one without is left to itself. ``chores`` are called about
    once a minute in the same thread, whoever sweeps.
    """

    def __init__(
        self,
        store: Store | AsyncStore,
        every: float,
        *,
        chores: Sequence[Callable[[], object]] = (),
        clock: Clock = system,
    ) -> None:
        self._store = _blocking(store)
        self._every = every
        self._chores = chores
        self._clock = clock
        self._due = time.monotonic() + min(every, _SOON)
        self._starting = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._settled = False
        _sweepers.add(self)

    def ensure_started(self) -> None:
        """Start the thread, if there is none in this process; costs next to nothing where there is."""
        if not self._settled:
            with self._starting:
                if not self._settled:
                    self._start()
                    self._settled = True

    @property
    def threadless(self) -> bool:
        """Whether threads turned out not to run here, so that somebody has to call :meth:`after_response`."""
        return self._settled and self._thread is None

    def after_response(self) -> None:
        """Where threads don't run: remove one small batch, if it is time to."""
        if self.threadless and time.monotonic() >= self._due:
            for chore in self._chores:
                _safely(chore)
            _safely(lambda: self._sweep(once=True))

    def sweep(self) -> int:
        """Sweep now, in batches with pauses, unless another holds the lease; return how many things were removed."""
        return self._sweep(once=False)

    def close(self) -> None:
        """End the thread, soon; :meth:`ensure_started` starts another."""
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=1.0)
        self._begin_anew()

    def _start(self) -> None:
        if self._store is None and not self._chores:
            return
        if _threads_sleep():
            return
        thread = threading.Thread(
            target=_run, args=(weakref.ref(self), self._stop), name="secmw-sweep", daemon=True
        )
        # Whoever forgets to close us takes the thread along.
        weakref.finalize(self, self._stop.set)
        try:
            thread.start()
        except RuntimeError:
            _log.info("no thread can be started: sessions that are over are removed after responses")
            return
        self._thread = thread

    def _wait(self) -> float:
        """Return the seconds until there is something to do."""
        wait = self._due - time.monotonic()
        return max(0.0, min(wait, _CHORES) if self._chores else wait)

    def _work(self) -> None:
        for chore in self._chores:
            _safely(chore)
        if time.monotonic() >= self._due:
            _safely(lambda: self._sweep(once=False))

    def _sweep(self, *, once: bool) -> int:
        store, removed, more = self._store, 0, True
        # A store that was too busy is no reason to leave the rest for an hour.
        self._due = time.monotonic() + min(self._every, _CHORES)
        # Longer than until our next turn, so that it stays with us while we live.
        while store is not None and more and store.lease("sweep", self._every * 1.5):
            count = store.sweep(self._clock.now(), BATCH)
            removed += count
            more = count >= BATCH or unfinished(store)
            if once:
                break
            if more and self._stop.wait(_PAUSE):
                break
        self._due = time.monotonic() + (min(self._every, 1.0) if once and more else self._every)
        return removed

    def _begin_anew(self) -> None:
        self._starting = threading.Lock()
        self._stop = threading.Event()
        self._thread = None
        self._settled = False


def _run(reference: weakref.ref[Sweeper], stop: threading.Event) -> None:
    wait = 0.0
    while not stop.wait(wait):
        sweeper = reference()
        if sweeper is None:
            return
        sweeper._work()
        wait = sweeper._wait()
        # Nothing here may keep it alive while we wait.
        del sweeper


def _safely(work: Callable[[], object]) -> None:
    try:
        work()
    except StoreError as error:
        _log.warning("what is over could not be removed; it is tried again later: %s", error)
    except Exception:  # noqa: BLE001 - the thread must go on, whatever a store or a chore does
        _log.exception("what is done now and then failed; it is tried again later")


def unfinished(store: object) -> bool:
    """Say whether a store stopped its sweep before its end (:meth:`secmw.stores.base.Store.sweep`)."""
    return bool(getattr(store, "unfinished", False))


def _blocking(store: Store | AsyncStore) -> Store | None:
    """Return the store that a thread can use."""
    found: Any = getattr(store, "blocking", store)
    return None if iscoroutinefunction(getattr(found, "sweep", None)) else found


def _threads_sleep() -> bool:
    """Say whether this is uWSGI without threads, where they start and never run."""
    uwsgi = sys.modules.get("uwsgi")
    options = getattr(uwsgi, "opt", {})
    return uwsgi is not None and not any(options.get(name) for name in ("enable-threads", "threads"))


_sweepers: Final[weakref.WeakSet[Sweeper]] = weakref.WeakSet()


def _after_fork() -> None:
    for sweeper in list(_sweepers):
        sweeper._begin_anew()


os.register_at_fork(after_in_child=_after_fork)
