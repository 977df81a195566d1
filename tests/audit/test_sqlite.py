"""SQLiteTrail: what is committed stays, whoever else writes, and whatever becomes of the process."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from secmw import SinkError
from secmw.audit import AsyncSQLiteTrail, Event, SQLiteTrail
from tests.forks import forked

EVENT = Event(time=1_750_000_000.0, action="user_login", user_id="42", extra={"cart": [1]})


#: Python 3.12 warns of forks beside threads, which is what servers that preload do.
FORKS = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.db"


@pytest.fixture
def trail(path: Path) -> Iterator[SQLiteTrail]:
    made = SQLiteTrail(path)
    yield made
    made.close()


def whole(path: Path) -> bool:
    with sqlite3.connect(path) as database:
        found: tuple[str] = database.execute("PRAGMA integrity_check").fetchone()
    database.close()
    return found == ("ok",)


def test_nothing_is_opened_before_the_first_event(path: Path, trail: SQLiteTrail) -> None:
    assert not path.exists()
    trail.append([EVENT])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_events_outlive_the_trail(path: Path, trail: SQLiteTrail) -> None:
    trail.append([EVENT])
    trail.close()
    other = SQLiteTrail(path)
    (found,) = other.recent(5)
    assert (found.user_id, found.extra) == ("42", {"cart": [1]})
    other.close()


def test_a_number_is_not_used_again_though_its_event_was_removed(path: Path, trail: SQLiteTrail) -> None:
    trail.append([EVENT, EVENT])
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM audit_events")
    database.close()
    (found,) = trail.append([EVENT])
    assert found.id == 3


def test_it_may_live_in_a_file_with_other_tables(path: Path, trail: SQLiteTrail) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE sessions (id TEXT)")
    database.close()
    trail.append([EVENT])
    with sqlite3.connect(path) as database:
        names = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    database.close()
    assert {"sessions", "audit_events"} <= names


def test_it_is_where_the_path_said_even_if_the_process_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    trail = SQLiteTrail("audit.db")
    monkeypatch.chdir("/")
    trail.append([EVENT])
    trail.close()
    assert (tmp_path / "audit.db").exists()


# --- several at once

WRITER = """
import sys, time
from secmw.audit import Event, SQLiteTrail
from secmw.stores import database
# What becomes of the events is asked, not how soon a busy disk makes them be given up.
database.PATIENCE = 10.0
trail = SQLiteTrail(sys.argv[1])
for number in range(int(sys.argv[2])):
    print(*(event.id for event in trail.append([Event(time=0.0, action="x", user_id=sys.argv[3])] * 2)), flush=True)
    time.sleep(float(sys.argv[4]))
"""


def test_numbers_go_up_across_processes(path: Path) -> None:
    """RB-04: nobody is told that the database is locked."""
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), "40", str(number), "0.005"], stdout=subprocess.PIPE
        )
        for number in range(8)
    ]
    said = [[int(number) for number in writer.communicate(timeout=60)[0].split()] for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * 8
    for mine in said:
        assert mine == sorted(mine)
        assert all(second == first + 1 for first, second in zip(mine[::2], mine[1::2], strict=True))
    assert sorted(number for mine in said for number in mine) == list(range(1, 8 * 80 + 1))
    trail = SQLiteTrail(path)
    kept = trail.recent(1000)
    assert {event.id: event.user_id for event in kept} == {
        number: str(writer) for writer, mine in enumerate(said) for number in mine
    }
    trail.close()


def test_a_killed_process_loses_no_event_that_it_was_told_is_kept(path: Path) -> None:
    said: list[int] = []
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), "100000", "42", "0"], stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout is not None
            first = [writer.stdout.readline() for _ in range(20)]
            writer.send_signal(signal.SIGKILL)
            said += map(int, b" ".join([*first, writer.stdout.read()]).split())
    trail = SQLiteTrail(path)
    kept = {event.id for event in trail.recent(1_000_000)}
    assert len(said) >= 120
    assert set(said) <= kept
    # A batch is kept whole or not at all.
    assert len(kept) % 2 == 0
    (following,) = trail.append([EVENT])
    assert following.id > max(said)
    trail.close()
    assert whole(path)


@FORKS
def test_a_forked_process_opens_its_own(path: Path, trail: SQLiteTrail) -> None:
    trail.append([EVENT])

    def appends() -> bool:
        ids = [event.id for event in trail.append([EVENT])]
        trail.close()
        return ids == [2]

    forked(appends)
    assert [event.id for event in trail.append([EVENT])] == [3]
    assert trail.count() == 3


# --- what goes wrong


def test_a_file_that_is_busy_for_too_long_is_an_error(path: Path, trail: SQLiteTrail) -> None:
    """AU-07: after two seconds, and a slow machine's delay."""
    trail.append([EVENT])
    with sqlite3.connect(path) as other:
        other.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()
        with pytest.raises(SinkError, match="locked"):
            trail.append([EVENT])
        assert time.monotonic() - begun < 5
        # Who reads waits for nobody who writes.
        assert trail.count() == 1
        other.execute("ROLLBACK")
    other.close()
    assert [event.id for event in trail.append([EVENT])] == [2]


