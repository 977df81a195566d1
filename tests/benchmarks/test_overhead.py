"""The section of overheads has every row, its figures as data, and its plots. How long anything takes is not asked here."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from benchmarks import applications, overhead, page, parts, sessions
from benchmarks.page import Section


@pytest.fixture(autouse=True)
def logger() -> Iterator[logging.Logger]:
    """Leave the logger's handlers as they were."""
    found = logging.getLogger("secmw")
    before = found.handlers[:]
    yield found
    found.handlers[:] = before


@pytest.fixture(scope="module")
def section() -> Section:
    """Make a section of figures that mean nothing."""
    return overhead.report(quick=True)


def test_the_section_has_every_row(section: Section) -> None:
    rows = [
        line.split(" | ")[0].removeprefix("| ") for line in section.text.splitlines() if line.startswith("| ")
    ]
    for name in (*sessions.BUDGET, *applications.DEEDS):
        assert rows.count(name) == 2, name
    for part in parts.PARTS:
        assert rows.count(part.name) == 1, part.name
    assert section.text.startswith(f"Measured {page.machine()}; 3 rounds of 10 requests.")
    assert rows.count("**everything**") == 3


def test_every_figure_is_in_the_data_and_json_can_hold_it(section: Section) -> None:
    data = json.loads(json.dumps(section.data, allow_nan=False))
    for kind in ("ASGI", "WSGI"):
        assert list(data["whole"][kind]) == list(sessions.BUDGET)
        assert list(data["parts"][kind]) == [part.name for part in parts.PARTS]
    row = data["whole"]["ASGI"]["anonymous, GET"]
    assert row["budget"] == 4.5
    assert set(row["added"]) == set(row["ratio"]) == {"median", "least"}
    assert data["headers"]["Referrer-Policy"]["bytes"] == 50


def test_a_budget_says_whether_it_is_met_and_a_row_without_one_does_not(section: Section) -> None:
    lines = [
        line for line in section.text.splitlines() if line.startswith("| anonymous, session read, GET |")
    ]
    asgi, wsgi = ([cell.strip() for cell in line.split("|")] for line in lines)
    assert (asgi[4], asgi[5]) == ("", "")
    assert wsgi[4] == "6.5"
    assert wsgi[5] in ("yes", "by its minima", "**no**", "—")


def test_every_budget_of_the_tables_is_in_the_section(section: Section) -> None:
    budgets = [budget.what for budget in section.budgets]
    rows = sum(bound is not None for budget in sessions.BUDGET.values() for bound in budget)
    deeds = 2 * sum(deed.budget is not None for deed in applications.DEEDS.values())
    assert len(budgets) == len(set(budgets)) == rows + deeds + 2
    assert "WSGI, anonymous, session read, GET" in budgets
    assert "ASGI, and uses a nonce" in budgets


def test_the_section_says_what_no_request_can_save(section: Section) -> None:
    for name, budget in (("ASGI", "4.5"), ("WSGI", "5")):
        assert f"no-op of a stranger's GET on {name} (budget {budget})" in section.text


def test_the_text_names_each_plot_by_the_file_that_it_goes_into(section: Section) -> None:
    assert set(section.plots) == {"whole", "parts"}
    for stem in section.plots:
        assert f"(benchmarks/overhead-{stem}.svg)" in section.text


def test_a_quick_run_prints_tables_and_no_notices(
    capfd: pytest.CaptureFixture[str], logger: logging.Logger
) -> None:
    overhead.main(["--quick"])
    out, err = capfd.readouterr()
    assert out.startswith("Measured ")
    assert err == ""
    assert logger.handlers
