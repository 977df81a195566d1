"""A store by its URL: ours, other packages', and what is said of a URL that is none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import secmw.stores
from secmw.stores import (
    AsyncMemoryStore,
    AsyncRedisStore,
    AsyncSQLiteStore,
    MemoryStore,
    RedisStore,
    SQLiteStore,
    open_store,
)
from secmw.testing import FrozenClock
from tests.stores.test_sqlite import path_of


@pytest.mark.parametrize(
    ("url", "kind", "asynchronous"),
    [
        ("memory://", MemoryStore, AsyncMemoryStore),
        ("memory:", MemoryStore, AsyncMemoryStore),
        ("MEMORY://?max_sessions=5", MemoryStore, AsyncMemoryStore),
        ("sqlite:///var/lib/app/sessions.db", SQLiteStore, AsyncSQLiteStore),
        ("sqlite3:sessions.db", SQLiteStore, AsyncSQLiteStore),
        ("redis://host:6379/0", RedisStore, AsyncRedisStore),
        ("rediss://user:secret@host/0", RedisStore, AsyncRedisStore),
        ("valkey://host", RedisStore, AsyncRedisStore),
        ("redis+unix:///run/redis.sock", RedisStore, AsyncRedisStore),
        ("unix:///run/redis.sock?db=1", RedisStore, AsyncRedisStore),
    ],
)
def test_a_url_names_a_store_of_either_colour(url: str, kind: type, asynchronous: type) -> None:
    assert type(open_store(url)) is kind
    assert type(open_store(url, asynchronous=True)) is asynchronous


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///var/lib/app/sessions.db", "/var/lib/app/sessions.db"),
        ("sqlite:////var/lib/app/sessions.db", "/var/lib/app/sessions.db"),
        ("sqlite:/var/lib/app/sessions.db", "/var/lib/app/sessions.db"),
        ("sqlite:///var/a%20b%3F.db", "/var/a b?.db"),
    ],
)
def test_a_sqlite_url_holds_an_absolute_path(url: str, path: str) -> None:
    assert path_of(open_store(url)) == Path(path)


def test_a_sqlite_url_may_hold_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert path_of(open_store("sqlite:.secmw/sessions.db")) == tmp_path / ".secmw" / "sessions.db"


def test_the_clock_reaches_the_store() -> None:
    clock = FrozenClock()
    store = open_store("memory://", clock=clock)
    store.put("space", "key", b"x", 10.0)
    clock.move(10)
    assert store.take("space", "key") is None


def test_the_size_of_a_memory_store_is_in_its_url() -> None:
    assert MemoryStore()._max == 1_000_000
    store: Any = open_store("memory://?max_sessions=5")
    assert store._max == 5


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "is not the URL of a store; write one of memory://, sqlite:///var/lib/app/sessions.db"),
        ("sessions.db", "is not the URL of a store"),
        ("mongodb://jane:secret@db/0", "there is no store 'mongodb'; write one of memory://"),
        ("memory://host", "no host"),
        ("memory:///path", "no path"),
        ("memory://?size=5", "no option but max_sessions"),
        ("memory://?max_sessions=0", "whole number above 0"),
        ("memory://?max_sessions=-1", "whole number above 0"),
        ("memory://?max_sessions=many", "whole number above 0"),
        ("sqlite://", "takes no host"),
        ("sqlite://var/lib/sessions.db", "takes no host; write sqlite:///var"),
        ("sqlite:", "needs the path of a file"),
        ("sqlite:///", "needs the path of a file"),
        ("sqlite:///:memory:", "write sqlite:///var/lib/app/sessions.db or memory://"),
        ("sqlite:///var/lib/", "needs the path of a file"),
        ("sqlite:///var/a.db?mode=ro", "takes no options"),
        ("redis://:secret@host/first", "the database must be a number; write redis://host:6379/0"),
        ("sqlite:///var/a%00.db", "needs the path of a file"),
    ],
)
def test_a_url_of_no_store_is_refused_with_what_to_write(url: str, said: str) -> None:
    with pytest.raises(ValueError) as caught:
        open_store(url)
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


def test_another_package_may_offer_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By an entry point; it gets the whole URL, and is loaded no sooner."""
    info = tmp_path / "other_store-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other-store\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[secmw.stores]\nother = other_store_of_a_test:open_url\n")
    (tmp_path / "other_store_of_a_test.py").write_text(
        "from secmw.stores import MemoryStore\n"
        "def open_url(url, *, asynchronous, clock):\n"
        "    store = MemoryStore(clock=clock)\n"
        "    store.asked = (url, asynchronous)\n"
        "    return store\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    store: Any = open_store("other+tls://host/0")
    assert store.asked == ("other+tls://host/0", False)
    with pytest.raises(ValueError, match=r"other://"):
        open_store("another://")


def test_the_names_of_the_package_are_there_and_load_when_asked_for() -> None:
    assert dir(secmw.stores) == sorted(secmw.stores.__all__)
    assert all(getattr(secmw.stores, name) is not None for name in secmw.stores.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'RedisStor'"):
        _ = secmw.stores.RedisStor


@pytest.mark.parametrize(("asynchronous", "missing"), [(False, "redis"), (True, "hiredis")])
def test_a_store_whose_driver_is_not_installed_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, asynchronous: bool, missing: str
) -> None:
    for name in [name for name in sys.modules if name.startswith(("secmw.stores.redis.", missing))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ValueError, match=rf"needs {missing}.*pip install 'secmw\[redis\]'"):
        open_store("redis://host", asynchronous=asynchronous)


def test_no_store_loads_more_than_it_needs(tmp_path: Path) -> None:
    program = (
        "import sys, secmw.stores\n"
        "assert not {'sqlite3', 'asyncio', 'msgspec', 'redis', 'hiredis'} & set(sys.modules)\n"
        "secmw.stores.open_store('memory://', asynchronous=True)\n"
        "assert not {'sqlite3', 'asyncio'} & set(sys.modules)\n"
        "secmw.stores.open_store('sqlite:sessions.db', asynchronous=True)\n"
        "assert 'asyncio' not in sys.modules\n"
    )
    # Coverage would load modules of its own into that process.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environ, check=True)
