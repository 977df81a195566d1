"""Coverage counts what tests certainly reach, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = """
import pytest
from tests.conftest import pytest_configure, pytest_runtest_call
import probe

@pytest.fixture
def prepared():
    return probe.fixture()
"""

NAMES = ["fixture", "body", "marked_body", "thread", "example", "draw", "second_draw", "third_draw"]
PROBE = "".join(f"def {name}():\n    return '{name}'\n" for name in NAMES)

TESTS = """
import threading

import probe
import pytest
from hypothesis import example, given
from hypothesis import strategies as st


def test_a_body(prepared):
    assert probe.body()
    thread = threading.Thread(target=probe.thread)
    thread.start()
    thread.join()


@pytest.mark.unmeasured
def test_a_marked_body():
    assert probe.marked_body()


@given(st.just("drawn"))
@example("written")
def test_an_example_and_a_draw(word):
    assert probe.example() if word == "written" else probe.draw()


@given(st.just("drawn"))
def test_a_draw(word):
    assert probe.second_draw()


def test_a_draw_inside_of_a_body():
    @given(st.just("drawn"))
    def search(word):
        assert probe.third_draw()

    search()


import secmw_flask


def test_a_module_of_ours():
    assert secmw_flask.HERE
"""


@pytest.fixture(scope="module")
def reached(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Run a suite of six tests as `make test` runs this one; give each file's lines that counted."""
    folder = tmp_path_factory.mktemp("measuring")
    (folder / "tests").symlink_to(Path(__file__).parent)
    files = {
        "conftest.py": CONFTEST,
        "probe.py": PROBE,
        "test_probe.py": TESTS,
        "secmw_flask.py": "HERE = True\n",
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = unmeasured\naddopts = -p no:cacheprovider\n")
    (folder / ".coveragerc").write_text("[run]\nbranch = true\ninclude = probe.py, secmw_flask.py\n")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST"))}
    environ["PYTHONPATH"] = str(folder)
    for words in (["run", "-m", "pytest", "-q", "test_probe.py"], ["json", "-q"]):
        done = subprocess.run(
            [sys.executable, "-m", "coverage", *words],
            cwd=folder,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    counted = json.loads((folder / "coverage.json").read_text())["files"]
    return {
        name: [files[name].splitlines()[line - 1] for line in found["executed_lines"]]
        for name, found in counted.items()
    }


def test_bodies_threads_and_written_examples_count_and_nothing_else(reached: dict[str, list[str]]) -> None:
    counted = [line.strip() for line in reached["probe.py"] if not line.startswith("def")]
    assert counted == ["return 'body'", "return 'thread'", "return 'example'"]


def test_a_module_of_ours_counts_while_it_is_imported_whoever_imports_it(
    reached: dict[str, list[str]],
) -> None:
    assert reached["secmw_flask.py"] == ["HERE = True"]
