"""What becomes of a session is asked of secmw here as of everybody in ``make peers``, and each question can find a fault."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import Final

import pytest

from benchmarks.semantics import failures, races
from benchmarks.semantics.finding import Finding, without, yes_if
from benchmarks.semantics.site import WIDTH, Answer, Gate, PlayError
from benchmarks.semantics.subjects import SUBJECTS, Subject
from benchmarks.semantics.table import COLUMNS, play

OURS: Final = [subject for subject in SUBJECTS if subject.package == "secmw"]

CARELESS: Final = Subject(name="careless", package="secmw", app="tests.benchmarks.careless:app", redis=True)


@pytest.mark.server
@pytest.mark.parametrize("subject", OURS, ids=lambda subject: subject.name)
def test_secmw_is_as_one_would_have_it_in_every_column(subject: Subject) -> None:
    """SE-02, SE-04, SE-05, SE-06, SE-08, SE-09, SE-10, SE-15, SE-22."""
    found = play(subject)
    assert list(found) == [name for columns in COLUMNS.values() for name in columns]
    wanting = {name: finding for name, finding in found.items() if not finding.good}
    socket = {} if subject.asgi else {"A socket ends with its session": without("no sockets")}
    assert wanting == socket


@pytest.mark.server
def test_every_question_finds_a_session_that_does_it_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "SOON", 0.5)
    monkeypatch.setattr(races, "NAMES", 2 * WIDTH)
    found = play(CARELESS)
    assert {name: finding for name, finding in found.items() if finding.good is not False} == {}
    assert found["Kept of 200 names"] == Finding(False, "2")
    assert found["Reading writes"] == Finding(False, "store and cookie")
    assert found["Limits of time"] == Finding(False, "none")
    assert found["The store is away"] == Finding(False, "500")


def test_what_is_wrong_stands_out_and_what_does_not_arise_says_why() -> None:
    findings = [yes_if(True), yes_if(False), yes_if(False, "idle"), without("no store"), Finding(True, "200")]
    assert [str(finding) for finding in findings] == ["yes", "**no**", "**idle**", "— (no store)", "200"]


def test_a_request_that_does_not_wait_at_its_gate_is_noticed(tmp_path: Path) -> None:
    done: Future[Answer] = Future()
    done.set_result(Answer(status=500, cookies=(), body=b""))
    with Gate(tmp_path / "gate") as gate, pytest.raises(PlayError, match="without waiting"):
        gate.arrived(done)


@pytest.mark.parametrize("status", [200, 500])
def test_nobody_is_taken_for_signed_out_because_the_application_failed(status: int) -> None:
    body = b'[{"user": "ann", "names": [], "nested": null}]'
    answer = Answer(status=status, cookies=(), body=body)
    if status == 200:
        assert answer.user == "ann"
    else:
        with pytest.raises(PlayError, match="500"):
            _ = answer.user
