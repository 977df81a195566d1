"""What is said against a Redis: by what it says of itself, and by real ones."""

from __future__ import annotations

from typing import Any

import pytest

from secmw.stores.redis.advice import exposed, judge
from secmw.stores.redis.asking import Refused
from secmw.stores.redis.store import RedisStore
from secmw.stores.redis.where import parse
from tests.services.redis import Cluster, RedisServer, sentinel, serve_redis

SOUND = {"redis_version": "7.0.15", "role": "master", "aof_enabled": "1", "maxmemory": "0"}
ALONE = "redis://db"
SENTINEL = "redis+sentinel://a/m"
CLUSTER = "redis+cluster://a"
ONE: dict[str, Any] = {"slave0": "ip=10.0.0.2,port=6379,state=online,offset=5,lag=0"}
TWO = {**ONE, "slave1": "ip=10.0.0.3,port=6379,state=online,offset=5,lag=0"}


def said(url: str = ALONE, save: bytes | Refused = b"", *, copied: bool = False, **told: Any) -> list[str]:
    lines = ["# Server", *(f"{name}:{value}" for name, value in {**SOUND, **told}.items())]
    config = save if isinstance(save, Refused) else [b"save", save]
    return list(judge("db", ["\r\n".join(lines).encode(), config], parse(url), copied=copied))


def test_of_one_that_is_sound_there_is_nothing_to_say() -> None:
    assert said() == []
    assert said(f"{ALONE}?confirm=1", **ONE) == []
    assert said(SENTINEL, **TWO) == []
    assert said(CLUSTER, copied=True, **TWO) == []
    assert said(maxmemory="1000", maxmemory_policy="noeviction") == []
    # What is never full throws nothing away.
    assert said(maxmemory_policy="allkeys-lru") == []


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"aof_enabled": "0"}, "a restart ends every session: set appendonly yes"),
        ({"aof_enabled": "0", "save": b"3600 1"}, "since its last snapshot"),
        ({"aof_enabled": "0", "save": Refused("NOPERM")}, "CONFIG is refused"),
        ({"aof_last_write_status": "err"}, "can't write its append-only file"),
        (
            {"maxmemory": "100", "maxmemory_policy": "allkeys-lru"},
            "when it is full (allkeys-lru): set maxmemory-policy",
        ),
        (
            {"maxmemory": "100", "maxmemory_policy": "volatile-ttl"},
            "when it is full (volatile-ttl): set maxmemory-policy",
        ),
        ({"redis_version": "6.0.16"}, "is a Redis 6.0.16: sessions need 6.2"),
        ({"role": "slave", "aof_enabled": "0"}, "is a replica"),
        (ONE, "write confirm=1 into the URL"),
        ({"url": f"{ALONE}?confirm=1"}, "has 0 of the 1 replicas that confirm an end: nobody can sign out"),
        ({"url": SENTINEL}, "has 0 of the 1 replicas"),
        ({"url": SENTINEL, "slave0": "ip=10.0.0.2,state=wait_bgsave"}, "has 0 of the 1 replicas"),
        ({"url": SENTINEL, **ONE}, "can't spare a replica"),
        ({"url": f"{SENTINEL}?confirm=2", **TWO}, "can't spare a replica"),
        ({"url": f"{SENTINEL}?confirm=0", **TWO}, "write confirm=1 into the URL"),
        ({"url": CLUSTER}, "has no replica"),
        ({"url": CLUSTER, "copied": True}, "has 0 of the 1 replicas"),
        ({"url": CLUSTER, "copied": True, **ONE}, "can't spare a replica"),
    ],
)
def test_what_is_weaker_is_said_once_with_what_to_write(told: dict[str, Any], expected: str) -> None:
    """RB-02, SE-15"""
    (sentence,) = said(**told)
    assert sentence.startswith("db ")
    assert expected in sentence


def test_who_may_not_ask_is_told_so() -> None:
    (sentence,) = judge("db", [Refused("NOPERM secret"), Refused("NOPERM")], parse(ALONE))
    assert "does not say how it is set up: NOPERM" in sentence


@pytest.mark.parametrize(
    ("url", "name", "fix"),
    [
        ("redis://db", "db", "rediss://"),
        ("redis://:secret@10.0.0.5:7000", "10.0.0.5", "rediss://"),
        ("redis+sentinel://localhost,far/m", "m", "rediss+sentinel://"),
        ("redis+cluster://far", "far", "rediss+cluster://"),
    ],
)
def test_a_way_that_others_can_listen_on_is_said_with_what_to_write(url: str, name: str, fix: str) -> None:
    """SE-25"""
    (sentence,) = exposed(parse(url))
    assert sentence.startswith(f"{name} is asked in the clear")
    assert sentence.endswith(f"write {fix}")


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost",
        "redis://127.0.0.2:7000",
        "redis://[::1]",
        "redis+unix:///run/redis.sock",
        "redis+sentinel://localhost/m",
        "redis+cluster://127.0.0.1",
        "rediss://db",
        "rediss+sentinel://a,b/m",
    ],
)
def test_of_a_way_within_the_machine_or_under_tls_there_is_nothing_to_say(url: str) -> None:
    assert not list(exposed(parse(url)))


def told(url: str) -> list[str]:
    store = RedisStore(url)
    try:
        return store.told()
    finally:
        store.close()


@pytest.mark.server
def test_real_servers_say_it_of_themselves(redis: RedisServer, masters: Cluster) -> None:
    (sentence,) = told(redis.url)
    assert (
        sentence
        == f"127.0.0.1:{redis.port} keeps nothing on a disk, and a restart ends every session: set appendonly yes"
    )
    assert len(told(f"redis+unix://{redis.path}")) == 1
    assert len(told(masters.url)) == 6
    with serve_redis(
        "valkey", "--appendonly", "yes", "--maxmemory", "100mb", "--maxmemory-policy", "volatile-lru"
    ) as full:
        (sentence,) = told(full.url)
        assert "volatile-lru" in sentence
    with sentinel(down=60) as running:
        assert [sentence.partition(":")[0] for sentence in told(running.url)] == [
            "mymaster keeps nothing on a disk, and a restart ends every session",
            "mymaster can't spare a replica",
        ]
