"""Play some of Django's tests in this process, which becomes a Django project for it, and write down how each went.

python -m benchmarks.django_tests.play TESTS FOUND [STORE]    TESTS: Django's tests; FOUND: a file for the outcomes, as JSON
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal
from unittest import TestCase, TestResult, TestSuite, defaultTestLoader

import msgspec

from benchmarks import page
from benchmarks.django_tests import project
from benchmarks.django_tests.suites import REASONS, STORED, STORELESS, Reason, load

Outcome = Literal["passed", "failed", "does not apply", "stale"]


class Played(msgspec.Struct, frozen=True):
    """Say how one test went; ``said`` is its traceback, or why it does not apply."""

    suite: str
    test: str
    outcome: Outcome
    said: str = ""


class Watching(TestResult):
    """Note what went wrong in each test, in its parts too; a skipped test is one that nobody has played."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: dict[str, str] = {}
        self.begun: set[str] = set()

    def startTest(self, test: Any) -> None:  # noqa: N802 - as unittest calls it
        super().startTest(test)
        self.begun.add(name(test))

    def addError(self, test: Any, err: Any) -> None:  # noqa: N802
        self._wrong(test, err)

    def addFailure(self, test: Any, err: Any) -> None:  # noqa: N802
        self._wrong(test, err)

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:  # noqa: ARG002, N802
        if err is not None:
            self._wrong(test, err)

    def addSkip(self, test: Any, reason: str) -> None:  # noqa: N802
        self.wrong[name(test)] = f"skipped: {reason}"

    def _wrong(self, test: Any, err: Any) -> None:
        self.wrong.setdefault(name(test), "".join(traceback.format_exception(*err)))


def name(test: Any) -> str:
    """Return the class and the name of a test; what failed around tests is called as it calls itself."""
    return f"{type(test).__name__}.{test._testMethodName}" if isinstance(test, TestCase) else str(test)


def play(suite: str, cases: Sequence[type[TestCase]], reasons: Mapping[str, Reason]) -> list[Played]:
    """Play every test of some classes; what does not apply is played too, as it may come to."""
    tests = [test for case in cases for test in defaultTestLoader.loadTestsFromTestCase(case)]
    names = [name(test) for test in tests]
    watching = Watching()
    TestSuite(tests).run(watching)
    wrong = {test: "it was never begun" for test in names if test not in watching.begun} | watching.wrong
    found = [Played(suite, test, *_outcome(wrong.pop(test, None), reasons.get(test))) for test in names]
    found += [Played(suite, test, "failed", said) for test, said in wrong.items()]
    classes = {case.__name__ for case in cases}
    gone = [test for test in reasons if test.partition(".")[0] in classes and test not in names]
    return found + [Played(suite, test, "stale", "there is no such test") for test in gone]


def _outcome(wrong: str | None, reason: Reason | None) -> tuple[Outcome, str]:
    if wrong is None:
        return ("passed", "") if reason is None else ("stale", f"it passes, and is listed: {reason.why}")
    if reason is None or reason.sign not in wrong:
        return "failed", wrong
    return "does not apply", reason.why


def main(tests: str, found: str, store: str | None = None) -> None:
    """Play what is played on a store, or without one."""
    page.quiet()
    project.configure(Path(tests), store)
    from django.db import connection
    from django.test.utils import setup_test_environment

    setup_test_environment(debug=False)
    # Django's own sessions, which one of its tests keeps beside ours.
    connection.creation.create_test_db(verbosity=0)
    played = [
        one
        for suite in (STORELESS if store is None else STORED)
        for one in play(suite.name, load(suite), REASONS)
    ]
    Path(found).write_bytes(msgspec.json.encode(played))


if __name__ == "__main__":
    main(*sys.argv[1:])
