"""What every test needs: search settings for hypothesis, the event loop, and no skips in CI.

Nothing here puts the tree on sys.path: the package under test is the installed one, editable in development and the
built wheel in `make test`. Helpers are imported as `tests.servers` all the same: pytest's importlib mode knows the name.
"""

from __future__ import annotations

import gc
import os
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.database import DirectoryBasedExampleDatabase

if TYPE_CHECKING:
    from collections.abc import Generator

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

#: Marks of tests of which no coverage is measured: what drives a browser is not secmw, and what frameworks' applications reach of
#: secmw, the raw ones reach too, and the adapters' own tests.
UNMEASURED: Final = ("browser", "framework", "unmeasured")

# Collecting makes some ten thousand tests, all of them kept.
gc.disable()


def pytest_collection_finish() -> None:
    """Take what collecting made out of the collector's sight: what tests leave behind is found among little else."""
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_configure() -> None:
    """Measure coverage where it counts."""
    # Not at the top: pytest knows the name once this module is loaded.
    from tests.measuring import where_it_counts

    where_it_counts()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Measure coverage of a test, unless it or what it runs on is marked not to be."""
    from tests.measuring import measured

    with nullcontext() if any(map(item.get_closest_marker, UNMEASURED)) else measured():
        return (yield)


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
