"""The sweeper: one of many processes, in the background, and never in anybody's way."""

from __future__ import annotations

import gc
import logging
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import secmw.wsgi
from secmw import Policy
from secmw import sweep as module
from secmw.errors import StoreError
from secmw.keys import new_key
from secmw.sessions.record import Record
from secmw.sessions.writes import Create
from secmw.stores import AsyncMemoryStore, MemoryStore, SQLiteStore, Store
from secmw.sweep import BATCH, Sweeper
from secmw.testing import Client, FrozenClock
from tests.forks import forked


def fill(store: Store, count: int, clock: FrozenClock) -> None:
    """Put sessions into a store that are over in a minute."""
    now = clock.now()
    for number in range(count):
        record = Record(f"{number:022}", 0, now, now, now + 60, now + 60, 60, bytes(32), b"\x80")
        store.write(Create(record=record))


def left(store: MemoryStore) -> int:
    return len(store._sessions)


def until(condition: Any) -> None:
    deadline = time.monotonic() + 40
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


OTHERS: set[threading.Thread] = set()


def sweepers() -> list[threading.Thread]:
    return [
        thread for thread in threading.enumerate() if thread.name == "secmw-sweep" and thread not in OTHERS
    ]


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Any:
    # Applications of other tests may still be there, and their threads with them.
    OTHERS.clear()
    OTHERS.update(sweepers())
    yield
    gc.collect()
    until(lambda: not sweepers())


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SOON", 0.02)
    monkeypatch.setattr(module, "_PAUSE", 0.001)


# --- the thread


def test_a_thread_starts_when_it_is_asked_to_and_only_once() -> None:
    store = MemoryStore()
    sweeper = Sweeper(store, 3_600)
    assert sweepers() == []
    for _ in range(3):
        sweeper.ensure_started()
    (thread,) = sweepers()
    assert thread.daemon
    sweeper.close()
    assert sweepers() == []
    sweeper.ensure_started()
    assert len(sweepers()) == 1
    sweeper.close()


def test_threads_that_ask_at_once_start_one() -> None:
    sweeper = Sweeper(MemoryStore(), 3_600)
    barrier = threading.Barrier(8)

    def ask() -> None:
        barrier.wait(10)
        sweeper.ensure_started()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sweepers()) == 1
    sweeper.close()


def test_what_is_over_is_removed_by_and_by_and_what_lives_is_not() -> None:
    """SE-11: in batches, with pauses."""
    clock = FrozenClock()
    store = MemoryStore(clock=clock)
    fill(store, 2 * BATCH + 10, clock)
    clock.move(60)
    living = Record(
        "x" * 22, 0, clock.now(), clock.now(), clock.now() + 60, clock.now() + 60, 60, bytes(32), b"\x80"
    )
    store.write(Create(record=living))
    sweeper = Sweeper(store, 3_600, clock=clock)
    sweeper.ensure_started()
    until(lambda: left(store) == 1)
    assert store.load(living.selector) == living
    sweeper.close()


def test_it_comes_again_after_its_time() -> None:
    clock = FrozenClock()
    store = MemoryStore(clock=clock)
    sweeper = Sweeper(store, 0.05, clock=clock)
    sweeper.ensure_started()
    for _ in range(3):
        fill(store, 10, clock)
        clock.move(60)
        until(lambda: left(store) == 0)
    sweeper.close()


def test_an_asynchronous_store_is_swept_through_its_blocking_one() -> None:
    clock = FrozenClock()
    store = AsyncMemoryStore(clock=clock)
    fill(store.blocking, 10, clock)
    clock.move(60)
    sweeper = Sweeper(store, 3_600, clock=clock)
    sweeper.ensure_started()
    until(lambda: left(store.blocking) == 0)
    sweeper.close()


def test_a_store_without_a_blocking_one_is_left_to_itself() -> None:
    class Remote(AsyncMemoryStore):
        def __init__(self) -> None:
            pass

    remote: Any = Remote()
    sweeper = Sweeper(remote, 3_600)
    sweeper.ensure_started()
    sweeper.after_response()
    assert sweepers() == []
    assert sweeper.sweep() == 0


