"""Sessions in a SQLite file: the contract in both colours, and what comes of many processes."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest

from secmw.errors import StoreError
from secmw.sessions import codec
from secmw.sessions.record import Ended, Identity, Over, Record, written
from secmw.sessions.writes import Create, End, Rotate, Swap, Touch, Update, Written
from secmw.stores import AsyncSQLiteStore, AsyncStore, SQLiteStore, Store
from secmw.stores import sqlite as module
from secmw.testing import FrozenClock, StoreContract
from tests.forks import forked
from tests.patience import waiting

#: How long a file is waited for, and a thread.
PROMPT: Final = {
    name: importlib.import_module(name).PATIENCE for name in ("secmw.stores.database", "secmw.stores.threads")
}


def unhurried(patch: pytest.MonkeyPatch) -> None:
    """Let the disk take its time: the machine may be busy."""
    for name in PROMPT:
        patch.setattr(f"{name}.PATIENCE", 10.0)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask what is done; who asks how soon it is given up says :func:`prompt`."""
    unhurried(monkeypatch)


@contextlib.contextmanager
def prompt() -> Iterator[None]:
    """Ask how soon it is given up, for the time of the block."""
    with pytest.MonkeyPatch.context() as patch:
        for name, seconds in PROMPT.items():
            patch.setattr(f"{name}.PATIENCE", seconds)
        yield


