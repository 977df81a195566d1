"""What a session may cost in memory: 100,000 of them here, a million in ``make soak``."""

from __future__ import annotations

import os
from typing import Final

import pytest

from benchmarks import memory

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
    assert [line[:10].strip() for line in lines[3:]] == list(memory.KINDS)
