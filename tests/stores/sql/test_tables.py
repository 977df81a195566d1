from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.schema import CreateTable

from secmw.errors import StoreError
from secmw.stores.sql.tables import VERSION, judged, key, metadata, time


@given(
    st.text(st.characters(categories=None), max_size=200),
    st.text(st.characters(categories=None), max_size=200),
)
def test_two_texts_never_have_one_key_and_every_key_fits_an_index(one: str, other: str) -> None:
    assert (key(one) == key(other)) == (one == other)
    assert len(key(one)) <= 96


def test_what_is_long_is_not_taken_for_the_text_of_its_own_digest() -> None:
    long = "j" * 65
    assert len(key("j" * 64)) == 64
    assert key(long)[:1] == b"\xff"
    assert key(key(long)[1:].decode()) != key(long)


def test_a_time_that_never_comes_is_one_that_mysql_can_hold() -> None:
    assert time(12.5) == 12.5
    assert math.isfinite(time(math.inf))


def test_only_tables_of_this_very_version_are_there_to_be_used() -> None:
    assert judged(VERSION)
    assert not judged(None)
    with pytest.raises(StoreError, match="newer secmw"):
        judged(VERSION + 1)


def test_names_are_bytes_in_every_database_and_rows_can_be_locked() -> None:
    """SE-15: a collation that ignores case or blanks would give one user another's sessions."""
    for table in metadata.sorted_tables:
        if table.name == "secmw_layout":
            continue
        of_postgresql = str(CreateTable(table).compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
        of_mysql = str(CreateTable(table).compile(dialect=mysql.dialect()))
        assert "CHAR" not in of_postgresql
        assert "VARCHAR" not in of_mysql
        assert "TEXT" not in of_postgresql + of_mysql
        assert " BLOB" not in of_mysql
        assert "ENGINE=InnoDB" in of_mysql
