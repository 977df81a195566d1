from __future__ import annotations

import importlib.util
import ssl

import pytest
from sqlalchemy.exc import DBAPIError, ProgrammingError

from secmw.stores.sql import engine as sql_engine
from secmw.stores.sql.engine import checked, code, spoken, words


@pytest.mark.parametrize(
    ("written", "driver"),
    [
        ("postgresql://jane:secret@db.example/app", "postgresql+psycopg"),
        ("postgres://jane:secret@db.example/app", "postgresql+psycopg"),
        ("postgresql+psycopg://jane:secret@db.example/app?sslmode=verify-full", "postgresql+psycopg"),
        ("mysql://jane:secret@db.example/app", "mysql+pymysql"),
        ("mysql+pymysql://jane:secret@db.example/app", "mysql+pymysql"),
        ("mysql+asyncmy://jane:secret@db.example/app", "mysql+pymysql"),
        ("mariadb+pymysql://jane:secret@db.example:3307/app", "mariadb+pymysql"),
    ],
)
@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_url_gets_the_driver_that_keeps_what_is_promised(
    written: str, driver: str, asynchronous: bool
) -> None:
    url = checked(written, asynchronous=asynchronous)
    assert url.drivername == driver
    assert url.password == "secret"
    assert "secret" not in spoken(url)
    assert "db.example" in spoken(url)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("postgresql+asyncpg://jane:secret@db.example/app", "write psycopg"),
        ("mysql+mysqldb://jane:secret@db.example/app", "write pymysql"),
        ("postgresql://jane:secret@db.example", "names no database"),
        ("mysql://jane:secret@db.example/", "names no database"),
        ("postgresql:secret", "is not the URL of a database"),
        ("postgresql://jane:secret@db.example:many/app", "is not the URL of a database"),
    ],
)
def test_a_url_that_is_of_no_use_is_refused_and_not_repeated(written: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        checked(written, asynchronous=False)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("missing", "written", "asynchronous", "fix"),
    [
        ("psycopg", "postgresql://db.example/app", False, r"pip install 'secmw\[sql\]'$"),
        ("greenlet", "postgresql://db.example/app", True, r"pip install 'secmw\[sql\]'$"),
        ("pymysql", "mysql://db.example/app", False, r"pip install 'secmw\[sql\]' pymysql$"),
        ("asyncmy", "mysql://db.example/app", True, r"pip install 'secmw\[sql\]' pymysql asyncmy$"),
    ],
)
def test_a_missing_driver_is_named_with_what_to_install(
    missing: str, written: str, asynchronous: bool, fix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        sql_engine, "find_spec", lambda name: None if name == missing else importlib.util.find_spec(name)
    )
    with pytest.raises(ValueError, match=fix):
        checked(written, asynchronous=asynchronous)


def test_what_a_driver_said_is_repeated_without_statement_and_values() -> None:
    error = ProgrammingError("SELECT secret", {"a": "secret"}, Exception(1146, "Table 'app.x' doesn't exist"))
    assert words(error) == "Table 'app.x' doesn't exist"
    assert code(error) == "1146"
    assert words(DBAPIError("SELECT secret", None, Exception())) == "Exception"
    assert words(OSError(111, "Connection refused")) == "Connection refused"
    assert code(OSError(111, "Connection refused")) == "None"


def test_who_answers_is_checked_where_an_authority_is_named_and_only_there() -> None:
    unchecked = sql_engine._context()
    assert unchecked.verify_mode is ssl.CERT_NONE
    found = ssl.get_default_verify_paths().openssl_cafile
    context = sql_engine._context(capath=found.rpartition("/")[0])
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert not sql_engine._context(capath="/", check_hostname=False).check_hostname