def test_a_store_that_is_away_is_swept_when_it_is_back(caplog: pytest.LogCaptureFixture) -> None:
    """RB-01"""
    clock = FrozenClock()

    class Flaky(MemoryStore):
        away = True

        def sweep(self, now: float, limit: int) -> int:
            if self.away:
                raise StoreError("away")
            return super().sweep(now, limit)

    store = Flaky(clock=clock)
    fill(store, 10, clock)
    clock.move(60)
    sweeper = Sweeper(store, 0.05, clock=clock)
    with caplog.at_level(logging.WARNING, "secmw"):
        sweeper.ensure_started()
        until(lambda: "it is tried again later: away" in caplog.text)
    assert left(store) == 10
    store.away = False
    until(lambda: left(store) == 0)
    sweeper.close()


def test_a_store_that_was_too_busy_is_swept_again_in_a_minute_not_in_an_hour(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """SE-11, RB-01"""
    monkeypatch.setattr(module, "_SOON", 0.01)
    monkeypatch.setattr(module, "_CHORES", 0.02)
    clock = FrozenClock()

    class Busy(MemoryStore):
        batches = 0

        def sweep(self, now: float, limit: int) -> int:
            self.batches += 1
            if self.batches == 2:
                raise StoreError("busy")
            return super().sweep(now, limit)

    store = Busy(clock=clock)
    fill(store, BATCH + 10, clock)
    clock.move(60)
    sweeper = Sweeper(store, 3_600, clock=clock)
    sweeper.ensure_started()
    until(lambda: left(store) == 0)
    sweeper.close()
    assert store.batches == 3


def test_a_store_that_breaks_does_not_end_the_thread(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(MemoryStore):
        asked = 0

        def sweep(self, now: float, limit: int) -> int:
            self.asked += 1
            raise KeyError("a fault of its own")

    store = Broken()
    sweeper = Sweeper(store, 0.02)
    sweeper.ensure_started()
    until(lambda: store.asked >= 2)
    sweeper.close()
    assert "a fault of its own" in caplog.text


def test_chores_are_done_by_whoever_sweeps_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHORES", 0.02)
    done: list[int] = []

    class Taken(MemoryStore):
        def lease(self, name: str, ttl: float) -> bool:
            return False

    sweeper = Sweeper(Taken(), 3_600, chores=[lambda: done.append(1), lambda: 1 / 0])
    sweeper.ensure_started()
    until(lambda: len(done) >= 3)
    sweeper.close()


def test_a_sweeper_that_nobody_holds_takes_its_thread_along() -> None:
    sweeper = Sweeper(MemoryStore(), 3_600)
    sweeper.ensure_started()
    assert len(sweepers()) == 1
    del sweeper
    gc.collect()
    until(lambda: not sweepers())


# --- one of many


def test_who_has_the_lease_sweeps_and_no_other(tmp_path: Path) -> None:
    """SE-11"""
    clock = FrozenClock()
    stores = [SQLiteStore(tmp_path / "sessions.db", clock=clock) for _ in range(3)]
    fill(stores[0], 10, clock)
    clock.move(60)
    first, second, third = (Sweeper(store, 100, clock=clock) for store in stores)
    assert first.sweep() == 10
    fill(stores[0], 10, clock)
    clock.move(60)
    assert second.sweep() == 0
    # It stays with the first one as long as that one comes again in time, ...
    clock.move(40)
    assert second.sweep() == third.sweep() == 0
    assert first.sweep() == 10
    fill(stores[0], 10, clock)
    clock.move(149)
    assert second.sweep() == 0
    # ... and goes to another when it does not.
    clock.move(1)
    assert third.sweep() == 10
    for store in stores:
        store.close()


PROGRAM = """
import sys
from secmw import sweep
from secmw.stores import SQLiteStore
from secmw.sweep import Sweeper

sweep._PAUSE = 0.0
store = SQLiteStore(sys.argv[1])
sweeper = Sweeper(store, 3_600)
print("ready", flush=True)
sys.stdin.readline()
print(sweeper.sweep())
"""


def test_of_many_processes_one_sweeps(tmp_path: Path) -> None:
    """SE-11"""
    path = tmp_path / "sessions.db"
    store = SQLiteStore(path, clock=FrozenClock(1_000.0))
    fill(store, 100, FrozenClock(1_000.0))
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    removed = sorted(int(process.communicate("\n", timeout=60)[0]) for process in processes)
    assert removed == [0, 0, 0, 100]
    store.close()


def test_a_forked_process_has_a_thread_of_its_own() -> None:
    """RB-03"""
    sweeper = Sweeper(MemoryStore(), 3_600)
    sweeper.ensure_started()

    def has_its_own() -> bool:
        before = len(sweepers())
        sweeper.ensure_started()
        return (before, len(sweepers())) == (0, 1)

    forked(has_its_own)
    sweeper.close()


# --- without threads


def test_where_a_thread_runs_responses_sweep_nothing() -> None:
    clock = FrozenClock()
    store = MemoryStore(clock=clock)
    sweeper = Sweeper(store, 3_600, clock=clock)
    sweeper.after_response()
    sweeper.ensure_started()
    until(lambda: sweeper._due > time.monotonic() + 1_000)
    fill(store, 10, clock)
    clock.move(60)
    sweeper._due = 0.0
    sweeper.after_response()
    assert left(store) == 10
    sweeper.close()


def test_where_no_thread_can_be_started_responses_take_a_batch_along_when_it_is_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    clock = FrozenClock()
    store = MemoryStore(clock=clock)
    done: list[int] = []
    sweeper = Sweeper(store, 3_600, chores=[lambda: done.append(1)], clock=clock)
    fill(store, BATCH + 10, clock)
    clock.move(60)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    sweeper.ensure_started()
    monkeypatch.undo()
    sweeper._due = time.monotonic() + 1_000
    sweeper.after_response()
    assert (left(store), done) == (BATCH + 10, [])
    sweeper._due = 0.0
    began = time.monotonic()
    sweeper.after_response()
    assert (left(store), done) == (10, [1])
    # The rest comes soon, not with the very next response.
    assert began + 0.5 < sweeper._due <= time.monotonic() + 1.0
    sweeper._due = 0.0
    sweeper.after_response()
    assert left(store) == 0
    assert sweeper._due - time.monotonic() > 3_000


def test_a_uwsgi_without_threads_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """There threads start, and never run."""
    clock = FrozenClock()
    for options, started in (({}, 0), ({"threads": b"4"}, 1), ({"enable-threads": True}, 1)):
        monkeypatch.setitem(sys.modules, "uwsgi", SimpleNamespace(opt=options))
        sweeper = Sweeper(MemoryStore(clock=clock), 3_600, clock=clock)
        sweeper.ensure_started()
        assert len(sweepers()) == started
        sweeper.close()


def test_a_sweep_is_cut_short_by_the_end_of_the_process() -> None:
    clock = FrozenClock()
    store = MemoryStore(clock=clock)
    fill(store, 3 * BATCH, clock)
    clock.move(60)
    sweeper = Sweeper(store, 3_600, clock=clock)
    sweeper._stop.set()
    assert sweeper.sweep() == BATCH


@pytest.mark.parametrize("threads", [False, True])
def test_under_a_uwsgi_without_threads_responses_take_the_sweeping_along(
    threads: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SE-11: the middleware calls it where no thread runs, and only there."""
    monkeypatch.setitem(
        sys.modules, "uwsgi", SimpleNamespace(opt={"enable-threads": True} if threads else {})
    )

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        environ["secmw"].session["seen"] = True
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"hello"]

    url, clock = "https://app.example.org", FrozenClock()
    store = MemoryStore(clock=clock)
    wanted = Policy.recommended(secret_keys=[new_key()], public_url=url, store="memory://")
    middleware = secmw.wsgi.Middleware(app, wanted, store=store, clock=clock)
    client = Client(middleware, base_url=url)
    assert client.get("/").status == 200
    sweeper = middleware.guard.sweeper
    assert sweeper is not None
    assert client.get("/").status == 200
    until(lambda: sweeper._due > time.monotonic() + 100 or not threads)
    fill(store, 10, clock)
    clock.move(60)
    sweeper._due = 0.0
    assert client.get("/").status == 200
    assert left(store) == (11 if threads else 1)
    middleware.guard.close()


def test_a_store_that_stopped_before_its_end_is_asked_again() -> None:
    """SE-11: what it found so far says nothing of the rest."""
    store: Any = MemoryStore()
    answers = [(0, True), (3, True), (0, False)]
    removed = []

    def sweep(now: float, limit: int) -> int:
        count, store.unfinished = answers.pop(0)
        removed.append(count)
        return count

    store.sweep = sweep
    assert Sweeper(store, every=60.0).sweep() == 3
    assert removed == [0, 3, 0]