class TestSQLiteStore(StoreContract):
    kind: Any = SQLiteStore

    @pytest.fixture(autouse=True)
    def _unhurried(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # Other files play this contract again, under seal.
        unhurried(monkeypatch)

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path
        self.names = count()

    def make_store(self, clock: FrozenClock) -> Store | AsyncStore:
        store: Store | AsyncStore = self.kind(self.folder / f"{next(self.names)}.db", clock=clock)
        return store

    def make_another(self, store: Any, clock: FrozenClock) -> Store | AsyncStore:
        another: Store | AsyncStore = self.kind(path_of(store), clock=clock)
        return another

    def plant(self, store: Any, selector: str, raw: bytes) -> bool:
        with sqlite3.connect(path_of(store)) as database:
            database.execute("UPDATE sessions SET raw = ? WHERE selector = ?", (raw, selector))
        database.close()
        return True


class TestAsyncSQLiteStore(TestSQLiteStore):
    kind = AsyncSQLiteStore


def path_of(store: Any) -> Path:
    path: Path = getattr(store, "blocking", store)._database.path
    return path


NOW = 1_750_000_000.0


def record(number: int = 0, user_id: str | None = None) -> Record:
    owner = written(Identity(user_id, "", NOW)) if user_id else b""
    return Record(
        f"{number:022}", 0, NOW, NOW, NOW + 86_400, NOW + 3_600, 3_600, bytes(32), codec.EMPTY, owner
    )


def create(number: int = 0, user_id: str | None = None, **more: Any) -> Create:
    return Create(record=record(number, user_id), user_id=user_id, checked_at=NOW, **more)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sessions.db"


@pytest.fixture
def store(path: Path) -> SQLiteStore:
    return SQLiteStore(path, clock=FrozenClock(NOW))


def processes(program: str, path: Path, most: int) -> list[subprocess.Popen[str]]:
    """Start a program several times; it knows its number, and begins when it is told to."""
    head = (
        "import sys, time\n"
        "from secmw.sessions import codec\n"
        "from secmw.sessions.record import Ended, Over\n"
        "from secmw.sessions.writes import *\n"
        "from secmw.stores import SQLiteStore, database\n"
        "from secmw.testing import FrozenClock\n"
        # What becomes of the writes is asked, not how soon a busy disk makes them be given up.
        "database.PATIENCE = 10.0\n"
        f"{MAKERS}"
        "path, number = sys.argv[1], int(sys.argv[2])\n"
        "store = SQLiteStore(path, clock=FrozenClock(NOW))\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", head + program, str(path), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(most)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    return started


#: What a program needs to make records; it has no way to this file.
MAKERS = (
    "from secmw.sessions.record import Identity, Record, written\n"
    f"NOW = {NOW}\n"
    "def create(number, user_id=None, **more):\n"
    "    owner = written(Identity(user_id, '', NOW)) if user_id else b''\n"
    "    made = Record(f'{number:022}', 0, NOW, NOW, NOW + 86_400, NOW + 3_600, 3_600, bytes(32), codec.EMPTY, owner)\n"
    "    return Create(record=made, user_id=user_id, checked_at=NOW, **more)\n"
)


def go(started: list[subprocess.Popen[str]]) -> list[str]:
    """Tell all to begin, and return what each printed."""
    for process in started:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    # All are waited for before any is judged: one that failed leaves no other running.
    printed = [process.communicate(timeout=60) for process in started]
    failed = [error for process, (_, error) in zip(started, printed, strict=True) if process.returncode]
    assert not failed, "\n".join(failed)
    return [out for out, _ in printed]


# --- many processes


def test_eight_processes_that_write_at_once_lose_nothing_and_none_is_refused(
    store: SQLiteStore, path: Path
) -> None:
    """RB-04, SE-09: each adds names to one session, and signs a user in."""
    store.write(create(0))
    program = (
        "for turn in range(20):\n"
        "    name = f'n{number}-{turn}'\n"
        "    changes = {name: codec.encode(name, turn)}\n"
        "    outcome = store.write(Update(selector=f'{0:022}', at=NOW, changes=changes))\n"
        "    assert isinstance(outcome, Written), outcome\n"
        "    if turn % 4 == 0:\n"
        "        made = create(1 + number * 100 + turn, 'jane', cap=5)\n"
        "        assert isinstance(store.write(made), Written)\n"
        "    assert store.load(f'{0:022}') is not None\n"
    )
    go(processes(program, path, 8))
    found = store.load(f"{0:022}")
    assert isinstance(found, Record)
    assert len(codec.decode(found.data)) == found.revision == 160
    # SE-16
    assert len(store.of_user("jane")) == 5


def test_of_processes_that_want_a_lease_one_gets_it(store: SQLiteStore, path: Path) -> None:
    """SE-11"""
    printed = go(processes("print([int(store.lease(f'lease{turn}', 60)) for turn in range(5)])\n", path, 4))
    answers = [json.loads(line) for line in printed]
    assert [sum(column) for column in zip(*answers, strict=True)] == [1] * 5
    assert not any(store.lease(f"lease{turn}", 60) for turn in range(5))


def test_what_was_acknowledged_is_there_after_the_writer_was_killed(store: SQLiteStore, path: Path) -> None:
    """SE-08: a sign-out is one of them."""
    program = (
        "for turn in range(100_000):\n"
        "    store.write(create(turn))\n"
        "    if turn % 2:\n"
        "        store.write(End(selector=f'{turn:022}', at=NOW, reason=Over.LOGGED_OUT))\n"
        "    print(turn, flush=True)\n"
    )
    (writer,) = processes(program, path, 1)
    assert writer.stdin is not None
    assert writer.stdout is not None
    writer.stdin.write("\n")
    writer.stdin.flush()
    for _ in range(20):
        writer.stdout.readline()
    writer.kill()
    last = 19 + len(writer.communicate()[0].split("\n")[:-1])
    for turn in range(last + 1):
        found = store.load(f"{turn:022}")
        assert found == (Ended(Over.LOGGED_OUT) if turn % 2 else record(turn)), turn
    assert isinstance(store.write(create(200_000)), Written)


def test_a_writer_that_is_killed_in_the_middle_has_done_nothing_and_is_in_nobodys_way(
    store: SQLiteStore, path: Path
) -> None:
    store.write(create(0))
    program = (
        "with store._database.writing(durable=False) as connection:\n"
        "    connection.execute('DELETE FROM sessions')\n"
        "    print('deleted', flush=True)\n"
        "    time.sleep(60)\n"
    )
    (writer,) = processes(program, path, 1)
    assert writer.stdin is not None
    assert writer.stdout is not None
    writer.stdin.write("\n")
    writer.stdin.flush()
    assert writer.stdout.readline() == "deleted\n"
    with prompt(), pytest.raises(StoreError):
        store.write(Touch(selector=f"{0:022}", at=NOW))
    assert store.load(f"{0:022}") == record(0)
    writer.kill()
    writer.communicate()
    assert isinstance(store.write(Touch(selector=f"{0:022}", at=NOW)), Written)


def test_a_forked_process_holds_leases_of_its_own(store: SQLiteStore) -> None:
    """RB-03, SE-11"""
    assert store.lease("sweep", 60.0)
    forked(lambda: not store.lease("sweep", 60.0))
    assert store.lease("sweep", 60.0)
    store.close()


# --- what is on the disk


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    database = sqlite3.connect(path)
    found = database.execute(query).fetchall()
    database.close()
    return found


def test_nothing_of_a_session_stays_with_its_name_when_it_has_ended(store: SQLiteStore, path: Path) -> None:
    store.write(create(0, "jane"))
    store.write(End(selector=f"{0:022}", at=NOW, reason=Over.LOGGED_OUT))
    ((selector, raw, user, until),) = rows(path, "SELECT * FROM sessions")
    assert (selector, len(raw), user, until) == (f"{0:022}", 11, None, NOW + 60)


def test_only_what_takes_something_away_waits_for_the_disk(store: SQLiteStore) -> None:
    """A power cut may bring back a cart, but neither a session that has ended nor a right that was taken."""
    store.write(create(0, "jane"))
    selector, at = f"{0:022}", NOW
    waits = []
    for ask in (
        lambda: store.write(create(1, "jane")),
        lambda: store.write(create(2, "jane", cap=2)),
        lambda: store.write(Touch(selector=selector, at=at)),
        lambda: store.write(Update(selector=selector, at=at, changes={})),
        lambda: store.write(Update(selector=selector, at=at, changes={}, drop_sudo=True)),
        lambda: store.write(Rotate(selector=selector, at=at, presented=bytes(32), verifier=bytes(32))),
        lambda: store.write(Swap(at=at, before=record(0), after=record(0))),
        lambda: store.write(Swap(at=at, before=record(0), after=record(0), takes=True)),
        lambda: store.write(End(selector=selector, at=at, reason=Over.EXPIRED)),
        lambda: store.write(End(selector=selector, at=at, reason=Over.LOGGED_OUT)),
        lambda: store.end_all("jane"),
        lambda: store.put("space", "key", b"x", 60.0),
        lambda: store.take("space", "key"),
        lambda: store.count("space", "key", 60.0),
        lambda: store.lease("sweep", 60.0),
        lambda: store.sweep(at, 10),
    ):
        ask()
        (connection,) = store._database._pool._idle
        waits.append(connection.durable)
    assert waits == [
        False,
        True,
        False,
        False,
        True,
        True,
        False,
        True,
        False,
        True,
        True,
        False,
        True,
        False,
        False,
        False,
    ]
    store.close()


def test_a_full_disk_is_a_store_error_and_changes_nothing(store: SQLiteStore, path: Path) -> None:
    """RB-01"""
    store.write(create(0))

    def grow() -> None:
        for turn in range(100):
            changes = {"x": codec.encode("x", "x" * 15_000 + f"{turn}")}
            store.write(Update(selector=f"{0:022}", at=NOW, changes=changes))

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = max(file.stat().st_size for file in path.parent.iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        with pytest.raises(StoreError):
            grow()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    found = store.load(f"{0:022}")
    assert isinstance(found, Record)
    revision = found.revision
    outcome = store.write(Update(selector=f"{0:022}", at=NOW, changes={}))
    assert isinstance(outcome, Written)
    assert outcome.record.revision == revision + 1
    store.close()


def test_text_that_is_no_unicode_is_kept_too(store: SQLiteStore) -> None:
    assert store.count("login", "\ud800", 60.0) == 1
    assert store.count("login", "\ud800", 60.0) == 2
    assert store.count("login", "\udfff", 60.0) == 1
    assert store.load("\ud800") is None
    assert store.of_user("\ud800") == []
    assert store.end_all("\ud800").generation == store.generation("\ud800") == 1
    store.close()


# --- sweeping


def past(store: SQLiteStore, count: int) -> None:
    """Put in sessions that are over."""
    with store._database.writing(durable=False) as connection:
        connection.executemany(
            "INSERT INTO sessions VALUES (?, ?, NULL, ?)",
            [(f"{number}", b"", NOW) for number in range(count)],
        )


def test_no_transaction_of_a_sweep_removes_more_than_a_few_dozen(store: SQLiteStore) -> None:
    """SE-11: others get their turn between them."""
    past(store, 120)
    sizes: list[int] = []
    writing = store._database.writing

    @contextlib.contextmanager
    def watched(*, durable: bool) -> Iterator[sqlite3.Connection]:
        with writing(durable=durable) as connection:
            before = connection.total_changes
            yield connection
            sizes.append(connection.total_changes - before)

    store._database.writing = watched  # type: ignore[method-assign]
    assert store.sweep(NOW, 10_000) == 120
    assert sizes == [50, 50, 20]
    store.close()


def test_between_two_transactions_of_a_sweep_others_write(
    store: SQLiteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SE-11: who lets go of a lock and takes it again at once has it before those who wait."""
    past(store, 200)
    outcomes: list[object] = []

    def turn(seconds: float) -> None:
        assert seconds > 0
        outcomes.append(store.write(create(len(outcomes))))

    monkeypatch.setattr(module, "time", SimpleNamespace(sleep=turn))
    assert store.sweep(NOW, 180) == 180
    assert [type(outcome) for outcome in outcomes] == [Written] * 3
    store.close()


# --- the event loop


def test_the_loop_goes_on_while_the_file_is_locked_and_everybody_is_told_within_a_second(path: Path) -> None:
    """RB-02, RB-06"""
    store = AsyncSQLiteStore(path, clock=FrozenClock(NOW))
    other = sqlite3.connect(path.parent / "sessions.db", isolation_level=None)

    async def refused(number: int) -> None:
        with pytest.raises(StoreError):
            await store.write(create(number))

    async def main() -> None:
        await store.write(create(0))
        other.execute("BEGIN IMMEDIATE")
        with prompt(), waiting() as waited:
            asking = [asyncio.create_task(refused(number)) for number in range(1, 6)]
            ticks = 0
            while not all(task.done() for task in asking):
                await asyncio.sleep(0.01)
                ticks += 1
            assert waited() < 1.0
        await asyncio.gather(*asking)
        assert ticks > 10
        # Reading goes on meanwhile.
        assert await store.load(f"{0:022}") == record(0)
        other.execute("COMMIT")
        assert isinstance(await store.write(create(6)), Written)
        await store.close()

    asyncio.run(main())
    other.close()


def test_a_sign_out_is_carried_out_though_the_request_was_cancelled(path: Path) -> None:
    """RB-02, SE-08"""
    store = AsyncSQLiteStore(path, clock=FrozenClock(NOW))

    async def main() -> None:
        for number in range(20):
            await store.write(create(number))
        ends = [
            asyncio.create_task(store.write(End(selector=f"{number:022}", at=NOW, reason=Over.LOGGED_OUT)))
            for number in range(20)
        ]
        await asyncio.sleep(0)
        for task in ends:
            task.cancel()
        # It waits for its turn behind them.
        await store.write(Touch(selector="none", at=NOW))
        for number in range(20):
            assert await store.load(f"{number:022}") == Ended(Over.LOGGED_OUT)
        await store.close()

    asyncio.run(main())
