"""A sweep in a Redis: in steps of a few hundred keys, and the indexes of users too."""

from __future__ import annotations

from typing import Any

import pytest

from secmw.stores.redis import layout
from secmw.stores.redis.store import RedisStore
from secmw.testing import FrozenClock
from tests.services.redis import RedisServer
from tests.stores.redis.stepping import NOW, create
from tests.stores.redis.test_commands import fields

pytestmark = pytest.mark.server


def test_no_step_of_a_sweep_looks_at_more_than_some_hundred_keys(redis: RedisServer) -> None:
    """SE-11: others get their turn between them, and a round goes on where it stopped."""
    store = RedisStore(redis.url, clock=FrozenClock(NOW))
    for number in range(3_000):
        redis.ask("SET", f"secmw:v:{number}", layout.kept(b"x", NOW))
    for number in range(50):
        redis.ask("SET", f"other:v:{number}", layout.kept(b"x", NOW))
    sizes: list[int] = []
    ask = store._pool.ask

    def watched(asked: object) -> list[object]:
        sizes.append(len(asked.commands))  # type: ignore[attr-defined] # an Ask
        return ask(asked)  # type: ignore[arg-type] # the same

    store._pool.ask = watched  # type: ignore[method-assign]
    assert store.sweep(NOW, 100) == 100
    assert store.sweep(NOW, 1_000) == 1_000
    assert store._plans._cursor != b"0"
    assert store.sweep(NOW, 10_000) == 1_900
    assert store._plans._cursor == b"0"
    assert max(sizes) <= 500
    assert redis.ask("DBSIZE") == 50
    store.close()


def test_a_sweep_removes_entries_whose_sessions_redis_has_collected(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SE-11"""
    store = RedisStore(redis.url, clock=FrozenClock(NOW))
    for number in range(4):
        store.write(create(number, "jane" if number % 2 else "joe"))
    for number in range(3):
        redis.ask("DEL", f"secmw:s:{number:022}")
    assert store.sweep(NOW, 100) == 0
    assert len(fields(redis, "joe")) == 2
    monkeypatch.setattr(layout, "PENDING", -1.0)
    assert store.sweep(NOW, 100) == 0
    assert fields(redis, "joe") == set()
    assert fields(redis, "jane") == {b"s" + f"{3:022}".encode()}
    store.close()


def test_what_changes_after_it_was_judged_stays(redis: RedisServer) -> None:
    """SE-11: it is compared when it is removed."""
    from secmw.stores.redis.scripts import REAP
    from tests.stores.redis.stepping import Steps

    store = RedisStore(redis.url, clock=FrozenClock(NOW))
    redis.ask("SET", "secmw:v:1", layout.kept(b"x", NOW))
    sweep = Steps(store, store._plans.sweep(NOW, 100)).steps(2)
    redis.ask("SET", "secmw:v:1", layout.kept(b"y", NOW + 1))
    assert sweep.rest() == 0
    assert redis.ask("GET", "secmw:v:1") == layout.kept(b"y", NOW + 1)
    assert REAP.name == "reap"
    store.close()


def test_a_sweep_that_finds_nothing_stops_now_and_then_and_says_so(redis: RedisServer) -> None:
    """SE-11: a store full of the living holds up nobody, however large it is."""
    store = RedisStore(redis.url, clock=FrozenClock(NOW))
    alive = layout.kept(b"x", NOW + 60)
    for start in range(0, 24_000, 2_000):
        pairs = (part for number in range(start, start + 2_000) for part in (f"secmw:v:{number}", alive))
        redis.ask("MSET", *pairs)
    asked = 0
    ask = store._pool.ask

    def counted(commands: Any) -> list[Any]:
        nonlocal asked
        asked += 1
        return ask(commands)

    pool: Any = store._pool
    pool.ask = counted
    rounds: list[tuple[int, bool]] = []
    while not rounds or rounds[-1][1]:
        asked = 0
        removed = store.sweep(NOW, 500)
        rounds.append((removed, store.unfinished))
        assert asked <= 60
    assert rounds == [(0, True), (0, True), (0, False)]
    store.close()


def test_indexes_of_many_users_are_tidied_together(redis: RedisServer) -> None:
    """SE-11: a round trip for each would take longer than all the rest."""
    store = RedisStore(redis.url, clock=FrozenClock(NOW))
    for number in range(300):
        store.write(create(number, f"user-{number}"))
    asked: list[int] = []
    ask = store._pool.ask

    def counted(commands: Any) -> list[Any]:
        asked.append(len(commands.commands))
        return ask(commands)

    pool: Any = store._pool
    pool.ask = counted
    assert store.sweep(NOW + 40 * 86_400, 500) == 300
    assert len(asked) < 20
    assert [fields(redis, f"user-{number}") for number in (0, 150, 299)] == [set(), set(), set()]
    store.close()


def test_what_came_behind_a_sweep_that_had_enough_is_removed_by_the_next(redis: RedisServer) -> None:
    """SE-11: a round that goes on does not see it, so another one follows."""
    store = RedisStore(redis.url, clock=FrozenClock(NOW))
    for number in range(3_000):
        redis.ask("SET", f"secmw:v:{number}", layout.kept(b"x", NOW))
    assert store.sweep(NOW, 1_000) == 1_000
    assert store._plans._cursor != b"0"
    for number in range(3_000, 4_000):
        redis.ask("SET", f"secmw:v:{number}", layout.kept(b"x", NOW))
    assert (store.sweep(NOW, 10_000), store.unfinished) == (3_000, False)
    assert redis.ask("DBSIZE") == 0
    store.close()
