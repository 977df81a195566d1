"""Secret keys: how they are written, what is derived from them, and that nobody sees them."""

from __future__ import annotations

import base64
import contextlib
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.keys import TAG_BYTES, KeyRing, Signer, decode_key, development_key, new_key

#: Random keys, which are never as monotonous as a key may not be.
KEYS = st.binary(min_size=32, max_size=80).filter(lambda key: len(set(key)) >= 8)


def written(key: bytes) -> str:
    return base64.b64encode(key).decode()


# --- how a key is written


def test_a_new_key_is_a_good_key_and_never_the_same() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(len(decode_key(key)) == 32 for key in keys)


@given(KEYS)
def test_both_base64_alphabets_are_read_with_padding_and_without(key: bytes) -> None:
    for text in (base64.b64encode(key).decode(), base64.urlsafe_b64encode(key).decode()):
        for form in (text, text.rstrip("="), f"  {text}\n"):
            assert decode_key(form) == key


@pytest.mark.parametrize("key", [b"", b"x" * 31, bytes(range(31))])
def test_a_short_key_is_refused(key: bytes) -> None:
    with pytest.raises(ValueError, match=r"too weak.*secmw keys new"):
        decode_key(written(key))


@pytest.mark.parametrize("key", [bytes(32), b"x" * 64, b"abc" * 20, bytes(range(7)) * 10])
def test_a_monotonous_key_is_refused(key: bytes) -> None:
    with pytest.raises(ValueError, match="too weak"):
        decode_key(written(key))


@given(st.text())
def test_any_text_is_a_good_key_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert len(decode_key(text)) >= 32


@pytest.mark.parametrize("text", ["changeme", "hunter2 hunter2", "a" * 45 + "!", "ключ", "====", "a"])
def test_what_is_not_base64_of_a_key_says_how_to_make_one(text: str) -> None:
    with pytest.raises(ValueError, match="secmw keys new") as caught:
        decode_key(text)
    assert text not in str(caught.value) or text == "a"


# --- tags


@given(KEYS, st.binary())
def test_a_tag_is_checked_by_the_key_that_made_it(key: bytes, message: bytes) -> None:
    signer = Signer([key[:32]])
    tag = signer.sign(message)
    assert len(bytes.fromhex(tag)) == TAG_BYTES
    assert signer.verify(tag.encode(), message)


@given(st.binary(), st.binary())
def test_two_messages_never_have_one_tag(one: bytes, other: bytes) -> None:
    """XS-01"""
    signer = Signer([bytes(32)])
    assert (signer.sign(one) == signer.sign(other)) == (one == other)


@pytest.mark.parametrize("place", [0, 2 * TAG_BYTES - 1])
def test_a_tag_changed_in_one_place_does_not_fit(place: int) -> None:
    signer = Signer([bytes(32)])
    tag = bytearray(signer.sign(b"x").encode())
    tag[place] ^= 1
    assert not signer.verify(bytes(tag), b"x")


@pytest.mark.parametrize(
    "tag", [b"", b"x", b"0" * (2 * TAG_BYTES - 1), b"0" * (2 * TAG_BYTES + 1), b"\xff" * 2 * TAG_BYTES]
)
def test_what_is_no_tag_does_not_fit(tag: bytes) -> None:
    """XS-08"""
    assert not Signer([bytes(32)]).verify(tag, b"x")


def test_a_tag_in_upper_case_does_not_fit() -> None:
    tag = Signer([bytes(32)]).sign(b"x").upper()
    assert any(character.isalpha() for character in tag)
    assert not Signer([bytes(32)]).verify(tag.encode(), b"x")


# --- rotation


@given(
    st.lists(KEYS, min_size=1, max_size=4, unique=True).flatmap(
        lambda keys: st.tuples(st.just(keys), st.permutations(keys))
    )
)
def test_every_key_of_a_ring_checks_in_whatever_order_they_stand(
    rings: tuple[list[bytes], list[bytes]],
) -> None:
    old, new = (KeyRing(map(written, ring)).signer("xsrf") for ring in rings)
    assert new.verify(old.sign(b"x").encode(), b"x")
    assert old.verify(new.sign(b"x").encode(), b"x")


