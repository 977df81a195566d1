"""`secmw keys`: a key is printed once, where it was asked for; those in a file are replaced in two phases and never shown."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner, Result

from secmw.cli.group import command
from secmw.keys import decode_key
from secmw.policy import Policy

#: Keys that protect nothing but these tests; always the same, since names of tests are made of them.
OLD: Final = "AiSY/H/Jy5xdwY6D9faYsWfBsKnE4yZbzJ4Nqn85oDA="
OTHER: Final = "a0Q9V1GtBagPToNQWPE8TAzl3PKiouhvwCJ4JW7+23E="


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(command, ["keys", *words])


def write(keys: str, *, before: str = "", after: str = "") -> Path:
    path = Path("secmw.toml")
    path.write_text(
        f'{before}secret_keys = {keys}\npublic_url = "https://shop.example"\nsessions = "off"\n{after}'
    )
    return path


def keys_in(path: Path) -> list[str]:
    return list(Policy.from_file(path).secret_keys)


# --- new


def test_keys_new_prints_one_key_and_nothing_else() -> None:
    result = run("new")
    assert result.exit_code == 0
    assert len(decode_key(result.output)) == 32
    assert result.output.count("\n") == 1


def test_every_key_is_another() -> None:
    assert len({run("new").output for _ in range(3)}) == 3


# --- rotate


def test_a_key_is_replaced_in_two_phases() -> None:
    """Between them every process checks what every other one makes."""
    path = write(f'["{OLD}"]')
    first = run("rotate", "secmw.toml")
    assert first.exit_code == 0
    old, new = keys_in(path)
    assert (old, len(decode_key(new))) == (OLD, 32)
    assert "rotate secmw.toml --finish" in first.output
    second = run("rotate", "secmw.toml", "--finish")
    assert second.exit_code == 0
    assert keys_in(path) == [new, OLD]
    assert "Take the old key out after" in second.output
    for key in (old, new):
        assert key not in first.output + second.output


def test_each_phase_happens_once() -> None:
    """To move a key first that was first before would be to take the new one back."""
    path = write(f'["{OLD}"]')
    assert "no key of secmw.toml is waiting" in run("rotate", "secmw.toml", "--finish").output
    assert keys_in(path) == [OLD]
    run("rotate", "secmw.toml")
    waiting = path.read_text()
    again = run("rotate", "secmw.toml")
    assert (again.exit_code, "is waiting already" in again.output) == (1, True)
    assert path.read_text() == waiting
    run("rotate", "secmw.toml", "--finish")
    done = path.read_text()
    assert run("rotate", "secmw.toml", "--finish").exit_code == 1
    assert path.read_text() == done


def test_a_rotation_follows_another() -> None:
    path = write(f'["{OLD}"]')
    for words in ([], ["--finish"], [], ["--finish"]):
        assert run("rotate", "secmw.toml", *words).exit_code == 0
    third, second, first = keys_in(path)
    assert first == OLD
    assert len({third, second, first}) == 3
    notes = [line.partition("# ")[2].split()[0] for line in path.read_text().splitlines() if "  # " in line]
    assert notes == ["makes", "not", "not"]


@pytest.mark.parametrize(
    "keys",
    [
        f'["{OLD}", "{OTHER}"]',
        f"['{OLD}', '{OTHER}',]",
        f'[\n  "{OLD}", # of the spring\n  "{OTHER}"  # of the autumn\n]',
        f'[\r\n  "{OLD}",\r\n  "{OTHER}",\r\n]',
    ],
)
def test_whatever_else_the_file_says_stays(keys: str) -> None:
    after = '\n[sudo]  # secret_keys = ["no"]\nduration = "1m"\n'
    path = write(keys, before="# mine\n", after=after)
    before = tomllib.loads(path.read_text())
    for words in ([], ["--finish"]):
        assert run("rotate", "secmw.toml", *words).exit_code == 0
    text = path.read_text()
    assert text.startswith("# mine\n")
    assert text.endswith(after)
    assert ("of the spring" in text) is ("of the spring" in keys)
    assert keys_in(path)[1:] == [OLD, OTHER]
    assert {**tomllib.loads(text), "secret_keys": []} == {**before, "secret_keys": []}


def test_a_project_file_will_do() -> None:
    path = Path("pyproject.toml")
    path.write_text(
        f'[project]\nname = "x"\n\n[tool.secmw]\npublic_url = "https://shop.example"\nsessions = "off"\nsecret_keys = ["{OLD}"]\n'
    )
    assert run("rotate", "pyproject.toml").exit_code == 0
    assert keys_in(path)[0] == OLD


@pytest.mark.parametrize(
    "keys",
    [
        f'"{OLD}"',
        f'["""{OLD}"""]',
        f'["\\u{ord(OLD[0]):04x}{OLD[1:]}"]',
        f'[\n# which of them?\n"{OLD}"]',
        "[]\nxsrf = 'off'",
    ],
)
def test_what_a_person_should_change_is_left_alone(keys: str) -> None:
    path = write(keys)
    before = path.read_text()
    result = run("rotate", "secmw.toml")
    assert result.exit_code != 0
    assert OLD not in result.output
    assert path.read_text() == before
    assert [found.name for found in Path().iterdir()] == ["secmw.toml"]


def test_only_who_could_read_the_file_before_can_read_it_afterwards() -> None:
    path = write(f'["{OLD}"]')
    for mode in (0o600, 0o640):
        path.chmod(mode)
        run("rotate", "secmw.toml", *([] if mode == 0o600 else ["--finish"]))
        assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_link_goes_on_leading_to_the_file() -> None:
    path = write(f'["{OLD}"]').rename("real.toml")
    link = Path("secmw.toml")
    link.symlink_to(path)
    assert run("rotate", "secmw.toml").exit_code == 0
    assert link.is_symlink()
    assert len(keys_in(path)) == 2


def test_the_old_key_is_needed_for_as_long_as_a_session_lives() -> None:
    path = Path("secmw.toml")
    path.write_text(
        f'secret_keys = ["{OLD}"]\npublic_url = "https://shop.example"\nstore = "sqlite:x.db"\nsessions.lifetime = "300d"\n'
    )
    said = []
    for lifetime in ("300d", "1d"):
        path.write_text(path.read_text().replace('"300d"', f'"{lifetime}"'))
        run("rotate", "secmw.toml")
        said.append(run("rotate", "secmw.toml", "--finish").output.partition(" out after ")[2][:10])
    assert said[0] > said[1]
