from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.requests import Request

from secmw.cli.demo.rendering import PAGES, form, limited


def request(*chunks: bytes) -> Request:
    messages = [
        {"type": "http.request", "body": chunk, "more_body": number < len(chunks)}
        for number, chunk in enumerate(chunks, start=1)
    ]

    async def receive() -> Any:
        return messages.pop(0)

    return Request({"type": "http", "method": "POST", "headers": []}, receive)


def test_a_small_body_is_read_whole() -> None:
    assert asyncio.run(limited(request(b"one ", b"two"))) == b"one two"


def test_of_a_large_one_the_beginning_is_read_and_no_more() -> None:
    sent = request(*[b"x" * 10_000] * 5)
    assert asyncio.run(limited(sent)) == b"x" * 16_384


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"name=jane&password=a+b%20c", {"name": "jane", "password": "a b c"}),
        (b"name=&name=second", {"name": ""}),
        (b"", {}),
        (b"name=%ff", {"name": "\ufffd"}),
        (b"\xff\xfe", {}),
    ],
)
def test_the_first_value_of_every_field_counts(body: bytes, fields: dict[str, str]) -> None:
    found = asyncio.run(form(request(body)))
    assert {name: value for name, value in found.items() if name.isascii()} == fields


def test_templates_escape_what_they_are_given() -> None:
    assert PAGES.from_string("{{ text }} {{ 61 | spoken }}").render(text="<b>") == "&lt;b&gt; 1 minute"
