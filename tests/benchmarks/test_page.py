"""A section goes where it belongs: between its marks, its data and plots beside the page, and nothing else changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from benchmarks import page
from benchmarks.page import Budget, Section, publish

PAGE: Final = (
    "# Title\n\n<!-- one: begin -->old<!-- one: end -->\n\n<!-- other: begin -->\n<!-- other: end -->\n"
)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Make a page with two pairs of marks."""
    found = tmp_path / "page.md"
    found.write_text(PAGE, encoding="utf-8")
    return found


def test_a_text_goes_between_the_marks_of_its_section_and_nothing_else_changes(target: Path) -> None:
    publish(Section("one", "new é", [1]), target)
    text = target.read_text(encoding="utf-8")
    assert text == PAGE.replace("old", "\n\nnew é\n\n")


def test_budgets_go_into_the_file_beside_the_figures(target: Path) -> None:
    publish(Section("one", "new", [1], budgets=[Budget("this", "2 × that", "3", "yes")]), target)
    found = json.loads((target.parent / "page" / "one.json").read_text(encoding="utf-8"))
    assert found["budgets"] == [{"what": "this", "found": "2 × that", "bound": "3", "met": "yes"}]


def test_data_says_under_which_circumstances_it_came_about(target: Path) -> None:
    publish(Section("one", "new", {"rows": [["é", 1.5]]}), target)
    found = json.loads((target.parent / "page" / "one.json").read_text(encoding="utf-8"))
    assert found["data"] == {"rows": [["é", 1.5]]}
    assert found["python"].split()[1].count(".") == 2
    assert found["versions"]["pytest"] == pytest.__version__
    assert {"date", "machine", "cores", "optimised", "processor", "system"} < found.keys()


def test_plots_that_a_section_no_longer_has_are_removed_and_those_of_others_stay(target: Path) -> None:
    publish(Section("one", "new", plots={"a": "<svg>a</svg>", "b": "<svg>b</svg>"}), target)
    publish(Section("other", "new", plots={"a": "<svg>c</svg>"}), target)
    publish(Section("one", "new", plots={"b": "<svg>d</svg>"}), target)
    folder = target.parent / "page"
    assert {found.name: found.read_text() for found in folder.glob("*.svg")} == {
        "one-b.svg": "<svg>d</svg>",
        "other-a.svg": "<svg>c</svg>",
    }


@pytest.mark.parametrize(
    "section",
    [Section("missing", "new", 1), Section("one", "new", float("nan")), Section("one", "new", {"a": {1, 2}})],
    ids=["no marks", "not a number", "a set"],
)
def test_what_cannot_be_published_leaves_everything_as_it_was(section: Any, target: Path) -> None:
    with pytest.raises((ValueError, TypeError)):
        publish(section, target)
    assert target.read_text(encoding="utf-8") == PAGE
    assert not (target.parent / "page").exists()


def test_the_page_of_benchmarks_has_a_place_for_every_section() -> None:
    text = page.BENCHMARKS.read_text(encoding="utf-8")
    for name in (
        "summary",
        "overhead",
        "duties",
        "peers",
        "instructions",
        "servers",
        "redis",
        "cookies",
        "memory",
        "imports",
    ):
        assert text.count(f"<!-- {name}: begin -->") == text.count(f"<!-- {name}: end -->") == 1


@pytest.mark.parametrize("asked", [["--quick", "--write"], ["--quick", "--short"]])
def test_figures_that_mean_nothing_are_never_written(asked: list[str]) -> None:
    def report(**_: bool) -> Section:
        raise AssertionError("measured")

    with pytest.raises(SystemExit):
        page.run(report, "A benchmark.", asked)


@pytest.mark.parametrize(
    ("asked", "amount"), [([], (False, False)), (["--short"], (False, True)), (["--quick"], (True, False))]
)
def test_the_command_line_says_how_much_is_measured(
    asked: list[str], amount: tuple[bool, bool], capsys: pytest.CaptureFixture[str]
) -> None:
    def report(*, quick: bool = False, short: bool = False) -> Section:
        assert (quick, short) == amount
        return Section("one", "the text")

    page.run(report, "A benchmark.", asked)
    assert capsys.readouterr().out == "the text\n"


@pytest.mark.parametrize(
    "text",
    ["", "<!-- one: begin -->", "<!-- one: end -->", "<!-- one: end --><!-- one: begin -->"],
)
def test_a_page_without_both_marks_is_left_alone(text: str, tmp_path: Path) -> None:
    target = tmp_path / "page.md"
    target.write_text(text)
    with pytest.raises(ValueError, match="one: begin"):
        page.write("new", target, "one")
    assert target.read_text() == text
