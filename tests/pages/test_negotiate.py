from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.pages.negotiate import wants_html

CHROMIUM = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
    "application/signed-exchange;v=b3;q=0.7"
)
FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    "accept",
    [
        CHROMIUM,
        FIREFOX,
        "text/html",
        "TEXT/HTML",
        "text/*",
        " text/html \t; q=0.9 , application/json;q=0.8",
        "text/html;q=0.002, application/problem+json;q=0.001",
        "text/html;charset=utf-8",
        'text/html;title="a,b;q=0", application/json;q=0.5',
        # The closer range counts: application/problem+json itself is not wanted here, whatever else is.
        "text/html;q=0.5, application/problem+json;q=0.1, application/*",
        "*/*;q=0.1, text/html;q=0.2",
        # One unreadable range does not spoil the others.
        "application/json;q=high, text/html;q=0.1",
        "text/html;q=0, text/html",
    ],
)
def test_a_client_that_prefers_pages_gets_one(accept: str) -> None:
    assert wants_html(accept)


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "application/json, text/plain, */*",
        "application/json",
        "application/problem+json",
        "text/html, application/json",
        "text/html;q=0.4, application/json;q=0.5",
        "text/html;q=0",
        "text/html;q=0.0, */*",
        "text/html;q=1.5",
        "text/html;q=",
        "text/html;q=0.1234",
        "text/html;q=1e3",
        "text/html;q=nan",
        "text/html;q=-1",
        "image/png",
        "text",
        "/",
        ",,,;;;===",
        '"text/html"',
        '"text/html',
    ],
)
def test_everybody_else_gets_problem_json(accept: str) -> None:
    assert not wants_html(accept)


@given(st.text(alphabet=st.characters(max_codepoint=255)))
def test_any_field_gets_an_answer(accept: str) -> None:
    assert wants_html(accept) in {True, False}


WEIGHTS = st.integers(0, 1000).map(lambda thousandths: thousandths / 1000)


@given(html=WEIGHTS, json=WEIGHTS, first=st.booleans(), junk=st.sampled_from(["", "image/png", "x", ";q=1"]))
def test_the_larger_weight_decides_in_any_order(html: float, json: float, first: bool, junk: str) -> None:
    ranges = [f"text/html;q={html:.3f}", f"application/problem+json ; Q={json:.3f}"]
    accept = ", ".join([*(ranges if first else reversed(ranges)), junk])
    assert wants_html(accept) is (html > json)


@pytest.mark.parametrize("piece", ['"', '"\\"', ",", ";", ";q=", "text/html;", "text/html,", "\\", '"\\'])
def test_a_long_hostile_field_takes_linear_time(piece: str) -> None:
    started = time.thread_time()
    wants_html(piece * 60_000)
    assert time.thread_time() - started < 2
