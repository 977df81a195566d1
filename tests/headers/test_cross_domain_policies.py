"""X-Permitted-Cross-Domain-Policies."""

from __future__ import annotations

from secmw.headers import CrossDomainPolicies
from tests.headers.settings import Settings


def test_the_recommended_value() -> None:
    """HD-01"""
    header = CrossDomainPolicies.of(Settings())
    assert header is not None
    assert (header.name, header.render()) == ("X-Permitted-Cross-Domain-Policies", "none")


def test_another_value_of_the_specification() -> None:
    header = CrossDomainPolicies.of(Settings(cross_domain_policies="master-only"))
    assert header is not None
    assert header.render() == "master-only"


def test_none_leaves_it_out() -> None:
    assert CrossDomainPolicies.of(Settings(cross_domain_policies=None)) is None
