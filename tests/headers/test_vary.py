"""Merging Vary."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.headers import vary_with

NAMES = st.sampled_from(["Cookie", "cookie", "COOKIE", "Origin", "Accept-Encoding", "Sec-Fetch-Site"])
VALUES = st.none() | st.lists(NAMES | st.sampled_from(["", "*"])).map(" ,".join) | st.text(max_size=20)


@pytest.mark.parametrize(
    ("existing", "names", "merged"),
    [
        (None, ("Cookie",), "Cookie"),
        ("", ("Cookie", "Origin"), "Cookie, Origin"),
        ("Accept-Encoding", ("Cookie",), "Accept-Encoding, Cookie"),
        ("cookie", ("Cookie",), "cookie"),
        ("Cookie, COOKIE , Accept", ("Origin",), "Cookie, Accept, Origin"),
        ("*", ("Cookie",), "*"),
        ("Accept, *", ("Cookie",), "*"),
        (",Accept,,", (), "Accept"),
    ],
)
def test_names_are_added_once_whatever_their_case(
    existing: str | None, names: tuple[str, ...], merged: str
) -> None:
    """HD-08"""
    assert vary_with(existing, names) == merged


@given(VALUES, st.lists(NAMES))
def test_nothing_is_lost_and_nothing_is_there_twice(existing: str | None, names: list[str]) -> None:
    merged = [name.lower() for name in vary_with(existing, names).split(", ")]
    wanted = {name.strip(" \t").lower() for name in [*(existing or "").split(","), *names]} - {""}
    if "*" in wanted:
        assert merged == ["*"]
    else:
        assert set(merged) - {""} == wanted
        assert len(merged) == len(set(merged))


@given(VALUES, st.lists(NAMES))
def test_merging_twice_is_merging_once(existing: str | None, names: list[str]) -> None:
    once = vary_with(existing, names)
    assert vary_with(once, names) == once
