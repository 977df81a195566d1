"""Which requirement is covered by which test: `make requirements` prints it, the docs show it.

The rows are in requirements.toml. A test covers a row by naming its id in its docstring or in a comment inside it or on
its first line: `HD-03`, `HD-03, HD-05`, `TR-01..TR-03`, `CK-01 to CK-06`. What a module's docstring names counts for no
test. This reads files and runs nothing; it needs nothing but the standard library.
"""

from __future__ import annotations

import argparse
import ast
import functools
import io
import re
import sys
import textwrap
import tokenize
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).resolve().parent
TABLE: Final = TESTS / "requirements.toml"

_ID: Final = r"[A-Z]{2}-[0-9]{2}"
# The second half of a range may leave the letters out: TR-01..03.
_CITED: Final = re.compile(rf"\b({_ID})(?:(?:\.\.|\u2013| to )({_ID}|[0-9]{{2}}))?\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """Be one row.

    ``coming`` names what it waits for, "" where it holds today; ``later`` a part that will join it, "" for none.
    """

    id: str
    rule: str
    source: str
    optional: bool = False
    coming: str = ""
    later: str = ""

    @property
    def due(self) -> bool:
        """Whether a test has to cover it now."""
        return not (self.optional or self.coming)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Hold every row, the tests that cover it, and the ids that tests cite but no row has."""

    groups: Mapping[str, str]
    rows: tuple[Requirement, ...]
    tests: Mapping[str, Sequence[str]]
    unknown: Mapping[str, Sequence[str]]

    @property
    def uncovered(self) -> tuple[str, ...]:
        """The ids of the rows that are due and have no test."""
        return tuple(row.id for row in self.rows if row.due and not self.tests.get(row.id))

    @property
    def sound(self) -> bool:
        return not self.uncovered and not self.unknown


def load(table: Path = TABLE) -> tuple[dict[str, str], tuple[Requirement, ...]]:
    """Read the rows and the titles of their groups; raise ValueError for a table that is not in order."""
    content = tomllib.loads(table.read_text(encoding="utf-8"))
    groups: dict[str, str] = content["groups"]
    rows = tuple(Requirement(**row) for row in content["requirement"])
    seen: set[str] = set()
    for row in rows:
        if not re.fullmatch(_ID, row.id) or row.id[:2] not in groups:
            raise ValueError(f"{row.id} belongs to no group")
        if row.id in seen:
            raise ValueError(f"{row.id} is there twice")
        if not row.rule or not row.source:
            raise ValueError(f"{row.id} has no rule or no source")
        seen.add(row.id)
    return groups, rows


def cited(text: str) -> list[str]:
    """Return the ids a text names, ranges written out.

    >>> cited("HD-03, HD-05 and TR-01..TR-03; CK-01 to CK-02")
    ['HD-03', 'HD-05', 'TR-01', 'TR-02', 'TR-03', 'CK-01', 'CK-02']
    """
    found: list[str] = []
    for first, last in _CITED.findall(text):
        group, start = first[:2], int(first[3:])
        end = int(last[-2:]) if last and last[:2] in (group, last) else start
        found += [f"{group}-{number:02}" for number in range(start, max(start, end) + 1)]
    return found


def citations(tests: Path = TESTS) -> Iterator[tuple[str, str]]:
    """Yield every pair of an id and a test that names it, such as ``cookies/test_cookie.py::test_a_name``."""
    for path in sorted(tests.rglob("*.py")):
        if path != Path(__file__).resolve():
            name = path.relative_to(tests).as_posix()
            for test, text in _tests(path.read_text(encoding="utf-8")):
                yield from ((one, f"{name}::{test}") for one in dict.fromkeys(cited(text)))


def _tests(source: str) -> Iterator[tuple[str, str]]:
    """Yield each test of a module that may cite anything, with its docstring and its comments."""
    if not _CITED.search(source):
        return  # telling comments from other text is slow, and few modules need it
    lines = source.splitlines(keepends=True)
    for name, node in _functions(ast.parse(source), ""):
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        own = "".join(lines[first - 1 : node.end_lineno])
        if _CITED.search(own):
            yield name, "\n".join([ast.get_docstring(node) or "", *_comments(own)])


def _comments(source: str) -> Iterator[str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return (token.string for token in tokens if token.type == tokenize.COMMENT)


def _functions(
    tree: ast.Module | ast.ClassDef, prefix: str
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield prefix + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{prefix}{node.name}::")


@functools.cache
def report(tests: Path = TESTS, table: Path = TABLE) -> Report:
    """Put the rows and the tests together, once for each place."""
    groups, rows = load(table)
    covering: dict[str, list[str]] = {}
    for one, test in citations(tests):
        covering.setdefault(one, []).append(test)
    known = {row.id for row in rows}
    return Report(
        groups=groups,
        rows=rows,
        tests={one: found for one, found in covering.items() if one in known},
        unknown={one: found for one, found in covering.items() if one not in known},
    )


def plain(found: Report, width: int = 110) -> Iterator[str]:
    """Write a report as lines for a terminal."""
    for group, title in found.groups.items():
        yield from ("", title, "")
        for row in (row for row in found.rows if row.id.startswith(group)):
            first, *rest = textwrap.wrap(f"{row.rule} [{row.source}]", width - 7)
            yield f"{row.id}  {first}"
            yield from (f"{'':7}{line}" for line in rest)
            yield from (f"{'':9}{test}" for test in found.tests.get(row.id, ()))
            yield from (f"{'':9}({note})" for note in _notes(row, found))
    yield ""
    yield summary(found)
    for one in found.uncovered:
        yield f"no test: {one}"
    for one, tests in found.unknown.items():
        yield f"no such requirement: {one}, cited by {', '.join(tests)}"


def _notes(row: Requirement, found: Report) -> Iterator[str]:
    if row.optional:
        yield "optional"
    if row.coming:
        yield f"to come with {row.coming}"
    if row.later:
        yield f"later also: {row.later}"
    if row.id in found.uncovered:
        yield "NO TEST"


def summary(found: Report) -> str:
    """Count the rows in one sentence."""
    due = [row for row in found.rows if row.due]
    covered = len(due) - len(found.uncovered)
    later = sum(bool(row.coming) for row in found.rows)
    optional = sum(row.optional for row in found.rows)
    return (
        f"{len(found.rows)} requirements: {covered} of the {len(due)} that are due now have a test, "
        f"{later} are to come, {optional} are optional."
    )


def markdown(found: Report) -> Iterator[str]:
    """Write a report as tables for the docs; the name of a test is its sentence."""
    yield summary(found)
    for group, title in found.groups.items():
        yield from (
            "",
            f"## {title}",
            "",
            "| id | what is promised, where it comes from, and its tests |",
            "| --- | --- |",
        )
        for row in (row for row in found.rows if row.id.startswith(group)):
            notes = "".join(f" *({note})*" for note in _notes(row, found))
            parts = [f"**{_cell(row.rule)}**{notes}", f"Source: {_cell(row.source)}"]
            tests = found.tests.get(row.id, ())
            parts += [f"- {_sentence(test)}" for test in tests[:_SHOWN]]
            if len(tests) > _SHOWN:
                parts.append(f"- and {len(tests) - _SHOWN} more")
            yield f"| `{row.id}` | {'<br>'.join(parts)} |"


def _sentence(test: str) -> str:
    """Write the name of a test as the sentence it is, and the file it is in."""
    file, _, name = test.partition("::")
    words = name.rpartition("::")[2].removeprefix("test_").replace("_", " ")
    return f"{words} (`{file}`)"


#: A row of the docs names at most so many tests; `make requirements` names all.
_SHOWN: Final = 4


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; return 1 where a row that is due has no test, or a test names a row that is not there."""
    parser = argparse.ArgumentParser(description="Print every requirement and the tests that cover it.")
    parser.add_argument("--markdown", action="store_true", help="write the tables of the docs")
    chosen = parser.parse_args(arguments)
    found = report()
    lines = markdown(found) if chosen.markdown else plain(found)
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if found.sound else 1


if __name__ == "__main__":
    raise SystemExit(main())
