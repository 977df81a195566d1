"""The benchmark measures what it says it does. How long anything takes is not asked here."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from benchmarks import overhead, page, sessions
from benchmarks.overhead import Variants, Visitor
from benchmarks.probe import WrongAnswerError, ask
from benchmarks.timing import compare

HEADERS: Final = (
    "strict-transport-security",
    "x-frame-options",
    "x-content-type-options",
    "content-security-policy",
    "content-security-policy-report-only",
    "referrer-policy",
    "permissions-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "origin-agent-cluster",
    "x-dns-prefetch-control",
    "x-permitted-cross-domain-policies",
)
OWN: Final = ["content-type", "content-length"]

INTERFACES: Final = pytest.mark.parametrize("asgi", [True, False], ids=["asgi", "wsgi"])


@pytest.fixture(autouse=True)
def logger() -> Iterator[logging.Logger]:
    """Leave the logger's handlers as they were."""
    found = logging.getLogger("secmw")
    before = found.handlers[:]
    yield found
    found.handlers[:] = before


def names(app: Any, request: Any, *, asgi: bool) -> list[str]:
    return [name for name, _ in ask(app, request, asgi=asgi).headers]


@INTERFACES
def test_the_wrapper_that_does_nothing_adds_nothing(asgi: bool) -> None:
    variants, visitor = Variants.on(asgi=asgi), Visitor(asgi=asgi)
    assert variants.noop is not variants.bare
    assert ask(variants.noop, visitor.get(), asgi=asgi) == ask(variants.bare, visitor.get(), asgi=asgi)
    assert names(variants.noop, visitor.get(), asgi=asgi) == OWN


@INTERFACES
def test_whole_sends_every_recommended_header(asgi: bool) -> None:
    variants, visitor = Variants.on(asgi=asgi), Visitor(asgi=asgi)
    assert ask(variants.whole, visitor.get(), asgi=asgi).status == 200
    assert sorted(names(variants.whole, visitor.get(), asgi=asgi)) == sorted([*OWN, *HEADERS])


@INTERFACES
def test_headers_only_sends_the_same_without_a_place_for_a_nonce(asgi: bool) -> None:
    variants, visitor = Variants.on(asgi=asgi), Visitor(asgi=asgi)
    expected = {*OWN, *HEADERS} - {"content-security-policy-report-only"}
    assert ask(variants.headers_only, visitor.get(), asgi=asgi).status == 200
    assert sorted(names(variants.headers_only, visitor.get(), asgi=asgi)) == sorted(expected)


@INTERFACES
def test_whole_checks_the_token_and_headers_only_does_not(asgi: bool) -> None:
    variants, visitor = Variants.on(asgi=asgi), Visitor(asgi=asgi)
    assert ask(variants.whole, visitor.post(), asgi=asgi).status == 200
    assert ask(variants.whole, visitor.broken(), asgi=asgi).status == 403
    assert ask(variants.headers_only, visitor.broken(), asgi=asgi).status == 200


@INTERFACES
@pytest.mark.parametrize(
    ("part", "stand_in"),
    [("whole", "noop"), ("headers_only", "noop"), ("noop", "whole"), ("whole", "headers_only")],
)
def test_a_variant_that_does_not_do_its_job_is_not_timed(
    asgi: bool, part: str, stand_in: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def timed(*_: Any, **__: Any) -> None:
        raise AssertionError("timed")

    monkeypatch.setattr(overhead, "compare", timed)
    sound = Variants.on(asgi=asgi)
    with pytest.raises(WrongAnswerError):
        overhead.measure(replace(sound, **{part: getattr(sound, stand_in)}), rounds=1, count=1)
    with pytest.raises(AssertionError, match="timed"):
        overhead.measure(sound, rounds=1, count=1)


@INTERFACES
def test_every_sample_has_requests_of_its_own(asgi: bool) -> None:
    seen: list[tuple[str, int]] = []
    variants, visitor = Variants.on(asgi=asgi), Visitor(asgi=asgi)
    kept = []

    def make(name: str) -> Any:
        request = visitor.get()
        kept.append(request)
        seen.append((name, id(request)))
        return request

    found = compare({"bare": variants.bare, "noop": variants.noop}, make, asgi=asgi, rounds=3, requests=10)
    assert set(found) == {"bare", "noop"}
    assert found["bare"].median == 0
    # Three rounds and two before them that do not count.
    assert len(seen) == len(set(seen)) == 2 * (3 + 2) * 10


def test_the_report_has_every_row() -> None:
    text = overhead.report(rounds=3, count=10)
    rows = [line.split(" | ")[0].strip("| ") for line in text.splitlines() if line.startswith("| ")]
    assert [row.lower() for row in rows if row and not row.startswith("header, alone")] == [
        *(row.lower() for row in (*overhead.BUDGET, *sessions.BUDGET)),
        *HEADERS,
    ]
    assert text.startswith(f"Measured {page.machine()}; 3 rounds of 10 requests.\n")


def test_the_report_goes_between_the_marks_and_nothing_else_changes(tmp_path: Path) -> None:
    before, after = "# Title\n\ntext é\n\n", "\n\nmore <!-- other: end -->\n"
    target = tmp_path / "page.md"
    target.write_text(f"{before}<!-- overhead: begin -->old<!-- overhead: end -->{after}", encoding="utf-8")
    for text in ("| first |\n", "| second |\n"):
        overhead.write(text, target)
        written = target.read_text(encoding="utf-8")
        assert written == f"{before}<!-- overhead: begin -->\n\n{text}\n<!-- overhead: end -->{after}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<!-- overhead: begin -->",
        "<!-- overhead: end -->",
        "<!-- overhead: end --><!-- overhead: begin -->",
    ],
)
def test_a_page_without_both_marks_is_left_alone(text: str, tmp_path: Path) -> None:
    target = tmp_path / "page.md"
    target.write_text(text)
    with pytest.raises(ValueError, match="overhead: begin"):
        overhead.write("new", target)
    assert target.read_text() == text


def test_the_page_in_the_docs_has_the_marks(tmp_path: Path) -> None:
    copy = tmp_path / "performance.md"
    copy.write_text(overhead.PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    overhead.write("new", copy)
    assert "\n\nnew\n\n" in copy.read_text(encoding="utf-8")


def test_a_quick_run_prints_tables_and_no_notices(
    capfd: pytest.CaptureFixture[str], logger: logging.Logger
) -> None:
    overhead.main(["--quick"])
    out, err = capfd.readouterr()
    assert out.startswith("Measured ")
    assert err == ""
    assert logger.handlers


def test_figures_of_a_quick_run_are_never_written() -> None:
    with pytest.raises(SystemExit):
        overhead.main(["--quick", "--write"])
