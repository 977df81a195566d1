"""X-Frame-Options, and the frame-ancestors the same setting stands for."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.headers import FrameOptions
from secmw.headers.frame_options import frame_ancestors
from tests.headers.settings import Settings


def header(frame_options: str) -> FrameOptions:
    made = FrameOptions.of(Settings(frame_options=frame_options))
    assert made is not None
    return made


def test_the_recommended_value_is_deny() -> None:
    """HD-01"""
    assert header("DENY").render() == "DENY"
    assert frame_ancestors("DENY") == ("'none'",)


def test_sameorigin_is_self_in_frame_ancestors() -> None:
    assert header("SAMEORIGIN").render() == "SAMEORIGIN"
    assert frame_ancestors("SAMEORIGIN") == ("'self'",)


@pytest.mark.parametrize("value", ["deny", " Deny\t", "sameorigin", "SameOrigin"])
def test_lower_case_is_brought_into_shape(value: str) -> None:
    assert header(value).render() == value.strip().upper()
    assert frame_ancestors(value) == frame_ancestors(value.strip().upper()) != ()


def test_none_sends_neither() -> None:
    assert FrameOptions.of(Settings(frame_options=None)) is None
    assert frame_ancestors(None) == ()


def test_origins_are_said_in_frame_ancestors_alone() -> None:
    origins = ("https://portal.example.org", "https://*.example.net", "http://localhost:3838")
    assert FrameOptions.of(Settings(frame_options=origins)) is None
    assert frame_ancestors(origins) == origins


def test_our_own_origin_may_stand_beside_others() -> None:
    assert frame_ancestors(["'self'", "https://portal.example.org"]) == (
        "'self'",
        "https://portal.example.org",
    )


@pytest.mark.parametrize(
    ("options", "fix"),
    [
        ((), "write DENY so that nobody may frame the page, or None so that anybody may"),
        (("self",), "needs single quotes around it; write \"'self'\""),
        (("'SELF'",), "write \"'self'\""),
        (("'none'",), "write frame_options = DENY"),
        (("none",), "write frame_options = DENY"),
        (("*",), "write scheme://host"),
        (("https://portal.example.org/",), "write scheme://host"),
        (("portal.example.org",), "write scheme://host"),
        (("https://portal.example.org; script-src *",), "write scheme://host"),
        (("https://a.example.org", 3), "is not a list of texts"),
        (3, "is not a list of texts"),
    ],
)
def test_a_bad_list_of_origins_is_refused_with_the_fix(options: tuple[str, ...], fix: str) -> None:
    """CS-04"""
    with pytest.raises(ValueError) as refused:
        FrameOptions.of(Settings(frame_options=options))
    assert fix in str(refused.value)


def test_any_other_text_is_sent_as_it_is_with_a_notice() -> None:
    verbatim = header("ALLOWALL")
    assert verbatim.render() == "ALLOWALL"
    assert frame_ancestors("ALLOWALL") == ()
    [notice] = verbatim.notices
    assert "browsers ignore it" in notice
    assert "write frame_options = DENY, SAMEORIGIN or a list of origins" in notice


@pytest.mark.parametrize(
    "value",
    [
        "ALLOW-FROM https://portal.example.org",
        "allow-from  https://portal.example.org",
        "https://portal.example.org",
    ],
)
def test_allow_from_gets_a_notice_with_the_origin_as_a_list(value: str) -> None:
    verbatim = header(value)
    assert verbatim.render() == value
    assert 'write frame_options = ["https://portal.example.org"]' in verbatim.notices[0]


@pytest.mark.parametrize("value", ["DENY", "sameorigin"])
def test_the_two_values_browsers_know_get_no_notice(value: str) -> None:
    assert header(value).notices == ()


@pytest.mark.parametrize("value", ["NONE", "none", ""])
def test_a_word_that_could_mean_both_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="could mean nobody or anybody; write DENY"):
        header(value)


def test_a_verbatim_value_can_not_split_the_response() -> None:
    """HD-04"""
    with pytest.raises(ValueError, match="one line"):
        header("DENY\r\nSet-Cookie: a=b")


@given(st.text(max_size=30) | st.lists(st.text(max_size=30), max_size=3))
def test_whatever_is_written_only_valueerror_is_raised(options: str | list[str]) -> None:
    with suppress(ValueError):
        FrameOptions.of(Settings(frame_options=options))
        assert all(source.isascii() and not set(source) & set(" ;,") for source in frame_ancestors(options))
