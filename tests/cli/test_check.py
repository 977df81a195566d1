from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from secmw.cli.group import command
from secmw.keys import new_key
from tests.services.redis import serve_redis


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(command, ["check", *words])


def policy(**settings: str) -> str:
    written = {"public_url": "https://shop.example", "store": "sqlite:sessions.db", **settings}
    lines = [f'{name} = "{value}"' for name, value in written.items()]
    return "\n".join([f'secret_keys = ["{new_key()}"]', *lines])


def test_of_a_sound_policy_there_is_nothing_to_say(folder: Path) -> None:
    """And nothing is made: the store is not opened."""
    (folder / "secmw.toml").write_text(policy())
    result = run()
    assert (result.exit_code, result.output) == (0, "There is nothing to say.\n")
    assert [path.name for path in folder.iterdir()] == ["secmw.toml"]


def test_a_policy_that_is_wrong_is_refused_as_everywhere(folder: Path) -> None:
    (folder / "other.toml").write_text('preset = "recommended"\nhosts = 5\n')
    result = run("other.toml")
    assert result.exit_code == 2
    assert "problem" in result.output


def test_what_is_weaker_is_said(folder: Path) -> None:
    """As at start-up."""
    (folder / "secmw.toml").write_text(f"screening = false\n{policy()}")
    result = run()
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert "screening is off" in result.output


def test_where_there_is_no_policy_one_is_asked_for() -> None:
    result = run()
    assert result.exit_code == 2
    assert "name a FILE or a --store" in result.output


def test_a_url_of_no_store_is_refused_without_it() -> None:
    result = run("--store", "redis://:secret@a,b")
    assert result.exit_code == 2
    assert "one Redis has one host" in result.output
    assert "secret" not in result.output


@pytest.mark.server
def test_a_redis_is_asked_what_it_is_like(folder: Path) -> None:
    with serve_redis() as server:
        (folder / "secmw.toml").write_text(policy(store=server.url))
        result = run()
        assert result.exit_code == 1
        assert "keeps nothing on a disk" in result.output
        assert run("--store", server.url).output == result.output
    result = run("--store", server.url)
    assert result.exit_code == 1
    assert "Error: Redis can't be asked" in result.output
