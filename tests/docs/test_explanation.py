"""The map matches the tree, and the threat model leaves out no requirement."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from tests import requirements
from tests.docs.blocks import DOCS, PAGES, ROOT, name

DESIGN: Final = (DOCS / "explanation" / "design.md").read_text()
MODEL: Final = (DOCS / "explanation" / "threat-model.md").read_text()


def test_the_tree_of_the_design_is_the_tree() -> None:
    block = DESIGN.partition("```text\nsecmw/\n")[2].partition("```")[0]
    drawn = [line.split()[0].rstrip("/") for line in block.splitlines()]
    there = [path.name for path in (ROOT / "secmw").iterdir() if path.name != "__pycache__"]
    assert sorted(drawn) == sorted(there)


def test_every_file_that_the_threat_model_names_is_there() -> None:
    named = set(re.findall(r"`([\w/]+\.py|[\w]+/)`", MODEL))
    assert len(named) > 30
    places = [ROOT / "secmw", ROOT / "adapters"]
    assert [path for path in sorted(named) if not any((place / path).exists() for place in places)] == []


def test_every_requirement_has_a_row_in_the_threat_model() -> None:
    _, rows = requirements.load()
    cited = set(requirements.cited(MODEL))
    assert cited <= {row.id for row in rows}
    wanted = {row.id for row in rows if row.due}
    assert sorted(wanted - cited) == []


def test_what_is_to_come_is_set_in_italics() -> None:
    _, rows = requirements.load()
    coming = {row.id for row in rows if row.coming}
    slanted = set(re.findall(r"\*([A-Z]{2}-[0-9]{2})\*", MODEL))
    upright = set(requirements.cited(re.sub(r"\*[A-Z]{2}-[0-9]{2}\*", "", MODEL)))
    assert slanted <= coming
    assert not upright & coming


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_picture_and_file_a_page_points_to_is_there(page: Path) -> None:
    text = page.read_text()
    targets = re.findall(r"!\[[^\]]*\]\(([^)\s]+)\)", text) + re.findall(
        r"\{(?:download|literalinclude|image|figure)\}[^<\n]*?[<`]?([./\w-]+\.\w+)>?`?$", text, re.MULTILINE
    )
    assert [target for target in targets if "://" not in target and not (page.parent / target).exists()] == []
