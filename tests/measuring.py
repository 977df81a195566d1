"""What coverage is measured of: the bodies of tests, and our modules while they are imported. Nothing else.

To measure slows whatever runs, ours or not, to half of its speed and less. So it is off while pytest collects, prepares and
reports, and while hypothesis searches: what a search happens to reach would not be reached for certain. Whatever runs
unmeasured counts as not reached, so a report can say too little, and never too much.
"""

from __future__ import annotations

import importlib.machinery
import sys
import threading
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

_OURS: Final = ("secmw", "secmw_django", "secmw_flask", "secmw_starlette")

#: What measures in this thread, and in those that begin; None where nothing does.
_Tracing = tuple[Any, Any]
_OFF: Final[_Tracing] = (None, None)
_kept: list[_Tracing] = []


def where_it_counts() -> None:
    """Measure from now on nothing but what is `measured`, and our modules while they are imported."""
    coverage = sys.modules.get("coverage")
    if not (coverage and coverage.Coverage.current()) or _kept:
        return
    _kept.append(_switch(_OFF))
    load = importlib.machinery.SourceFileLoader.exec_module

    def exec_module(loader: importlib.machinery.SourceFileLoader, module: ModuleType) -> None:
        # Each process imports a module once, whoever is first, measured or not.
        with measured() if module.__name__.partition(".")[0] in _OURS else nullcontext():
            load(loader, module)

    importlib.machinery.SourceFileLoader.exec_module = exec_module  # type: ignore[assignment, method-assign]
    _draw_unmeasured()


def _draw_unmeasured() -> None:
    """Switch it off around what hypothesis draws; the examples that are written at a test come before."""
    from hypothesis.core import StateForActualGivenExecution as Execution

    run: Callable[[Execution], None] = Execution.run_engine

    def run_engine(execution: Execution) -> None:
        # The search of the store contract is ours: it is measured where whoever starts it is.
        ours = execution.wrapped_test.__module__.partition(".")[0] in _OURS
        with nullcontext() if ours else unmeasured():
            run(execution)

    Execution.run_engine = run_engine  # type: ignore[method-assign]


@contextmanager
def measured() -> Iterator[None]:
    """Measure coverage in the body, if any is measured at all: in this thread, and in those that begin there."""
    with _switched(_kept[0] if _kept else None):
        yield


@contextmanager
def unmeasured() -> Iterator[None]:
    """Measure no coverage in the body: not in this thread, and not in those that begin there."""
    with _switched(_OFF if _kept else None):
        yield


@contextmanager
def _switched(tracing: _Tracing | None) -> Iterator[None]:
    if tracing is None:
        yield
        return
    before = _switch(tracing)
    try:
        yield
    finally:
        _switch(before)


def _switch(tracing: _Tracing) -> _Tracing:
    before = sys.gettrace(), threading.gettrace()
    if tracing != before:
        sys.settrace(tracing[0])
        threading.settrace(tracing[1])
    return before
