"""No kind of request may quietly take more instructions than is written down."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

import secmw
from benchmarks import instructions, page
from benchmarks.counting import rows
from benchmarks.counting.callgrind import Count, CountingError, counts
from benchmarks.probe import WrongAnswerError

EVERY: Final = pytest.mark.parametrize("name", rows.names())
#: These run for seconds under another program, as what starts a server does: not for `make check`.
slow: Final = pytest.mark.server

HERE: Final = {"python": "CPython 3.11.7", "optimised": False, "machine": "x86_64"}

#: A tenth of what an anonymous request adds, or somewhat more; to the package that is tested here.
PLANTED: Final = f"""
import secmw.asgi
assert secmw.__file__ == {secmw.__file__!r}
plain = secmw.asgi.Middleware.__call__
def slower(self, scope, receive, send):
    for _ in range(90):
        pass
    return plain(self, scope, receive, send)
secmw.asgi.Middleware.__call__ = slower
"""


def written(found: Mapping[str, Count], **other: Any) -> dict[str, Any]:
    return {**HERE, **other, "data": instructions.section(found).data}


def counted(times: float) -> Count:
    return Count(bare=1_000, noop=2_000, app=1_000 + 1_000 * times)


# --- the gate


@slow
@pytest.mark.timeout(600)  # a quarter of a minute on a quiet machine
def test_no_request_has_become_dearer_than_is_written_down(capsys: pytest.CaptureFixture[str]) -> None:
    found = counts(rows.names())
    assert list(found) == rows.names()
    there = instructions.committed()
    limit = instructions.tolerance(page.circumstances(), there)
    said = "\n".join([*instructions.lines(found, there), *instructions.cheaper(found, there)])
    with capsys.disabled():
        sys.stdout.write(f"\n{said}\n")
    if limit is not None and instructions.dearer(found, there, limit):
        # One run in many counts a row a fifteenth too high: records hold the time, so not all is the same in each. Code that has
        # become dearer is so each time.
        again = counts(rows.names())
        found = {name: min(found[name], again[name], key=lambda count: count.times) for name in found}
        assert instructions.dearer(found, there, limit) == []


@slow
def test_runs_agree_and_what_is_planted_is_found() -> None:
    name = "asgi anonymous"
    first, second = counts([name]), counts([name])
    assert second[name].times == pytest.approx(first[name].times, rel=0.005)
    there = written(first)
    assert instructions.dearer(second, there, instructions.TOLERANCE) == []
    planted = counts([name], before=PLANTED)
    assert planted[name].noop == pytest.approx(first[name].noop, rel=0.005)
    (said,) = instructions.dearer(planted, there, instructions.TOLERANCE)
    assert said.startswith(f"{name}: {planted[name].times:.2f} times")


def test_every_row_is_written_down() -> None:
    there = instructions.committed()
    assert list(there["data"]["rows"]) == rows.names()
    assert instructions.tolerance(there, there) == instructions.TOLERANCE


def test_a_row_that_is_dearer_is_told_with_its_figures_and_what_to_do() -> None:
    there = written({"asgi nonce": counted(10), "asgi list read": counted(20)})
    found = {"asgi nonce": counted(10.6), "asgi list read": counted(20.9)}
    (said,) = instructions.dearer(found, there, 0.05)
    assert said == (
        "asgi nonce: 10.60 times the no-op's instructions, and was 10.00: +6.0%, where 5% are allowed. "
        "If that is worth it: python -m benchmarks.instructions --write"
    )
    assert instructions.cheaper(found, there) == []


def test_a_row_that_was_never_written_down_is_told() -> None:
    there = written({"asgi nonce": counted(10)})
    (said,) = instructions.dearer({"asgi anonymous": counted(1)}, there, 0.05)
    assert said == "asgi anonymous: never written down; to do so: python -m benchmarks.instructions --write"


def test_a_row_that_is_cheaper_is_told_and_no_fault() -> None:
    there = written({"asgi nonce": counted(10)})
    found = {"asgi nonce": counted(9)}
    assert instructions.dearer(found, there, 0.05) == []
    (said,) = instructions.cheaper(found, there)
    assert said.startswith("asgi nonce: 9.00 times the no-op's instructions, -10.0%.")


@pytest.mark.parametrize(
    ("there", "limit"),
    [
        ({}, instructions.TOLERANCE),
        ({"python": "CPython 3.11.9"}, instructions.TOLERANCE),
        ({"optimised": True}, instructions.OTHER_BUILD),
        ({"machine": "aarch64"}, instructions.OTHER_BUILD),
        ({"python": "CPython 3.12.1"}, None),
        ({"python": "PyPy 3.11.7"}, None),
    ],
)
def test_figures_of_another_python_are_compared_less_strictly_or_not(
    there: dict[str, Any], limit: float | None
) -> None:
    assert instructions.tolerance(HERE, {**HERE, **there}) == limit


# --- what is counted


@EVERY
def test_a_variant_that_does_not_do_its_job_is_not_counted(name: str) -> None:
    row = rows.row(name)
    row.sign_in()
    row.prove()
    for part, stand_in in (("app", "noop"), ("noop", "app"), ("bare", "app")):
        with pytest.raises(WrongAnswerError):
            replace(row, **{part: getattr(row, stand_in)}).prove()


@EVERY
def test_whoever_is_to_be_refused_is_refused(name: str) -> None:
    row = rows.row(name)
    row.sign_in()
    assert (row.wrong is not None) is any(word in name for word in ("read", "POST", "Cache")) or "not" in name
    if row.wrong is not None:
        with pytest.raises(WrongAnswerError, match="refused"):
            replace(row, wrong=row.make).prove()


def test_what_is_added_is_without_the_application() -> None:
    found = Count(bare=1_000, noop=1_500, app=4_000)
    assert (found.added, found.times) == (3_000, 6)


@slow
def test_a_program_that_fails_says_why() -> None:
    with pytest.raises(CountingError, match="ZeroDivisionError"):
        counts(["asgi anonymous"], before="1 / 0")


def test_who_has_no_valgrind_is_told_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(CountingError, match="apt-get install valgrind"):
        counts(["asgi anonymous"])


# --- the command and the page


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Count nothing: every row takes ten times the no-op's, and the figures are written elsewhere."""
    monkeypatch.setattr(instructions, "counts", lambda chosen: dict.fromkeys(chosen, counted(10)))
    monkeypatch.setattr(instructions, "version", lambda: "valgrind-3.19.0")
    target = tmp_path / "benchmarks.md"
    target.write_text("<!-- instructions: begin --><!-- instructions: end -->")
    monkeypatch.setattr(page, "BENCHMARKS", target)
    monkeypatch.setattr(page, "publish", partial(page.publish, page=target))
    file = tmp_path / "benchmarks" / "instructions.json"
    monkeypatch.setattr(instructions, "COMMITTED", file)
    monkeypatch.setattr(instructions, "committed", partial(instructions.committed, file))
    return file


