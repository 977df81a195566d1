"""Whatever several browsers, an attacker, failures and clocks do: the library does what the model says.

SE-02, SE-04, SE-05, SE-06, SE-08, SE-09, SE-12, SE-15, SE-16, SE-21, SE-22, SE-23, SU-01.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Final

import pytest
from hypothesis import Phase, settings

from tests.model.__main__ import main
from tests.model.driver import Flight
from tests.model.faults import FAULTS, planted
from tests.model.oracle import WrongError
from tests.model.search import TOO_SLOW, in_files, in_memory, search
from tests.model.shared import COLOURS, NAMES, on_server
from tests.model.stage import TERMS
from tests.model.steps import LENGTH, spelled, steps
from tests.model.watched import STRIKES

#: Tens of thousands of requests, which go where others have gone.
pytestmark = pytest.mark.unmeasured

#: Histories in memory, in SQLite and on each server, by how deep the search shall be.
_DEPTHS: Final = {"check": (100, 20, 300), "test": (3_000, 300, 300), "soak": (100_000, 3_000, 3_000)}
MEMORY, SQLITE, SHARED = _DEPTHS[os.environ.get("HYPOTHESIS_PROFILE", "check")]

_TERMS: Final = ("idle", "for_ever", "two_sessions", "one_session")
_POLICIES: Final = pytest.mark.parametrize("number", range(len(TERMS)), ids=_TERMS)

#: The same search every time, and no longer than until something is found.
_FIXED: Final = settings(
    max_examples=3_000 // len(TERMS), derandomize=True, database=None, phases=[Phase.generate]
)

#: What a search on a server must have come by, or it shows nothing.
_PLAYED: Final = {
    *(f"{call} by {colour}" for call in ("load", "write", "end_all") for colour in COLOURS),
    *(f"step: {kind}" for kind in ("race", "set_clock", "restart", "sweep", "away", "cancel")),
    "change of a session that had ended",
    "over: replaced",
    "over: revoked",
    "process died half-way",
    "refused for an outage",
    "rotation",
    "session displaced",
    "store failed half-way",
}


def _dying_at_a_sign_in(within: int) -> bytes:
    """Write a history in which a process dies so far into a second sign-in, and the person signs in again."""
    crash = STRIKES.index("crash_before") | within << 4
    told = [
        ("visit", "login", 0),
        ("strike", "look", crash),
        *[("visit", "login", 0), ("visit", "look", 0)] * 2,
    ]
    return spelled(told)


#: At each step that a sign-in takes at least on any server.
_DYING: Final = [_dying_at_a_sign_in(within) for within in range(4)]


@_POLICIES
def test_sessions_in_memory_do_what_the_model_says(number: int) -> None:
    search(TERMS[number], in_memory, settings(max_examples=MEMORY // len(TERMS)))


@_POLICIES
def test_sessions_in_a_file_do_what_the_model_says(number: int, tmp_path: Path) -> None:
    with in_files(tmp_path) as opener:
        search(TERMS[number], opener, settings(max_examples=SQLITE // len(TERMS)))


@pytest.mark.server
@pytest.mark.parametrize("name", NAMES)
def test_sessions_on_a_server_do_what_the_model_says(name: str) -> None:
    tally: Counter[str] = Counter()
    with on_server(name) as opener:
        for terms in TERMS:
            search(terms, opener, settings(max_examples=SHARED // len(TERMS)), tally, known=_DYING)
    assert tally.keys() >= _PLAYED
    assert tally["process died within a call"] + tally[TOO_SLOW] >= len(_DYING) * len(TERMS)
    assert tally[TOO_SLOW] <= SHARED // 10


@pytest.mark.parametrize("fault", FAULTS)
def test_the_search_finds_a_fault(fault: str) -> None:
    with planted(fault), pytest.raises(WrongError):
        _search_all()


def _search_all() -> None:
    # Where nothing ends by itself a history gets farthest.
    for terms in sorted(TERMS):
        search(terms, in_memory, _FIXED)


@pytest.mark.fuzz  # a long search: left out of `make check`
def test_the_search_comes_by_what_is_rare() -> None:
    tally: Counter[str] = Counter()
    for terms in TERMS:
        search(terms, in_memory, settings(_FIXED, max_examples=150), tally)
    assert tally.keys() >= {
        "change after the head",
        "change of a session that had ended",
        "conflict",
        "failure after a change",
        "failure after a logout",
        "late for a sign-in",
        "over: ambiguous",
        "over: expired",
        "over: forged",
        "over: idle",
        "over: logged_out",
        "over: replaced",
        "over: revoked",
        "over: rotated",
        "over: unknown",
        "refused for an outage",
        "rotation",
        "rotation lost",
        "served as a stranger",
        "session displaced",
        "store failed half-way",
        "sign-in undone",
        "told to wait",
    }


def test_a_long_search_ends_with_a_line_about_it(capsys: pytest.CaptureFixture[str]) -> None:
    for kind in ("memory", "sqlite"):
        main(["8", kind])
        assert f"8 histories of 40 steps on {kind}" in capsys.readouterr().out


def test_zeros_are_a_history_in_which_nothing_happens() -> None:
    assert {step.kind for step in steps(bytes(LENGTH))} == {"nothing"}


def test_a_request_that_waits_for_anything_else_is_noticed() -> None:
    class Waits:
        def __await__(self):  # type: ignore[no-untyped-def]  # noqa: ANN204, RUF100
            yield "the network"

    async def app(scope: object, receive: object, send: object) -> None:
        await Waits()

    with pytest.raises(AssertionError, match="which no harness resumes"):
        Flight(app, "/", None)
