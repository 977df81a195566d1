"""What people notice when a master dies: a moment of 503, and nothing that had ended comes back. When keys move: nothing."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from secmw.errors import StoreError
from secmw.sessions.record import Ended, Over, Record
from secmw.sessions.writes import End, Written
from secmw.stores.redis.async_store import AsyncRedisStore
from secmw.stores.redis.store import RedisStore
from tests.servers import make_tls
from tests.services.redis import Cluster, Kind, cluster, sentinel
from tests.stores.redis.stepping import NOW, create, record
from tests.stores.redis.traffic import Traffic, asking

pytestmark = pytest.mark.server

KINDS = [(RedisStore, "redis"), (AsyncRedisStore, "valkey")]
LATE = 2.5
"""Seconds after which a StoreError would be late, on a machine with other things to do."""


@pytest.mark.parametrize(("kind", "program"), KINDS)
def test_sentinels_name_another_master_and_what_had_ended_is_over_there_too(kind: Any, program: Kind) -> None:
    """RB-02, SE-15: though the replicas had not heard the last of it, as none of them would on a day like that."""
    with sentinel(program, replicas=2) as running, asking(kind, running.url) as store:
        with Traffic(store) as traffic:
            before = running.master
            others = [server for server in running.servers if server is not before]
            for server in others:
                server.hold()
            _until(lambda: traffic.failed)
            before.stop()
            for server in others:
                server.go_on()
            traffic.go_on()
        assert running.master is not before
        assert traffic.failed
        assert max(traffic.failed) < LATE
        assert len(traffic.ended) > 6
        for selector in traffic.ended:
            assert not isinstance(store.load(selector), Record)


@pytest.mark.parametrize(("kind", "program"), KINDS)
def test_a_replica_of_a_cluster_takes_over(kind: Any, program: Kind) -> None:
    """RB-02, SE-15"""
    with cluster(program, replicas=2) as running, asking(kind, running.url) as store:
        with Traffic(store) as traffic:
            running.nodes[0].stop()
            traffic.go_on()
            _until(lambda: "master" in (running.nodes[3].role(), running.nodes[6].role()))
            traffic.go_on()
        assert traffic.failed
        assert max(traffic.failed) < LATE
        assert len(traffic.ended) > 6
        for selector in traffic.ended:
            assert not isinstance(store.load(selector), Record)


@pytest.mark.parametrize(("kind", "program"), KINDS)
def test_what_no_replica_confirms_is_no_end(kind: Any, program: Kind) -> None:
    """And it is one as soon as a replica says so; nothing else waits for them."""
    with sentinel(program, down=60) as running, asking(kind, running.url) as store:
        for number in range(3):
            assert isinstance(store.write(create(number, "jane")), Written)
        ends = [End(selector=f"{number:022}", at=NOW, reason=Over.LOGGED_OUT) for number in range(3)]
        _until(lambda: _answers(lambda: store.write(ends[0])))
        running.servers[1].hold()
        with asking(kind, running.url) as another:
            for asked in (store, another):
                # It has ended on the master by the second time, and still does not count.
                with pytest.raises(StoreError, match="too few replicas"):
                    asked.write(ends[1])
        with pytest.raises(StoreError, match="too few replicas"):
            store.end_all("jane")
        assert isinstance(store.load(f"{2:022}"), Record)
        running.servers[1].go_on()
        _until(lambda: _answers(lambda: store.write(ends[1])))
        _until(lambda: _answers(lambda: store.end_all("jane")))
        assert store.load(f"{1:022}") == Ended(Over.LOGGED_OUT)
        assert store.load(f"{2:022}") == Ended(Over.REVOKED)


@pytest.mark.parametrize("kind", [RedisStore, AsyncRedisStore])
def test_a_slot_that_moves_is_noticed_by_nobody(kind: Any, masters: Cluster) -> None:
    """Neither while some of its keys are here and some there, nor afterwards."""
    slot = masters.slot("{here}")
    with asking(kind, f"{masters.url}?prefix={{here}}:") as store, Traffic(store) as traffic:
        for _ in range(2):
            to = next(node for node in masters.nodes if node is not masters.owner("{here}"))
            masters.move(slot, to, between=traffic.go_on)
            assert "cmdstat_asking" in to.told("INFO", "commandstats")
            traffic.go_on()
    assert not traffic.said
    assert len(traffic.ended) > 6


@pytest.mark.parametrize("kind", [RedisStore, AsyncRedisStore])
def test_a_cluster_may_speak_tls(kind: Any, tmp_path: Path) -> None:
    with cluster(masters=1, tls=make_tls(tmp_path)) as running:
        url = running.url.replace("redis+", "rediss+")
        with asking(kind, f"{url}?ca={tmp_path / 'authority.pem'}") as store:
            assert isinstance(store.write(create()), Written)
            assert store.load(f"{0:022}") == record()
        with asking(kind, url) as stranger, pytest.raises(StoreError):
            stranger.load(f"{0:022}")


def _answers(asked: Any) -> bool:
    try:
        asked()
    except StoreError:
        return False
    return True


def _until(state: Any) -> None:
    deadline = time.monotonic() + 60
    while not state():
        assert time.monotonic() < deadline
        time.sleep(0.02)
