"""What every test needs: search settings for hypothesis, the event loop, and no skips in CI.

Nothing here puts the tree on sys.path: the package under test is the installed one, editable in development and the
built wheel in `make test`. Helpers are imported as `tests.servers` all the same: pytest's importlib mode knows the name.
"""

from __future__ import annotations

import functools
import gc
import os
import sys
from inspect import iscoroutinefunction
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.database import DirectoryBasedExampleDatabase

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

ROOT = Path(__file__).resolve().parent.parent


def _register_search_settings() -> None:
    """Define three depths of search; HYPOTHESIS_PROFILE chooses one, `check` unless told."""
    database = DirectoryBasedExampleDatabase(ROOT / ".cache" / "hypothesis")
    # The machine may be busy: slowness is measured by tests about slowness, not by a deadline on every example.
    common = settings(deadline=None, database=database, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile("check", common, max_examples=50)
    settings.register_profile("test", common, max_examples=200, derandomize=bool(os.environ.get("CI")))
    settings.register_profile("soak", common, max_examples=20_000)
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "check"))


_register_search_settings()

# Collecting makes some ten thousand tests, all of them kept.
gc.disable()


def pytest_collection_finish() -> None:
    """Take what collecting made out of the collector's sight: what tests leave behind is found among little else."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture
def unmeasured() -> Iterator[None]:
    """Measure no coverage during the test: it would take half its speed, and add nothing."""
    # Not at the top: pytest knows the name once this module is loaded.
    from tests.measuring import unmeasured as pause

    with pause():
        yield


#: Of a test that hypothesis calls hundreds of times, so many calls are measured: to measure takes as long as to run, and
#: what the first calls did not reach, tests written by hand must.
_MEASURED = 40


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Measure coverage of the first calls of a search, and none of the others."""
    coverage = sys.modules.get("coverage")
    measuring = coverage and coverage.Coverage.current()
    search = getattr(getattr(item, "obj", None), "hypothesis", None)
    # A coroutine is anyio's to run, which must see that it is one.
    if not measuring or search is None or iscoroutinefunction(search.inner_test):
        return (yield)
    inner, calls = search.inner_test, 0

    @functools.wraps(inner)
    def counted(*args: object, **kwargs: object) -> object:
        nonlocal calls
        calls += 1
        if calls == _MEASURED:
            measuring.stop()
        return inner(*args, **kwargs)

    search.inner_test = counted
    try:
        return (yield)
    finally:
        search.inner_test = inner
        if calls >= _MEASURED:
            measuring.start()


@pytest.fixture
def anyio_backend() -> str:
    """Run `@pytest.mark.anyio` tests on asyncio, where every server here runs its applications."""
    return "asyncio"


def _skips_are_failures() -> bool:
    return bool(os.environ.get("CI"))


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure: in CI everything that can run must run."""
    if report.skipped and _skips_are_failures() and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.longrepr = f"skipped in CI, where nothing may be: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _fail_if_skipped(report)
    return report
