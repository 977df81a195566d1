"""How a plan asks: scripts that Redis has forgotten, and answers that are errors."""

from __future__ import annotations

from typing import Any

import pytest

from secmw.errors import StoreError
from secmw.stores.redis import scripts
from secmw.stores.redis.asking import Ask, Refused, ask, ask_in_batches


def test_only_the_scripts_that_redis_does_not_know_are_sent_in_full() -> None:
    calls = [scripts.TOUCH.call(b"a"), (b"GET", b"b"), scripts.END.call(b"c")]
    plan = ask(calls)
    assert next(plan) == Ask(calls)
    again = plan.send([Refused("NOSCRIPT No matching script."), b"value", [b"ended"]])
    assert again == Ask([scripts.in_full(calls[0])])
    with pytest.raises(StopIteration) as stopped:
        plan.send([[b"written"]])
    assert stopped.value.value == [[b"written"], b"value", [b"ended"]]


def test_of_an_answer_that_is_an_error_only_the_first_word_is_told() -> None:
    """The rest may repeat what was sent."""
    plan = ask([(b"AUTH", b"secret")])
    next(plan)
    with pytest.raises(StoreError) as caught:
        plan.send([Refused("ERR unknown command 'AUTH', with args beginning with: 'secret'")])
    assert str(caught.value) == "Redis refused: ERR"


def test_many_commands_are_sent_in_batches() -> None:
    plan: Any = ask_in_batches([(b"GET", b"%d" % number) for number in range(1_200)], reading=True)
    given = None
    for size in (500, 500, 200):
        asked = plan.send(given)
        assert asked.reading
        assert len(asked.commands) == size
        given = [command[1] for command in asked.commands]
    with pytest.raises(StopIteration) as stopped:
        plan.send(given)
    assert stopped.value.value == [b"%d" % number for number in range(1_200)]
