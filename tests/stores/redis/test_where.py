"""Where a Redis is: URLs that name one, and what is said of those that do not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.errors import StoreError
from secmw.stores import open_store
from secmw.stores.redis.where import Node, Where, parse


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://db", {"host": "db"}),
        ("redis://db/", {"host": "db"}),
        ("REDIS://db:7000/3", {"host": "db", "port": 7000, "database": 3}),
        ("redis://db?db=3", {"host": "db", "database": 3}),
        ("redis://[::1]:7000", {"host": "::1", "port": 7000}),
        ("valkey://db", {"host": "db"}),
        ("rediss://db", {"host": "db", "tls": True}),
        (
            "valkeys://db?ca=/etc/ssl/redis.pem",
            {"host": "db", "tls": True, "authority": "/etc/ssl/redis.pem"},
        ),
        ("redis://:p%40ss@db", {"host": "db", "password": "p@ss"}),
        ("redis://jane:pass@db", {"host": "db", "user": "jane", "password": "pass"}),
        ("redis://db?prefix=shop%3A", {"host": "db", "prefix": "shop:"}),
        ("unix:///run/redis.sock", {"host": "", "path": "/run/redis.sock"}),
        (
            "redis+unix://:pass@/run/a%20b.sock?db=2",
            {"host": "", "path": "/run/a b.sock", "password": "pass", "database": 2},
        ),
        ("redis://db?confirm=2", {"host": "db", "confirm": 2}),
        (
            "redis+sentinel://a,[::1]:7000/my%20master",
            {"kind": "sentinel", "nodes": (Node("a", 26379), Node("::1", 7000)), "master": "my master"},
        ),
        (
            "valkeys+sentinel://jane:p%40ss@a/m/2?confirm=0&sentinel_user=joe&sentinel_password=other",
            {
                "kind": "sentinel",
                "nodes": (Node("a", 26379),),
                "master": "m",
                "database": 2,
                "user": "jane",
                "password": "p@ss",
                "tls": True,
                "confirm": 0,
                "sentinel_user": "joe",
                "sentinel_password": "other",
            },
        ),
        (
            "rediss+cluster://:pass@a:1,b:2/0?prefix=x:&ca=c.pem",
            {
                "kind": "cluster",
                "nodes": (Node("a", 1), Node("b", 2)),
                "password": "pass",
                "tls": True,
                "prefix": "x:",
                "authority": "c.pem",
            },
        ),
    ],
)
def test_a_url_says_where_a_redis_is(url: str, expected: dict[str, Any]) -> None:
    assert parse(url) == Where(**expected)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://", "the host is missing; write redis://host:6379/0"),
        ("redis:", "the host is missing"),
        ("redis:///0", "the host is missing"),
        ("redis://db/first", "the database must be a number"),
        ("redis://db/1/2", "the database must be a number"),
        ("redis://:secret@db:port", "is not the URL of a Redis"),
        ("redis://:secret@[db", "is not the URL of a Redis"),
        ("redis://db?secret", "is not the URL of a Redis"),
        ("redis://db?password=secret", "a password goes before the host"),
        ("redis://db#secret", "is written %23"),
        ("redis://db?ca=x.pem", "ca needs TLS"),
        ("unix://secret/run/redis.sock", "an absolute path"),
        ("redis+unix://", "an absolute path"),
        ("redis+unix://db,other/run/redis.sock", "an absolute path"),
        ("redis://a,b", "one Redis has one host"),
        ("redis+sentinel://a,b:secret/m", "is not the URL of a Redis"),
        ("redis+sentinel://:secret@a,b", "the name of the master is missing; write redis+sentinel://"),
        ("redis+sentinel:///name", "the host is missing"),
        ("redis+sentinel://a,,b/name", "is not the URL of a Redis"),
        ("redis+sentinel://a/name/secret", "the database must be a number"),
        ("redis+sentinel://a/name?confirm=secret", "write confirm=1"),
        ("redis://a?sentinel_password=secret", "no option but"),
        ("redis+cluster://", "the host is missing"),
        ("redis+cluster://a/1", "no database but 0"),
        ("redis+cluster://a?confirm=-1", "write confirm=1"),
        ("redis+cluster://a?ca=x.pem", "ca needs TLS"),
        ("redis+://a", "there is no Redis behind this scheme"),
        ("redis+tcp://:secret@a", "there is no Redis behind this scheme"),
    ],
)
def test_a_url_of_none_is_refused_with_what_to_write(url: str, said: str) -> None:
    with pytest.raises(ValueError) as caught:
        open_store(url)
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_password_is_never_shown() -> None:
    url = "redis+sentinel://jane:secret@db/name?sentinel_password=secret"
    assert "secret" not in repr(parse(url))
    assert "secret" not in repr(parse(url).sentinel(Node("db", 1)))


def test_a_connection_begins_with_what_it_takes() -> None:
    assert parse("redis://db").greeting() == [(b"PING",)]
    assert parse("redis://:p@db").greeting() == [(b"AUTH", b"p")]
    assert parse("redis://jane:p@db/2").greeting() == [(b"AUTH", b"jane", b"p"), (b"SELECT", b"2")]


@given(
    st.sampled_from(["redis", "rediss", "redis+sentinel", "rediss+cluster", "redis+unix", "valkey"]),
    st.text("ab:@,[]&=%1 \n", max_size=20),
    st.text("ab:,/?#[]&=%1", max_size=20),
)
def test_whatever_a_url_is_its_password_is_not_told(scheme: str, start: str, end: str) -> None:
    def said(url: str) -> str:
        try:
            return repr(parse(url))
        except ValueError as error:
            return str(error)

    assert "secret" not in said(f"{scheme}://{start}:secret@{end}")


def test_a_sentinel_is_asked_for_the_master_and_the_master_whether_it_is_one() -> None:
    """With the passwords of each."""
    where = parse("redis+sentinel://jane:p@a,b/name/2?sentinel_password=other")
    sentinel = where.sentinel(where.nodes[1])
    assert (sentinel.host, sentinel.port) == ("b", 26379)
    asked = (b"SENTINEL", b"MASTER", b"name")
    assert sentinel.greeting() == [(b"AUTH", b"other"), asked]
    assert str(sentinel.refused("ERR")) == "no sentinel there knows a master of that name"
    assert str(sentinel.refused("NOAUTH")) == "Redis refused: NOAUTH"
    master = where.named(Node("10.0.0.1", 7000))
    assert (master.host, master.port) == ("10.0.0.1", 7000)
    assert master.greeting() == [(b"AUTH", b"jane", b"p"), (b"SELECT", b"2"), (b"ROLE",)]
    master.greeted([b"master", 0, []])
    with pytest.raises(StoreError, match="is no master"):
        master.greeted([b"slave", b"10.0.0.2", 7000, b"connected", 5])
    assert str(master.refused("ERR")) == "Redis refused: ERR"


@pytest.mark.parametrize(
    ("url", "copies"),
    [
        ("redis://a", 0),
        ("redis://a?confirm=2", 2),
        ("redis+sentinel://a/m", 1),
        ("redis+sentinel://a/m?confirm=0", 0),
        ("redis+cluster://a", 1),
    ],
)
def test_replicas_confirm_an_end_where_there_are_some(url: str, copies: int) -> None:
    assert parse(url).copies == copies
