from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from secmw.cli import explain
from secmw.cli.group import command
from secmw.keys import new_key

POLICY = """
secret_keys = ["{key}"]
public_url = "https://b.example"
sessions = "off"
referrer_policy = "origin"
[paths."/content/"]
frame_options = "SAMEORIGIN"
"""


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(command, ["explain", *words])


def written(heading: str = "") -> str:
    return heading + POLICY.format(key=new_key())


def test_each_fact_is_a_line_with_its_setting() -> None:
    result = run("/a")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[:3] == [
        "GET /a",
        "Policy: the preset recommended with public_url = https://app.example.org; no policy file here",
        "Path class: every path",
    ]
    assert "  X-Frame-Options: DENY  [frame_options, preset recommended]" in lines
    assert "  XSRF token: not asked of GET  [xsrf.token, preset recommended]" in lines
    assert "  __Host-visit: Path=/; Secure; HttpOnly; SameSite=Lax  [cookies, preset recommended]" in lines


def test_the_query_is_not_part_of_the_path() -> None:
    assert run("/a?b=/../c").output.startswith("GET /a\n")


def test_a_path_begins_with_a_slash() -> None:
    result = run("a")
    assert result.exit_code == 2
    assert "a path begins with a slash" in result.output


def test_method_and_host_are_asked_for() -> None:
    result = run("/a", "--method", "post", "--host", "c.example")
    assert result.output.startswith("POST /a on c.example\n")
    assert "  Host: c.example is one of ours  [public_url, policy]" in result.output
    assert "must be in X-XSRF-TOKEN" in result.output


def test_a_host_that_is_none_is_refused_not_an_error() -> None:
    result = run("/a", "--host", "no host")
    assert result.exit_code == 0
    assert "no host is refused: 400 host_malformed" in result.output


# --- where the policy comes from


def test_the_policy_of_the_folder_is_read(empty_folder: Path) -> None:
    (empty_folder / "secmw.toml").write_text(written())
    result = run("/content/x")
    assert "Policy: secmw.toml\nPath class: /content/\n" in result.output
    assert "  X-Frame-Options: SAMEORIGIN  [frame_options, class /content/]" in result.output
    assert "  Referrer-Policy: origin  [referrer_policy, policy]" in result.output


def test_so_is_a_table_of_pyproject(empty_folder: Path) -> None:
    (empty_folder / "pyproject.toml").write_text(
        written("[tool.secmw]").replace("[paths.", "[tool.secmw.paths.")
    )
    assert "Policy: pyproject.toml\n" in run("/").output


@pytest.mark.parametrize("content", ["[project]\nname = 'x'\n", "not toml"])
def test_a_pyproject_of_others_is_left_alone(content: str, empty_folder: Path) -> None:
    (empty_folder / "pyproject.toml").write_text(content)
    assert "no policy file here" in run("/").output


def test_a_file_can_be_named(empty_folder: Path) -> None:
    (empty_folder / "other.toml").write_text(written())
    result = run("/", "--policy", "other.toml")
    assert "Policy: other.toml\n" in result.output


def test_another_preset_can_be_tried_on_a_policy(empty_folder: Path) -> None:
    (empty_folder / "secmw.toml").write_text(written())
    result = run("/", "--preset", "strict")
    assert "Policy: secmw.toml, with preset strict\n" in result.output
    assert "  Cross-Origin-Embedder-Policy: require-corp  [embedder_policy, preset strict]" in result.output
    assert "Policy: secmw.toml\n" in run("/", "--preset", "recommended").output


@pytest.mark.parametrize("preset", ["recommended", "strict", "connect", "workbench", "development"])
def test_every_preset_can_be_explained_without_a_file(preset: str) -> None:
    result = run("/", "--preset", preset)
    assert result.exit_code == 0
    assert f"Policy: the preset {preset}" in result.output


def test_no_key_is_left_behind(empty_folder: Path) -> None:
    run("/", "--preset", "development")
    assert list(empty_folder.iterdir()) == []


def test_a_wrong_policy_is_told_with_every_problem(empty_folder: Path) -> None:
    (empty_folder / "secmw.toml").write_text(
        'hsts = "1 yr"\nframe_optoins = "DENY"\nsecret_keys = ["short"]\n'
    )
    result = run("/")
    assert result.exit_code == 2
    assert "hsts.max_age = '1 yr'" in result.output
    assert "frame_options" in result.output, "the name that was meant"
    assert "Traceback" not in result.output
    assert "short" not in result.output.replace("shorter", ""), "a key is never shown"


def test_a_file_that_is_not_there_is_told() -> None:
    result = run("/", "--policy", "missing.toml")
    assert result.exit_code == 2
    assert "missing.toml" in result.output


def test_a_terminal_gets_tables(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")
    with pytest.raises(SystemExit):
        explain.command.main(["/"])
    output = capsys.readouterr().out
    assert "Response headers" in output
