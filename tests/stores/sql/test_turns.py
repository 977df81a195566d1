"""What a turn does is tested on real databases, in test_store.py; here is what it asks them."""

from __future__ import annotations

import pytest
from sqlalchemy.dialects import mysql, postgresql

from secmw.stores.sql import turns

DIALECTS = [postgresql.dialect(), mysql.dialect()]  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: str(dialect.name))
def test_what_is_about_to_be_changed_is_locked_and_what_is_only_read_is_not(dialect: object) -> None:
    """SE-09"""
    for statement in (turns._RAW_LOCKED, turns._LOCKED, turns._USER_LOCKED, turns._KEPT._find):
        assert "FOR UPDATE" in str(statement.compile(dialect=dialect))  # type: ignore[arg-type]
    for statement in (turns._RAW, turns._OF_USER, turns._USER):
        assert "FOR UPDATE" not in str(statement.compile(dialect=dialect))  # type: ignore[arg-type]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: str(dialect.name))
def test_a_sweep_waits_for_no_request(dialect: object) -> None:
    """SE-11"""
    for find, _ in turns._SWEEPS:
        assert str(find.compile(dialect=dialect)).endswith("FOR UPDATE SKIP LOCKED")  # type: ignore[attr-defined]
