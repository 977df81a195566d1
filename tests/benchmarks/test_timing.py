"""Figures are what they say they are: paired medians, minima, and multiples of both."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import timing
from benchmarks.requests import asgi_app, scope, wsgi_app
from benchmarks.timing import Added, Ratio, compare, figure
from secmw.cli.bench.stand_in import AsgiNoop


def test_every_sample_has_requests_of_its_own() -> None:
    seen: list[tuple[str, int]] = []
    kept = []

    def make(name: str) -> Any:
        request = scope("GET", ())
        kept.append(request)
        seen.append((name, id(request)))
        return request

    found = compare({"bare": asgi_app, "noop": AsgiNoop(asgi_app)}, make, asgi=True, rounds=3, requests=10)
    assert set(found) == {"bare", "noop"}
    assert found["bare"] == Added(0, 0)
    # Three rounds and two before them that do not count.
    assert len(seen) == len(set(seen)) == 2 * (3 + 2) * 10


def test_a_variant_may_stand_on_another_than_the_bare_one(monkeypatch: pytest.MonkeyPatch) -> None:
    took = {"bare": 1.0, "one": 3.0, "two": 8.0}
    monkeypatch.setattr(timing, "_wsgi_sample", lambda app, _: took[app])
    found = compare(
        {name: name for name in took},
        lambda _: {},
        asgi=False,
        rounds=2,
        requests=1,
        against={"two": "one"},
    )
    assert found == {"bare": Added(0, 0), "one": Added(2, 2), "two": Added(5, 5)}


def test_the_median_is_of_the_differences_within_a_round(monkeypatch: pytest.MonkeyPatch) -> None:
    # A slow second round, in which both are slow, and a third in which only one is.
    samples = {"bare": iter([9, 9, 1, 11, 2]), "one": iter([9, 9, 2, 13, 30])}
    monkeypatch.setattr(timing, "_wsgi_sample", lambda app, _: next(samples[app]))
    found = compare({"bare": "bare", "one": "one"}, lambda _: {}, asgi=False, rounds=3, requests=1)
    assert found["one"] == Added(median=2, least=1)


def test_a_body_is_taken_to_its_end_and_closed() -> None:
    done = []

    class Body:
        def __iter__(self) -> Any:
            yield b"o"
            done.append("end")

        def close(self) -> None:
            done.append("close")

    def app(*_: Any) -> Any:
        return Body()

    compare({"bare": wsgi_app, "one": app}, lambda _: {}, asgi=False, rounds=1, requests=1)
    assert done == ["end", "close"] * 3


def test_a_multiple_of_nothing_is_none() -> None:
    assert Added(6, 4).over(Added(2, 1)) == Ratio(3, 4)
    assert Added(6, 4).over(Added(0, -1)) == Ratio(None, None)
    assert str(Added(6, 4).over(Added(2, 0))) == "3.0 (—)"
    assert figure(1234.56) == "1,234.6"


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (Ratio(2, 1), "yes"),
        (Ratio(2, 3), "yes"),
        (Ratio(3, 2), "by its minima"),
        (Ratio(3, 2.5), "**no**"),
        (Ratio(None, 1), "—"),
    ],
)
def test_a_budget_is_met_by_the_median(ratio: Ratio, said: str) -> None:
    assert ratio.meets(2) == said


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (Ratio(2.0, 1.0), "yes"),
        (Ratio(1.9, 2.1), "by its minima"),
        (Ratio(1.9, 1.9), "**no**"),
        (Ratio(None, 2.0), "—"),
    ],
)
def test_what_is_to_be_as_much_at_least_is_so_by_the_median(ratio: Ratio, said: str) -> None:
    assert ratio.reaches(2) == said
