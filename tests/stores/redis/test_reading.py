"""What is remembered of a session's bytes: never of another one, never what has changed, and not for long."""

from __future__ import annotations

import sys
import threading
from typing import Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.sessions import codec
from secmw.sessions.record import Over, tombstone
from secmw.stores.redis import reading
from secmw.stores.redis.layout import sealed, unsealed
from secmw.stores.redis.reading import Sessions
from tests.stores.redis.stepping import NOW, record


def bytes_of(number: int = 0, *, whose: int = 0, size: int = 0) -> bytes:
    """Return a session as Redis keeps it."""
    data = codec.join({"whose": codec.encode("whose", whose), "filling": codec.encode("filling", "x" * size)})
    return sealed(msgspec.structs.replace(record(number), data=data))


STONE: Final = tombstone(Over.LOGGED_OUT, NOW + 60)
SOUND: Final = [bytes_of(revision, whose=whose) for revision in range(2) for whose in range(3)]
LARGE: Final = bytes_of(size=3_000)
NONE: Final = [b"", b"\x01\x01", SOUND[0][:-1], SOUND[0][:-1] + b"!", SOUND[0] + b"\0", STONE + b"0"]


@given(
    st.lists(
        st.tuples(st.sampled_from([b"a", b"b", b"ab"]), st.sampled_from([None, STONE, LARGE, *SOUND, *NONE]))
    )
)
def test_whatever_was_read_before_each_answer_is_that_of_its_own_bytes(
    answers: list[tuple[bytes, bytes | None]],
) -> None:
    """SE-14, SE-17: and the same bytes under the same key are the same object, where they are a session."""
    sessions, last = Sessions(), dict[bytes, tuple[bytes | None, bytes | None]]()
    for key, raw in answers:
        # Redis answers with other objects each time.
        came = None if raw is None else bytes(bytearray(raw))
        kept = sessions.read(key, came)
        assert kept == (None if raw is None else unsealed(raw))
        if raw in SOUND and key in last and last[key][0] == raw:
            assert kept is last[key][1]
        last[key] = raw, kept
        living = sum(before in SOUND for before, _ in last.values())
        assert repr(sessions) == f"<Sessions {living}>"


@pytest.mark.parametrize("after", [None, STONE, b"", LARGE])
def test_nothing_stays_of_a_session_that_is_not_there_any_more_or_too_large(after: bytes | None) -> None:
    sessions = Sessions()
    sessions.read(b"a", SOUND[0])
    sessions.read(b"a", after)
    assert repr(sessions) == "<Sessions 0>"


def test_so_many_are_remembered_and_no_more() -> None:
    """RB-04"""
    sessions = Sessions()
    for number in range(reading._REMEMBERED):
        sessions.read(b"%d" % number, SOUND[0])
    assert repr(sessions) == f"<Sessions {reading._REMEMBERED}>"
    sessions.read(b"another", SOUND[0])
    assert repr(sessions) == "<Sessions 1>"


def test_what_they_hold_is_not_shown() -> None:
    sessions = Sessions()
    sessions.read(b"secret", bytes_of(size=20))
    assert "x" not in repr(sessions)
    assert "secret" not in repr(sessions)


def test_threads_that_read_at_once_each_get_what_they_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """SE-17: with room for a few only, so that they are in each other's way all the time."""
    monkeypatch.setattr(reading, "_REMEMBERED", 3)
    sessions, wrong = Sessions(), list[int]()

    def ask(person: int) -> None:
        for turn in range(2_000):
            raw = [SOUND[0], SOUND[3], STONE, None][(turn // 3 + person) % 4]
            if sessions.read(b"%d" % (turn % 5), raw) != (None if raw is None else unsealed(raw)):
                wrong.append(person)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=ask, args=(person,)) for person in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert wrong == []
    # Each thread may put one more there than there is room for.
    assert len(sessions._known) <= 3 + len(threads)
