"""Boxes: what is sealed opens for us alone, in its own place, and is never anything else."""

from __future__ import annotations

import subprocess
import sys

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from hypothesis import given
from hypothesis import strategies as st

from secmw.sealer import OVERHEAD, Sealer, Unopened, key_id

ONE, TWO = bytes(range(32)), bytes(range(1, 33))
NEW = Sealer([TWO, ONE])
MESSAGES = st.binary(max_size=100)


@given(MESSAGES, st.binary(max_size=20), st.binary(max_size=20))
def test_what_is_sealed_opens(message: bytes, name: bytes, about: bytes) -> None:
    """SE-20: the first key seals, and all open"""
    for sealer in (NEW, Sealer([ONE])):
        box = sealer.scope(name).seal(about, message)
        assert len(box) == len(message) + OVERHEAD
        assert NEW.scope(name).open(about, box) == message
        assert NEW.newest(box) is (sealer is NEW)


@given(MESSAGES, st.data())
def test_a_box_with_another_bit_does_not_open(message: bytes, data: st.DataObject) -> None:
    box = bytearray(NEW.scope(b"scope").seal(b"about", message))
    box[data.draw(st.integers(0, len(box) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(Unopened):
        NEW.scope(b"scope").open(b"about", bytes(box))


@given(st.binary(max_size=60))
def test_what_is_no_box_does_not_open(box: bytes) -> None:
    with pytest.raises(Unopened):
        NEW.scope(b"").open(b"", box)


def test_a_box_opens_in_its_own_place_alone() -> None:
    box = NEW.scope(b"scope").seal(b"about", b"message")
    for name, about in (
        (b"scope", b"other"),
        (b"other", b"about"),
        (b"scopeabout", b""),
        (b"", b"scopeabout"),
    ):
        with pytest.raises(Unopened) as refused:
            NEW.scope(name).open(about, box)
        assert refused.value.key == ""


def test_the_key_that_is_missing_is_named() -> None:
    """SE-20: what was sealed with a key that is taken out is good for nothing"""
    box = Sealer([ONE]).scope(b"").seal(b"", b"message")
    with pytest.raises(Unopened) as refused:
        Sealer([TWO]).scope(b"").open(b"", box)
    assert refused.value.key == key_id(ONE).hex()
    assert refused.value.key in Sealer([TWO, ONE]).ids


def test_the_same_message_is_never_the_same_box() -> None:
    assert len({NEW.scope(b"").seal(b"", b"message") for _ in range(100)}) == 100


def test_each_scope_has_a_key_by_the_standard() -> None:
    """RFC 5869, 2.3, and NIST SP 800-38D: read back by other means"""
    box = NEW.scope(b"scope").seal(b"about", b"message")
    key = HKDFExpand(hashes.SHA256(), 32, b"scope").derive(TWO)
    head = b"\x01" + key_id(TWO)
    assert AESGCM(key).decrypt(box[5:17], box[17:], head + b"about") == b"message"


def test_nothing_else_loads_cryptography() -> None:
    program = (
        "import sys, secmw.stores, secmw.keys, secmw.stores.sealing; assert 'cryptography' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
