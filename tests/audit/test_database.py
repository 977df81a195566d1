"""A SQLite file is opened private, in WAL mode, durable, and on a local disk only."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from secmw.audit import database
from secmw.audit.database import connect, file_system


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_made_is_private(tmp_path: Path) -> None:
    path = tmp_path / "app" / "audit.db"
    opened = connect(path)
    opened.execute("CREATE TABLE t (x)")
    assert mode(path.parent) == 0o700
    # The log beside it holds the same rows.
    assert {file.name: mode(file) for file in path.parent.iterdir()} == {
        "audit.db": 0o600,
        "audit.db-wal": 0o600,
        "audit.db-shm": 0o600,
    }
    opened.close()


def test_what_is_there_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "audit.db"
    path.touch(mode=0o640)
    path.chmod(0o640)
    connect(path).close()
    assert mode(path) == 0o640


def test_it_writes_ahead_and_waits_for_the_disk(tmp_path: Path) -> None:
    """RB-04"""
    opened = connect(tmp_path / "audit.db")
    assert opened.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert opened.execute("PRAGMA synchronous").fetchone() == (2,)
    opened.close()


OPENER = "import sys, pathlib; from secmw.audit.database import connect; connect(pathlib.Path(sys.argv[1])).close()"


def test_several_processes_may_make_it_at_once(tmp_path: Path) -> None:
    """RB-04: SQLite lets all but one of those that change the mode fail without waiting."""
    for number in range(3):
        path = str(tmp_path / f"{number}.db")
        openers = [subprocess.Popen([sys.executable, "-c", OPENER, path]) for _ in range(6)]
        assert [opener.wait(30) for opener in openers] == [0] * 6


def test_a_file_that_is_no_database_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "audit.db"
    path.write_text("these are notes, and no database" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        connect(path)


def test_a_mode_that_cannot_be_changed_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "audit.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE t (x)")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            connect(path)
        other.execute("ROLLBACK")
    other.close()


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "fuse.glusterfs"])
def test_a_network_file_system_is_refused(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "file_system", lambda directory: kind)
    with pytest.raises(OSError, match=f"network file system \\({kind}\\).*use a local disk"):
        connect(tmp_path / "audit.db")
    assert list(tmp_path.iterdir()) == []


def test_the_machine_says_what_a_directory_is_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert file_system(Path("/proc")) == "proc"
    assert file_system(tmp_path) not in ("", "proc")
    monkeypatch.setattr(Path, "read_text", lambda *args: (_ for _ in ()).throw(FileNotFoundError))
    assert file_system(Path("/proc")) == ""
