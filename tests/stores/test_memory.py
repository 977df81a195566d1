"""Sessions in memory: the contract in both colours, what the garbage collector sees, and a store that is full."""

from __future__ import annotations

import gc
import threading
import time
from typing import Any

import pytest

from secmw.errors import StoreError
from secmw.sessions.record import Record
from secmw.sessions.writes import Create, Touch
from secmw.stores import AsyncMemoryStore, AsyncStore, MemoryStore, Store
from secmw.testing import FrozenClock, StoreContract
from tests.forks import forked


class TestMemoryStore(StoreContract):
    def make_store(self, clock: FrozenClock) -> Store:
        return MemoryStore(clock=clock)

    def make_another(self, store: Any, clock: FrozenClock) -> None:
        return None

    def plant(self, store: Any, selector: str, raw: bytes) -> bool:
        return False


class TestAsyncMemoryStore(TestMemoryStore):
    def make_store(self, clock: FrozenClock) -> AsyncStore:  # type: ignore[override]
        return AsyncMemoryStore(clock=clock)


def fill(
    store: Store, clock: FrozenClock, count: int, user_id: str | None = None, **more: Any
) -> list[Record]:
    contract = TestMemoryStore()
    contract.clock = clock
    return [contract.created(store, user_id, **more) for _ in range(count)]


# --- what it costs


def test_the_garbage_collector_tracks_nothing_of_a_session() -> None:
    clock = FrozenClock()
    store = MemoryStore(clock=clock)
    fill(store, clock, 50)
    fill(store, clock, 50, "jane")
    for number in range(50):
        fill(store, clock, 1, f"user{number}")
    for table in (store._sessions, store._users):
        assert not gc.is_tracked(table)
        assert not any(gc.is_tracked(value) for value in table.values())


def test_a_lone_session_of_a_user_costs_the_index_no_text() -> None:
    clock = FrozenClock()
    store = MemoryStore(clock=clock)
    (record,) = fill(store, clock, 1, "jane")
    (key,) = store._sessions
    assert store._users["jane"] is key
    assert key == record.selector.encode()


def test_the_index_forgets_users_without_sessions() -> None:
    clock = FrozenClock()
    store = MemoryStore(clock=clock)
    for number in range(10):
        fill(store, clock, 2, f"user{number}")
    for number in range(5):
        store.end_all(f"user{number}")
    clock.move(100_000)
    store.sweep(clock.now(), 1_000)
    assert store._sessions == {}
    assert store._users == {}


def test_the_sessions_of_one_user_are_swept_as_fast_as_those_of_many() -> None:
    """SE-11: the index of a user is written once for each batch, not once for each session."""
    clock = FrozenClock()
    store = MemoryStore(clock=clock)
    fill(store, clock, 3_000, "robot")
    clock.move(100_000)
    start = time.process_time()
    assert store.sweep(clock.now(), 10_000) == 3_000
    assert time.process_time() - start < 2.0


# --- reading takes no lock


def test_reading_waits_for_no_writer() -> None:
    clock = FrozenClock()
    store = AsyncMemoryStore(clock=clock)
    (record,) = fill(store.blocking, clock, 1, "jane")
    with store.blocking._lock:
        assert store.load_now(record.selector.encode()) == record.pack()
        assert store.blocking.load(record.selector) == record
        assert store.blocking.of_user("jane") == [record]
        assert store.blocking.generation("jane") == 0


# --- full


def test_a_full_store_removes_what_is_over_before_it_refuses() -> None:
    clock = FrozenClock()
    store = MemoryStore(max_sessions=10, clock=clock)
    over = fill(store, clock, 4, inactivity=100)
    living = fill(store, clock, 6, "jane")
    clock.move(100)
    later = fill(store, clock, 4)
    assert [store.load(record.selector) for record in over] == [None] * 4
    with pytest.raises(StoreError, match="full"):
        fill(store, clock, 1)
    for record in [*living, *later]:
        assert store.load(record.selector) == record


def test_a_full_store_never_ends_what_lives_and_everything_else_goes_on() -> None:
    """RB-01: a sign-in is refused as if the store were away; nobody is signed out for it."""
    clock = FrozenClock()
    store = MemoryStore(max_sessions=3, clock=clock)
    records = fill(store, clock, 3, "jane")
    refused = TestMemoryStore()
    refused.clock = clock
    record = refused.record("jane")
    with pytest.raises(StoreError):
        store.write(Create(record=record, user_id="jane", checked_at=clock.now(), cap=1))
    assert store.of_user("jane") == records[::-1]
    assert store.load(record.selector) is None
    clock.move(1)
    store.write(Touch(selector=records[0].selector, at=clock.now()))
    assert store.put("space", "key", b"x", 10.0)
    assert store.end_all("jane").selectors != ()


def test_a_full_store_looks_at_so_many_sessions_and_no_more() -> None:
    """A flood of sign-ins costs a look at a few thousand sessions each, not at all of them."""
    clock = FrozenClock()
    store = MemoryStore(max_sessions=6_000, clock=clock)
    fill(store, clock, 6_000)
    for _ in range(3):
        with pytest.raises(StoreError):
            fill(store, clock, 1)
        # A round over all of them takes more than one sign-in.
        assert next(store._cursor, None) is not None
    clock.move(100_000)
    assert store.sweep(clock.now(), 10_000) == 6_000


def test_values_and_counters_have_the_same_limit() -> None:
    clock = FrozenClock()
    store = MemoryStore(max_sessions=3, clock=clock)
    for number in range(3):
        store.put("space", f"{number}", b"x", 10.0)
        store.count("space", f"{number}", 10.0)
    with pytest.raises(StoreError):
        store.put("space", "3", b"x", 10.0)
    with pytest.raises(StoreError):
        store.count("space", "3", 10.0)
    assert store.put("space", "0", b"y", 10.0)
    assert store.count("space", "0", 10.0) == 2
    clock.move(10)
    assert store.put("space", "3", b"x", 10.0)
    assert store.count("space", "3", 10.0) == 1


# --- forks


def test_a_child_of_a_fork_does_not_wait_for_a_thread_it_has_not_got() -> None:
    """RB-03"""
    clock = FrozenClock()
    store = MemoryStore(clock=clock)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with store._lock:
            held.set()
            done.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    try:
        forked(lambda: store.put("space", "key", b"x", 10.0))
    finally:
        done.set()
        thread.join()
