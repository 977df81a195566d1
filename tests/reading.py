"""Read a page back as a browser would: its elements, its text, its colours."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final

from typing_extensions import override

if TYPE_CHECKING:
    from secmw.http import Reply

VOID: Final = {"meta", "path", "link", "br", "input"}


class Markup(HTMLParser):
    """Read a page back: its elements, its text by element, and whether every element was closed."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, str] = {}
        self.open: list[str] = []
        self.feed(markup)
        self.close()

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    @override
    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    @override
    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    @override
    def handle_data(self, data: str) -> None:
        if self.open:
            self.text[self.open[-1]] = self.text.get(self.open[-1], "") + data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of every element of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]

    def shape(self) -> list[tuple[str, list[str]]]:
        """Return what no value may change: the elements, and the names of their attributes."""
        return [(tag, list(attributes)) for tag, attributes in self.elements]


def page(reply: Reply) -> Markup:
    """Read the page of a reply."""
    return Markup(reply.body.decode())


def header(reply: Reply, name: str) -> str:
    """Return the one header field of a name."""
    [value] = [value for key, value in reply.headers if key == name]
    return value


def colours(read: Markup, scheme: str) -> dict[str, str]:
    """Return the colours that a page's style names for a scheme, light or dark."""
    light, dark = re.findall(r":root\{([^}]*)\}", read.text["style"])
    return dict(re.findall(r"--(\w+):(#[0-9a-f]{3,6})", light if scheme == "light" else dark))


def contrast(one: str, other: str) -> float:
    """Compute the contrast ratio of two colours (WCAG 2.2, 1.4.3)."""

    def luminance(colour: str) -> float:
        digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
        parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
        red, green, blue = (
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)