def test_a_file_that_is_no_database_is_an_error(path: Path, trail: SQLiteTrail) -> None:
    path.write_bytes(b"no database at all" * 1000)
    for ask in (lambda: trail.append([EVENT]), lambda: trail.recent(1), trail.count):
        with pytest.raises(SinkError, match="is away"):
            ask()


def test_a_folder_that_is_a_file_is_an_error(path: Path) -> None:
    path.touch()
    with pytest.raises(SinkError, match="is away"):
        SQLiteTrail(path / "audit.db").append([EVENT])


def test_a_table_that_is_not_ours_is_an_error(path: Path, trail: SQLiteTrail) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE VIEW audit_events AS SELECT 1")
    database.close()
    with pytest.raises(SinkError, match="is away"):
        trail.append([EVENT])


@pytest.mark.parametrize("change", ["extra = '{'", "extra = '[]'", "extra = x'00'", "user_id = x'00'"])
def test_a_row_that_somebody_changed_is_an_error_that_names_it(
    change: str, path: Path, trail: SQLiteTrail
) -> None:
    trail.append([EVENT, EVENT])
    with sqlite3.connect(path) as database:
        database.execute(f"UPDATE audit_events SET {change} WHERE id = 2")  # noqa: S608 - the test's own
    database.close()
    with pytest.raises(SinkError, match="event 2 of the audit trail is damaged"):
        trail.recent(5)
    assert [event.id for event in trail.recent(5, before=2)] == [1]


CRAMPED = """
import resource, signal, sys
from secmw import SinkError
from secmw.audit import Event, SQLiteTrail
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
trail = SQLiteTrail(sys.argv[1])
trail.append([Event(time=0.0, action="x")])
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
kept, lost = [1], 0
for number in range(60):
    try:
        kept += [event.id for event in trail.append([Event(time=0.0, action="y" * 5000)])]
    except SinkError:
        lost += 1
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
kept += [event.id for event in trail.append([Event(time=0.0, action="z")])]
print(lost, *kept)
"""


def test_a_full_disk_loses_what_it_says_and_nothing_else(path: Path) -> None:
    """AU-07: and the trail goes on when there is room again."""
    done = subprocess.run(
        [sys.executable, "-c", CRAMPED, str(path)], capture_output=True, text=True, check=True
    )
    lost, *kept = map(int, done.stdout.split())
    assert lost
    assert lost + len(kept) == 62
    trail = SQLiteTrail(path)
    assert [event.id for event in trail.recent(100)] == kept[::-1]
    trail.close()
    assert whole(path)


UNPRIVILEGED = """
import os, sys
from secmw import SinkError
from secmw.audit import Event, SQLiteTrail
SQLiteTrail(sys.argv[2]).append([Event(time=0.0, action="x")])
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    SQLiteTrail(sys.argv[1]).append([Event(time=0.0, action="x")])
except SinkError as error:
    print(error)
"""


def test_a_file_that_this_user_may_not_write_is_an_error(path: Path) -> None:
    """AU-07"""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        closed = Path(folder) / "closed.db"
        closed.touch(mode=0o000)
        done = subprocess.run(
            [sys.executable, "-c", UNPRIVILEGED, str(closed), str(path)],
            capture_output=True,
            text=True,
            check=True,
        )
        assert "unable to open database file" in done.stdout


# --- the event loop


@pytest.mark.anyio
async def test_the_event_loop_is_not_held_up(path: Path) -> None:
    trail = AsyncSQLiteTrail(path)
    await trail.append([EVENT])
    with sqlite3.connect(path) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(trail.append([EVENT]))
        turns = 0
        while turns < 20:
            await asyncio.sleep(0.001)
            turns += 1
        assert not waiting.done()
        other.execute("ROLLBACK")
        (found,) = await waiting
    other.close()
    assert found.id == 2
    await trail.close()


@pytest.mark.anyio
async def test_what_has_begun_is_carried_out_though_nobody_waits_any_more(path: Path) -> None:
    trail = AsyncSQLiteTrail(path)
    await trail.append([EVENT])
    with sqlite3.connect(path) as other:
        other.execute("BEGIN IMMEDIATE")
        given_up = [asyncio.create_task(trail.append([EVENT])) for _ in range(2)]
        await asyncio.sleep(0.05)
        for task in given_up:
            task.cancel()
        assert [type(result) for result in await asyncio.gather(*given_up, return_exceptions=True)] == [
            asyncio.CancelledError
        ] * 2
        other.execute("ROLLBACK")
    other.close()
    assert await trail.count() == 3
    await trail.close()


@pytest.mark.anyio
async def test_errors_are_those_of_the_trail_it_is_made_of(path: Path) -> None:
    trail = AsyncSQLiteTrail(path.parent)
    with pytest.raises(SinkError):
        await trail.append([EVENT])
    await trail.close()
