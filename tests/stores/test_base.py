"""The protocol of a store: what both colours have in common."""

from __future__ import annotations

import ast
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


@pytest.mark.parametrize("kind", [AsyncMemoryStore, AsyncSQLiteStore])
def test_an_asynchronous_store_asks_the_blocking_one_and_does_nothing_else(kind: type) -> None:
    """SE-23: what a call means stands in one place, whatever the colour."""
    (tree,) = ast.parse(inspect.getsource(kind)).body
    assert isinstance(tree, ast.ClassDef)
    for node in tree.body:
        if not isinstance(node, ast.AsyncFunctionDef):
            continue
        _, *statements = node.body
        parts = [part for statement in statements for part in ast.walk(statement)]
        asked = {
            part.attr
            for part in parts
            if isinstance(part, ast.Attribute) and ast.unparse(part.value) == "self.blocking"
        }
        # The sweep goes in steps, between which the loop goes on.
        assert asked <= {node.name, "sweeping"}, node.name
        decisions = [part for part in parts if isinstance(part, ast.If | ast.Try | ast.While | ast.IfExp)]
        assert not decisions, node.name
        given = {part.id for part in parts if isinstance(part, ast.Name)}
        arguments = [*node.args.args[1:], *node.args.kwonlyargs]
        assert {argument.arg for argument in arguments} <= given, node.name
