"""What measures the cost of sealing measures what it says."""

from __future__ import annotations

import pytest

from benchmarks import sealing
from secmw.sessions.writes import Lost, Write, Written
from secmw.stores import MemoryStore


def test_everything_is_asked_of_both_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    sealing.main(["--rounds", "1"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:9]] == list(sealing.ASKED)
    plain, kept = sealing.sizes()
    # A head and seven values, with less than seventy bytes for each.
    assert plain < kept < plain + 8 * 70 + 100
    assert lines[-1] == f"7 values: {plain} bytes plain, {kept} sealed"


def test_what_comes_to_nothing_is_not_timed() -> None:
    with pytest.raises(AssertionError, match="touch"):
        sealing._sample(_Forgetful(), "touch")


class _Forgetful(MemoryStore):
    """Keeps nothing for long."""

    def write(self, write: Write) -> Written | Lost:
        outcome = super().write(write)
        self._sessions.clear()
        return outcome
