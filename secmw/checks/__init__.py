"""One file per question asked of a request; a check is a pure function from a request to an answer.

To add a rule: write a file with a function that returns a check, and name it in ``questions`` of :mod:`secmw.compile`.
"""

from __future__ import annotations

import enum
from collections.abc import Callable

from secmw.http import Refusal, Request


class Wants(enum.Enum):
    """What an exchange waits for before the application may run."""

    SCREEN = "the questions asked of every request"
    FORM = "the form in the body of the request"
    REPLY = "nothing: we answer in the application's place"


Answer = Refusal | Wants | None
"""None passes the request on."""

Check = Callable[[Request], Answer]


def all_of(checks: tuple[Check, ...]) -> Check | None:
    """Make one check of several; the first answer that is not None counts. None where there is nothing to ask."""
    if len(checks) < 2:
        return checks[0] if checks else None
    if len(checks) == 2:
        first, second = checks
        return lambda request: first(request) or second(request)

    def ask(request: Request) -> Answer:
        for check in checks:
            answer = check(request)
            if answer is not None:
                return answer
        return None

    return ask


__all__ = ["Answer", "Check", "Wants", "all_of"]
