from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from secmw import cli

if TYPE_CHECKING:
    from pathlib import Path

WITHOUT = "import sys; sys.modules[{missing!r}] = None; sys.argv = ['secmw', *{words!r}]; import secmw.cli; secmw.cli.main()"


def run(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("missing", "words"),
    [("click", ["--help"]), ("rich", ["explain", "/"]), ("starlette.applications", ["demo"])],
)
def test_without_the_extra_the_command_names_it(missing: str, words: list[str], tmp_path: Path) -> None:
    program = WITHOUT.format(missing=missing, words=words)
    if missing == "rich":
        program = "import sys; sys.stdout.isatty = lambda: True; " + program
    done = run(program, tmp_path)
    assert done.stderr == 'The secmw command needs the extra cli: pip install "secmw[cli]"\n'
    assert done.returncode == 2


def test_a_module_of_our_own_that_is_missing_is_a_fault_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "secmw.cli.group", None)
    with pytest.raises(ModuleNotFoundError, match=r"secmw\.cli\.group"):
        cli.main()


def test_main_runs_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["secmw", "keys", "new"])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 0
    assert len(capsys.readouterr().out) == 45


def test_the_installed_command_answers(tmp_path: Path) -> None:
    done = run("import secmw.cli; import sys; sys.argv = ['secmw', '--version']; secmw.cli.main()", tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("secmw 0.")
