"""What may be in memory: 100,000 sessions here and a million in ``make soak``, and nothing of what is over."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any, Final

import pytest

from benchmarks import held, memory, page
from benchmarks.probe import WrongAnswerError
from tests.measuring import unmeasured

# A long search: left out of `make check`.
pytestmark = pytest.mark.fuzz

COUNT: Final = 1_000_000 if os.environ.get("HYPOTHESIS_PROFILE") == "soak" else 100_000

#: Bytes that a session may cost, with its place in the index of its user.
MOST: Final = {"anonymous": 380, "signed in": 650}


@pytest.mark.parametrize("kind", memory.KINDS)
def test_a_session_costs_no_more_than_it_may(kind: str) -> None:
    cost = memory.measure(kind, COUNT)
    assert cost.count == COUNT
    assert cost.bytes <= MOST[kind]
    # The garbage collector sees one dict of text and bytes, however much is in it.
    assert cost.collect_ms <= 50


def test_what_is_measured_is_what_browsers_send() -> None:
    assert len(memory.AGENT) == 111
    assert "Chrome/" in memory.AGENT


def test_the_table_has_a_line_for_each_kind(capsys: pytest.CaptureFixture[str]) -> None:
    memory.main(["--count", "100"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:]] == [f"100, {kind}" for kind in memory.KINDS]


@pytest.fixture(scope="module")
def section() -> Any:
    with unmeasured():
        return memory.report(quick=True)


def test_everything_has_its_row(section: Any) -> None:
    data = section.data
    assert [row["kind"] for row in data["sessions"]] == list(memory.KINDS)
    assert [(row["kind"], row["variant"]) for row in data["connections"]] == [
        (kind, variant) for kind in held.KINDS for variant in held.VARIANTS
    ]
    assert [row["requests"] for row in data["growth"]] == list(held.VISITORS)
    rows = [line.split(" | ")[0].removeprefix("| ") for line in section.text.splitlines()]
    assert {*held.KINDS, *held.VISITORS} <= {*rows}
    assert json.dumps(data, allow_nan=False)
    assert list(section.plots) == ["held"]


def test_nothing_is_left_of_a_connection_and_nothing_waits_for_the_garbage_collector(section: Any) -> None:
    for row in section.data["connections"]:
        assert row["garbage"] == 0, row
        # Tables that have grown don't shrink: of twenty connections, that is.
        assert row["left"] < 400, row


def test_everything_holds_something_and_who_stays_signed_in_more_than_a_stranger(section: Any) -> None:
    rows = [held.Held(**row) for row in section.data["connections"]]
    for kind, figures in memory.added(rows).items():
        assert all(0 < figure < 20_000 for figure in figures.values())
        # A request that is under way looks at what its store holds; who stays is looked after, with a session or without.
        assert kind == held.REQUEST or figures[held.STRANGER] < figures[held.SIGNED_IN]


def test_a_thousand_requests_leave_nothing_behind() -> None:
    """Each is remembered for a while, so many before and as many now: the same room."""
    assert memory.grow(held.SAME, 1_000).blocks < 100


def test_an_application_that_does_not_wait_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    apps = held._application
    monkeypatch.setattr(held, "_application", lambda kind, _: apps(kind, None))
    with pytest.raises(WrongAnswerError, match="over too soon"):
        asyncio.run(held.hold(held.REQUEST, held.STRANGER, count=2, recheck=0.1))


def test_the_command_prints_and_writes_only_when_told(
    section: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written: list[Any] = []
    monkeypatch.setattr(memory, "report", lambda **_: section)
    monkeypatch.setattr(page, "publish", written.append)
    memory.main(["--quick"])
    assert (written, capsys.readouterr().out.strip()) == ([], section.text.strip())
    memory.main(["--write"])
    assert written == [section]
