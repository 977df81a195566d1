"""`secmw sharing`: what applications agreed on is shown, and forgotten on purpose alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from secmw.agreeing import Agreeing
from secmw.cli.group import command
from secmw.clock import system
from secmw.errors import ConfigError
from secmw.keys import KeyRing, new_key
from secmw.policy import Policy
from secmw.stores import SQLiteStore
from tests.services.postgresql import postgresql

KEY = new_key()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("secmw.toml").write_text(
        f'secret_keys = ["{KEY}"]\npublic_url = "https://shop.example"\nstore = "sqlite:sessions.db"\n'
    )
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(command, words)


def start(**settings: Any) -> None:
    policy = Policy.recommended(
        **{"secret_keys": [KEY], "public_url": "https://shop.example", "store": "sqlite:x", **settings}
    )
    store = SQLiteStore("sessions.db")
    try:
        Agreeing(store, policy, system).agree()
    finally:
        store.close()


def test_what_was_agreed_on_is_shown_and_no_key() -> None:
    start()
    result = run("sharing")
    assert result.exit_code == 0
    assert "cookies.same_site = 'Lax'\n" in result.output
    assert f"secret_keys: {KeyRing([KEY]).ids[0]}\n" in result.output
    assert KEY not in result.output
    assert run("sharing", "--store", "sqlite:sessions.db").output == result.output


def test_after_it_was_forgotten_whoever_starts_next_decides() -> None:
    start()
    strict = {"cookies": {"same_site": "Strict"}}
    with pytest.raises(ConfigError):
        start(**strict)
    assert run("sharing", "--forget").exit_code == 0
    assert run("sharing").output == "Nothing is agreed on yet.\n"
    start(**strict)
    assert "cookies.same_site = 'Strict'" in run("sharing").output
    with pytest.raises(ConfigError):
        start()


def test_nothing_is_made_where_nothing_is() -> None:
    for words in (["sharing"], ["sharing", "--forget"], ["sharing", "--store", "memory://"]):
        result = run(*words)
        assert (result.exit_code, "there is nothing there yet" in result.output) == (2, True)
    assert [path.name for path in Path().iterdir()] == ["secmw.toml"]


def test_where_there_is_no_policy_one_is_asked_for() -> None:
    Path("secmw.toml").unlink()
    assert "name a FILE or a --store" in run("sharing").output


def test_a_url_of_no_store_is_refused_without_it() -> None:
    result = run("sharing", "--store", "redis://:secret@a,b")
    assert result.exit_code == 2
    assert "secret" not in result.output


def test_check_says_what_keeps_an_application_from_starting() -> None:
    start()
    assert run("check").output == "There is nothing to say.\n"
    Path("secmw.toml").write_text(
        Path("secmw.toml").read_text().replace(KEY, new_key()) + 'cookies.same_site = "Strict"\n'
    )
    before = run("sharing").output
    result = run("check")
    assert result.exit_code == 1
    assert "cookies.same_site = 'Strict': is 'Lax'" in result.output
    assert "have no key in common" in result.output
    assert run("sharing").output == before


@pytest.mark.server
def test_whoever_looks_makes_no_tables() -> None:
    with postgresql() as database:
        file = Path("secmw.toml")
        file.write_text(file.read_text().replace("sqlite:sessions.db", database.url))
        assert run("sharing").output == "Nothing is agreed on yet.\n"
        assert run("check").output == "There is nothing to say.\n"
        assert run("sessions", "init").output.startswith("Made ")
        assert run("check").output == "There is nothing to say.\n"
