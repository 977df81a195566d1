"""What was found out: a word or a number, and whether it is as one would have it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Be one cell; ``good`` is None where the question does not arise, and ``text`` says why."""

    good: bool | None
    text: str

    def __str__(self) -> str:
        """Write it as a cell of a table."""
        return f"**{self.text}**" if self.good is False else self.text


def yes_if(good: bool, otherwise: str = "no") -> Finding:
    """Answer yes, or what it is otherwise."""
    return Finding(good, "yes" if good else otherwise)


def without(what: str) -> Finding:
    """Say what there is none of, so that nothing can be asked of it."""
    return Finding(None, f"— ({what})")