def test_what_is_written_is_what_is_compared_with(
    pretended: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    instructions.main(["--write"])
    assert list(json.loads(pretended.read_text())["data"]["rows"]) == rows.names()
    capsys.readouterr()
    instructions.main(["--check", "--only", "asgi"])
    out = capsys.readouterr().out.splitlines()
    assert [line.endswith("+0.0%") for line in out if line] == [True] * len(rows.KINDS)


def test_a_check_fails_where_a_row_has_become_dearer(
    pretended: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    instructions.main(["--write"])
    monkeypatch.setattr(instructions, "counts", lambda chosen: dict.fromkeys(chosen, counted(11)))
    with pytest.raises(SystemExit, match="1"):
        instructions.main(["--check", "--only", "wsgi nonce"])
    assert "wsgi nonce: 11.00 times the no-op's instructions, and was 10.00" in capsys.readouterr().out
    instructions.main(["--only", "wsgi nonce"])


def test_the_section_has_a_line_and_a_bar_for_each_kind(pretended: Path) -> None:
    made = instructions.report(quick=True)
    assert list(made.data["rows"]) == ["asgi anonymous", "wsgi anonymous"]
    assert made.text.splitlines()[2:5] == [
        "| | ASGI, instructions added | × no-op | WSGI, instructions added | × no-op |",
        "|---|--:|--:|--:|--:|",
        "| anonymous | 10,000 | 10.0 | 10,000 | 10.0 |",
    ]
    whole = instructions.report()
    assert whole.text.count("| 10,000 | 10.0 | 10,000 | 10.0 |") == len(rows.KINDS)
    assert all(f">{kind}<" in whole.plots["added"] for kind in rows.KINDS)


@pytest.mark.parametrize(
    "words", [["--only", "nothing"], ["--quick", "--write"], ["--only", "asgi", "--write"]]
)
def test_a_few_rows_are_never_written_and_there_is_always_one(words: list[str], pretended: Path) -> None:
    with pytest.raises(SystemExit, match="2"):
        instructions.main(words)
    assert not pretended.exists()
