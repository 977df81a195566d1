"""A URL says which trail, and a wrong one says what to write."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import secmw.audit
from secmw.audit import AsyncMemoryTrail, AsyncSQLiteTrail, MemoryTrail, SQLiteTrail, open_trail
from secmw.stores import SQLiteStore, open_store


def test_memory() -> None:
    assert isinstance(open_trail("memory://"), MemoryTrail)
    assert isinstance(open_trail("memory://", asynchronous=True), AsyncMemoryTrail)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///var/lib/app/audit.db", "/var/lib/app/audit.db"),
        ("sqlite:audit.db", "audit.db"),
        ("sqlite:.secmw/audit.db", ".secmw/audit.db"),
        ("SQLite3:audit.db", "audit.db"),
        ("sqlite:/var/lib/app/audit.db", "/var/lib/app/audit.db"),
        ("sqlite:////var/lib/app/audit.db", "/var/lib/app/audit.db"),
        ("sqlite:///var/lib/my%20app/audit.db", "/var/lib/my app/audit.db"),
    ],
)
def test_sqlite(url: str, path: str) -> None:
    trail = open_trail(url)
    assert isinstance(trail, SQLiteTrail)
    assert trail.path == Path(path).absolute()
    other = open_trail(url, asynchronous=True)
    assert isinstance(other, AsyncSQLiteTrail)
    assert other.blocking.path == trail.path
    # The same URL means the same file to the sessions.
    store = open_store(url)
    assert isinstance(store, SQLiteStore)
    assert store._database.path == trail.path


def test_nothing_is_opened_yet(tmp_path: Path) -> None:
    open_trail(f"sqlite://{tmp_path}/new/audit.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("mysql://root:hunter2@db/audit", "is not the URL of an audit trail"),
        ("audit.db", "is not the URL"),
        ("", "is not the URL"),
        ("sqlite://db/audit.db", "takes no host"),
        ("sqlite:", "needs the path"),
        ("sqlite:///", "needs the path"),
        ("sqlite::memory:", "needs the path"),
        ("sqlite:///var/lib/app/", "needs the path"),
        ("sqlite:///audit.db?mode=ro", "no options"),
        ("sqlite:///audit.db#1", "no options"),
        ("sqlite:///audit%00.db", "needs the path"),
    ],
)
def test_a_wrong_url_says_what_to_write_and_not_what_it_was(url: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault) as raised:
        open_trail(url)
    assert "memory://" in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_every_trail_is_there_by_its_name_and_nothing_else_is_shown() -> None:
    assert dir(secmw.audit) == sorted(secmw.audit.__all__)
    assert all(getattr(secmw.audit, name) for name in secmw.audit.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'PostgresTrail'"):
        _ = secmw.audit.PostgresTrail


@pytest.mark.parametrize(
    ("statement", "without"),
    [
        ("import secmw; from secmw import *", {"sqlite3", "asyncio", "fcntl", "secmw.audit.sqlite"}),
        ("import secmw.wsgi", {"sqlite3", "asyncio", "fcntl", "secmw.audit.sqlite"}),
        ("import secmw.audit, secmw.sinks, secmw.testing", {"sqlite3", "asyncio", "fcntl"}),
        ("from secmw.audit import open_trail; open_trail('memory://')", {"sqlite3", "asyncio"}),
        ("from secmw.audit import open_trail; open_trail('sqlite:audit.db', asynchronous=True)", {"asyncio"}),
        ("from secmw.audit import AsyncRecorder; from secmw.sinks import *", {"sqlite3", "asyncio"}),
    ],
)
def test_nothing_is_loaded_before_it_is_used(statement: str, without: set[str]) -> None:
    program = f"import sys; {statement}; print(*sys.modules)"
    # Coverage would load modules of its own into that interpreter, and hide that secmw loads them too.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) & without == set()
