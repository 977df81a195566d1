from __future__ import annotations

from typing import cast

import pytest

from secmw.http import Reason
from secmw.pages.words import WORDS, Words, words


def test_every_reason_has_its_words() -> None:
    assert set(WORDS) == set(Reason)


@pytest.mark.parametrize("said", WORDS.values(), ids=WORDS)
def test_the_words_are_whole_sentences_for_people(said: Words) -> None:
    assert not said.title.endswith(".")
    assert said.detail.endswith(".")
    assert said.fix.endswith(".")
    assert "_" not in "".join(said), "a setting's name says nothing to a visitor"


def test_a_reason_without_words_still_gets_an_answer() -> None:
    assert words(cast("Reason", "unheard_of")).title == "This was not allowed"
