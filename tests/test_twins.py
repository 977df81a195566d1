"""What waits has two colours, and they are one text: take async and await away and nothing differs."""

from __future__ import annotations

import ast
import inspect
from types import ModuleType

import pytest

from secmw import agreeing, guard
from secmw.audit import recorder


class Sync(ast.NodeTransformer):
    """Take away what makes code asynchronous, and the sentence in which a class says so."""

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        self.generic_visit(node)
        return ast.FunctionDef(**dict(ast.iter_fields(node)))

    def visit_Await(self, node: ast.Await) -> ast.AST:
        self.generic_visit(node)
        return node.value

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(node.id.replace("Async", ""), node.ctx)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        assert ast.get_docstring(node)
        node.name = node.name.replace("Async", "")
        node.body = node.body[1:]
        self.generic_visit(node)
        return node


TWINS = [(guard, "Guard"), (guard, "Incoming"), (recorder, "Recorder"), (agreeing, "Agreeing")]


def shape(module: ModuleType, name: str) -> str:
    tree = ast.parse(inspect.getsource(module))
    (found,) = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name]
    return ast.dump(Sync().visit(found))


@pytest.mark.parametrize(("module", "name"), TWINS, ids=[name for _, name in TWINS])
def test_the_two_colours_are_the_same_text(module: ModuleType, name: str) -> None:
    assert shape(module, f"Async{name}") == shape(module, name)


@pytest.mark.parametrize("module", [guard, recorder, agreeing], ids=["guard", "recorder", "agreeing"])
def test_only_what_waits_has_two_colours(module: ModuleType) -> None:
    classes = [
        node.name for node in ast.parse(inspect.getsource(module)).body if isinstance(node, ast.ClassDef)
    ]
    names = [name for home, name in TWINS if home is module]
    assert sorted(classes) == sorted([*names, *(f"Async{name}" for name in names)])


def test_a_difference_would_be_noticed() -> None:
    one = Sync().visit(ast.parse("async def f(): return await g()"))
    other = Sync().visit(ast.parse("def f(): return h()"))
    assert ast.dump(one) != ast.dump(other)
