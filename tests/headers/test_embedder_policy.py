"""Cross-Origin-Embedder-Policy."""

from __future__ import annotations

from secmw.headers import EmbedderPolicy
from tests.headers.settings import Settings


def test_it_is_left_out_unless_asked_for() -> None:
    """HD-02"""
    assert EmbedderPolicy.of(Settings()) is None


def test_another_value_of_the_specification() -> None:
    header = EmbedderPolicy.of(Settings(embedder_policy="require-corp"))
    assert header is not None
    assert header.render() == "require-corp"


def test_none_leaves_it_out() -> None:
    assert EmbedderPolicy.of(Settings(embedder_policy=None)) is None
