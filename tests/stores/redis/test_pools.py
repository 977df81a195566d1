"""Blocking connections to the nodes of a Cluster: forks, nodes that leave, and what a thread sees when one hangs."""

from __future__ import annotations

import pytest

from secmw.errors import StoreError
from secmw.sessions.record import Record
from secmw.sessions.writes import Written
from secmw.stores.redis.pools import Pools
from secmw.stores.redis.store import RedisStore
from secmw.stores.redis.where import Node
from secmw.testing import FrozenClock
from tests.forks import beside
from tests.patience import back, waiting
from tests.services.redis import Cluster
from tests.stores.redis.stepping import NOW, create, record

pytestmark = pytest.mark.server


def made(url: str) -> RedisStore:
    store = RedisStore(url, clock=FrozenClock(NOW))
    for number in range(30):
        assert isinstance(store.write(create(number)), Written)
    return store


def test_sessions_are_spread_over_all_masters(masters: Cluster) -> None:
    store = made(masters.url)
    assert all(node.ask("DBSIZE") != 0 for node in masters.nodes)
    store.close()


def test_one_node_is_enough_to_find_the_others(masters: Cluster) -> None:
    """And one in the URL that is not there is no harm."""
    live = masters.url.split(",")[-1]
    store = made(f"redis+cluster://127.0.0.1:1,{live}")
    assert all(isinstance(store.load(f"{number:022}"), Record) for number in range(30))
    store.close()
    with pytest.raises(StoreError, match="can't be asked"):
        RedisStore("redis+cluster://127.0.0.1:1,127.0.0.1:2").load("x")


def test_a_forked_process_has_connections_of_its_own(masters: Cluster) -> None:
    """RB-03: on each node."""
    store = made(masters.url)
    sound = [record(number) for number in range(30)] * 5
    with beside(lambda: [store.load(one.selector) for one in sound] == sound):
        assert [store.load(one.selector) for one in sound] == sound
    store.close()


@pytest.mark.deadline
def test_a_node_that_hangs_is_a_store_error_within_a_second_and_the_others_answer(masters: Cluster) -> None:
    """RB-06"""
    store = made(masters.url)
    silent = masters.owner(f"secmw:s:{0:022}")
    others = [number for number in range(30) if masters.owner(f"secmw:s:{number:022}") is not silent]
    silent.hold()
    for _ in range(3):
        with waiting() as waited:
            with pytest.raises(StoreError):
                store.load(f"{0:022}")
            assert waited() < 1.0
        assert all(isinstance(store.load(f"{number:022}"), Record) for number in others)
    silent.go_on()
    assert back(lambda: store.load(f"{0:022}")) == record()
    store.close()


def test_the_connections_to_a_node_that_has_left_are_closed(masters: Cluster) -> None:
    store = made(masters.url)
    pools = store._pool
    assert isinstance(pools, Pools)
    gone = pools._pools[Node("gone", 1)] = pools._pools.pop(Node("127.0.0.1", masters.nodes[0].port))
    assert gone._idle
    assert all(isinstance(store.load(f"{number:022}"), Record) for number in range(30))
    assert not gone._idle
    assert len(pools._pools) == 3
    store.close()
