"""Every parser of ours meets a fuzzer: 100,000 inputs here, ten million in ``make soak``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

RUNS = os.environ.get("FUZZ_RUNS", "100000")


@pytest.mark.fuzz
@pytest.mark.parametrize("target", sorted(TARGETS))
def test_a_parser_survives_whatever_is_thrown_at_it(target: str, tmp_path: Path) -> None:
    # Coverage tracing would slow the fuzzer down tenfold, and measures nothing that other tests don't.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    found = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("run.py")), target, RUNS],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr[-4000:]


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_a_target_takes_the_plain_and_the_empty(target: str) -> None:
    for text in ("", "a", "a=b; c=d", "\x00", "\xff" * 100, "https://app.example.org/", "/a/b"):
        TARGETS[target](text)
