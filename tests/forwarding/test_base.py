"""The walk along the proxies, and fields with a single value."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.forwarding import ForwardingError
from secmw.forwarding.base import Chain, pick, single
from secmw.http import Reason
from tests.forwarding.ask import CLIENT, JUNK, NODES, PROXY, SECOND, THIRD, TRUSTED


@given(st.lists(JUNK | NODES, min_size=1, max_size=4))
def test_the_short_way_for_one_hop_is_the_long_way(written: list[str]) -> None:
    chain = Chain(TRUSTED, 1)
    assert chain.follow_list(PROXY, written) == chain.follow(PROXY, reversed(",".join(written).split(",")))


@pytest.mark.parametrize(
    ("nodes", "taken"),
    [
        ([CLIENT, THIRD, SECOND], 1),
        ([SECOND, CLIENT, THIRD], 2),
        ([SECOND, THIRD, CLIENT, PROXY], 3),
        (["unknown", CLIENT], 1),
        ([SECOND, "a" * 100, CLIENT], 2),
    ],
)
def test_no_more_nodes_are_taken_than_are_needed(nodes: list[str], taken: int) -> None:  # PX-05
    asked: list[str] = []

    def nearest_first() -> Iterator[str]:
        for node in nodes:
            asked.append(node)
            yield node

    Chain(TRUSTED, 3).follow(PROXY, nearest_first())
    assert asked == nodes[:taken]


@given(st.lists(NODES, max_size=6), st.integers(1, 4))
def test_the_number_of_proxies_never_exceeds_the_hops(nodes: list[str], hops: int) -> None:  # PX-05
    client, walked = Chain(TRUSTED, hops).follow(PROXY, nodes)
    assert 1 <= walked <= hops
    assert client is not None


def test_the_chain_of_a_unix_socket_may_have_no_client() -> None:
    assert Chain(TRUSTED, 1).follow(None, ["unknown"]) == (None, 1)
    assert Chain(TRUSTED, 1).follow_list(None, ["unknown"]) == (None, 1)


@given(JUNK)
def test_one_value_alone_is_taken_as_it_is(value: str) -> None:
    assert pick([value], 3, "X") == value.strip(" \t")


@given(st.lists(st.sampled_from(["a", "b", " a", ""]), min_size=1, max_size=5), st.integers(1, 4))
def test_a_value_is_taken_only_if_no_other_could_be_meant(
    values: list[str], hops: int
) -> None:  # PX-06, PX-08
    bare = [value.strip() for value in values]
    try:
        taken = single(values, hops, "X")
    except ForwardingError as error:
        reason = error.reason
    else:
        assert taken == bare[0]
        assert len(bare) == hops or (len(bare) < hops and set(bare) == {taken})
        return
    assert reason is Reason.FORWARDED_AMBIGUOUS
    assert len(bare) > hops or len(set(bare)) > 1


@given(st.lists(JUNK, min_size=1, max_size=4), st.integers(1, 3))
def test_lines_and_commas_are_the_same_list(values: list[str], hops: int) -> None:  # PX-08
    """A WSGI server joins repeated lines; the answer must not depend on that."""

    def outcome(lines: list[str]) -> str:
        try:
            return single(lines, hops, "X")
        except ForwardingError as error:
            return repr(error)

    assert outcome(values) == outcome([",".join(values)])
