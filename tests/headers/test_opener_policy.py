"""Cross-Origin-Opener-Policy."""

from __future__ import annotations

from secmw.headers import OpenerPolicy
from tests.headers.settings import Settings


def test_the_recommended_value() -> None:
    """HD-01"""
    header = OpenerPolicy.of(Settings())
    assert header is not None
    assert (header.name, header.render()) == ("Cross-Origin-Opener-Policy", "same-origin")


def test_another_value_of_the_specification() -> None:
    header = OpenerPolicy.of(Settings(opener_policy="same-origin-allow-popups"))
    assert header is not None
    assert header.render() == "same-origin-allow-popups"


def test_none_leaves_it_out() -> None:
    assert OpenerPolicy.of(Settings(opener_policy=None)) is None
