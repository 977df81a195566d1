"""Of Django's tests, played in ``make peers``, none is left out by accident, and none is listed that would pass."""

from __future__ import annotations

import unittest
from typing import Final

import pytest

from benchmarks.django_tests import report, source
from benchmarks.django_tests.play import Played, play
from benchmarks.django_tests.suites import REASONS, STORED, STORELESS, Reason

_WHY: Final = Reason("it is not ours to do", "1 != 2")


class Mixed(unittest.TestCase):
    __test__ = False  # to pytest

    def test_passes(self) -> None:
        self.assertEqual(1, 1)  # noqa: PT009 - as Django writes them

    def test_fails(self) -> None:
        self.assertEqual(1, 2)  # noqa: PT009

    def test_fails_in_a_part(self) -> None:
        with self.subTest(part="one"):
            self.assertEqual(1, 2)  # noqa: PT009

    def test_is_skipped(self) -> None:
        self.skipTest("not on this machine")


class AsyncMixed(unittest.IsolatedAsyncioTestCase):
    __test__ = False

    async def test_fails(self) -> None:
        self.assertEqual(1, 2)  # noqa: PT009


class Unready(unittest.TestCase):
    __test__ = False

    @classmethod
    def setUpClass(cls) -> None:
        raise RuntimeError("there is no store")

    def test_passes(self) -> None:
        pass


def outcomes(case: type[unittest.TestCase], **reasons: Reason) -> dict[str, str]:
    listed = {f"{case.__name__}.{test}": reason for test, reason in reasons.items()}
    return {one.test.rpartition(".")[2]: one.outcome for one in play("some", [case], listed)}


def test_whatever_does_not_pass_has_failed() -> None:
    found = outcomes(Mixed)
    assert found.pop("test_passes") == "passed"
    assert found == dict.fromkeys(("test_fails", "test_fails_in_a_part", "test_is_skipped"), "failed")
    assert outcomes(AsyncMixed) == {"test_fails": "failed"}
    assert outcomes(Unready)["test_passes"] == "failed"


def test_what_is_listed_has_to_fail_and_for_that_reason() -> None:
    assert outcomes(AsyncMixed, test_fails=_WHY) == {"test_fails": "does not apply"}
    assert outcomes(AsyncMixed, test_fails=_WHY._replace(sign="KeyError")) == {"test_fails": "failed"}
    assert outcomes(Unready, test_passes=_WHY)["test_passes"] == "failed"


def test_what_is_listed_and_passes_or_is_gone_is_stale() -> None:
    class Passing(unittest.TestCase):
        __test__ = False

        def test_passes(self) -> None:
            pass

    found = outcomes(Passing, test_passes=_WHY, test_of_the_last_release=_WHY)
    assert found == {"test_passes": "stale", "test_of_the_last_release": "stale"}


def test_the_report_counts_each_suite_on_each_store_and_names_what_does_not_apply() -> None:
    suite = STORED[0].name
    found = {
        "memory": [
            Played(suite, "A.test_one", "passed"),
            Played(suite, "A.test_two", "does not apply", "so"),
        ],
        "Redis": [
            Played(suite, "A.test_one", "failed", "AssertionError"),
            Played(suite, "A.test_two", "stale", "it passes"),
        ],
    }
    assert report.lines(found) == [
        f"{suite} on memory: 1 passed, 0 failed, 1 does not apply",
        f"{suite} on Redis: 0 passed, 1 failed, 1 stale",
    ]
    assert report.faults(found) == [
        "failed: A.test_one on Redis\nAssertionError",
        "stale: A.test_two on Redis\nit passes",
    ]
    assert report.faults({"memory": found["memory"]}) == []
    assert "| `A.test_two` | so |" in report.markdown({"memory": found["memory"]})


def test_every_reason_is_for_a_class_that_is_played() -> None:
    played = {name for suite in (*STORED, *STORELESS) for name in suite.classes}
    assert {test.partition(".")[0] for test in REASONS} <= played


def test_the_release_that_is_installed_is_fetched_by_the_hashes_that_pin_it() -> None:
    pins = "a==1 \\\n    --hash=aa\ndjango==5.2.1 ; x \\\n    --hash=bb \\\n    --hash=cc\n    # via x\ndjango==6.0 \\\n    --hash=dd\n"
    assert source.pin(pins, "5.2.1").splitlines()[1:] == ["    --hash=bb \\", "    --hash=cc"]
    with pytest.raises(LookupError, match=r"5\.2\.2"):
        source.pin(pins, "5.2.2")
