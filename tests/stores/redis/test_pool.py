"""Blocking connections: what a thread sees when a Redis is slow, gone, back, locked or behind TLS."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest
from redis.connection import Connection

from secmw.errors import StoreError
from secmw.sessions.record import Record
from secmw.sessions.writes import Touch, Written
from secmw.stores.redis import pool
from secmw.stores.redis.store import RedisStore
from secmw.testing import FrozenClock
from tests.forks import beside
from tests.patience import back, waiting
from tests.servers import make_tls
from tests.services.redis import RedisServer, serve_redis
from tests.stores.redis.stepping import NOW, create, record

pytestmark = pytest.mark.server

ZERO = f"{0:022}"


def made(url: str) -> RedisStore:
    return RedisStore(url, clock=FrozenClock(NOW))


@pytest.mark.deadline
def test_a_server_that_hangs_is_a_store_error_within_a_second() -> None:
    """RB-06: and it is asked again as soon as it goes on."""
    with serve_redis() as server:
        store, new = made(server.url), made(server.url)
        store.write(create())
        server.hold()
        for asked in (store, store, new):
            with waiting() as waited:
                with pytest.raises(StoreError, match="did not answer in time"):
                    asked.load(ZERO)
                assert waited() < 1.0
        server.go_on()
        assert back(lambda: store.load(ZERO)) == back(lambda: new.load(ZERO)) == record()
        store.close()
        new.close()


@pytest.mark.deadline
def test_who_comes_after_somebody_without_an_answer_does_not_wait_for_as_long() -> None:
    """RB-06: threads are few, and whoever waits for one of them waits for those before as well."""
    with serve_redis() as server:
        store = made(server.url)
        store.write(create())
        server.hold()
        took = []
        for _ in range(4):
            start = time.monotonic()
            with pytest.raises(StoreError, match="did not answer in time"):
                store.load(ZERO)
            took.append(time.monotonic() - start)
        assert took[0] >= pool.ANSWER
        # Those that the machine has held up are not what this is about.
        assert min(took[1:]) < pool.ANSWER
        server.go_on()
        assert back(lambda: store.load(ZERO)) == record()
        # From then on a server may take its time again.
        server.ask("CLIENT", "PAUSE", int(1_500 * pool.GREET), "ALL")
        assert store.load(ZERO) == record()
        store.close()


def test_a_server_that_was_started_again_is_asked_again() -> None:
    """RB-02: it knows none of our scripts, and connections that died are replaced, also for a write."""
    with serve_redis() as server:
        store = made(server.url)
        assert store.write(create()) == Written(record())
        assert isinstance(store.write(Touch(selector=ZERO, at=NOW)), Written)
        server.stop()
        with waiting() as waited:
            with pytest.raises(StoreError, match="can't be"):
                store.load(ZERO)
            assert waited() < 1.0
        server.start()
        assert store.load(ZERO) is None
        server.stop()
        server.start()
        assert store.write(create()) == Written(record())
        assert isinstance(store.write(Touch(selector=ZERO, at=NOW)), Written)
        store.close()


def test_a_read_is_sent_once_more_where_its_connection_ends_and_a_write_is_not(redis: RedisServer) -> None:
    """A write may have been carried out."""
    store = made(redis.url)
    store.write(create())
    can_read = Connection.can_read
    for reading in (True, False):
        # It ends after it was looked at.
        with pytest.MonkeyPatch.context() as patched:

            def cut(connection: Connection, timeout: float = 0) -> bool:
                assert not can_read(connection, timeout)
                redis.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
                return False

            patched.setattr(Connection, "can_read", cut)
            if reading:
                assert store.load(ZERO) == record()
            else:
                with pytest.raises(StoreError):
                    store.write(Touch(selector=ZERO, at=NOW))
    store.close()


def test_scripts_that_a_server_forgets_are_sent_again(redis: RedisServer) -> None:
    store = made(redis.url)
    store.write(create())
    for _ in range(2):
        redis.ask("SCRIPT", "FLUSH")
        assert isinstance(store.write(Touch(selector=ZERO, at=NOW)), Written)
    store.close()


def test_a_wrong_password_is_a_store_error_without_it() -> None:
    """RB-02"""
    with serve_redis("redis", "--requirepass", "right") as server:
        bad = f"redis://:secret@127.0.0.1:{server.port}"
        for url in (bad, bad.replace("secret", "jane:secret"), bad.replace(":secret@", "")):
            with pytest.raises(StoreError) as caught:
                made(url).load(ZERO)
            assert "secret" not in f"{caught.value!r} {caught.value.__cause__!r}"
        store = made(bad.replace("secret", "right"))
        assert store.load(ZERO) is None
        store.close()


def test_a_password_that_nobody_asks_for_is_not_told(redis: RedisServer) -> None:
    with pytest.raises(StoreError) as caught:
        made(f"redis://:secret@127.0.0.1:{redis.port}").load(ZERO)
    assert "secret" not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_a_database_that_there_is_not_is_a_store_error(redis: RedisServer) -> None:
    with pytest.raises(StoreError):
        made(f"redis://127.0.0.1:{redis.port}/99").load(ZERO)
    store = made(f"redis://127.0.0.1:{redis.port}/3")
    store.write(create())
    assert redis.ask("DBSIZE") == 0
    store.close()


def test_a_unix_socket_leads_there_too(redis: RedisServer) -> None:
    store = made(f"redis+unix://{redis.path}?db=1")
    assert store.write(create()) == Written(record())
    assert isinstance(store.load(ZERO), Record)
    store.close()
    with pytest.raises(StoreError):
        made("unix:///nowhere/redis.sock").load(ZERO)


def test_tls_leads_there_too_and_strangers_are_not_trusted(tmp_path: Path) -> None:
    with serve_redis(tls=make_tls(tmp_path)) as server:
        url = f"rediss://localhost:{server.port}"
        store = made(f"{url}?ca={tmp_path / 'authority.pem'}")
        assert store.write(create()) == Written(record())
        assert store.load(ZERO) == record()
        store.close()
        with pytest.raises(StoreError):
            made(url).load(ZERO)


def test_a_forked_process_has_connections_of_its_own(redis: RedisServer) -> None:
    """RB-03, SE-11: and is another holder of leases."""
    store = made(redis.url)
    store.write(create())
    assert store.lease("sweep", 60.0)

    def sound() -> bool:
        return all(store.load(ZERO) == record() for _ in range(200))

    with beside(lambda: sound() and not store.lease("sweep", 60.0)):
        assert sound()
    assert store.lease("sweep", 60.0)
    store.close()


@pytest.mark.deadline
def test_who_finds_every_connection_in_use_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """RB-06"""
    monkeypatch.setattr(pool, "MOST", 1)
    monkeypatch.setattr(pool, "ANSWER", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = made(f"redis://127.0.0.1:{silent.getsockname()[1]}")
        said: list[str] = []

        def ask() -> None:
            with pytest.raises(StoreError) as caught:
                store.load(ZERO)
            said.append(str(caught.value))

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert {"Redis is busy: every connection is in use", "Redis did not answer in time"} >= set(said)
    assert len(said) == 3
