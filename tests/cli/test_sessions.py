from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from secmw.audit import SQLiteTrail
from secmw.cli import sessions
from secmw.cli.group import command
from secmw.keys import new_key
from secmw.sessions import codec
from secmw.sessions.identifier import SessionId, new_id
from secmw.sessions.record import Ended, Identity, Over, Record, written
from secmw.sessions.writes import Create, Written
from secmw.stores import Sealed, SQLiteStore, Store, sealed


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SECMW_STORE", raising=False)
    return tmp_path


@pytest.fixture
def store(empty_folder: Path) -> Iterator[SQLiteStore]:
    made = SQLiteStore(empty_folder / "sessions.db")
    yield made
    made.close()


def run(*words: str, store: str | None = "sqlite:sessions.db") -> Result:
    where = [] if store is None else ["--store", store]
    return CliRunner().invoke(command, ["sessions", words[0], *where, *words[1:]])


def sign_in(
    store: Store,
    user_id: str | None = "42",
    *,
    selector: str | None = None,
    agent: str = "Firefox",
    ago: float = 0.0,
    sudo: bool = False,
    lifetime: float = 3600.0,
) -> SessionId:
    """Put a session into the store, as a sign-in some seconds ago would have."""
    made = new_id() if selector is None else SessionId(selector, new_id().verifier)
    at = time.time() - ago
    identity = Identity(
        user_id=user_id,
        authenticated=at,
        address="192.0.2.7",
        agent=agent,
        sudo=(at, at + 300) if sudo else None,
    )
    record = Record(
        selector=made.selector,
        revision=0,
        created=at,
        seen=at,
        expires=at + lifetime,
        idle_until=float("inf"),
        inactivity=0,
        verifier=made.digest,
        data=codec.EMPTY,
        owner=written(identity) if user_id else b"",
    )
    assert isinstance(store.write(Create(record=record, user_id=user_id, checked_at=at)), Written)
    return made


# --- list


def test_the_sessions_of_one_user_are_listed_the_latest_sign_in_first(store: SQLiteStore) -> None:
    """SE-15."""
    first, second = sign_in(store, ago=60, sudo=True), sign_in(store)
    sign_in(store, "43")
    result = run("list", "--user", "42")
    assert result.exit_code == 0
    rows = [line.split("\t") for line in result.output.splitlines()]
    assert [row[0] for row in rows] == [second.selector, first.selector]
    assert rows[0][4:] == ["192.0.2.7", "Firefox", ""]
    assert rows[1][6].startswith("until 20")
    assert {len(row) for row in rows} == {7}


def test_nothing_that_is_printed_opens_a_session(store: SQLiteStore) -> None:
    """SE-18."""
    made = sign_in(store)
    printed = run("list", "--user", "42").output + run("revoke", made.selector).output
    assert made.verifier not in printed
    assert made.digest.hex() not in printed


def test_what_a_browser_calls_itself_moves_no_cursor_and_ends_no_line(store: SQLiteStore) -> None:
    sign_in(store, agent="Fire\x1b[2Jfox\n\tx\u202e")
    (line,) = run("list", "--user", "42").output.splitlines()
    assert line.split("\t")[5] == "Fire�[2Jfox��x�"


