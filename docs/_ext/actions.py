"""reference/actions.md: every action of the audit trail's vocabulary, from the enum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from _ext.markdown import code, table
from secmw.audit import Action
from secmw.audit.action import Vocabulary

#: The vocabularies, ours first: those are the ones that appear by themselves.
TITLES: Final[Mapping[Vocabulary, str]] = {
    "secmw": "Names of our own",
    "owasp": "Names of OWASP's",
    "posit": "Names of Posit's products",
}
INTRODUCTIONS: Final[Mapping[Vocabulary, str]] = {
    "secmw": "secmw writes these by itself, in the manner of the OWASP Logging Vocabulary Cheat Sheet, which has no name for them.",
    "owasp": "secmw writes these by itself too. The names are those of the OWASP Logging Vocabulary Cheat Sheet.",
    "posit": "What Posit Connect writes, under the same names, for applications that take its place. secmw writes "
    f"{code(Action.USER_LOGIN)} and {code(Action.WEB_SUDO)} by itself; the others are yours to write with "
    f"{code('exchange.audit()')}. Those marked *command* are written there by the command-line tool alone.",
}


def write() -> str:
    """Write a section for each vocabulary."""
    return "\n\n".join(_section(vocabulary) for vocabulary in TITLES)


def _section(vocabulary: Vocabulary) -> str:
    rows = (
        (code(action.value), action.description + ("; *command*" if action.origin == "cli" else ""))
        for action in Action
        if action.vocabulary == vocabulary
    )
    return f"## {TITLES[vocabulary]}\n\n{INTRODUCTIONS[vocabulary]}\n\n{table(('action', 'what happened'), rows)}"
