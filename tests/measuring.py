"""Coverage is measured of what is worth it: measuring slows whatever runs, ours or not, to half or a third of its speed.

Once `where_it_counts` was called, that is while a module of ours is imported, and in `measured`: in the body of a test,
and not while pytest collects, prepares and reports.
"""

from __future__ import annotations

import importlib.machinery
import sys
import threading
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

_OURS: Final = ("secmw", "secmw_django", "secmw_flask", "secmw_starlette")

#: What measures in this thread, and in those that begin; None where nothing does.
_Tracing = tuple[Any, Any]
_OFF: Final[_Tracing] = (None, None)
_kept: list[_Tracing] = []


def where_it_counts() -> None:
    """Measure from now on nothing but what is `measured`, and the modules of ours that are imported."""
    if not _current() or _kept:
        return
    _kept.append(_switch(_OFF))
    load = importlib.machinery.SourceFileLoader.exec_module

    def exec_module(loader: importlib.machinery.SourceFileLoader, module: ModuleType) -> None:
        with measured() if module.__name__.partition(".")[0] in _OURS else nullcontext():
            load(loader, module)

    importlib.machinery.SourceFileLoader.exec_module = exec_module  # type: ignore[method-assign]


@contextmanager
def measured() -> Iterator[None]:
    """Measure coverage in the body, if any is measured at all."""
    with _switched(_kept[0] if _kept else None):
        yield


@contextmanager
def unmeasured() -> Iterator[None]:
    """Measure no coverage in the body: not in this thread, and not in those that begin there."""
    with _switched(_OFF if _kept else None):
        yield


@contextmanager
def stopped() -> Iterator[None]:
    """Have no coverage at all in the body: what is forked there does not begin to measure either."""
    coverage, before = _current(), _tracing()
    if coverage:
        coverage.stop()
    try:
        yield
    finally:
        if coverage:
            # To start would put its patches in place once more; each fork would then begin to measure that many times.
            coverage.set_option("run:patch", [])
            coverage.start()
            # That made what measures anew.
            if _kept:
                _kept[0] = _tracing()
                _switch(_OFF if before == _OFF else _kept[0])


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


def _tracing() -> _Tracing:
    return sys.gettrace(), threading.gettrace()


def _switch(tracing: _Tracing) -> _Tracing:
    before = _tracing()
    if tracing != before:
        sys.settrace(tracing[0])
        threading.settrace(tracing[1])
    return before


def _current() -> Any:
    coverage = sys.modules.get("coverage")
    return coverage and coverage.Coverage.current()
