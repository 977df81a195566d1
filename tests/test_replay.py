"""The WSGI input that was looked into: whatever is called on it, it behaves as if nobody had looked."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any
from wsgiref.validate import InputWrapper

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.replay import Replay

BODIES = st.lists(st.sampled_from([b"a", b"bc", b"\n", b"\r\n", b"\n\n", b"defghij"]), max_size=12).map(
    b"".join
)
SIZES = st.one_of(st.none(), st.integers(-2, 30))

CALLS = st.one_of(
    st.tuples(st.sampled_from(["read", "readline", "readlines"]), st.tuples()),
    st.tuples(st.sampled_from(["read", "readline", "readlines"]), st.tuples(SIZES)),
    st.tuples(st.just("next"), st.tuples()),
    st.tuples(st.just("iterate"), st.tuples()),
)


def call(source: Any, name: str, arguments: tuple[int | None, ...]) -> Any:
    if name == "next":
        return next(iter(source), b"")
    if name == "iterate":
        return list(source)
    return getattr(source, name)(*arguments)


@given(BODIES, st.integers(0, 40), st.lists(CALLS, max_size=10))
def test_it_reads_like_the_body_itself(
    body: bytes, cut: int, calls: list[tuple[str, tuple[int | None, ...]]]
) -> None:
    replay, plain = Replay(body[:cut], io.BytesIO(body[cut:])), io.BytesIO(body)
    for name, arguments in calls:
        assert call(replay, name, arguments) == call(plain, name, arguments), (name, arguments)
    assert replay.read() == plain.read()


def test_a_read_of_the_whole_length_gets_the_whole_body() -> None:
    """PEP 3333 applications read Content-Length bytes in one call and take a short answer for the end."""
    body = bytes(range(256)) * 400
    assert Replay(body[:65_537], io.BytesIO(body[65_537:])).read(len(body)) == body


def test_what_was_not_looked_at_is_left_to_the_server() -> None:
    """The size is passed on as it came: servers may count differently without one, and the validator wants one."""
    asked: list[tuple[str, tuple[int, ...]]] = []

    class Rest:
        def read(self, *size: int) -> bytes:
            asked.append(("read", size))
            return b""

        def readline(self, *size: int) -> bytes:
            asked.append(("readline", size))
            return b""

    for name in ("read", "readline"):
        replay: Callable[..., bytes] = getattr(Replay(b"", Rest()), name)
        replay()
        replay(-1)
        replay(5)
    assert asked == [
        *[("read", ()), ("read", (-1,)), ("read", (5,))],
        *[("readline", ()), ("readline", (-1,)), ("readline", (5,))],
    ]


def test_nothing_more_is_asked_of_the_server_than_the_application_asks() -> None:
    """It would wait for a slow client, or past the end of the body for ever."""

    class Silent:
        def read(self, size: int = -1, /) -> bytes:
            raise AssertionError("this would wait")

        def readline(self, size: int = -1, /) -> bytes:
            raise AssertionError("this would wait")

    replay = Replay(b"one\ntwo", Silent())
    assert replay.read(0) == b""
    assert replay.readline(2) == b"on"
    assert replay.readline() == b"e\n"
    assert replay.readline(3) == b"two"
    assert Replay(b"12345", Silent()).read(5) == b"12345"


@pytest.mark.parametrize("cut", [0, 2, 6])
def test_an_input_that_the_standard_librarys_validator_watches_is_read_by_its_rules(cut: int) -> None:
    """RB-07"""
    body = b"one\ntwo\nthree"

    def make() -> Any:
        watched: Any = InputWrapper(io.BytesIO(body[cut:]))
        replay: Any = Replay(body[:cut], watched)
        return InputWrapper(replay)

    assert make().read(-1) == body
    assert make().read(5) == body[:5]
    assert make().readline(-1) == b"one\n"
    assert make().readlines() == [b"one\n", b"two\n", b"three"]
    assert make().readlines(5) == [b"one\n", b"two\n"]


def test_many_small_reads_take_no_longer_than_the_body_is_long() -> None:
    body = b"x" * 65_536
    replay = Replay(body, io.BytesIO())
    assert b"".join(iter(lambda: replay.read(1), b"")) == body
