"""Every exception secmw raises.

SecmwError
├── ConfigError     the policy is wrong; raised at start-up only, with every problem at once
├── StoreError      the session store could not answer
├── SinkError       the audit sink could not take an event
└── SessionError    the application misused a session (too large, not JSON-able, closed)

A refused request is not an error: it is a :class:`secmw.http.Refusal`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class SecmwError(Exception):
    """Be the base of everything secmw raises."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Say what is wrong with one setting, and what to write instead.

    ``value`` is what was given, as text for a person to read; ``None`` where it is a secret or was not given at all.
    """

    setting: str
    message: str
    value: str | None = None

    def __str__(self) -> str:
        given = "" if self.value is None else f" = {self.value}"
        return f"{self.setting}{given}: {self.message}"


class ConfigError(SecmwError):
    """Report every problem of a policy at once; raised at start-up only.

    Each problem names the setting, the value that was given, and the fix.

    >>> print(ConfigError([Problem("hsts.max_age", "is not a duration; write 365d, 12h or seconds", "'1 yr'")]))
    1 problem in the policy:
      hsts.max_age = '1 yr': is not a duration; write 365d, 12h or seconds
    """

    problems: tuple[Problem, ...]

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        head = f"{count} problem{'' if count == 1 else 's'} in the policy:"
        super().__init__("\n  ".join([head, *map(str, self.problems)]))


class StoreError(SecmwError):
    """The session store could not answer."""


class SinkError(SecmwError):
    """The audit sink could not take an event."""


class SessionError(SecmwError):
    """The application misused a session."""
