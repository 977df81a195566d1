"""The tables: who was asked what, and what each play came to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from benchmarks import page
from benchmarks.semantics import failures, lives, races
from benchmarks.semantics.finding import Finding
from benchmarks.semantics.site import Site, running
from benchmarks.semantics.subjects import SUBJECTS, Subject

Play = Callable[[Site], Finding]

#: Table by table, column by column.
COLUMNS: Final[Mapping[str, Mapping[str, Play]]] = {
    "Two requests at the same time": {
        "Two names are both kept": races.two_names,
        "Kept of 200 names": races.many_names,
        "A reader undoes no change": races.late_reader,
        "A sign-out outlasts a writer": races.writer_and_logout,
        "A sign-out outlasts a reader": races.reader_and_logout,
        "Its late answer sets no cookie": races.late_cookie,
        "A rotation loses nothing": races.writer_and_rotation,
    },
    "Ids, limits and ends": {
        "A copied cookie ends with the sign-out": lives.copied_cookie,
        "A made-up id is not taken up": lives.made_up_id,
        "A planted id is worthless after the sign-in": lives.planted_id,
        "A replaced id is dead": lives.replaced_id,
        "Limits of time": lives.limits,
        "Sessions elsewhere can be ended": lives.others_end,
        "… and stay so": lives.others_stay_ended,
    },
    "What fails, and what it costs": {
        "A change inside a value is kept": failures.nested_change,
        "Reading writes": failures.reading,
        "A failed request changes nothing": failures.failed_change,
        "A failed sign-out signs out": failures.failed_logout,
        "The store is away": failures.store_away,
        "A socket ends with its session": failures.socket_ends,
    },
}


def play(subject: Subject) -> dict[str, Finding]:
    """Play everything with one subject; the findings by their columns."""
    with running(subject) as site:
        return {name: find(site) for columns in COLUMNS.values() for name, find in columns.items()}


def tables(subjects: Iterable[Subject] = SUBJECTS) -> str:
    """Play everything with everybody and write it down as Markdown."""
    found = {subject.title: play(subject) for subject in subjects}
    lines = [f"Run {page.machine()}.", ""]
    for title, columns in COLUMNS.items():
        lines += [f"| {title} | {' | '.join(columns)} |", f"|---|{'---|' * len(columns)}"]
        for subject, findings in found.items():
            lines.append(f"| {subject} | {' | '.join(str(findings[name]) for name in columns)} |")
        lines.append("")
    return "\n".join(lines)
