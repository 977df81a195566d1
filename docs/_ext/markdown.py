"""Small pieces of Markdown, and values of settings as people write them in TOML."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table; a cell is Markdown without line ends."""
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    lines += [f"| {' | '.join(cell(part) for part in row)} |" for row in rows]
    return "\n".join(lines)


def cell(text: str) -> str:
    """Make text safe inside a table."""
    return " ".join(text.split()).replace("|", "\\|")


def code(text: str) -> str:
    """Write a code span, whatever the text holds."""
    fence = "``" if "`" in text else "`"
    pad = " " if "`" in text else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def plain(text: str) -> str:
    """Turn a docstring's reStructuredText into Markdown: its double backticks and roles are all there is."""
    for role in (":class:", ":func:", ":meth:", ":mod:", ":attr:"):
        text = text.replace(f"{role}`", "`")
    return text.replace("``", "`")


def toml(value: Any) -> str:
    """Write a value as TOML, in one line; a struct is an inline table."""
    if value is None:
        return '"omit"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, msgspec.Struct):
        value = {name: getattr(value, name) for name in value.__struct_fields__}
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(name)} = {toml(item)}" for name, item in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    return str(value)


def _key(name: str) -> str:
    return name if name.replace("-", "").replace("_", "").isalnum() and name.isascii() else json.dumps(name)
