"""Every requirement has a test that names it, and the table that says so is right."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests import requirements
from tests.requirements import Requirement

TABLE: Final = """
[groups]
AB = "A group"

[[requirement]]
id = "AB-01"
rule = "The first rule."
source = "RFC 1"

[[requirement]]
id = "AB-02"
rule = "The second rule."
source = "RFC 2"
later = "Redis"

[[requirement]]
id = "AB-03"
rule = "The third rule."
source = "RFC 3"
optional = true

[[requirement]]
id = "AB-04"
rule = "The fourth rule."
source = "RFC 4"
coming = "sessions"
"""


def made(tmp_path: Path, tests: str) -> requirements.Report:
    table = tmp_path / "requirements.toml"
    table.write_text(TABLE)
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "test_it.py").write_text(tests)
    return requirements.report(folder, table)


# --- the project's own table


def test_every_requirement_that_is_due_has_a_test() -> None:
    assert requirements.report().uncovered == ()


def test_no_test_names_a_requirement_that_is_not_there() -> None:
    assert requirements.report().unknown == {}


def test_what_waits_for_something_is_this_and_no_more() -> None:
    _, rows = requirements.load()
    assert {row.id: row.coming for row in rows if row.coming} == {
        "SU-04": "tickets for stopped forms",
        "AU-05": "CSV",
        "AU-08": "the check of audit files at start-up",
        "AU-09": "the chain of the audit trail",
    }
    assert [row.id for row in rows if row.later] == ["SU-05", "AU-04"]


def test_the_numbers_of_each_group_have_no_gap() -> None:
    groups, rows = requirements.load()
    for group in groups:
        numbers = [int(row.id[3:]) for row in rows if row.id.startswith(group)]
        assert numbers == list(range(1, len(numbers) + 1)), group


# --- how tests name them


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("HD-03", ["HD-03"]),
        ("(HD-03)", ["HD-03"]),
        ("HD-03, HD-05: both", ["HD-03", "HD-05"]),
        ("TR-01..TR-03", ["TR-01", "TR-02", "TR-03"]),
        ("TR-01..03", ["TR-01", "TR-02", "TR-03"]),
        ("CK-01 to CK-03", ["CK-01", "CK-02", "CK-03"]),
        ("CK-01 to HD-03", ["CK-01"]),
        ("UTF-16, ISO-88, F-23 and HD-031 are none", []),
    ],
)
def test_ids_are_found_in_a_text(text: str, ids: list[str]) -> None:
    assert requirements.cited(text) == ids


def test_a_docstring_a_comment_and_a_method_count(tmp_path: Path) -> None:
    found = made(
        tmp_path,
        '''
def test_one() -> None:
    """AB-01."""


def test_two() -> None:  # AB-02
    pass


class TestMore:
    async def test_three(self) -> None:
        # AB-01
        pass
''',
    )
    assert found.tests == {
        "AB-01": ["test_it.py::test_one", "test_it.py::TestMore::test_three"],
        "AB-02": ["test_it.py::test_two"],
    }
    assert found.sound


def test_a_comment_beside_a_parameter_counts(tmp_path: Path) -> None:
    found = made(tmp_path, "@mark(\n    1,  # AB-02\n)\ndef test_it(): ...\n")
    assert list(found.tests) == ["AB-02"]


def test_helpers_modules_and_mere_text_do_not_count(tmp_path: Path) -> None:
    found = made(
        tmp_path,
        '"""AB-01."""\n\n# AB-01\n\ndef helper():\n    """AB-01."""\n\ndef test_it():\n    assert "AB-01"\n',
    )
    assert found.tests == {}


def test_a_row_without_a_test_is_named(tmp_path: Path) -> None:
    found = made(tmp_path, "def test_it():\n    '''AB-01'''\n")
    assert found.uncovered == ("AB-02",)
    assert not found.sound
    assert "no test: AB-02" in "\n".join(requirements.plain(found))


def test_an_unknown_id_is_named_with_its_test(tmp_path: Path) -> None:
    found = made(tmp_path, "def test_it():\n    '''AB-01, AB-02, AB-09'''\n")
    assert found.uncovered == ()
    assert not found.sound
    lines = "\n".join(requirements.plain(found))
    assert "no such requirement: AB-09, cited by test_it.py::test_it" in lines


# --- what is printed


def test_every_row_is_printed_with_its_source_and_what_it_waits_for(tmp_path: Path) -> None:
    found = made(tmp_path, "def test_it():\n    '''AB-01'''\n")
    for lines in (requirements.plain(found), requirements.markdown(found)):
        text = "\n".join(lines)
        for row in found.rows:
            assert row.id in text
            assert row.source in text
        assert "optional" in text
        assert "to come with sessions" in text
        assert "later also: Redis" in text
        assert (
            "4 requirements: 1 of the 2 that are due now have a test, 1 are to come, 1 are optional." in text
        )


def test_what_markdown_would_read_is_escaped(tmp_path: Path) -> None:
    found = requirements.Report(
        groups={"AB": "A group"},
        rows=(Requirement(id="AB-01", rule="X-Forwarded-* | <b>", source="RFC 1"),),
        tests={},
        unknown={},
    )
    assert r"X-Forwarded-\* \| &lt;b>" in "\n".join(requirements.markdown(found))


@pytest.mark.parametrize(
    "broken",
    [
        TABLE.replace('"AB-02"', '"AB-01"'),
        TABLE.replace('"AB-02"', '"XY-02"'),
        TABLE.replace('"AB-02"', '"second"'),
        TABLE.replace('"RFC 2"', '""'),
    ],
)
def test_a_table_that_is_not_in_order_is_refused(broken: str, tmp_path: Path) -> None:
    table = tmp_path / "requirements.toml"
    table.write_text(broken)
    with pytest.raises(ValueError, match=r"AB|XY|second"):
        requirements.load(table)


def test_the_script_runs_by_itself() -> None:
    done = subprocess.run(
        [sys.executable, requirements.__file__], capture_output=True, text=True, check=False
    )
    assert "125 requirements" in done.stdout
    assert done.returncode == (0 if requirements.report().sound else 1)
    assert done.stderr == ""
