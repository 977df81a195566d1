"""Where figures go: the line that says how they came about, and the marks of a page that they stand between."""

from __future__ import annotations

import logging
import os
import platform
from datetime import UTC, datetime
from pathlib import Path

EXPLANATION = Path(__file__).parents[1] / "docs" / "explanation"


def machine() -> str:
    """Say when and on what this runs."""
    return (
        f"{datetime.now(UTC).date()}, {platform.python_implementation()} {platform.python_version()} on "
        f"{platform.machine()}, {os.cpu_count()} cores"
    )


def quiet() -> None:
    """Keep what secmw says of a policy at start-up out of the tables."""
    # A handler of its own: without one, logging prints warnings to stderr.
    logging.getLogger("secmw").addHandler(logging.NullHandler())


def write(text: str, page: Path, mark: str) -> None:
    """Put a text between ``<!-- mark: begin -->`` and ``<!-- mark: end -->``; raise ValueError if they are not there."""
    begin, end = f"<!-- {mark}: begin -->", f"<!-- {mark}: end -->"
    before, found, rest = page.read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{page} has no {begin} and {end}")
    page.write_text(f"{before}{begin}\n\n{text.strip()}\n\n{end}{after}", encoding="utf-8")
