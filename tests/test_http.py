"""Wires, refusals and the vocabulary of both."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from secmw.http import ASGI, SAFE_METHODS, TOKEN, WSGI, Reason, Refusal, Reply


def test_asgi_spells_names_in_lower_case_and_everything_in_bytes() -> None:
    assert ASGI.line("X-Frame-Options", "d\xe9ny") == (b"x-frame-options", b"d\xe9ny")


def test_wsgi_spells_native_strings_as_they_are() -> None:
    assert WSGI.line("X-Frame-Options", "d\xe9ny") == ("X-Frame-Options", "d\xe9ny")


def test_trace_and_connect_are_not_safe() -> None:
    assert sorted(SAFE_METHODS) == ["GET", "HEAD", "OPTIONS", "QUERY"]


@pytest.mark.parametrize("text", ["", "a b", "a:b", "a\n", "\xe9", "a;b", 'a"b', "a=b", "a,b", "a\0"])
def test_what_is_no_token(text: str) -> None:
    assert not TOKEN.fullmatch(text)


def test_a_token_is_what_a_name_may_be() -> None:
    assert TOKEN.fullmatch("X-XSRF_Token.1!#$%&'*+^`|~")


def test_a_reason_is_its_own_text() -> None:
    assert f"{Reason.XSRF_MISMATCH}" == "xsrf_mismatch"


def test_every_reason_is_lower_case_words() -> None:
    assert all(reason == reason.name.lower() for reason in Reason)


@pytest.mark.parametrize(
    ("value", "field"), [(Refusal(403, Reason.CROSS_ORIGIN, "No."), "status"), (Reply(204, ()), "body")]
)
def test_what_was_decided_cannot_be_changed(value: Any, field: str) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, field, 200)
