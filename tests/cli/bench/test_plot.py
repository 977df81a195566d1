"""Bars as SVG: a document that parses, says its figures in words too, and draws them in proportion."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.cli.bench.plot import bars

SVG = "{http://www.w3.org/2000/svg}"


def _read(document: str) -> ElementTree.Element:
    return ElementTree.fromstring(document)  # noqa: S314 (our own)


def _widths(document: str, series: int) -> list[float]:
    """Return the lengths of a series' bars, without the legend's square."""
    found = [
        float(rect.attrib["width"])
        for rect in _read(document).iter(f"{SVG}rect")
        if rect.get("class") == f"s{series}"
    ]
    # Several series have a legend, whose square is the first of its colour.
    return found[1:] if "with" in _texts(document) else found


def _texts(document: str) -> list[str]:
    return [text.text or "" for text in _read(document).iter(f"{SVG}text")]


def test_bars_are_as_long_as_their_figures() -> None:
    document = bars("Cost", ["with", "without"], [("a", [10.0, 5.0]), ("b", [2.5, 10.0])], unit="µs")
    first, second = _widths(document, 0), _widths(document, 1)
    assert first[0] == pytest.approx(second[1])
    assert second[0] == pytest.approx(first[0] / 2, abs=0.1)
    assert first[1] == pytest.approx(first[0] / 4, abs=0.1)


def test_on_a_logarithmic_axis_ten_times_as_much_is_one_step_longer() -> None:
    document = bars("Cost", ["µs"], [("a", [5.0]), ("b", [50.0]), ("c", [500.0])], unit="µs", log=True)
    one, two, three = _widths(document, 0)
    assert three - two == pytest.approx(two - one, abs=0.2)


def test_on_a_logarithmic_axis_nothing_has_a_figure_and_no_bar() -> None:
    document = bars("Cost", ["µs"], [("a", [0.0]), ("b", [-2.0]), ("c", [7.0])], unit="µs", log=True)
    assert len(_widths(document, 0)) == 1
    assert {"0", "-2.00", "7.00"} <= set(_texts(document))


def test_a_negative_bar_ends_where_the_positive_ones_begin() -> None:
    rects = [
        rect.attrib
        for rect in _read(bars("Cost", ["µs"], [("a", [-4.0]), ("b", [8.0])], unit="µs")).iter(f"{SVG}rect")
        if rect.get("class") == "s0"
    ]
    assert float(rects[0]["x"]) + float(rects[0]["width"]) == pytest.approx(float(rects[1]["x"]), abs=0.2)


def test_what_was_not_measured_says_so() -> None:
    assert "none" in _texts(bars("Cost", ["a", "b"], [("row", [1.0, None])], unit="µs"))
    assert "none" in _texts(bars("Cost", ["a"], [("row", [None])], unit="µs", log=True))


def test_labels_are_text_and_no_markup() -> None:
    label = '<script>alert(1)</script> & "so on" ]]> \x00\x1b\ud800'
    document = bars(label, [label, "b"], [(label, [1.0, 2.0])], unit=label)
    root = _read(document)
    assert not list(root.iter(f"{SVG}script"))
    assert "<script>" in (root.findtext(f"{SVG}title") or "")


def test_figures_are_written_short() -> None:
    rows: list[tuple[str, list[float | None]]] = [
        ("a", [12345.6]),
        ("b", [1_000_000]),
        ("c", [12.345]),
        ("d", [1.234]),
        ("e", [0.0123]),
    ]
    assert {"12,346", "1,000,000", "12.3", "1.23", "0.012"} <= set(_texts(bars("T", ["s"], rows, unit="µs")))


def test_who_cannot_see_the_bars_is_told_every_figure() -> None:
    described = _read(bars("Cost", ["with", "without"], [("a", [10.0, None])], unit="µs")).findtext(
        f"{SVG}desc"
    )
    assert described == "µs. a: with 10.0, without none."


def test_it_has_colours_for_light_and_dark_and_a_ground_of_its_own() -> None:
    document = bars("Cost", ["s"], [("a", [1.0])], unit="µs")
    light, dark = document.split("@media (prefers-color-scheme: dark)")
    for name in ("ground", "text", "s0", "grid"):
        rule = re.compile(rf"\.secmw-bars \.?{name} {{ (?:fill|stroke): (#[0-9a-f]{{6}})")
        (before,), (after,) = rule.findall(light)[:1], rule.findall(dark)[:1]
        assert before != after


def test_a_long_label_is_wrapped_and_none_of_it_lost() -> None:
    label = "the whole policy without its headers and without the questions of cross-site requests, signed in"
    texts = _texts(bars("T", ["s"], [(label, [1.0])], unit="µs"))
    assert label not in texts
    assert label in " ".join(texts)


def test_lines_of_a_label_are_about_as_long_as_each_other() -> None:
    texts = _texts(bars("T", ["s"], [("host, forwarding and doubled headers looked at", [1.0])], unit="µs"))
    assert {"host, forwarding and", "doubled headers looked at"} <= set(texts)


def test_what_is_a_little_below_zero_takes_no_room_of_the_rest() -> None:
    def length(least: float) -> float:
        return _widths(bars("T", ["s"], [("a", [4.5]), ("b", [least])], unit="µs"), 0)[0]

    assert length(-0.1) > 0.95 * length(0.0)
    assert length(-4.5) < 0.6 * length(0.0)


def test_same_figures_same_document() -> None:
    once, again = (bars("T", ["a", "b"], [("x", [1.0, 2.0])], unit="µs") for _ in range(2))
    assert once == again


@pytest.mark.parametrize(
    ("series", "rows"),
    [
        (["a"], []),
        ([], [("row", [])]),
        (["s"] * 9, [("row", [1.0] * 9)]),
        (["a", "b"], [("row", [1.0])]),
        (["a"], [("row", [math.nan])]),
        (["a"], [("row", [math.inf])]),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    series: list[str], rows: list[tuple[str, list[float | None]]]
) -> None:
    with pytest.raises(ValueError):
        bars("T", series, rows, unit="µs")


@given(
    figures=st.lists(
        st.none() | st.integers(-(10**9), 10**9) | st.floats(-1e12, 1e12, allow_subnormal=False), min_size=1
    ),
    label=st.text(),
    log=st.booleans(),
)
def test_every_bar_is_inside_the_picture(figures: list[float | None], label: str, log: bool) -> None:
    root = _read(bars(label, ["s"], [(label, [figure]) for figure in figures], unit="µs", log=log))
    width = float(root.attrib["width"])
    for rect in root.iter(f"{SVG}rect"):
        x, length = float(rect.get("x", "0")), float(rect.attrib["width"])
        assert 0 <= x <= x + length <= width + 0.1
    for line in root.iter(f"{SVG}line"):
        assert 0 <= float(line.attrib["x1"]) <= width
