"""What imports cost is measured where there is nothing else to import, and something heavy stops the run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import imports, page
from benchmarks.probe import WrongAnswerError

PRINTED = """\
import time: self [us] | cumulative | imported package
import time:       100 |        100 |   _io
import time:        30 |         30 |     deep
import time:        20 |         50 |   middle
import time:         7 |        157 | top
import time:         5 |          5 | alone
"""


@pytest.fixture(scope="module")
def python() -> Iterator[Path]:
    with imports.environment() as made:
        yield made


@pytest.fixture(scope="module")
def section(python: Path) -> Any:
    # The environment is made once for all tests.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(imports, "environment", lambda: _Given(python))
        return imports.report(quick=True)


class _Given:
    def __init__(self, python: Path) -> None:
        self._python = python

    def __enter__(self) -> Path:
        return self._python

    def __exit__(self, *_: object) -> None:
        """Leave it to the fixture."""


def test_the_environment_has_what_the_core_needs_and_nothing_else(python: Path) -> None:
    assert imports.needed() == {"durationpy", "itsdangerous", "msgspec"}
    program = "import importlib.util as u; print([n for n in {names} if u.find_spec(n)])"
    found = imports._run(python, "-c", program.format(names=["secmw", *sorted(imports.needed())]))
    assert found.count("'") == 8
    others = ["click", "starlette", "redis", "sqlalchemy", "cryptography", "pytest", "tests", "benchmarks"]
    assert imports._run(python, "-c", program.format(names=others)).strip() == "[]"


def test_every_program_has_its_row_and_ends_well(section: Any) -> None:
    assert [row["program"] for row in section.data["starts"]] == [*imports.PROGRAMS]
    for row in section.data["starts"]:
        assert all(
            figure > 0 for kind in ("clock", "processor", "times", "processor_times") for figure in row[kind]
        )
    assert section.data["starts"][0]["times"] == (1.0, 1.0)
    assert sum(line.startswith("| `import secmw") for line in section.text.splitlines()) == 3
    assert "(budget 5; met: " in section.text
    (budget,) = section.budgets
    assert (budget.what, budget.bound) == ("import secmw", "5")
    assert set(re.findall(r"benchmarks/imports-(\S+)\.svg", section.text)) == set(section.plots)
    assert json.dumps(section.data, allow_nan=False)


def test_what_is_loaded_is_listed_with_who_asked_for_it(section: Any) -> None:
    light = {one["module"]: one for one in section.data["loaded"]["import secmw"]}
    assert {module: one["asked_by"] for module, one in light.items()} == {"secmw": "", "__future__": "secmw"}
    whole = {one["module"]: one["asked_by"] for one in section.data["loaded"]["import secmw.asgi"]}
    assert whole["secmw.asgi"] == ""
    assert whole["secmw.exchange"].startswith("secmw.")
    assert "msgspec" in whole
    # An interpreter has it anyway.
    assert "encodings" not in whole


def test_importtime_is_read_with_its_tree() -> None:
    found = {one.module: one for one in imports.listed(PRINTED)}
    assert {name: one.asked_by for name, one in found.items()} == {
        "_io": "top",
        "deep": "middle",
        "middle": "top",
        "top": "",
        "alone": "",
    }
    assert found["middle"].own == 20


def test_something_heavy_stops_the_run() -> None:
    imports.prove("light", [imports.Loaded(module="typing", own=1, asked_by="secmw")])
    with pytest.raises(WrongAnswerError, match=r"heavy loads asyncio.events \(by secmw.watch\)"):
        imports.prove("heavy", [imports.Loaded(module="asyncio.events", own=1, asked_by="secmw.watch")])


def test_modules_are_counted_by_whose_they_are() -> None:
    modules = [
        imports.Loaded(module=name, own=own, asked_by="")
        for name, own in (("secmw.a", 5), ("secmw.b", 5), ("typing", 30), ("msgspec._core", 1))
    ]
    assert imports.groups(modules) == {
        "the standard library": (1, 30),
        "secmw": (2, 10),
        "msgspec": (1, 1),
    }


def test_a_program_that_fails_stops_the_run(python: Path) -> None:
    with pytest.raises(WrongAnswerError, match="ends with 3"):
        imports.start(python, "raise SystemExit(3)")


def test_the_command_prints_and_writes_only_when_told(
    section: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written: list[Any] = []
    monkeypatch.setattr(imports, "report", lambda **_: section)
    monkeypatch.setattr(page, "publish", written.append)
    imports.main(["--quick"])
    assert (written, capsys.readouterr().out.strip()) == ([], section.text.strip())
    imports.main(["--write"])
    assert written == [section]
