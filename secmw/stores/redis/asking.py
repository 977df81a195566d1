"""What is asked of Redis, and how a plan asks it. Does no I/O."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from secmw.errors import StoreError
from secmw.stores.redis import scripts

Command = tuple[bytes, ...]


class Ask(NamedTuple):
    """Be commands that are sent together; those that only read may be sent once more."""

    commands: Sequence[Command]
    reading: bool = False


class Refused(Exception):  # noqa: N818 - it is an answer
    """Be an answer of Redis that is an error; only its first word is told, the rest may repeat what was sent."""

    def __init__(self, message: str = "") -> None:
        self.code = message.partition(" ")[0]
        super().__init__(self.code)


_Outcome = TypeVar("_Outcome")
Plan = Generator[Ask, list[Any], _Outcome]

#: Commands that are sent together at most.
BATCH: Final = 500


def ask(commands: Sequence[Command], *, reading: bool = False) -> Plan[list[Any]]:
    """Return the answers to some commands; a script that Redis does not know is sent in full."""
    answers = yield Ask(commands, reading)
    unknown = [
        place
        for place, answer in enumerate(answers)
        if isinstance(answer, Refused) and answer.code == "NOSCRIPT"
    ]
    if unknown:
        again = yield Ask([scripts.in_full(commands[place]) for place in unknown], reading)
        for place, answer in zip(unknown, again, strict=True):
            answers[place] = answer
    for answer in answers:
        if isinstance(answer, Refused):
            raise StoreError(f"Redis refused: {answer.code}")
    return answers


def ask_in_batches(commands: Sequence[Command], *, reading: bool = False) -> Plan[list[Any]]:
    """Return the answers to any number of commands."""
    answers: list[Any] = []
    for start in range(0, len(commands), BATCH):
        answers += yield from ask(commands[start : start + BATCH], reading=reading)
    return answers
