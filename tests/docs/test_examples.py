"""What the pages show runs, and prints what they say it prints."""

from __future__ import annotations

import doctest
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

from secmw import Policy
from tests.docs.blocks import DOCS, PAGES, Block, blocks, name

#: What a snippet of TOML leaves out, because its page is about something else.
REST: Final = {
    "secret_keys": ["AcBFdJr4wMOsGxPvGpi0VONEjBOVMSM+lnbH5jVTxGg="],
    "public_url": "https://app.example.org",
    "sessions": "off",
}

#: The tutorial is one long example, and has a test of its own.
TUTORIAL: Final = DOCS / "tutorial" / "first.md"

WITH_PYTHON: Final = [
    page for page in PAGES if page != TUTORIAL and any(block.kind == "python" for block in blocks(page))
]
WITH_TOML: Final = [page for page in PAGES if any(block.kind == "toml" for block in blocks(page))]


@pytest.fixture(autouse=True)
def _an_empty_folder_beside_the_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(DOCS / "examples")
    monkeypatch.delenv("SECRET_KEY", raising=False)


@pytest.mark.parametrize("page", WITH_PYTHON, ids=name)
def test_the_python_of_a_page_runs_from_top_to_bottom(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "kept by monkeypatch, for the page to overwrite")
    names: dict[str, Any] = {"__name__": "page"}
    for block in blocks(page):
        if block.kind in ("python", "setup"):
            run(block, names, page)


def run(block: Block, names: dict[str, Any], page: Path) -> None:
    """Run a block in a page's names; one that shows a prompt is a doctest."""
    if ">>> " not in block.text:
        code = compile("\n" * block.line + block.text, str(page), "exec")
        exec(code, names)  # noqa: S102 - the page is ours
        return
    test = doctest.DocTestParser().get_doctest(block.text, names, name(page), str(page), block.line)
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    runner.run(test, out=report.append, clear_globs=False)
    names.update(test.globs)
    assert not runner.failures, "".join(report)


@pytest.mark.parametrize("page", WITH_TOML, ids=name)
def test_every_toml_of_a_page_is_a_policy(page: Path) -> None:
    for block in blocks(page):
        if block.kind == "toml":
            given = tomllib.loads(block.text)
            # A page about sessions names a store, and means the sessions that a policy has by default.
            rest = {name: value for name, value in REST.items() if name != "sessions" or "store" not in given}
            Policy.from_mapping({**rest, **given})


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_closes_every_block_it_opens(page: Path) -> None:
    fences = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("```")]
    assert len(fences) % 2 == 0