def test_a_terminal_gets_a_table(
    store: SQLiteStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = sign_in(store, agent="[red]b[/red]")
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    for user in ("42", "43"):
        sessions.list_.main(["--store", "sqlite:sessions.db", "--user", user], standalone_mode=False)
    output = capsys.readouterr().out
    assert "1 session of user 42" in output
    assert "0 sessions of user 43" in output
    for text in (*sessions._COLUMNS, made.selector, "192.0.2.7", "[red]b[/red]"):
        assert text in output


def test_a_list_needs_to_know_whose() -> None:
    result = run("list")
    assert result.exit_code == 2
    assert "--user" in result.output


# --- revoke


def test_one_session_is_ended_and_the_others_stay(store: SQLiteStore) -> None:
    """SE-15."""
    gone, stays = sign_in(store), sign_in(store)
    result = run("revoke", gone.selector)
    assert (result.exit_code, result.output) == (0, f"Ended {gone.selector}, of user 42.\n")
    assert store.load(gone.selector) == Ended(Over.REVOKED)
    assert isinstance(store.load(stays.selector), Record)


def test_an_anonymous_session_is_ended_too(store: SQLiteStore) -> None:
    made = sign_in(store, None)
    assert run("revoke", made.selector).output == f"Ended {made.selector}, of nobody signed in.\n"


def test_a_selector_may_begin_with_hyphens(store: SQLiteStore) -> None:
    for start in ("-", "--", "-h", "--user"):
        selector = start + "x" * (22 - len(start))
        sign_in(store, selector=selector)
        assert run("revoke", selector).output == f"Ended {selector}, of user 42.\n"


def test_all_sessions_of_a_user_are_ended(store: SQLiteStore) -> None:
    for _ in range(3):
        sign_in(store)
    other = sign_in(store, "43")
    assert run("revoke", "--user", "42").output == "Ended 3 sessions of user 42.\n"
    assert store.of_user("42") == []
    assert isinstance(store.load(other.selector), Record)
    assert run("revoke", "--user", "43").output == "Ended 1 session of user 43.\n"


@pytest.mark.parametrize("ended", [True, False])
def test_what_does_not_live_cannot_be_ended_and_the_status_says_so(store: SQLiteStore, ended: bool) -> None:
    selector = sign_in(store).selector
    if ended:
        run("revoke", selector)
    else:
        selector = "x" * 22
    result = run("revoke", selector)
    assert result.exit_code == 1
    assert f"There is no living session {selector}: " in result.output


def test_a_whole_id_is_refused_and_not_repeated(store: SQLiteStore) -> None:
    """SE-18."""
    made = sign_in(store)
    result = run("revoke", str(made))
    assert result.exit_code == 2
    assert "whole id" in result.output
    assert made.verifier not in result.output
    assert isinstance(store.load(made.selector), Record)


@pytest.mark.parametrize("selector", ["42", "", "x" * 21, "x" * 21 + "/", "--usr"])
def test_what_is_no_selector_is_refused(selector: str, store: SQLiteStore) -> None:
    sign_in(store)
    result = run("revoke", selector)
    assert result.exit_code == 2
    assert "a selector is 22 letters" in result.output


@pytest.mark.parametrize("words", [(), ("x" * 22, "--user", "42")])
def test_a_selector_or_a_user_is_named(words: tuple[str, ...]) -> None:
    result = run("revoke", *words)
    assert result.exit_code == 2
    assert "name either the SELECTOR" in result.output


def test_the_audit_trail_is_told_who_ended_which_session(store: SQLiteStore) -> None:
    """AU-01."""
    first, second = sign_in(store), sign_in(store)
    run("revoke", first.selector)
    run("revoke", "--user", "42")
    trail = SQLiteTrail("sessions.db")
    events = trail.recent(10)
    trail.close()
    assert [event.selector for event in events] == [second.selector, first.selector]
    for event in events:
        assert (event.user_id, event.action, event.reason) == ("42", "session_revoked", "revoked")
        assert event.event_description == "ended on the command line"
        assert event.extra["by"]


def test_a_trail_of_its_own_is_told_instead(store: SQLiteStore, empty_folder: Path) -> None:
    made = sign_in(store)
    names = 'store = "sqlite:sessions.db"\ntrail = "sqlite:audit.db"'
    file = policy(empty_folder / "other.toml", names)
    run("revoke", made.selector, "--policy", str(file), store=None)
    trail = SQLiteTrail("audit.db")
    (event,) = trail.recent(10)
    trail.close()
    assert event.selector == made.selector


def test_what_is_not_recorded_is_said(store: SQLiteStore, empty_folder: Path) -> None:
    """AU-07."""
    made = sign_in(store)
    (empty_folder / "folder").mkdir()
    file = policy(empty_folder / "other.toml", 'store = "sqlite:sessions.db"\ntrail = "sqlite:folder"')
    result = run("revoke", made.selector, "--policy", str(file), store=None)
    assert result.exit_code == 1
    assert "is not recorded" in result.output
    assert store.load(made.selector) == Ended(Over.REVOKED)


def test_a_trail_that_is_none_is_said_before_anything_is_ended(
    store: SQLiteStore, empty_folder: Path
) -> None:
    made = sign_in(store)
    file = policy(empty_folder / "other.toml", 'store = "sqlite:sessions.db"\ntrail = "nonsense"')
    result = run("revoke", made.selector, "--policy", str(file), store=None)
    assert result.exit_code == 2
    assert "trail" in result.output
    assert isinstance(store.load(made.selector), Record)


# --- sweep


def test_a_sweep_removes_what_is_over_and_nothing_else(
    store: SQLiteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SE-11."""
    monkeypatch.setattr(sessions, "_BATCH", 2)
    for _ in range(5):
        sign_in(store, ago=30, lifetime=10)
    stays = sign_in(store)
    assert run("sweep").output == "Removed 5.\n"
    assert run("sweep").output == "Removed 0.\n"
    assert isinstance(store.load(stays.selector), Record)


# --- which store


def policy(path: Path, store: str = 'store = "sqlite:sessions.db"') -> Path:
    path.write_text(f'secret_keys = ["{new_key()}"]\npublic_url = "https://b.example"\n{store}\n')
    return path


def test_a_policy_names_the_store(store: SQLiteStore, empty_folder: Path) -> None:
    made = sign_in(store)
    file = policy(empty_folder / "other.toml")
    assert made.selector in run("list", "--user", "42", "--policy", str(file), store=None).output


def test_the_policy_of_the_folder_is_read_where_nothing_is_named(
    store: SQLiteStore, empty_folder: Path
) -> None:
    made = sign_in(store)
    policy(empty_folder / "secmw.toml")
    assert made.selector in run("list", "--user", "42", store=None).output


def test_the_environment_names_the_store_and_a_policy_that_is_named_wins(
    store: SQLiteStore, empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = sign_in(store)
    monkeypatch.setenv("SECMW_STORE", "sqlite:sessions.db")
    assert made.selector in run("list", "--user", "42", store=None).output
    monkeypatch.setenv("SECMW_STORE", "sqlite:nowhere.db")
    file = policy(empty_folder / "other.toml")
    assert made.selector in run("list", "--user", "42", "--policy", str(file), store=None).output


@pytest.mark.parametrize(
    ("words", "store", "said"),
    [
        ((), None, "there is no policy file here"),
        (("--policy", "p.toml"), "sqlite:sessions.db", "either a --store or a --policy"),
        (("--policy", "p.toml"), None, "p.toml names no store"),
        ((), "memory://", "in the process that serves"),
        ((), "sqlite:nowhere.db", "there is no"),
        ((), "nonsense", "is not the URL of a store"),
    ],
)
def test_where_there_is_no_store_to_look_at_it_says_why(
    words: tuple[str, ...], store: str | None, said: str, empty_folder: Path
) -> None:
    policy(empty_folder / "p.toml", 'sessions = "off"')
    result = run("list", "--user", "42", *words, store=store)
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())
    assert not (empty_folder / "nowhere.db").exists()


def test_a_store_that_cannot_answer_is_said_in_a_sentence(empty_folder: Path) -> None:
    """RB-01."""
    (empty_folder / "sessions.db").write_text("this is no database, and never was one; it is a poem" * 20)
    result = run("list", "--user", "42")
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert "Traceback" not in result.output


# --- init


def test_a_store_that_is_no_database_has_nothing_to_make(empty_folder: Path) -> None:
    result = run("init")
    assert (result.exit_code, result.output) == (0, "There is nothing to make.\n")
    assert not (empty_folder / "sessions.db").exists()


def test_the_tables_of_a_database_that_does_not_answer_are_not_made_and_no_password_is_printed() -> None:
    result = run("init", store="postgresql://jane:secret@127.0.0.1:9/app")
    assert result.exit_code == 1
    assert "127.0.0.1:9" in result.output
    assert "secret" not in result.output


# --- a store that is sealed


@pytest.fixture
def policy_that_seals(empty_folder: Path) -> Sealed:
    """Write a policy, and return the store as the application has it."""
    key = new_key()
    (empty_folder / "secmw.toml").write_text(
        'preset = "recommended"\npublic_url = "https://app.example.org"\nstore = "sqlite:sessions.db"\n'
        f'secret_keys = ["{key}"]\n[sessions]\nseal = true\n',
        "utf-8",
    )
    return sealed(SQLiteStore(empty_folder / "sessions.db"), [key])


def test_a_sealed_store_is_listed_and_ended_with_the_keys_of_the_policy(policy_that_seals: Sealed) -> None:
    """SE-15, SE-20"""
    first, second = sign_in(policy_that_seals, ago=60), sign_in(policy_that_seals)
    result = run("list", "--user", "42", store=None)
    rows = [line.split("\t") for line in result.output.splitlines()]
    assert [(row[0], row[4], row[5]) for row in rows] == [
        (second.selector, "192.0.2.7", "Firefox"),
        (first.selector, "192.0.2.7", "Firefox"),
    ]
    assert run("revoke", first.selector, store=None).output == f"Ended {first.selector}, of user 42.\n"
    assert run("revoke", "--user", "42", store=None).output == "Ended 1 session of user 42.\n"
    assert policy_that_seals.of_user("42") == []
    assert run("init", store=None).output == "There is nothing to make.\n"


def test_without_the_keys_nobody_is_looked_for_in_a_sealed_store(policy_that_seals: Sealed) -> None:
    """An empty list would be a lie; what is over is swept all the same."""
    made = sign_in(policy_that_seals)
    for words in (["list", "--user", "42"], ["revoke", "--user", "42"], ["revoke", made.selector]):
        result = run(*words)
        assert result.exit_code == 2
        assert "the store is sealed" in result.output
    assert isinstance(policy_that_seals.load(made.selector), Record)
    assert run("sweep").output == "Removed 0.\n"
