"""Headers whose value is one word of a fixed list."""

from __future__ import annotations

import pytest

from secmw.headers import (
    CrossDomainPolicies,
    DNSPrefetchControl,
    EmbedderPolicy,
    OpenerPolicy,
    ResourcePolicy,
)
from secmw.headers.base import WordHeader

WORDS = [OpenerPolicy, EmbedderPolicy, ResourcePolicy, DNSPrefetchControl, CrossDomainPolicies]


@pytest.mark.parametrize("kind", WORDS)
def test_every_word_of_the_list_is_written_as_it_is(kind: type[WordHeader]) -> None:
    assert [kind(value=word).render() for word in kind.words] == list(kind.words)


@pytest.mark.parametrize("kind", WORDS)
def test_a_word_may_be_given_in_any_case(kind: type[WordHeader]) -> None:
    assert [kind(value=word.upper()).render() for word in kind.words] == list(kind.words)


@pytest.mark.parametrize("kind", WORDS)
@pytest.mark.parametrize("value", ["", "nope", "none\r\nX: y", True, None])
def test_anything_else_is_refused(kind: type[WordHeader], value: str) -> None:
    """HD-04"""
    with pytest.raises(ValueError, match=r"write one of|did you mean|write it in quotes"):
        kind(value=value)
