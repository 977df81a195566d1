"""Runs the code of a page about moving from other packages, as far as it is run, and hands out what it made."""

from __future__ import annotations

from typing import Any

from tests.docs.blocks import DOCS, blocks
from tests.docs.test_examples import run


def names_of(page: str) -> dict[str, Any]:
    """Run a page of docs/howto from top to bottom."""
    path = DOCS / "howto" / f"{page}.md"
    names: dict[str, Any] = {"__name__": "page"}
    for block in blocks(path):
        if block.kind in ("python", "setup"):
            run(block, names, path)
    return names
