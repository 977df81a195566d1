"""What is asked of Redis about users, where an end of all is cut short, and where the index is behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from secmw.sessions.record import Ended, Over, Record
from secmw.sessions.writes import Lost, Why
from secmw.stores.redis import layout
from secmw.stores.redis.store import RedisStore
from secmw.testing import FrozenClock
from tests.services.redis import RedisServer
from tests.stores.redis.stepping import NOW, create, stepping
from tests.stores.redis.test_commands import fields

pytestmark = pytest.mark.server


@pytest.fixture
def store(redis: RedisServer) -> Iterator[RedisStore]:
    store = RedisStore(redis.url, clock=FrozenClock(NOW + 1))
    yield store
    store.close()


@pytest.mark.parametrize("steps", range(4))
def test_an_end_of_all_that_is_cut_short_is_made_good_by_the_next(
    redis: RedisServer, store: RedisStore, steps: int
) -> None:
    """SE-15: from its first step on, nobody who was checked before can sign in."""
    for number in range(3):
        store.write(create(number, "jane"))
    cut = stepping(store, store._plans.end_all("jane", None, Over.REVOKED))
    for _ in range(steps):
        cut.step()
    if steps:
        assert store.write(create(9, "jane")) == Lost(Why.GENERATION)
    living = len(store.of_user("jane"))
    assert living == (3 if steps < 2 else 0)
    again = store.end_all("jane")
    assert (again.generation, len(again.selectors)) == (1 + (steps > 0), living)
    assert [store.load(f"{number:022}") for number in range(3)] == [Ended(Over.REVOKED)] * 3
    assert fields(redis) == set()


def test_an_entry_without_a_session_goes_when_the_index_is_read(
    redis: RedisServer, store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And its name is taken, so that no session comes later that no index knows."""
    for number in range(2):
        store.write(create(number, "jane"))
    redis.ask("DEL", f"secmw:s:{0:022}")
    assert len(store.of_user("jane")) == 1
    assert len(fields(redis)) == 2
    monkeypatch.setattr(layout, "PENDING", -1.0)
    assert len(store.of_user("jane")) == 1
    assert len(fields(redis)) == 1
    assert store.load(f"{0:022}") == Ended(Over.EXPIRED)


def test_a_sign_in_that_takes_too_long_puts_no_session_there(
    store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SE-15: nobody could end it."""
    cut = stepping(store, store._plans.write(create(0, "jane"))).steps(3)
    with monkeypatch.context() as patched:
        patched.setattr(layout, "PENDING", -1.0)
        store.of_user("jane")
    cut.rest()
    assert not isinstance(store.load(f"{0:022}"), Record)


def test_an_index_that_cannot_be_cleaned_is_read_all_the_same(redis: RedisServer, store: RedisStore) -> None:
    for number in range(2):
        store.write(create(number, "jane"))
    from secmw.sessions.record import tombstone

    redis.ask("SET", f"secmw:s:{0:022}", tombstone(Over.REVOKED, NOW + 60))
    listing = stepping(store, store._plans.of_user("jane")).steps(2)
    ask = store._pool.ask
    from secmw.errors import StoreError

    listing._plan.send(listing._given)
    with pytest.raises(StopIteration) as stopped:
        listing._plan.throw(StoreError("gone"))
    assert [one.selector for one in stopped.value.value] == [f"{1:022}"]
    assert ask is not None


def test_the_sessions_of_one_user_may_be_more_than_one_batch(
    store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from secmw.stores.redis import asking

    monkeypatch.setattr(asking, "BATCH", 7)
    for number in range(20):
        store.write(create(number, "jane"))
    assert len(store.of_user("jane")) == 20
    assert len(store.end_all("jane").selectors) == 20
