"""Where a Redis is: URLs that name one, and what is said of those that do not."""

from __future__ import annotations

from typing import Any

import pytest

from secmw.stores import open_store
from secmw.stores.redis.where import Where, parse


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
        ("redis://db#secret", "no option but"),
        ("redis://db?ca=x.pem", "ca needs TLS"),
        ("unix://secret/run/redis.sock", "an absolute path"),
        ("redis+unix://", "an absolute path"),
        ("redis+sentinel://:secret@a,b/name", "Sentinel and Cluster can't be used yet"),
        ("redis+cluster://a,b", "Sentinel and Cluster can't be used yet"),
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
    assert "secret" not in repr(parse("redis://jane:secret@db"))


def test_a_connection_begins_with_what_it_takes() -> None:
    assert parse("redis://db").greeting() == [(b"PING",)]
    assert parse("redis://:p@db").greeting() == [(b"AUTH", b"p")]
    assert parse("redis://jane:p@db/2").greeting() == [(b"AUTH", b"jane", b"p"), (b"SELECT", b"2")]
