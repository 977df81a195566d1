"""X-Content-Type-Options."""

from __future__ import annotations

from secmw.headers import ContentTypeOptions
from tests.headers.settings import Settings


def test_sniffing_is_forbidden_by_default() -> None:
    """HD-01"""
    header = ContentTypeOptions.of(Settings())
    assert header is not None
    assert (header.name, header.render()) == ("X-Content-Type-Options", "nosniff")


def test_sniffing_can_be_allowed() -> None:
    assert ContentTypeOptions.of(Settings(content_type_sniffing=True)) is None
