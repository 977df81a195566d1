from __future__ import annotations

import importlib
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner, Result

from secmw.cli.group import VERBS, command
from secmw.errors import ConfigError, Problem

if TYPE_CHECKING:
    from pathlib import Path


def run(*words: str) -> Result:
    return CliRunner().invoke(command, words)


def test_help_lists_every_verb() -> None:
    result = run("--help")
    assert result.exit_code == 0
    for verb, (_, line) in VERBS.items():
        assert f"  {verb} " in result.output
        assert line in " ".join(result.output.split())


@pytest.mark.parametrize("verb", VERBS)
def test_the_line_in_help_is_the_verbs_own(verb: str) -> None:
    module, line = VERBS[verb]
    found: click.Command = importlib.import_module(module).command
    assert (found.help or "").startswith(line)


def test_help_imports_no_verb(tmp_path: Path) -> None:
    program = (
        "import sys; sys.argv = ['secmw', '--help']\n"
        "from secmw.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([name for name in sys.modules if name.startswith('secmw.cli.') or name in ('rich', 'starlette', 'uvicorn')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.endswith("['secmw.cli.group']\n")


@pytest.mark.parametrize(("typed", "guess"), [("explian", "explain"), ("key", "keys"), ("dmeo", "demo")])
def test_a_typing_error_gets_a_guess(typed: str, guess: str) -> None:
    result = run(typed)
    assert result.exit_code == 2
    assert f"There is no verb '{typed}'. Did you mean {guess}?" in result.output


def test_a_word_like_no_verb_gets_none() -> None:
    result = run("xyzzy")
    assert result.exit_code == 2
    assert "There is no verb 'xyzzy'.\n" in result.output


def test_a_wrong_policy_is_told_problem_by_problem_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @click.command()
    def broken() -> None:
        raise ConfigError(
            [
                Problem("hsts.max_age", "is not a duration; write 365d", "'1 yr'"),
                Problem("secret_keys", "is too weak"),
            ]
        )

    monkeypatch.setattr(importlib.import_module("secmw.cli.keys"), "command", broken)
    result = run("keys")
    assert result.exit_code == 2
    assert result.output == (
        "2 problems in the policy:\n"
        "\n"
        "  hsts.max_age = '1 yr'\n"
        "    is not a duration; write 365d\n"
        "\n"
        "  secret_keys\n"
        "    is too weak\n"
    )
    assert result.stdout == ""


def test_completion_meets_an_unknown_verb_without_a_word() -> None:
    context = command.make_context("secmw", ["xyzzy"], resilient_parsing=True)
    assert command.resolve_command(context, ["xyzzy"])[1] is None
    assert command.list_commands(context) == [
        "bench",
        "check",
        "demo",
        "explain",
        "keys",
        "sessions",
        "sharing",
    ]
