from __future__ import annotations

import importlib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from secmw import Policy
from secmw.cli.inside import Inside, inside
from secmw.keys import new_key


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SECMW_STORE", raising=False)
    return tmp_path


def an_application(store: str | None = "sqlite:sessions.db") -> Inside:
    policy = Policy.strict(secret_keys=[new_key()], public_url="https://app.example.org", store=store)
    return Inside(policy=policy, source="the application's policy")


def run(host: Inside, *words: str, env: dict[str, str] | None = None) -> Result:
    """Call a verb as an application does: below a group of its own."""

    @click.group()
    @click.pass_context
    def group(context: click.Context) -> None:
        context.obj = host

    group.add_command(importlib.import_module(f"secmw.cli.{words[0]}").command, words[0])
    return CliRunner(env=env).invoke(group, words)


def test_by_itself_a_verb_is_inside_nothing() -> None:
    assert inside() is None


def test_explain_tells_of_the_applications_policy_and_of_no_file(empty_folder: Path) -> None:
    (empty_folder / "secmw.toml").write_text('preset = "workbench"\n')
    said = run(an_application(), "explain", "/").output
    assert "Policy: the application's policy" in said
    assert "preset strict" in said


def test_explain_can_still_be_asked_about_a_file_or_another_preset(empty_folder: Path) -> None:
    file = empty_folder / "other.toml"
    file.write_text(f'secret_keys = ["{new_key()}"]\nsessions = "off"\npublic_url = "https://b.example"\n')
    assert f"Policy: {file}" in run(an_application(), "explain", "/", "--policy", str(file)).output
    other = run(an_application(), "explain", "/", "--preset", "recommended").output
    assert "the application's policy, with preset recommended" in other


def test_explain_knows_which_paths_the_application_itself_exempts() -> None:
    known = an_application()
    host = Inside(policy=known.policy, source=known.source, xsrf_exempt=lambda path: path == "/hook")
    sent = run(host, "explain", "/hook", "--method", "POST").output
    assert (
        "Cross-site requests: no question is asked: every view here is exempt  [xsrf_exempt, the application]"
        in sent
    )
    for words in (("/other", "--method", "POST"), ("//hook", "--method", "POST"), ("/hook",)):
        assert "exempt" not in run(host, "explain", *words).output


def test_check_looks_at_the_applications_policy() -> None:
    assert run(an_application(), "check").output == "There is nothing to say.\n"


def test_the_sessions_are_those_of_the_applications_store_whatever_a_variable_says() -> None:
    Path("sessions.db").touch()
    listed = run(an_application(), "sessions", "sweep", env={"SECMW_STORE": "sqlite:nowhere.db"})
    assert (listed.exit_code, listed.output) == (0, "Removed 0.\n")
    named = run(an_application(), "sessions", "sweep", "--store", "sqlite:nowhere.db")
    assert "there is no" in named.output


def test_an_application_whose_policy_names_no_store_is_told_so() -> None:
    said = run(an_application(None), "sessions", "list", "--user", "jane")
    assert said.exit_code == 2
    assert "the application's policy names no store" in said.output
