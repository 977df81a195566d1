from __future__ import annotations

from click.testing import CliRunner

from secmw.cli.group import command
from secmw.keys import decode_key


def test_keys_new_prints_one_key_and_nothing_else() -> None:
    result = CliRunner().invoke(command, ["keys", "new"])
    assert result.exit_code == 0
    assert len(decode_key(result.output)) == 32
    assert result.output.count("\n") == 1


def test_every_key_is_another() -> None:
    keys = {CliRunner().invoke(command, ["keys", "new"]).output for _ in range(3)}
    assert len(keys) == 3
