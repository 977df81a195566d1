"""A sweep in a Redis: in steps of a few hundred keys, and the indexes of users too."""

from __future__ import annotations

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
