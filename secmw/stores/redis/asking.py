"""What is asked of Redis, and how a plan asks it. Does no I/O."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from secmw.errors import StoreError
from secmw.stores.redis import scripts

Command = tuple[bytes, ...]


class Ask(NamedTuple):
    """Be commands that are sent together; those that only read may be sent once more.

    What they change counts when so many replicas have it: a failover may forget anything else.
    """

    commands: Sequence[Command]
    reading: bool = False
    copies: int = 0


class Refused(Exception):  # noqa: N818 - it is an answer
    """Be an answer of Redis that is an error; only its first word is told, the rest may repeat what was sent.

    A node of a Cluster says besides who is to be asked ``elsewhere``.
    """

    def __init__(self, message: str = "") -> None:
        self.code, _, rest = message.partition(" ")
        self.elsewhere = rest if self.code in ("MOVED", "ASK") else ""
        super().__init__(self.code)


class UnreachedError(StoreError):
    """Say that there was no connection, so that nothing was sent."""


def unanswered(answer: Any) -> StoreError:
    """Return what is to be said of an answer that is none."""
    return StoreError(
        f"Redis refused: {answer.code}" if isinstance(answer, Refused) else "Redis said what is no answer"
    )


#: Milliseconds that replicas have to confirm what they must have.
CONFIRM: Final = 400
#: Answers of a server that was a master.
DEMOTED: Final = frozenset({"READONLY", "MASTERDOWN"})


def sent(asked: Ask) -> Sequence[Command]:
    """Return what is sent to ask it."""
    return (
        [*asked.commands, (b"WAIT", b"%d" % asked.copies, b"%d" % CONFIRM)]
        if asked.copies
        else asked.commands
    )


def received(asked: Ask, answers: list[Any]) -> list[Any] | StoreError:
    """Return the answers to what was asked, or that it does not count."""
    if not asked.copies:
        return answers
    *answers, confirmed = answers
    if type(confirmed) is not int:
        return unanswered(confirmed)
    return (
        answers if confirmed >= asked.copies else StoreError("too few replicas of Redis confirmed it in time")
    )


_Outcome = TypeVar("_Outcome")
Plan = Generator[Ask, list[Any], _Outcome]

#: Commands that are sent together at most.
BATCH: Final = 500


def ask(commands: Sequence[Command], *, reading: bool = False, copies: int = 0) -> Plan[list[Any]]:
    """Return the answers to some commands; a script that Redis does not know is sent in full."""
    answers = yield Ask(commands, reading, copies)
    unknown = [
        place
        for place, answer in enumerate(answers)
        if isinstance(answer, Refused) and answer.code == "NOSCRIPT"
    ]
    if unknown:
        again = yield Ask([scripts.in_full(commands[place]) for place in unknown], reading, copies)
        for place, answer in zip(unknown, again, strict=True):
            answers[place] = answer
    for answer in answers:
        if isinstance(answer, Refused):
            raise StoreError(f"Redis refused: {answer.code}")
    return answers


def ask_in_batches(commands: Sequence[Command], *, reading: bool = False, copies: int = 0) -> Plan[list[Any]]:
    """Return the answers to any number of commands."""
    answers: list[Any] = []
    for start in range(0, len(commands), BATCH):
        answers += yield from ask(commands[start : start + BATCH], reading=reading, copies=copies)
    return answers
