"""Bars as an SVG document, for `secmw bench` and for benchmarks/. It needs nothing but the standard library."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

#: Colours of the series, on white and on black; neighbours differ in lightness too.
_COLOURS: Final = (
    ("#1f5f8b", "#7fb8dd"),
    ("#d9822b", "#f3b26b"),
    ("#2e7d4f", "#7cc79a"),
    ("#7b4fa3", "#c7a6e6"),
    ("#b3261e", "#f2938c"),
    ("#5c6670", "#b4bcc4"),
    ("#8a6d1a", "#dcc46a"),
    ("#0f8b8d", "#6fd3d4"),
)

#: Widths of a letter of 13 and of 12 pixels, on the safe side: no font is at hand to ask.
_LETTER: Final = 7.2
_SMALL: Final = 6.7
#: Those that are narrower, and those that are wider, where letters stand in a line and too much room would show.
_NARROW: Final = frozenset(" !'(),./:;I[]`fijlrt|")
_WIDE: Final = frozenset("ABCDEGHKMNOQRUVWXmw%@&") | {"\N{MICRO SIGN}"}

_LINE: Final = 16
_BAR: Final = 14
_GAP: Final = 12
_EDGE: Final = 16
_LABEL_LETTERS: Final = 44
_PLOT: Final = 420

_STYLE: Final = """
.secmw-bars { font: 13px system-ui, sans-serif }
.secmw-bars .ground { fill: #ffffff }
.secmw-bars text { fill: #1b1f23 }
.secmw-bars .heading { font-size: 15px; font-weight: 600 }
.secmw-bars .small { font-size: 12px; fill: #57606a }
.secmw-bars .grid { stroke: #d8dee4 }
.secmw-bars .axis { stroke: #8c959f }
"""

_DARK: Final = """
.secmw-bars .ground { fill: #14181c }
.secmw-bars text { fill: #e6edf3 }
.secmw-bars .small { fill: #9aa4ae }
.secmw-bars .grid { stroke: #30363d }
.secmw-bars .axis { stroke: #6e7681 }
"""

#: What XML 1.0 does not allow in a document, not even escaped.
_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def bars(
    title: str,
    series: Sequence[str],
    rows: Sequence[tuple[str, Sequence[float | None]]],
    *,
    unit: str,
    log: bool = False,
) -> str:
    """Draw horizontal bars, a group for each row and in it one for each series, and return the SVG document.

    A figure of None is drawn as "none". With ``log`` the axis is logarithmic, and what is not above zero gets its figure and no
    bar. Raises ValueError where there are no rows, no series or more than eight, a row with another number of figures than
    there are series, or a figure that is no number.
    """
    _check(series, rows)
    axis = _Axis.around([figure for _, figures in rows for figure in figures if figure is not None], log=log)
    labels = [_wrapped(label) for label, _ in rows]
    legend = _wrapped_legend(series)
    column = max(len(line) for label in labels for line in label) * _LETTER
    room = max(len(_written(figure)) for _, figures in rows for figure in figures) * _SMALL
    left = _EDGE + column + 10
    narrow = left + _PLOT + 8 + room + _EDGE
    width = math.ceil(max(narrow, len(title) * 8.4 + 2 * _EDGE, _widest(legend) + 2 * _EDGE))
    plot = width - _EDGE - room - 8 - left
    top = 52 + len(legend) * 20

    body: list[str] = []
    y = float(top + 6)
    for label, (_, figures) in zip(labels, rows, strict=True):
        height = max(len(label) * _LINE, len(figures) * _BAR)
        first = y + (height - len(label) * _LINE) / 2
        for place, line in enumerate(label):
            body.append(_text(left - 10, first + place * _LINE + 12, line, anchor="end"))
        first = y + (height - len(figures) * _BAR) / 2
        for place, figure in enumerate(figures):
            body += _bar(axis, figure, place, left=left, plot=plot, y=first + place * _BAR)
        y += height + _GAP
    bottom = y - _GAP + 6
    size = math.ceil(bottom + 18 + _EDGE)

    shape = f'width="{width}" height="{size}" viewBox="0 0 {width} {size}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="secmw-bars" role="img" {shape}>',
            f"<title>{_escaped(title)}</title>",
            f"<desc>{_escaped(_told(series, rows, unit))}</desc>",
            f"<style>{_style(len(series))}</style>",
            f'<rect class="ground" width="{width}" height="{size}" rx="6"/>',
            _text(_EDGE, 27, title, kind="heading"),
            _text(_EDGE, 45, f"{unit}, logarithmic" if log else unit, kind="small"),
            *_legend(legend),
            *axis.drawn(left, plot, top, bottom),
            *body,
            "</svg>",
            "",
        ]
    )


@dataclass(frozen=True, slots=True)
class _Axis:
    """Know where a figure is between the ends of the axis, as a share of its length."""

    low: float
    high: float
    ticks: tuple[float, ...]
    log: bool

    @classmethod
    def around(cls, figures: Sequence[float], *, log: bool) -> _Axis:
        if log:
            shown = [figure for figure in figures if figure > 0] or [1.0]
            first, last = math.floor(math.log10(min(shown))), math.ceil(math.log10(max(shown)))
            # A bar that ends on the first tick would have no length.
            first -= min(shown) == 10.0**first
            last += first == last
            powers = range(first, last + 1)
            every = math.ceil(len(powers) / 8)
            return cls(first, last, tuple(float(10.0**power) for power in powers[::every]), log)
        low, high = min(0.0, *figures, 0.0), max(0.0, *figures, 0.0)
        if low == high:
            high = 1.0
        raw = (high - low) / 5
        power = 10.0 ** math.floor(math.log10(raw))
        step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw)
        # What is a little below zero gets no step of its own: it is noise, and would take the room of the others.
        begin, end = math.ceil(low / step - 1e-9), math.ceil(high / step - 1e-9)
        return cls(
            min(low, begin * step), end * step, tuple(step * place for place in range(begin, end + 1)), log
        )

    def share(self, figure: float) -> float | None:
        """Return the place of a figure, from 0 to 1; None where the axis has none for it."""
        if self.log:
            if figure <= 0:
                return None
            figure = math.log10(figure)
        return (figure - self.low) / (self.high - self.low)

    @property
    def origin(self) -> float:
        """Return the place where bars begin."""
        return 0.0 if self.log else -self.low / (self.high - self.low)

    def drawn(self, left: float, plot: float, top: float, bottom: float) -> Iterator[str]:
        for tick in self.ticks:
            x = left + plot * (self.share(tick) or 0.0)
            yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{top:g}" y2="{bottom:g}"/>'
            yield _text(x, bottom + 15, f"{tick:,.10g}", kind="small", anchor="middle")
        x = left + plot * self.origin
        yield f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{top:g}" y2="{bottom:g}"/>'


def _check(series: Sequence[str], rows: Sequence[tuple[str, Sequence[float | None]]]) -> None:
    if not rows or not 1 <= len(series) <= len(_COLOURS):
        raise ValueError(f"there have to be rows and from 1 to {len(_COLOURS)} series")
    for label, figures in rows:
        if len(figures) != len(series):
            raise ValueError(f"{label}: {len(figures)} figures for {len(series)} series")
        if not all(figure is None or math.isfinite(figure) for figure in figures):
            raise ValueError(f"{label}: a figure is infinite or no number")


def _style(count: int) -> str:
    light = "".join(f".secmw-bars .s{place} {{ fill: {_COLOURS[place][0]} }}\n" for place in range(count))
    dark = "".join(f".secmw-bars .s{place} {{ fill: {_COLOURS[place][1]} }}\n" for place in range(count))
    return f"{_STYLE}{light}@media (prefers-color-scheme: dark) {{{_DARK}{dark}}}\n"


def _bar(
    axis: _Axis, figure: float | None, place: int, *, left: float, plot: float, y: float
) -> Iterator[str]:
    end = None if figure is None else axis.share(figure)
    begin = left + plot * axis.origin
    if end is None:
        yield _text(begin + 5, y + 11, _written(figure), kind="small")
        return
    x = left + plot * end
    yield (
        f'<rect class="s{place}" x="{min(begin, x):.1f}" y="{y + 1:g}" width="{abs(x - begin):.1f}" '
        f'height="{_BAR - 2}" rx="1.5"/>'
    )
    yield _text(max(begin, x) + 5, y + 11, _written(figure), kind="small")


def _written(figure: float | None) -> str:
    """Write a figure as short as it can be without losing what matters: three digits, or all of a whole number."""
    if figure is None:
        return "none"
    if isinstance(figure, int) or abs(figure) >= 100:
        return f"{figure:,.0f}"
    if figure == 0:
        return "0"
    return (
        f"{figure:.1f}" if abs(figure) >= 10 else f"{figure:.2f}" if abs(figure) >= 0.1 else f"{figure:.2g}"
    )


def _wrapped(label: str) -> list[str]:
    """Break a label into as few lines as it needs, of about the same length."""
    lines = textwrap.wrap(label, _LABEL_LETTERS) or [""]
    fits = (textwrap.wrap(label, width) for width in range(_LABEL_LETTERS // 2, _LABEL_LETTERS))
    return next((found for found in fits if len(found) == len(lines)), lines)


def _wide(name: str) -> float:
    """Guess how many pixels a text of 13 pixels takes."""
    return sum(4.6 if letter in _NARROW else 9.6 if letter in _WIDE else 7.8 for letter in name)


def _wrapped_legend(series: Sequence[str]) -> list[list[tuple[int, str]]]:
    """Arrange the names of the series in lines; one series needs none, the title says what it is."""
    if len(series) == 1:
        return []
    lines: list[list[tuple[int, str]]] = [[]]
    for place, name in enumerate(series):
        if lines[-1] and _widest([[*lines[-1], (place, name)]]) > 700:
            lines.append([])
        lines[-1].append((place, name))
    return lines


def _widest(legend: Sequence[Sequence[tuple[int, str]]]) -> float:
    return max((sum(38 + _wide(name) for _, name in line) for line in legend), default=0.0)


def _legend(legend: Sequence[Sequence[tuple[int, str]]]) -> Iterator[str]:
    for number, line in enumerate(legend):
        x, y = float(_EDGE), 54 + number * 20
        for place, name in line:
            yield f'<rect class="s{place}" x="{x:.1f}" y="{y}" width="12" height="12" rx="1.5"/>'
            yield _text(x + 18, y + 11, name)
            x += 38 + _wide(name)


def _told(series: Sequence[str], rows: Sequence[tuple[str, Sequence[float | None]]], unit: str) -> str:
    """Say what the bars show, for whom can't see them."""
    return f"{unit}. " + " ".join(
        f"{label}: "
        + ", ".join(
            f"{name} {_written(figure)}" if len(series) > 1 else _written(figure)
            for name, figure in zip(series, figures, strict=True)
        )
        + "."
        for label, figures in rows
    )


def _text(x: float, y: float, text: str, *, kind: str = "", anchor: str = "") -> str:
    kind = f' class="{kind}"' if kind else ""
    anchor = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text x="{x:.1f}" y="{y:g}"{kind}{anchor}>{_escaped(text)}</text>'


def _escaped(text: str) -> str:
    return escape(_FORBIDDEN.sub("\ufffd", text))
