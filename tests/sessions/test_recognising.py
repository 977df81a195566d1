"""Sessions that the memory of this process holds are recognised at a glance, and never longer than they live."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.errors import StoreError
from secmw.http import ASGI, WSGI, Wire
from secmw.plan import Plan
from secmw.sessions.identifier import TWO, SessionId, new_id
from secmw.sessions.recognising import Familiar, identified, met, unchanged
from secmw.sessions.record import Over
from secmw.sessions.writes import Create, End, Rotate, Touch, Update
from secmw.stores import MemoryStore
from secmw.testing import FrozenClock
from tests.sessions.making import DAY, IDLE, NOW, record, site

ID = new_id()


def plan(wire: Wire = ASGI) -> Plan:
    """Make a plan with sessions that nobody is familiar with yet."""
    found = site(wire).safe["/"]
    assert found.sessions is not None
    return replace(found, sessions=replace(found.sessions))


def header(id_: SessionId = ID, before: str = "theme=dark; ") -> bytes:
    return f"{before}__Host-id={id_}".encode()


def familiar(under: Plan) -> Familiar:
    assert under.sessions is not None
    return under.sessions.familiar


def holding(raw: bytes | None) -> Callable[[bytes], bytes | None]:
    return lambda selector: raw if selector == ID.selector.encode() else None


# --- what is recognised


@pytest.mark.parametrize("wire", [ASGI, WSGI], ids=["asgi", "wsgi"])
def test_a_session_in_use_is_recognised_with_its_id_the_first_time_and_the_second(wire: Wire) -> None:
    """SE-02"""
    under, raw = plan(wire), record("ann", id_=ID, seen=NOW)[1].pack()
    sent = wire.encode(header().decode())
    first, second = met(holding(raw), under, sent, NOW), met(holding(raw), under, sent, NOW + 1)
    assert first == second == (str(ID).encode(), raw)
    assert repr(familiar(under)) == "<Familiar 1>"


def test_nothing_is_remembered_of_whoever_is_not() -> None:
    """SE-02"""
    under, raw = plan(), record("ann", id_=ID, seen=NOW)[1].pack()
    forged = SessionId(ID.selector, new_id().verifier)
    stranger = new_id()
    for sent, found in ((header(forged), forged), (header(stranger), stranger)):
        assert met(holding(raw), under, sent, NOW) == (str(found).encode(), None)
    assert met(holding(raw), under, b"theme=dark", NOW) == (None, None)
    assert met(holding(raw), under, header() + b"; " + header(forged), NOW) == (TWO, None)
    assert repr(familiar(under)) == "<Familiar 0>"


def test_a_secret_that_was_never_right_is_not_recognised_beside_one_that_is() -> None:
    """SE-02: the memory answers for a whole header, not for a selector."""
    under, raw = plan(), record("ann", id_=ID, seen=NOW)[1].pack()
    forged = SessionId(ID.selector, new_id().verifier)
    assert met(holding(raw), under, header(), NOW)[1] == raw
    assert met(holding(raw), under, header(forged), NOW)[1] is None
    assert met(holding(raw), under, header(forged), NOW)[1] is None


def test_the_same_bytes_at_another_place_are_looked_at_anew() -> None:
    under = plan()
    _, made = record("ann", id_=ID, seen=NOW)
    assert met(holding(made.pack()), under, header(), NOW)[1] == made.pack()
    # Another store may hold what looks the same; only the very same bytes were judged.
    assert met(holding(made.pack()[:-1]), under, header(), NOW)[1] == made.pack()[:-1]
    assert met(holding(b""), under, header(), NOW)[1] is None


def test_a_header_that_is_known_is_good_for_the_very_same_bytes_while_they_are_ordinary() -> None:
    """SE-02, SE-05, SE-08"""
    under, raw = plan(), record("ann", id_=ID, seen=NOW)[1].pack()
    assert met(holding(raw), under, header(), NOW) == (str(ID).encode(), raw)
    known = familiar(under).get(header())
    assert known is not None
    assert unchanged(holding(raw), known, NOW) is raw
    for other in (None, b"", bytes(bytearray(raw))):
        assert unchanged(holding(other), known, NOW) is None
    for when in (NOW - 1, NOW + 61, NOW + IDLE, NOW + DAY):
        assert unchanged(holding(raw), known, when) is met(holding(raw), under, header(), when)[1] is None
    assert unchanged(None, known, NOW) is None

    def away(_: bytes) -> bytes | None:
        raise StoreError

    assert unchanged(away, known, NOW) is None


def test_who_has_the_bytes_already_asks_whether_they_are_the_same() -> None:
    """SE-02, SE-05, SE-08: as a store that is waited for hands them out."""
    under, raw = plan(), record("ann", id_=ID, seen=NOW)[1].pack()
    same = familiar(under).same
    assert not same(header(), raw, NOW)
    assert not same(header(), None, NOW)
    assert met(holding(raw), under, header(), NOW)[1] is raw
    assert same(header(), raw, NOW)
    assert not same(header(new_id()), raw, NOW)
    for other in (None, b"", bytes(bytearray(raw))):
        assert not same(header(), other, NOW)
    for when in (NOW - 1, NOW + 61, NOW + IDLE, NOW + DAY):
        assert same(header(), raw, when) is (met(holding(raw), under, header(), when)[1] is not None)


def test_limits_written_into_a_record_hold_under_rules_that_look_less_often() -> None:
    """SE-06: a class of paths may have a longer inactivity than the one that the session was made under."""
    under, raw = plan(), record(id_=ID, seen=NOW, inactivity=30)[1].pack()
    for _ in range(2):
        assert met(holding(raw), under, header(), NOW + 29)[1] == raw
        assert met(holding(raw), under, header(), NOW + 30)[1] is None


def test_use_that_is_to_be_noted_and_a_clock_that_ran_back_are_no_ordinary_requests() -> None:
    """SE-06, SE-10"""
    under, raw = plan(), record("ann", id_=ID, seen=NOW)[1].pack()
    for _ in range(2):
        assert met(holding(raw), under, header(), NOW + 59)[1] == raw
        assert met(holding(raw), under, header(), NOW + 60)[1] is None
        assert met(holding(raw), under, header(), NOW - 1)[1] is None


def test_a_store_that_is_away_is_left_to_who_may_say_so() -> None:
    """RB-01"""

    def away(_: bytes) -> bytes | None:
        raise StoreError("away")

    under, raw = plan(), record("ann", id_=ID, seen=NOW)[1].pack()
    assert met(away, under, header(), NOW) == (str(ID).encode(), None)
    assert met(holding(raw), under, header(), NOW)[1] == raw
    assert met(away, under, header(), NOW) == (str(ID).encode(), None)


def test_without_such_a_store_or_sessions_there_is_the_id_alone() -> None:
    assert met(None, plan(), header(), NOW) == (str(ID).encode(), None)
    bare = site(sessions=None).safe["/"]
    assert met(holding(b"x"), bare, header(), NOW) == (None, None)
    assert identified(bare, header()) is None


def test_an_id_is_found_without_a_look_at_what_is_behind_it() -> None:
    """SE-12"""
    under, raw = plan(), record("ann", id_=ID, seen=NOW)[1].pack()
    for _ in range(2):
        assert identified(under, header()) == str(ID).encode()
        assert identified(under, b"theme=dark") is None
        assert met(holding(raw), under, header(), NOW)[1] == raw


# --- what is remembered


def test_there_is_an_end_to_what_is_remembered() -> None:
    under, raw = plan(), record("ann", id_=ID, seen=NOW)[1].pack()
    for number in range(1500):
        assert met(holding(raw), under, header(before=f"n={number}; "), NOW)[1] == raw
    assert repr(familiar(under)) == f"<Familiar {1500 - 1024}>"
    met(holding(raw), under, header(before=f"n={'x' * 4096}; "), NOW)
    assert repr(familiar(under)) == f"<Familiar {1500 - 1024}>"


#: What may happen, and to which of two sessions, or how many seconds pass.
STEPS = st.one_of(
    st.tuples(st.just("ask"), st.integers(0, 5)),
    st.tuples(st.just("wait"), st.sampled_from([1, 59, 60, 61, IDLE, DAY])),
    st.tuples(st.sampled_from(["touch", "update", "rotate", "logout", "sign in"]), st.integers(0, 1)),
)


@given(st.lists(STEPS, max_size=40))
def test_who_is_familiar_is_told_what_a_stranger_is_told(steps: list[tuple[str, int]]) -> None:
    """Whatever happened to the session in between, with whichever of its secrets. (SE-02, SE-04, SE-06, SE-08)"""
    clock = FrozenClock(NOW)
    store = MemoryStore(clock=clock)
    knows = plan()
    ids = [[new_id()], [new_id()]]
    for (id_,) in ids:
        store.write(Create(record=record("ann", id_=id_, created=NOW)[1], user_id="ann"))
    for step, number in steps:
        now, mine = clock.now(), ids[number % 2]
        selector = mine[-1].selector
        match step:
            case "ask":
                sent = header(mine[-1 - number // 2 % len(mine)])
                strange = met(store.load_now, plan(), sent, now)
                known = familiar(knows).get(sent)
                assert known is None or unchanged(store.load_now, known, now) in (None, strange[1])
                kept = store.load_now(selector.encode())
                assert not familiar(knows).same(sent, kept, now) or strange[1] is kept
                assert met(store.load_now, knows, sent, now) == strange
            case "wait":
                clock.move(number)
            case "touch":
                store.write(Touch(selector=selector, at=now))
            case "update":
                store.write(Update(selector=selector, at=now, changes={"a": b"1"}))
            case "rotate":
                fresh = SessionId(selector, new_id().verifier)
                store.write(
                    Rotate(selector=selector, at=now, presented=mine[-1].digest, verifier=fresh.digest)
                )
                mine.append(fresh)
            case "logout":
                store.write(End(selector=selector, at=now, reason=Over.LOGGED_OUT))
            case _:
                mine.append(new_id())
                store.write(Create(record=record("ann", id_=mine[-1], created=now)[1], user_id="ann"))
