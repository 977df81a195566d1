"""X-DNS-Prefetch-Control."""

from __future__ import annotations

from secmw.headers import DNSPrefetchControl
from tests.headers.settings import Settings


def test_the_recommended_value() -> None:
    """HD-01"""
    header = DNSPrefetchControl.of(Settings())
    assert header is not None
    assert (header.name, header.render()) == ("X-DNS-Prefetch-Control", "off")


def test_another_value_of_the_specification() -> None:
    header = DNSPrefetchControl.of(Settings(dns_prefetch_control="on"))
    assert header is not None
    assert header.render() == "on"


def test_none_leaves_it_out() -> None:
    assert DNSPrefetchControl.of(Settings(dns_prefetch_control=None)) is None
