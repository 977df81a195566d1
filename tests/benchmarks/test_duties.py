"""Each duty is timed on what does it and on what does not. How long anything takes is not asked here."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import pytest

from benchmarks import duties
from benchmarks.duties import ANONYMOUS, DUTIES, NOT_READ, POST, READ, Variants
from benchmarks.page import Section
from benchmarks.probe import WrongAnswerError
from benchmarks.timing import Added, Ratio

INTERFACES: Final = pytest.mark.parametrize("asgi", [True, False], ids=["asgi", "wsgi"])


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
    return duties.report(quick=True)


@INTERFACES
def test_every_duty_is_there_with_what_it_stands_on(asgi: bool) -> None:
    apps = Variants.on(asgi=asgi).apps
    for duty in DUTIES:
        assert {duty.variant, duty.under} <= apps.keys()
        assert {duty.beside, duty.beside_under} <= {"", *apps}
        assert bool(duty.paid) != bool(duty.rarely), duty.name


@INTERFACES
@pytest.mark.parametrize(
    ("name", "stand_in"),
    [
        ("looked at", "not looked at"),
        ("not looked at", "looked at"),
        ("questioned", "unquestioned"),
        ("unquestioned", "questioned"),
        ("unquestioned", "no Vary"),
        ("no Vary", "unquestioned"),
        ("joined Vary", "no Vary, application's"),
        ("no Vary, application's", "joined Vary"),
        ("two headers", "no headers"),
        ("no headers", "two headers"),
        ("collision", "no collision"),
        ("no collision", "collision"),
        ("collision anew", "no collision anew"),
        ("no collision anew", "collision anew"),
        ("no clock", "cookies"),
        ("cookies", "no clock"),
        ("cookies", "two headers"),
        ("audited", "not audited"),
        ("not audited", "audited"),
        ("audited", "noop"),
    ],
)
def test_a_duty_that_is_done_where_it_should_not_be_or_left_out_is_not_timed(
    asgi: bool, name: str, stand_in: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def timed(*_: Any, **__: Any) -> None:
        raise AssertionError("timed")

    monkeypatch.setattr(duties, "sample", timed)
    sound = Variants.on(asgi=asgi)
    with pytest.raises(WrongAnswerError):
        duties.measure(replace(sound, apps={**sound.apps, name: sound.apps[stand_in]}), rounds=1, count=1)
    with pytest.raises(AssertionError, match="timed"):
        duties.measure(sound, rounds=1, count=1)


def test_a_row_is_the_difference_of_its_variants_and_of_what_these_stand_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    variants = Variants.on(asgi=True)
    took = {name: [10.0, 10.0] for name in variants.apps} | {
        "noop": [10.5, 10.5],
        "questioned": [13.0, 12.0],
        "two headers": [14.0, 14.0],
        "bare, no headers": [9.0, 9.0],
    }
    monkeypatch.setattr(duties, "sample", lambda *_, **__: took)
    rows = duties.measure(variants, rounds=2, count=1)
    assert list(rows) == [duty.name for duty in DUTIES]
    by_variant = {duty.variant: rows[duty.name] for duty in DUTIES}
    assert by_variant["questioned"] == (Added(2.5, 2.0), Ratio(5.0, 4.0))
    # Four more than without headers, of which the bare application takes one.
    assert by_variant["two headers"] == (Added(3.0, 3.0), Ratio(6.0, 6.0))
    assert by_variant["hashed"] == (Added(0.0, 0.0), Ratio(0.0, 0.0))


def test_what_a_request_pays_each_time_leaves_out_what_is_remembered() -> None:
    rows = {duty.name: (Added(1.0, 1.0), Ratio(1.0, 1.0)) for duty in DUTIES}
    found = duties.sums(rows)
    assert found[ANONYMOUS] == sum(ANONYMOUS in duty.paid for duty in DUTIES)
    # Limits of a session; then the question where a request comes from.
    assert found[NOT_READ] == found[READ] == found[ANONYMOUS] + 1
    assert found[POST] == found[READ] + 1


def test_the_section_has_every_row_and_json_can_hold_its_data(section: Section) -> None:
    rows = [
        line.split(" | ")[0].removeprefix("| ") for line in section.text.splitlines() if line.startswith("| ")
    ]
    data = json.loads(json.dumps(section.data, allow_nan=False))
    for duty in DUTIES:
        assert rows.count(duty.name) == 1
    for kind in ("ASGI", "WSGI"):
        assert rows.count(kind) == 1
        assert list(data["duties"][kind]) == [duty.name for duty in DUTIES]
    assert section.text.startswith("Measured ")
    assert "(benchmarks/duties-each.svg)" in section.text
    assert set(section.plots) == {"each"}
    assert "**" not in section.plots["each"]
