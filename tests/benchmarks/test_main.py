"""`make bench` runs every section, in a process of its own, and says which failed."""

from __future__ import annotations

from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Final

import pytest

from benchmarks import __main__ as everything
from benchmarks import page

FAILING: Final = "import sys; sys.exit(1)"


def test_every_section_is_a_module_with_a_report_and_a_place_on_the_page() -> None:
    text = page.BENCHMARKS.read_text(encoding="utf-8")
    for name, module in everything.SECTIONS.items():
        found = import_module(module)
        assert {"quick", "short"} <= set(signature(found.report).parameters), module
        assert callable(found.main), module
        assert f"<!-- {name}: begin -->" in text


def test_a_section_that_fails_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "good.py").write_text("import sys; print('ran with', *sys.argv[1:])")
    (tmp_path / "bad.py").write_text(FAILING)
    monkeypatch.chdir(tmp_path)
    sections = {"one": "bad", "two": "good"}
    assert everything.run(["one", "two"], ["--short"], sections=sections) == ["one"]


@pytest.mark.parametrize(
    ("asked", "names", "flags"),
    [
        ([], list(everything.SECTIONS), ["--short"]),
        (["--write"], list(everything.SECTIONS), ["--short", "--write"]),
        (["--full", "--only", "peers"], ["peers"], []),
        (["--quick", "--only", "peers", "--only", "overhead"], ["peers", "overhead"], ["--quick"]),
    ],
)
def test_the_command_line_says_what_runs_and_how_much(
    asked: list[str], names: list[str], flags: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = []

    def run(given: list[str], said: list[str], **_: object) -> list[str]:
        ran.append((given, said))
        return []

    monkeypatch.setattr(everything, "run", run)
    everything.main(asked)
    # The short answer is made of what was written down, and of nothing else.
    assert ran == [(names, flags), *([(["summary"], ["--write"])] if "--write" in flags else [])]


def test_the_process_fails_with_what_failed_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(everything, "run", lambda *_: ["peers"])
    with pytest.raises(SystemExit, match="failed: peers"):
        everything.main([])


def test_figures_that_mean_nothing_are_never_written() -> None:
    with pytest.raises(SystemExit):
        everything.main(["--quick", "--write"])
