"""Cookie headers are read right by whoever is timed, what takes too long is cut off, and the tables are whole."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from benchmarks import cookie_headers, cookies, page
from benchmarks.probe import WrongAnswerError
from tests.measuring import unmeasured


@pytest.fixture(scope="module")
def section() -> Any:
    with unmeasured():
        return cookies.report(quick=True)


def test_every_header_and_every_reader_has_its_figure(section: Any) -> None:
    lines = section.text.splitlines()
    readers = [*cookies.OURS, *cookies.theirs()]
    assert len(readers) == 6
    assert f"| | bytes | {' | '.join(readers)} |" in lines
    for row in ["1 cookie", "3 cookies", "10 cookies", "50 cookies", *cookie_headers.HOSTILE]:
        (line,) = (line for line in lines if line.startswith(f"| {row} | "))
        assert line.count("|") == len(readers) + (3 if "cookie" in row and row[0].isdigit() else 4)
    assert len(section.data["ordinary"]) == 4 * 6
    assert len(section.data["hostile"]) == len(cookie_headers.HOSTILE) * 2 * 6
    assert json.dumps(section.data, allow_nan=False)


def test_the_verdict_names_the_worst_and_the_budget(section: Any) -> None:
    found = re.search(
        r"In (\d+) shapes .* ([\d.]+) times .*budget 10; .* ([\d.]+) ms .*budget 3\)", section.text
    )
    assert found is not None
    assert int(found[1]) == len(cookie_headers.HOSTILE)
    assert float(found[2]) == pytest.approx(max(section.data["growth"].values()), abs=0.06)
    assert [budget.bound for budget in section.budgets] == ["10", "3"]
    assert f"Met: {section.budgets[0].met} and {section.budgets[1].met}." in section.text


def test_the_plots_that_the_text_names_are_there(section: Any) -> None:
    assert {f"cookies-{stem}.svg" for stem in section.plots} == set(
        re.findall(r"benchmarks/(\S+\.svg)", section.text)
    )
    assert all("secmw" in svg for svg in section.plots.values())


@pytest.mark.parametrize("name", cookie_headers.HOSTILE)
def test_a_hostile_header_is_as_long_as_it_says(name: str) -> None:
    make, _ = cookie_headers.HOSTILE[name]
    for size in (cookie_headers.SMALL, cookie_headers.LARGE):
        assert 0.85 * size < len(make(size)) < size + 200


def test_ordinary_headers_hold_so_many_cookies_and_ours_last() -> None:
    for count in cookies.ORDINARY:
        pairs = cookie_headers.ordinary(count).split("; ")
        assert len({pair.partition("=")[0] for pair in pairs}) == count
        assert pairs[-1].startswith(f"{cookie_headers.NAME}=")


def test_a_parser_that_does_not_find_our_cookie_stops_the_run() -> None:
    with pytest.raises(WrongAnswerError, match="blind finds None among 1 cookies"):
        cookies.prove({"blind": lambda _: None})


def test_a_secmw_that_reads_a_hostile_header_wrong_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    make, _ = cookie_headers.HOSTILE["our name, no value"]
    monkeypatch.setattr(cookies, "HOSTILE", {"turned": (make, "something")})
    with pytest.raises(WrongAnswerError, match="secmw finds None in turned, 8192"):
        cookies.prove({})


def test_what_takes_too_long_is_cut_off_and_said() -> None:
    def forever(_: str) -> None:
        while True:
            pass

    rows = cookies.measure({"slow": forever}, {"x": ["a=b"]}, rounds=1, patience=0.05)
    slow = next(row for row in rows if row.reader == "slow")
    assert (slow.median, slow.least) == (None, None)
    assert all(row.median is not None and row.least is not None for row in rows if row is not slow)
    assert any("> 0.05 s" in line for line in cookies._ordinary_table(rows, ["secmw", "slow"], 0.05))


def test_growth_is_that_of_secmw_and_what_takes_nothing_does_not_grow() -> None:
    def row(reader: str, size: int, least: float) -> cookies.Found:
        return cookies.Found(header="x", size=size, reader=reader, median=least, least=least)

    assert cookies.growth(
        [row("secmw", 1, 40.0), row("other", 1, 1.0), row("secmw", 8, 200.0), row("other", 8, 9.0)]
    ) == {"x": 5.0}
    assert cookies.growth([row("secmw", 1, 0.1), row("secmw", 8, 10.0)]) == {"x": 0.5}


def test_the_worst_is_of_the_larger_headers_and_who_was_cut_off_took_that_long() -> None:
    def row(size: int, reader: str, median: float | None) -> cookies.Found:
        return cookies.Found(header="x", size=size, reader=reader, median=median, least=median)

    rows = [row(8_000, "a", 90.0), row(65_000, "a", 7.0), row(65_000, "a", 9.0)]
    assert cookies.worst(rows, 2) == {"a": 9.0}
    assert cookies.worst([*rows, row(65_000, "a", None)], 2) == {"a": 2e6}


def test_the_command_prints_and_writes_only_when_told(
    section: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written: list[Any] = []
    monkeypatch.setattr(cookies, "report", lambda **_: section)
    monkeypatch.setattr(page, "publish", written.append)
    cookies.main(["--quick"])
    assert (written, capsys.readouterr().out.strip()) == ([], section.text.strip())
    cookies.main(["--short", "--write"])
    assert written == [section]
