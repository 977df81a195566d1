"""The Sphinx extension: a line `<!-- generated: NAME -->` in a page becomes what the module of that name writes.

The writers are plain functions from secmw to Markdown and know nothing of Sphinx, so tests run them without it.
"""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

#: What may stand in a marker, and the function that writes it.
WRITERS: Final = {
    "settings": "_ext.settings:write",
    "presets": "_ext.presets:write",
    "headers": "_ext.headers:write",
    "refusals": "_ext.refusals:write",
    "actions": "_ext.actions:write",
    "cli": "_ext.cli:write",
    "requirements": "_ext.requirements:write",
}

MARKER: Final = re.compile(r"^<!-- generated: ([a-z]+) -->$", re.MULTILINE)

#: The pages that have a marker; they are read again on each build, since what they show is in other files.
PAGES: Final = tuple(f"reference/{name}" for name in WRITERS)


def writer(name: str) -> Callable[[], str]:
    """Return the function that writes one part."""
    module, _, function = WRITERS[name].partition(":")
    found: Callable[[], str] = getattr(importlib.import_module(module), function)
    return found


def fill(text: str) -> str:
    """Put what the writers write in place of their markers."""
    return MARKER.sub(lambda found: writer(found[1])(), text)


def _read(_app: Sphinx, _docname: str, source: list[str]) -> None:
    source[0] = fill(source[0])


def _outdated(
    _app: Sphinx, env: BuildEnvironment, _added: set[str], _changed: set[str], _removed: set[str]
) -> list[str]:
    return [page for page in PAGES if page in env.found_docs]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("source-read", _read)
    app.connect("env-get-outdated", _outdated)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
