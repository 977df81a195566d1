"""Reads the code blocks of the documentation's pages; runs nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
DOCS: Final = ROOT / "docs"

#: Every page that people read, README included.
PAGES: Final = sorted(
    [*(path for path in DOCS.rglob("*.md") if "_build" not in path.parts), ROOT / "README.md"],
)

_FENCE: Final = re.compile(
    r"^(?P<fence>```+)(?P<kind>[^`\n]*)\n(?P<text>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL
)
_SETUP: Final = re.compile(r"^<!-- setup\n(?P<text>.*?)^-->$", re.MULTILINE | re.DOTALL)
_NOT_RUN: Final = re.compile(r"<!-- not run: .+ -->\s*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Be one block: its language (``setup`` for code that readers do not see), its text, and the line it begins on."""

    kind: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page in order, without those that say that they are not run, and why."""
    return sorted(_blocks(page.read_text(encoding="utf-8")), key=lambda block: block.line)


def _blocks(text: str) -> Iterator[Block]:
    for found in _FENCE.finditer(text):
        if not _NOT_RUN.search(text[: found.start()]):
            yield Block(kind=found["kind"], text=found["text"], line=text.count("\n", 0, found.start()) + 1)
    for found in _SETUP.finditer(text):
        yield Block(kind="setup", text=found["text"], line=text.count("\n", 0, found.start()) + 1)


def name(page: Path) -> str:
    """Name a page for a test's report."""
    return page.relative_to(ROOT).as_posix()
