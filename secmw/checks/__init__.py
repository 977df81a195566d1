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
    RECORD = "the session whose id came with the request"
    PAGE = "what one of our own pages needs"
    REPLY = "nothing: we answer in the application's place"


class Bound(enum.Enum):
    """Pass a request on, and say what its token was bound to; whether that still holds is seen when the session is known."""

    SELECTOR = "the session whose id came with it"
    VISIT = "the visit, while nobody was signed in"


Answer = Refusal | Wants | Bound | None
"""None and Bound pass the request on."""

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


__all__ = ["Answer", "Bound", "Check", "Wants", "all_of"]
