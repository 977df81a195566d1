"""Cross-Origin-Resource-Policy."""

from __future__ import annotations

from secmw.headers import ResourcePolicy
from tests.headers.settings import Settings


def test_the_recommended_value() -> None:
    """HD-01"""
    header = ResourcePolicy.of(Settings())
    assert header is not None
    assert (header.name, header.render()) == ("Cross-Origin-Resource-Policy", "same-origin")


def test_another_value_of_the_specification() -> None:
    header = ResourcePolicy.of(Settings(resource_policy="cross-origin"))
    assert header is not None
    assert header.render() == "cross-origin"


def test_none_leaves_it_out() -> None:
    assert ResourcePolicy.of(Settings(resource_policy=None)) is None
