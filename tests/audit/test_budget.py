"""Of what strangers have refused, so much is recorded one by one, and the rest as a count."""

from __future__ import annotations

from collections import Counter, defaultdict
from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.audit import Event
from secmw.audit.budget import PERIOD, TOLD_APART, Budget, network

START = 1_750_000_000.0


def refused(at: float = 0.0, client: str = "203.0.113.9", reason: str = "xsrf_missing") -> Event:
    return Event(time=START + at, action="malicious_csrf", client=client, reason=reason, outcome="refused")


def counts(events: tuple[Event, ...]) -> list[int]:
    return [event.extra["count"] for event in events if event.action == "suppressed"]


# --- networks


@given(st.integers(0, 2**32 - 1))
def test_version_4_is_counted_by_24_bits(number: int) -> None:
    """AU-11"""
    address = IPv4Address(number)
    assert network(str(address)) == str(ip_network(f"{address}/24", strict=False))
    assert network(f"::ffff:{address}") == network(str(address))


@given(st.integers(2**64, 2**128 - 1))
def test_version_6_is_counted_by_64_bits(number: int) -> None:
    """AU-11: whoever has one address there has all of them."""
    address = IPv6Address(number)
    assert network(str(address)) == str(ip_network(f"{address}/64", strict=False))


@pytest.mark.parametrize(
    "client", ["", "unix", "unknown", "_hidden", "203.0.113.9:80", "fe80::1%eth0%1", "\0" * 9]
)
def test_what_is_no_address_is_one_network(client: str) -> None:
    assert network(client) in ("", "fe80::/64")


# --- allowances


def test_so_many_a_minute_then_none() -> None:
    """AU-11"""
    budget = Budget(3)
    taken = [budget.take(refused(at)) for at in range(10)]
    assert [len(events) for events in taken] == [1, 1, 1, 0, 0, 0, 0, 0, 0, 0]


def test_the_rest_is_one_count_when_the_minute_is_over() -> None:
    """AU-11"""
    budget = Budget(3)
    for at in range(10):
        budget.take(refused(at))
    assert budget.due(START + 59.9) == ()
    (count,) = budget.due(START + 60.0)
    assert count == Event(
        time=START + 60.0,
        action="suppressed",
        event_description="7 more of malicious_csrf (xsrf_missing)",
        client="203.0.113.0/24",
        outcome="refused",
        reason="xsrf_missing",
        extra={"count": 7, "action": "malicious_csrf", "since": START},
    )
    assert budget.due(START + 120.0) == ()
    assert len(budget) == 0


def test_the_next_refusal_brings_the_count_with_it() -> None:
    budget = Budget(1)
    budget.take(refused(0))
    budget.take(refused(1))
    count, event = budget.take(refused(61))
    assert counts((count,)) == [1]
    assert event == refused(61)


def test_nothing_is_said_of_what_was_within_the_allowance() -> None:
    budget = Budget(2)
    budget.take(refused(0))
    budget.take(refused(1))
    assert budget.due(START + 99) == ()


@pytest.mark.parametrize(
    "other",
    [
        refused(client="203.0.114.9"),
        refused(reason="cross_origin"),
        Event(time=START, action="request_refused", client="203.0.113.9", reason="xsrf_missing"),
    ],
)
def test_each_kind_and_each_network_has_its_own(other: Event) -> None:
    budget = Budget(1)
    budget.take(refused())
    assert budget.take(other) == (other,)
    assert budget.take(refused(client="203.0.113.77")) == ()


def test_nothing_may_be_allowed_at_all() -> None:
    budget = Budget(0)
    assert budget.take(refused()) == ()
    assert counts(budget.rest(START)) == [1]


def test_at_the_end_the_rest_is_said_before_its_time() -> None:
    budget = Budget(1)
    budget.take(refused(0))
    budget.take(refused(1))
    assert counts(budget.rest(START + 2)) == [1]
    assert budget.rest(START + 2) == ()


def test_a_clock_that_is_set_back_ends_the_minute() -> None:
    budget = Budget(1)
    budget.take(refused(3600))
    budget.take(refused(3601))
    count, event = budget.take(refused(0))
    assert counts((count,)) == [1]
    assert event.action == "malicious_csrf"


def test_memory_is_bounded_however_many_come() -> None:
    """AU-11"""
    budget = Budget(20)
    recorded = 0
    for number in range(20_000):
        client = str(IPv4Address(number << 8))
        recorded += len(budget.take(refused(0, client)))
    # Those that are not told apart any more have one allowance together.
    assert len(budget) == TOLD_APART + 1
    assert recorded == TOLD_APART + 20
    (count,) = budget.due(START + PERIOD)
    assert counts((count,)) == [20_000 - recorded]
    assert count.client == ""


def test_memory_is_bounded_though_the_reasons_were_a_clients() -> None:
    """AU-11"""
    budget = Budget(1)
    for number in range(3 * TOLD_APART):
        budget.take(refused(0, reason=f"r{number}"))
    assert len(budget) == 2 * TOLD_APART + 1
    (count,) = budget.rest(START)
    assert count.event_description == f"{TOLD_APART - 1} more of any kind"


@given(
    st.integers(0, 4),
    st.lists(
        st.tuples(
            st.integers(0, 40),
            st.sampled_from(["203.0.113.9", "203.0.113.10", "2001:db8::1", "2001:db8::2", "unix"]),
            st.sampled_from(["a", "b"]),
        ),
        max_size=60,
    ),
)
def test_every_refusal_is_recorded_or_counted_once(allowed: int, moves: list[tuple[int, str, str]]) -> None:
    """AU-11: none is lost, none is there twice, and no minute has more than its allowance."""
    budget = Budget(allowed)
    now = 0
    given: Counter[tuple[str, str]] = Counter()
    told: Counter[tuple[str, str]] = Counter()
    minutes: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for step, client, reason in moves:
        now += step
        given[network(client), reason] += 1
        for event in budget.take(refused(now, client, reason)):
            if event.action == "suppressed":
                told[event.client, event.reason] += event.extra["count"]
            else:
                told[network(client), reason] += 1
                minutes[network(client), reason].append(event.time)
    for event in budget.rest(START + now):
        told[event.client, event.reason] += event.extra["count"]
    assert told == given
    for times in minutes.values():
        # Windows begin with a first refusal, so any two of them side by side hold two allowances.
        assert all(
            later - earlier >= PERIOD for earlier, later in zip(times, times[2 * allowed :], strict=False)
        )
