"""The protocol of a store: what both colours have in common."""

from __future__ import annotations

import inspect

import pytest

from secmw.stores import AsyncMemoryStore, AsyncSQLiteStore, AsyncStore, MemoryStore, SQLiteStore, Store

METHODS = [name for name in vars(Store) if not name.startswith("_")]


def parameters(method: object) -> list[tuple[str, object, object]]:
    assert callable(method)
    return [(one.name, one.kind, one.default) for one in inspect.signature(method).parameters.values()]


def test_a_memory_store_is_a_store() -> None:
    assert isinstance(MemoryStore(), Store)
    assert isinstance(AsyncMemoryStore(), AsyncStore)


@pytest.mark.parametrize("kind", [AsyncStore, MemoryStore, AsyncMemoryStore, SQLiteStore, AsyncSQLiteStore])
def test_every_store_takes_what_the_protocol_says(kind: type) -> None:
    """SE-23"""
    assert len(METHODS) == 11
    for name in METHODS:
        assert parameters(getattr(kind, name)) == parameters(getattr(Store, name)), name


@pytest.mark.parametrize("kind", [AsyncStore, AsyncMemoryStore, AsyncSQLiteStore])
def test_an_asynchronous_store_has_nothing_that_waits_otherwise(kind: type) -> None:
    assert [name for name in METHODS if not inspect.iscoroutinefunction(getattr(kind, name))] == []
