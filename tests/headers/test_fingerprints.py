"""The list of headers that name software."""

from __future__ import annotations

import json
from pathlib import Path

from secmw.headers import FINGERPRINTS
from secmw.http import TOKEN

VECTORS = Path(__file__).parent.parent / "vectors" / "fingerprint_headers.json"


def test_the_list_is_owasps() -> None:
    """HD-05"""
    assert list(FINGERPRINTS) == json.loads(VECTORS.read_text(encoding="utf-8"))["headers"]
    assert len(FINGERPRINTS) == 87


def test_every_entry_is_a_header_name_and_there_once() -> None:
    assert all(TOKEN.fullmatch(name) for name in FINGERPRINTS)
    assert len({name.lower() for name in FINGERPRINTS}) == len(FINGERPRINTS)
