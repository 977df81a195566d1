"""What was asked for with ``set_expiry``, and when a session is over by it."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path
from typing import Any

import pytest

from secmw.sessions import codec
from secmw.sessions.record import Over, Record
from secmw.sessions.session import Session
from secmw_django.sessions.expiry import EXPIRY, asked, judged, mentioned, until
from secmw_django.sessions.place import place
from tests.adapters.secmw_django.people import site

_NOW = 1_750_000_000.0


@pytest.fixture
def rules(tmp_path: Path) -> Any:
    with site(
        "memory", tmp_path, SECMW={"sessions": {"lifetime": "1h", "inactivity": "30m", "persistent": True}}
    ):
        there = place()
        assert there is not None
        yield there.rules


def session(rules: Any, expiry: Any, seen: float = _NOW) -> Session:
    data = codec.join({EXPIRY: codec.encode(EXPIRY, expiry)})
    record = Record("s" * 22, 1, seen, seen, seen + 3_600, seen + 1_800, 1_800, b"v" * 32, data)
    return Session(rules, record, seen)


@pytest.mark.parametrize(
    ("expiry", "expected"),
    [
        (None, math.inf),
        (0, math.inf),
        (60, _NOW + 60),
        (-1, _NOW - 1),
        (dt.datetime.fromtimestamp(_NOW, dt.UTC).isoformat(), _NOW),
        (dt.datetime.fromtimestamp(_NOW, dt.UTC), _NOW),
        (dt.datetime.fromtimestamp(_NOW).isoformat(), _NOW),  # noqa: DTZ006 - without USE_TZ Django has no zones
        ("tomorrow", -math.inf),
        (["a list"], -math.inf),
    ],
)
def test_an_expiry_is_a_number_of_seconds_without_a_request_or_a_time(expiry: Any, expected: float) -> None:
    assert until(expiry, _NOW) == expected


def test_a_new_record_gets_the_limits_that_were_asked_for_and_never_longer_ones(rules: Any) -> None:
    assert asked(rules, None, _NOW) is rules
    assert not asked(rules, 0, _NOW).persistent
    short = asked(rules, 60, _NOW)
    assert (short.inactivity, short.lifetime, short.touch_every) == (60, 3_600, 6.0)
    long = asked(rules, 86_400, _NOW)
    assert (long.inactivity, long.lifetime) == (1_800, 3_600)
    soon = dt.datetime.fromtimestamp(_NOW + 90, dt.UTC).isoformat()
    assert (asked(rules, soon, _NOW).lifetime, asked(rules, soon, _NOW).inactivity) == (90, 1_800)
    late = dt.datetime.fromtimestamp(_NOW + 900_000, dt.UTC).isoformat()
    assert asked(rules, late, _NOW).lifetime == 3_600


def test_a_session_in_use_lives_on_though_it_is_used_seldom_for_so_short_an_expiry(rules: Any) -> None:
    quick, slow = session(rules, 60), session(rules, 60)
    assert judged(quick, _NOW + 5) is quick
    assert not quick.stale
    assert judged(slow, _NOW + 6) is slow
    assert slow.stale
    assert slow.pending


def test_who_comes_too_late_is_told_that_the_session_is_over_and_it_ends(rules: Any) -> None:
    left = judged(session(rules, 60), _NOW + 60)
    assert left.record is None
    assert left.over is Over.IDLE
    assert left.verdict == ("s" * 22, Over.REVOKED)
    by_time = dt.datetime.fromtimestamp(_NOW + 60, dt.UTC).isoformat()
    assert judged(session(rules, by_time), _NOW + 61).over is Over.EXPIRED


def test_a_clock_that_ran_back_revives_no_session(rules: Any) -> None:
    by_time = dt.datetime.fromtimestamp(_NOW + 60, dt.UTC).isoformat()
    assert judged(session(rules, by_time, seen=_NOW + 60), _NOW).record is None


def test_most_sessions_need_not_be_read_for_it() -> None:
    assert not mentioned(codec.join({"a": codec.encode("a", 1)}))
    assert mentioned(codec.join({EXPIRY: codec.encode(EXPIRY, 1)}))
