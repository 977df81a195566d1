"""How a plan asks: scripts that Redis has forgotten, and answers that are errors."""

from __future__ import annotations

import re
from typing import Any

import pytest

from secmw.errors import StoreError
from secmw.stores.redis import scripts
from secmw.stores.redis.asking import CONFIRM, Ask, Refused, ask, ask_in_batches, received, sent


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


def test_what_replicas_must_have_is_followed_by_the_question_how_many_do() -> None:
    get = (b"GET", b"a")
    assert sent(Ask([get])) == [get]
    assert sent(Ask([get, get], copies=2)) == [get, get, (b"WAIT", b"2", b"%d" % CONFIRM)]


@pytest.mark.parametrize(
    ("confirmed", "said"),
    [
        (0, "too few"),
        (1, "too few"),
        (2, None),
        (3, None),
        (Refused("NOPERM x"), "NOPERM$"),
        (b"2", "no answer"),
        (None, "no answer"),
    ],
)
def test_what_too_few_replicas_confirm_has_no_answer(confirmed: Any, said: str | None) -> None:
    """SE-15: though the master has carried it out."""
    outcome = received(Ask([(b"GET", b"a")], copies=2), [b"x", confirmed])
    if said is None:
        assert outcome == [b"x"]
    else:
        assert isinstance(outcome, StoreError)
        assert re.search(said, str(outcome))
    assert received(Ask([(b"GET", b"a")]), [b"x"]) == [b"x"]


def test_a_script_that_is_sent_in_full_is_confirmed_too() -> None:
    calls = [scripts.END.call(b"a")]
    plan = ask(calls, copies=1)
    assert next(plan) == Ask(calls, copies=1)
    assert plan.send([Refused("NOSCRIPT")]) == Ask([scripts.in_full(calls[0])], copies=1)


def test_where_else_to_ask_is_kept_of_an_error_and_nothing_more() -> None:
    assert Refused("MOVED 5 host:7000").elsewhere == "5 host:7000"
    assert Refused("ERR secret").elsewhere == ""
    assert "secret" not in f"{Refused('ERR secret')!r}"
