"""One SQLite file for many threads and processes: who may read it, what is refused, what a fork and a lock do to it."""

from __future__ import annotations

import gc
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from secmw.errors import StoreError
from secmw.stores import database as module
from secmw.stores.database import Database, kind_of, network_file_system
from tests.patience import quickest

STEPS = ("CREATE TABLE notes (text TEXT NOT NULL)",)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "below" / "notes.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    made = Database(path, "notes", STEPS)
    yield made
    made.close()


def note(database: Database, text: str, *, durable: bool = False) -> None:
    with database.writing(durable=durable) as connection:
        connection.execute("INSERT INTO notes VALUES (?)", (text,))


def notes(database: Database) -> list[str]:
    return [text for (text,) in database.read("SELECT text FROM notes ORDER BY rowid")]


def refused(why: str, act: Callable[..., object], *given: object) -> float:
    """Return how many seconds it took to be told why not."""
    start = time.monotonic()
    with pytest.raises(StoreError, match=why):
        act(*given)
    return time.monotonic() - start


def opened(path: Path) -> list[str]:
    """Return what this process has open of a file and its companions."""
    found = []
    for link in Path("/proc/self/fd").iterdir():
        try:
            target = str(link.readlink())
        except FileNotFoundError:
            continue
        if target.startswith(str(path)):
            found.append(target)
    return sorted(found)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


# --- the file


def test_nothing_is_made_before_it_is_needed(database: Database, path: Path) -> None:
    assert not path.parent.exists()
    assert notes(database) == []
    assert path.exists()


def test_the_file_its_companions_and_its_folder_are_for_our_eyes_only(database: Database, path: Path) -> None:
    before = os.umask(0)
    try:
        note(database, "one")
    finally:
        os.umask(before)
    assert mode(path.parent) == 0o700
    assert {file.name: mode(file) for file in path.parent.iterdir()} == {
        "notes.db": 0o600,
        "notes.db-wal": 0o600,
        "notes.db-shm": 0o600,
    }


def test_a_file_that_others_may_read_is_closed_to_them(database: Database, path: Path) -> None:
    path.parent.mkdir(mode=0o755)
    path.touch(mode=0o644)
    note(database, "one")
    assert mode(path) == 0o600
    # A folder that was there is somebody's decision.
    assert mode(path.parent) == 0o755


def test_a_relative_path_is_one_from_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = Database("notes.db", "notes", STEPS)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    note(made, "one")
    made.close()
    assert (tmp_path / "notes.db").exists()


def test_what_is_no_database_is_a_store_error(database: Database, path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is no database at all" * 100)
    with pytest.raises(StoreError, match="file is not a database"):
        notes(database)
    assert opened(path) == []


def test_what_is_no_file_is_a_store_error(path: Path, tmp_path: Path) -> None:
    path.mkdir(parents=True)
    (tmp_path / "file").touch()
    for place in (path, tmp_path / "file" / "notes.db"):
        with pytest.raises(StoreError, match="can't be opened"):
            notes(Database(place, "notes", STEPS))


def test_a_file_that_was_removed_is_noticed(database: Database, path: Path) -> None:
    """Otherwise this process would go on with a file that nobody else sees."""
    note(database, "one")
    for file in path.parent.iterdir():
        file.unlink()
    # Looked at once a second.
    database._looked = 0.0
    note(database, "two")
    other = Database(path, "notes", STEPS)
    assert notes(other) == notes(database) == ["two"]
    other.close()


# --- network file systems


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/", "ext4"),
        ("/var/lib/app", "ext4"),
        ("/srv", "nfs4"),
        ("/srv/app", "nfs4"),
        ("/srvapp", "ext4"),
        ("/srv/fast/app", "xfs"),
        ("/home/jane doe/x", "sshfs"),
        ("/twice", "cifs"),
    ],
)
def test_the_nearest_mount_says_what_a_folder_is_on(folder: str, kind: str) -> None:
    mounts = "\n".join(
        (
            "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw",
            "31 22 0:41 / /srv rw shared:2 master:3 - nfs4 host:/export rw",
            "32 31 8:2 / /srv/fast rw - xfs /dev/sdb1 rw",
            r"33 22 0:50 / /home/jane\040doe rw - fuse.sshfs jane@host: rw",
            "34 22 8:3 / /twice rw - ext4 /dev/sdc1 rw",
            "35 34 0:51 / /twice rw - cifs //host/share rw",
            "this is no line of it",
        )
    )
    assert kind_of(folder, mounts) == kind


def test_where_no_mount_fits_nothing_is_known() -> None:
    assert kind_of("/srv", "") == ""


def test_a_local_disk_is_none(tmp_path: Path) -> None:
    assert network_file_system(tmp_path) == ""


