"""Who the master is: sentinels that hang, are gone or know nothing, and a master that is none any more."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import permutations
from typing import Any

import pytest

from secmw.errors import StoreError
from secmw.sessions.writes import Touch, Written
from secmw.stores.redis import mux, pool
from secmw.stores.redis.async_store import AsyncRedisStore
from secmw.stores.redis.sentinels import Heard, Named, named
from secmw.stores.redis.store import RedisStore
from secmw.stores.redis.where import Node
from tests.patience import back, waiting
from tests.servers import HOST
from tests.services.redis import RedisServer, Sentinel, sentinel, serve_redis
from tests.stores.redis.stepping import NOW, create, record
from tests.stores.redis.traffic import asking

pytestmark = pytest.mark.server

ZERO = f"{0:022}"
KINDS = pytest.mark.parametrize("kind", [RedisStore, AsyncRedisStore])


@pytest.fixture(scope="module")
def shared_sentinel() -> Iterator[Sentinel]:
    with sentinel(down=60) as running:
        yield running


@pytest.fixture
def running(shared_sentinel: Sentinel) -> Iterator[Sentinel]:
    yield shared_sentinel
    shared_sentinel.servers[0].ask("FLUSHALL")


@pytest.mark.deadline
@KINDS
def test_a_sentinel_that_hangs_is_waited_for_once(kind: Any, running: Sentinel) -> None:
    """RB-06: and a request that it held up is answered all the same."""
    running.sentinels[0].hold()
    with asking(kind, running.url) as store, waiting() as waited:
        assert isinstance(store.write(create()), Written)
        assert waited() < 1.0
    running.sentinels[0].go_on()


@pytest.mark.deadline
@KINDS
def test_a_master_that_hangs_is_a_store_error_within_a_second(kind: Any, running: Sentinel) -> None:
    """RB-06: on a connection there was, on the next one, and on the first of all."""
    with asking(kind, running.url) as store, asking(kind, running.url) as new:
        store.write(create())
        running.servers[0].hold()
        for asked in (store, store, new):
            with waiting() as waited:
                with pytest.raises(StoreError):
                    asked.load(ZERO)
                assert waited() < 1.0
        running.servers[0].go_on()
        assert back(lambda: store.load(ZERO)) == back(lambda: new.load(ZERO)) == record()


@KINDS
def test_no_sentinel_at_all_is_a_store_error_within_a_second(kind: Any) -> None:
    """RB-06"""
    with asking(kind, f"redis+sentinel://{HOST}:1,{HOST}:2/mymaster") as store, waiting() as waited:
        with pytest.raises(StoreError, match="Redis can't be"):
            store.load(ZERO)
        assert waited() < 1.0


@KINDS
def test_a_sentinel_that_has_not_heard_yet_is_not_the_last_word(kind: Any, running: Sentinel) -> None:
    """RB-02: it names a master that is dead; the next one knows better."""
    with sentinel(replicas=0, sentinels=1, down=60) as late:
        late.servers[0].stop()
        url = running.url.replace("//", f"//{HOST}:{late.sentinels[0].port},")
        with asking(kind, url) as store:
            assert isinstance(store.write(create()), Written)


@KINDS
def test_a_master_that_nobody_follows_is_the_last_choice(kind: Any, running: Sentinel) -> None:
    """RB-02: it stood still, another took its place, and a sentinel that has not heard of it names it yet."""
    with sentinel(replicas=0, sentinels=1, down=60) as late:
        url = running.url.replace("//", f"//{HOST}:{late.sentinels[0].port},")
        with asking(kind, url) as store:
            assert isinstance(store.write(create()), Written)
        assert (running.servers[0].ask("DBSIZE"), late.servers[0].ask("DBSIZE")) == (1, 0)


@KINDS
def test_who_has_not_heard_of_the_last_failover_is_not_believed(kind: Any) -> None:
    """RB-02, SE-08: the master of before stood still, and takes itself for the master yet; replicas seem to follow it."""
    with sentinel(replicas=1, sentinels=1, down=60) as before, sentinel(replicas=1, down=60) as now:
        now.sentinels[0].ask("SENTINEL", "FAILOVER", now.name)
        old = now.servers[0]
        _until(lambda: all(_epoch(one, now.name) > 0 for one in now.sentinels) and old.role() != "master")
        url = now.url.replace("//", f"//{HOST}:{before.sentinels[0].port},")
        with asking(kind, f"{url}?confirm=0") as store:
            assert isinstance(store.write(create()), Written)
        assert (now.master.ask("DBSIZE"), before.servers[0].ask("DBSIZE")) == (1, 0)


def _epoch(one: RedisServer, name: str) -> int:
    answer: Any = one.ask("SENTINEL", "MASTER", name)
    return named(answer).epoch


def _until(condition: Any) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@KINDS
def test_a_master_that_nobody_follows_needs_the_word_of_most_sentinels(kind: Any) -> None:
    """RB-02: of three sentinels one answers, and names a master that may have been the master before."""
    with sentinel(replicas=0, sentinels=1, down=60) as running:
        for others, served in ((1, False), (0, True)):
            more = "".join(f"{HOST}:{number + 1}," for number in range(others))
            with asking(kind, running.url.replace("//", f"//{more}")) as store:
                if served:
                    assert store.load(ZERO) is None
                else:
                    with pytest.raises(StoreError, match="too few sentinels"):
                        store.load(ZERO)


def test_who_knows_of_the_last_failover_names_the_master() -> None:
    """RB-02: whoever else answers, and in whatever order."""
    old, new, other = Node("a", 1), Node("b", 1), Node("c", 1)
    for order in permutations([Named(0, old), Named(2, new), Named(1, other)]):
        assert Heard().masters(order) == [new]
    assert Heard().masters([Named(1, new), Named(1, old), Named(1, new)]) == [new, old]
    assert Heard().masters([]) == []


def test_what_was_heard_once_is_not_forgotten_while_it_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    """RB-02: those who knew may not answer the next time; but sentinels may be set up anew."""
    clock = [1_000.0]
    monkeypatch.setattr("secmw.stores.redis.sentinels.time.monotonic", lambda: clock[0])
    heard, old, new = Heard(), Node("a", 1), Node("b", 1)
    assert heard.masters([Named(3, new)]) == [new]
    with pytest.raises(StoreError, match="have not heard"):
        heard.masters([Named(2, old)])
    assert heard.masters([]) == []
    clock[0] += 61
    assert heard.masters([Named(2, old)]) == [old]


@pytest.mark.parametrize(
    "answer", [None, [], 5, [b"ip"], [b"ip", b"a", b"port", b"x", b"config-epoch", b"1"], [b"ip", b"a"], [[]]]
)
def test_what_names_no_master_is_a_store_error(answer: Any) -> None:
    with pytest.raises(StoreError, match="no master of that name"):
        named(answer)


@KINDS
def test_a_name_that_no_sentinel_knows_is_a_store_error(kind: Any, running: Sentinel) -> None:
    with asking(kind, running.url.replace("mymaster", "other")) as store, pytest.raises(StoreError) as caught:
        store.load(ZERO)
    assert str(caught.value) == "no sentinel there knows a master of that name"


@KINDS
def test_what_is_no_sentinel_is_a_store_error(kind: Any, running: Sentinel) -> None:
    url = f"redis+sentinel://{HOST}:{running.servers[0].port}/mymaster"
    with asking(kind, url) as store, pytest.raises(StoreError, match="no sentinel there"):
        store.load(ZERO)


@KINDS
def test_a_master_that_is_none_any_more_is_given_up(kind: Any) -> None:
    """Before the sentinels know: what it was told would be lost."""
    with serve_redis() as other, sentinel(replicas=0, down=60) as running:
        server = running.servers[0]
        with asking(kind, f"{running.url}?confirm=0") as store:
            store.write(create())
            server.ask("REPLICAOF", HOST, other.port)
            with pytest.raises(StoreError, match="Redis refused: READONLY"):
                store.write(Touch(selector=ZERO, at=NOW))
            for _ in range(2):
                with pytest.raises(StoreError, match="is no master"):
                    store.load(ZERO)
            server.ask("REPLICAOF", "NO", "ONE")
            store.write(create())
            assert store.load(ZERO) == record()


@KINDS
def test_a_connection_that_has_rested_is_made_anew(
    kind: Any, running: Sentinel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it leads to may have come back from the dead; without sentinels nobody knows better."""
    for module in (pool, mux):
        monkeypatch.setattr(module, "STALE", 60.0)
    server = running.servers[0]
    for url, anew in ((running.url, True), (server.url, False)):
        with asking(kind, url) as store:
            names = []
            for rested in (False, False, True):
                if rested:
                    for module in (pool, mux):
                        monkeypatch.setattr(module, "STALE", -1.0)
                assert store.load(ZERO) is None
                names.append(_clients(server))
            assert names[0] == names[1]
            assert (names[1] != names[2]) is anew
        for module in (pool, mux):
            monkeypatch.setattr(module, "STALE", 60.0)


def _clients(server: RedisServer) -> set[str]:
    """Return the ids of the connections over TCP, but for those of replicas and sentinels."""
    lines = server.told("CLIENT", "LIST", "TYPE", "NORMAL").splitlines()
    return {line.split()[0] for line in lines if "/" not in line.split()[1] and "cmd=get" in line}
