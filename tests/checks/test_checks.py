"""What checks have in common: an answer, and asking several in order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.checks import Answer, Check, Wants, all_of
from secmw.http import Reason, Refusal, Request
from tests.checks.asking import Ask

NO = Refusal(403, Reason.CROSS_ORIGIN, "No.")
ANSWERS: st.SearchStrategy[Answer] = st.sampled_from([None, NO, Wants.FORM, Wants.REPLY])


def saying(answer: Answer) -> Check:
    return lambda request: answer


@given(st.lists(ANSWERS, max_size=4))
def test_the_first_answer_counts(answers: list[Answer]) -> None:
    ask = all_of(tuple(map(saying, answers)))
    wanted = next((answer for answer in answers if answer is not None), None)
    assert (None if ask is None else ask(Ask())) is wanted


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_request_that_no_check_has_a_word_on_passes(count: int) -> None:
    ask = all_of((saying(None),) * count)
    assert ask is not None
    assert ask(Ask()) is None


@pytest.mark.parametrize("count", [2, 3])
def test_no_question_is_asked_after_an_answer(count: int) -> None:
    asked: list[Request] = []
    ask = all_of((saying(NO), *[asked.append] * (count - 1)))
    assert ask is not None
    assert ask(Ask()) is NO
    assert asked == []


def test_where_nothing_is_to_be_asked_there_is_no_check() -> None:
    assert all_of(()) is None


def test_one_check_is_itself() -> None:
    check = saying(NO)
    assert all_of((check,)) is check