def test_a_file_on_a_network_file_system_is_refused(
    database: Database, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = kind_of(os.path.realpath(tmp_path), Path("/proc/self/mountinfo").read_text())
    monkeypatch.setattr(module, "_REMOTE", {here})
    with pytest.raises(StoreError, match=rf"network file system \({here}\).*use a local disk"):
        notes(database)
    assert not path.exists()


# --- versions


def test_older_tables_are_brought_up_to_date(path: Path) -> None:
    old = Database(path, "notes", STEPS)
    note(old, "one")
    old.close()
    steps = (*STEPS, "ALTER TABLE notes ADD COLUMN author TEXT; CREATE INDEX authors ON notes (author)")
    new = Database(path, "notes", steps)
    assert new.read("SELECT text, author FROM notes") == [("one", None)]
    new.close()


def test_a_step_that_fails_leaves_everything_as_it_was(path: Path) -> None:
    old = Database(path, "notes", STEPS)
    note(old, "one")
    broken = Database(path, "notes", (*STEPS, "CREATE TABLE other (x); CREATE TABLE notes (x)"))
    with pytest.raises(StoreError, match="already exists"):
        notes(broken)
    assert notes(old) == ["one"]
    assert old.read("SELECT name FROM sqlite_master WHERE name = 'other'") == []
    old.close()


def test_tables_of_a_newer_version_are_left_alone(path: Path) -> None:
    new = Database(path, "notes", (*STEPS, "ALTER TABLE notes ADD COLUMN author TEXT"))
    note_count = len(new.read("SELECT * FROM notes"))
    new.close()
    with pytest.raises(StoreError, match=r"written by a newer secmw \(notes 2\)"):
        notes(Database(path, "notes", STEPS))
    assert note_count == 0


def test_several_keep_theirs_in_one_file(database: Database, path: Path) -> None:
    other = Database(path, "events", ("CREATE TABLE events (x); CREATE INDEX xs ON events (x)",))
    note(database, "one")
    assert other.read("SELECT * FROM events") == []
    assert notes(database) == ["one"]
    other.close()


def test_many_that_open_a_new_file_at_once_all_succeed(path: Path) -> None:
    made = [Database(path, "notes", STEPS) for _ in range(6)]
    threads = [threading.Thread(target=note, args=(one, f"{number}")) for number, one in enumerate(made)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(notes(made[0])) == [f"{number}" for number in range(6)]
    for one in made:
        one.close()


# --- transactions


def test_what_raises_changes_nothing(database: Database) -> None:
    note(database, "one")

    def fail(error: Exception | None) -> None:
        with database.writing(durable=False) as connection:
            connection.execute("INSERT INTO notes VALUES ('two')")
            if error is not None:
                raise error
            connection.execute("INSERT INTO notes VALUES (NULL)")

    with pytest.raises(KeyError):
        fail(KeyError())
    with pytest.raises(StoreError, match="NOT NULL"):
        fail(None)
    assert notes(database) == ["one"]
    note(database, "four")
    assert notes(database) == ["one", "four"]


def test_a_question_that_fails_leaves_no_connection_that_has_failed(database: Database, path: Path) -> None:
    """RB-02"""
    note(database, "one")
    with pytest.raises(StoreError, match="no such table: absent"):
        database.read("SELECT * FROM absent")
    assert opened(path) == []
    assert notes(database) == ["one"]


def test_a_durable_write_waits_for_the_disk_and_no_other_does(database: Database) -> None:
    found = []
    for durable in (False, True, False):
        with database.writing(durable=durable) as connection:
            found.append(connection.execute("PRAGMA synchronous").fetchone()[0])
    # 1 is NORMAL: a power cut may take the last commits; 2 is FULL.
    assert found == [1, 2, 1]


def test_a_locked_file_is_a_store_error_within_a_second(database: Database, path: Path) -> None:
    """RB-02, RB-04"""
    note(database, "one")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert 0.3 < quickest(lambda: refused("locked", note, database, "two"), 1.0) < 1.0
    # Readers never wait for writers.
    assert notes(database) == ["one"]
    other.execute("COMMIT")
    note(database, "three")
    assert notes(database) == ["one", "three"]
    other.close()


def test_a_file_that_is_locked_for_readers_too_is_a_store_error_within_a_second(path: Path) -> None:
    """RB-02"""
    first = Database(path, "notes", STEPS)
    note(first, "one")
    first.close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    late = Database(path, "notes", STEPS)
    assert quickest(lambda: refused("locked", notes, late), 1.0) < 1.0
    other.close()
    assert notes(late) == ["one"]
    late.close()


def test_a_thread_that_waits_for_another_too_long_gives_up(database: Database) -> None:
    """RB-02"""
    started, done = threading.Event(), threading.Event()

    def hold() -> None:
        with database.writing(durable=False):
            started.set()
            done.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    started.wait(60)
    assert quickest(lambda: refused("busy", note, database, "two"), 1.0) < 1.0
    done.set()
    thread.join()
    note(database, "three")
    assert notes(database) == ["three"]


# --- connections


def test_threads_that_take_turns_share_a_connection(database: Database, path: Path) -> None:
    for number in range(20):
        thread = threading.Thread(target=note, args=(database, f"{number}"))
        thread.start()
        thread.join()
    assert len(notes(database)) == 20
    assert len([name for name in opened(path) if name == str(path)]) == 1


def test_closing_leaves_nothing_open(database: Database, path: Path) -> None:
    """RB-03"""
    note(database, "one")
    assert opened(path) != []
    with database.writing(durable=False) as connection:
        # One that is in use is closed when it comes back.
        database.close()
        connection.execute("INSERT INTO notes VALUES ('two')")
    assert opened(path) == []
    assert notes(database) == ["one", "two"]


def test_a_database_that_nobody_holds_closes_its_file(path: Path) -> None:
    made = Database(path, "notes", STEPS)
    note(made, "one")
    del made
    gc.collect()
    assert opened(path) == []


# --- forks


def run(program: str, *arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


FORKED = """
import os, sys
from pathlib import Path
from secmw.stores.database import Database

def held(path):
    links = [os.readlink(link) for link in Path("/proc/self/fd").iterdir() if link.is_symlink() and os.path.lexists(link)]
    return [target for target in links if target.startswith(path)]

def note(text, meanwhile=lambda: None):
    with database.writing(durable=False) as connection:
        meanwhile()
        connection.execute("INSERT INTO notes VALUES (?)", (text,))

def notes():
    return [text for (text,) in database.read("SELECT text FROM notes")]

path = sys.argv[1]
database = Database(path, "notes", ("CREATE TABLE notes (text TEXT NOT NULL)",))
note("parent before")
"""


def test_no_connection_goes_through_a_fork(path: Path) -> None:
    """RB-03"""
    program = FORKED + (
        "child = os.fork()\n"
        "if not child:\n"
        "    assert held(path) == [], held(path)\n"
        "    note('child')\n"
        "    assert held(path)\n"
        "    database.close()\n"
        "    os._exit(0)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "note('parent after')\n"
        "print(notes())\n"
    )
    assert run(program, path) == "['parent before', 'child', 'parent after']\n"


def test_nobody_takes_the_journal_away_from_a_forked_child(path: Path) -> None:
    """RB-03: with an inherited connection the last write here would be lost, after it was acknowledged."""
    program = FORKED + (
        "to_child, from_child = os.pipe(), os.pipe()\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    note('child')\n"
        "    os.write(from_child[1], b'.')\n"
        "    os.read(to_child[0], 1)\n"
        "    note('child after')\n"
        "    os._exit(0)\n"
        "os.read(from_child[0], 1)\n"
        "note('parent after')\n"
        # The last that closes a file takes its journal away; the parent is not the last.
        "database.close()\n"
        "assert Path(path + '-wal').exists()\n"
        "os.write(to_child[1], b'.')\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "print(sorted(notes()))\n"
    )
    assert run(program, path) == "['child', 'child after', 'parent after', 'parent before']\n"


def test_a_fork_waits_for_the_transaction_of_another_thread(path: Path) -> None:
    """RB-03"""
    program = FORKED + (
        "import threading, time\n"
        "started = threading.Event()\n"
        "thread = threading.Thread(target=note, args=('slow', lambda: started.set() or time.sleep(0.2)))\n"
        "thread.start()\n"
        "started.wait()\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    assert held(path) == []\n"
        "    note('child')\n"
        "    os._exit(0)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "thread.join()\n"
        "print(notes())\n"
    )
    assert run(program, path) == "['parent before', 'slow', 'child']\n"


def test_a_child_forked_in_the_middle_of_a_call_that_does_not_end_refuses(path: Path) -> None:
    """RB-03: it has inherited what it can neither use nor close."""
    program = FORKED + (
        "import threading\n"
        "from secmw.errors import StoreError\n"
        "started, done = threading.Event(), threading.Event()\n"
        "thread = threading.Thread(target=note, args=('slow', lambda: started.set() or done.wait()))\n"
        "thread.start()\n"
        "started.wait()\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    try:\n"
        "        note('child')\n"
        "    except StoreError as error:\n"
        "        os._exit(0 if 'forked' in str(error) else 2)\n"
        "    os._exit(1)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "done.set()\n"
        "thread.join()\n"
        "note('parent after')\n"
        "print(notes())\n"
    )
    assert run(program, path) == "['parent before', 'slow', 'parent after']\n"
