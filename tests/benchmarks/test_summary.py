"""The short answer says what the sections have written down, and nothing of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from benchmarks import page, summary
from benchmarks.page import Budget, Section
from benchmarks.stacks import side_by_side
from benchmarks.stacks.stack import KINDS

WHERE: Final = {"date": "2026-11-22", "python": "CPython 3.11.7", "machine": "x86_64", "cores": 2}


def row(*added: float, times: float = 1.0) -> dict[str, Any]:
    return {
        kind: {"added": {"median": value, "least": value}, "times": {"median": times, "least": times}}
        for kind, value in zip(KINDS, added, strict=True)
    }


@pytest.fixture
def found() -> dict[str, Any]:
    """Make what every section leaves, with round figures."""
    stack = summary.BESIDE[0].row
    ours = "secmw, everything"
    data: dict[str, Any] = {
        "overhead": {},
        "peers": {
            "ours": {"ASGI": ours},
            "families": {
                "ASGI": {ours: row(3, 4, 6), stack: row(60, 80, 120, times=20.0), "else": row(1, 1, 1)}
            },
        },
        "servers": {
            "rows": [
                {"server": "uvicorn", "variant": "secmw, memory", "added": 12.0, "cpu": [32.0, 31.0]},
                {"server": "uvicorn", "variant": "bare", "added": 0.0, "cpu": [20.0, 19.0]},
                {"server": "gunicorn", "variant": "secmw, memory", "added": 40.0, "cpu": [280.0, 270.0]},
            ],
            "shares": {"uvicorn": {"secmw, memory": 1 / 8}},
        },
        "redis": {"rows": [{"variant": "secmw, Redis", "added": 13.0}], "ratio": 14.0},
        "memory": {
            "sessions": [{"kind": "signed in", "bytes": 640.4}],
            "added": {"a request under way": {"secmw, signed in": 1465.0}},
        },
        "imports": {
            "starts": [
                {"program": "import secmw", "times": [1.1, 1.0], "clock": [9.0, 8.0]},
                {"program": "a protected ASGI application", "times": [11.0, 11.0], "clock": [110.4, 100.0]},
            ]
        },
    }
    return {name: {**WHERE, "budgets": [], "data": one} for name, one in data.items()}


def test_a_sentence_says_of_each_section_what_it_found(found: dict[str, Any]) -> None:
    text = summary.section(found).text
    for said in (
        "Measured 2026-11-22, CPython 3.11.7 on x86_64, 2 cores.",
        "- **ASGI**: 3.0 µs for a stranger, 4.0 for somebody signed in, 6.0 for their POST with a token. ",
        "starsessions: 20.0, 20.0 and 20.0 times as much.",
        "uvicorn 12.0 of 32.0 µs, 1/8.0 of [stack A's](#on-real-servers); gunicorn 40.0 of 280.0 µs.",
        "one round trip, and 13.0 µs of the application's process; [stack B](#on-real-servers) adds 14.0 times as much.",
        "640 bytes for a session of somebody signed in, in the memory store; 1,465 for their request",
        "`import secmw` takes 1.1 times as long as an interpreter that does nothing; a protected ASGI application is there after 110 ms.",
    ):
        assert said in text
    assert "Budgets" not in text


def test_budgets_are_counted_and_those_that_are_missed_named(found: dict[str, Any]) -> None:
    found["overhead"]["budgets"] = [
        {"what": "ASGI, anonymous, GET", "found": "6.5 × no-op", "bound": "4.5", "met": "**no**"},
        {"what": "ASGI, other", "found": "2 × no-op", "bound": "2", "met": "by its minima"},
    ]
    found["imports"]["budgets"] = [{"what": "import", "found": "1 × nothing", "bound": "5", "met": "yes"}]
    text = summary.section(found).text
    assert "**Budgets**: 2 of 3 are met; those that are not are listed below.\n" in text
    assert [line for line in text.splitlines() if "× no-op" in line] == [
        "| ASGI, anonymous, GET | 4.5 | 6.5 × no-op |"
    ]
    found["overhead"]["budgets"] = []
    text = summary.section(found).text
    assert "**Budgets**: 1 of 1 are met.\n" in text
    assert "not met" not in text


def test_the_table_has_ours_first_and_only_those_that_are_to_be_beside_it(found: dict[str, Any]) -> None:
    made = summary.section(found)
    assert list(made.data) == ["ASGI: secmw, everything", f"ASGI: {summary.BESIDE[0].known}"]
    assert "| **ASGI: secmw, everything** | **3.0** | **4.0** | **6.0** |" in made.text
    assert set(made.plots) == {"added"}
    assert "(benchmarks/summary-added.svg)" in made.text


def test_every_row_that_is_to_be_beside_ours_is_wanted_or_there() -> None:
    families = {family.name for family in side_by_side.FAMILIES}
    assert {beside.family for beside in summary.BESIDE} == families


def test_sections_that_were_never_measured_are_left_out(found: dict[str, Any]) -> None:
    for name in ("servers", "redis", "memory", "imports", "overhead"):
        del found[name]
    text = summary.section(found).text
    assert "**ASGI**" in text
    assert "servers" not in text
    del found["peers"]
    with pytest.raises(ValueError, match="nothing has been measured next to others"):
        summary.section(found)


def test_before_anything_is_measured_nothing_is_written_and_that_is_no_failure(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def published(*_: Any) -> None:
        raise AssertionError("published")

    monkeypatch.setattr(summary, "read", dict)
    monkeypatch.setattr(page, "publish", published)
    summary.main(["--write"])
    assert capsys.readouterr().out.startswith("no short answer yet: nothing has been measured")


def test_runs_of_different_days_are_said_to_be_so(found: dict[str, Any]) -> None:
    found["memory"]["date"] = "2026-11-20"
    assert summary.section(found).text.startswith("Measured 2026-11-20 to 2026-11-22, ")


def test_what_is_published_is_what_is_read(tmp_path: Path) -> None:
    target = tmp_path / "page.md"
    target.write_text("<!-- memory: begin --><!-- memory: end -->", encoding="utf-8")
    page.publish(Section("memory", "x", [1.5], budgets=[Budget("a", "1", "2", "yes")]), target)
    found = summary.read(tmp_path / "page")
    assert list(found) == ["memory"]
    assert found["memory"]["data"] == [1.5]
    assert found["memory"]["budgets"] == json.loads(
        '[{"what": "a", "found": "1", "bound": "2", "met": "yes"}]'
    )