def test_the_first_key_makes() -> None:
    first, second = new_key(), new_key()
    both = KeyRing([first, second]).signer("xsrf")
    assert KeyRing([first]).signer("xsrf").verify(both.sign(b"x").encode(), b"x")
    assert not KeyRing([second]).signer("xsrf").verify(both.sign(b"x").encode(), b"x")


def test_a_key_that_was_taken_out_checks_no_more() -> None:
    old, new = new_key(), new_key()
    tag = KeyRing([old]).signer("xsrf").sign(b"x").encode()
    assert KeyRing([new, old]).signer("xsrf").verify(tag, b"x")
    assert not KeyRing([new]).signer("xsrf").verify(tag, b"x")


def test_the_spelling_of_a_key_makes_no_difference() -> None:
    key = bytes(range(240, 256)) * 2 + bytes(range(8))
    one = KeyRing([base64.b64encode(key).decode()]).signer("xsrf")
    other = KeyRing([base64.urlsafe_b64encode(key).decode().rstrip("=")]).signer("xsrf")
    assert one.sign(b"x") == other.sign(b"x")


def test_a_tag_for_one_purpose_fits_no_other() -> None:
    ring = KeyRing([new_key()])
    assert not ring.signer("xsrf").verify(ring.signer("session").sign(b"x").encode(), b"x")


def test_the_secret_key_itself_signs_nothing() -> None:
    key = new_key()
    tag = Signer([decode_key(key)]).sign(b"x")
    assert not KeyRing([key]).signer("xsrf").verify(tag.encode(), b"x")


# --- nobody sees them


@pytest.mark.parametrize(("count", "shown"), [(1, "KeyRing(1 key)"), (2, "KeyRing(2 keys)")])
def test_a_ring_shows_how_many_keys_it_holds_and_none_of_them(count: int, shown: str) -> None:
    assert repr(KeyRing(new_key() for _ in range(count))) == shown


def test_a_signer_shows_no_key() -> None:
    key = new_key()
    shown = repr(KeyRing([key]).signer("xsrf"))
    assert key not in shown
    assert decode_key(key).hex() not in shown


# --- development


def test_the_development_key_is_made_once(tmp_path: Path) -> None:
    folder = tmp_path / ".secmw"
    key = development_key(folder)
    assert decode_key(key)
    assert development_key(folder) == key
    assert [path.name for path in folder.iterdir()] == ["development.key"]


def test_only_its_owner_may_read_the_development_key(tmp_path: Path) -> None:
    folder = tmp_path / ".secmw"
    development_key(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "development.key").stat().st_mode) == 0o600


def test_workers_that_start_together_share_one_development_key(tmp_path: Path) -> None:
    """None of them may find the file of another made but not yet written."""
    found: list[str] = []
    barrier = threading.Barrier(8)

    def worker() -> None:
        barrier.wait()
        found.append(development_key(tmp_path / ".secmw"))

    threads = [threading.Thread(target=worker) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert decode_key(found[0])


def test_a_development_key_left_empty_by_a_crash_is_no_key(tmp_path: Path) -> None:
    folder = tmp_path / ".secmw"
    folder.mkdir()
    (folder / "development.key").write_text("")
    with pytest.raises(ValueError, match="too weak"):
        decode_key(development_key(folder))


def test_each_purpose_has_a_key_of_each_secret_key() -> None:
    one, two = new_key(), new_key()
    ring = KeyRing([one, two])
    assert len(ring) == 2
    assert ring.derive("a") == KeyRing([one]).derive("a") + KeyRing([two]).derive("a")
    assert len({*ring.derive("a"), *ring.derive("b"), decode_key(one), decode_key(two)}) == 6
    assert {len(key) for key in ring.derive("a")} == {32}


def test_a_key_has_a_public_name_that_stays_and_tells_nothing_of_it() -> None:
    one, other = new_key(), new_key()
    names = KeyRing([one, other]).ids
    assert KeyRing([other, one]).ids == names[::-1]
    assert len(set(names)) == 2
    assert all(len(name) == 16 and name not in decode_key(one).hex() for name in names)
