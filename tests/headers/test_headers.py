"""What every header has in common, and the recommended defaults together."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from typing import Any

import pytest

import secmw.headers
from secmw.headers import HEADERS, Header
from tests.headers.settings import Settings

NOTHING = Settings(
    hsts=None,
    frame_options=None,
    content_type_sniffing=True,
    csp=None,
    csp_report_only=None,
    referrer_policy=None,
    permissions_policy=None,
    opener_policy=None,
    resource_policy=None,
    origin_agent_cluster=None,
    dns_prefetch_control=None,
    cross_domain_policies=None,
)


def sent(settings: Settings) -> dict[str, str]:
    return {header.name: header.render() for kind in HEADERS if (header := kind.of(settings))}


WATCHED = (
    "default-src 'self'; base-uri 'self'; font-src 'self' https: data:; form-action 'self'; img-src 'self' data:; "
    "object-src 'none'; script-src 'self'; script-src-attr 'none'; style-src 'self' https: 'unsafe-inline'"
)


def test_the_recommended_defaults_are_sent_in_this_order() -> None:
    """HD-01, CS-01"""
    assert list(sent(Settings()).items()) == [
        ("Strict-Transport-Security", "max-age=31536000"),
        ("X-Frame-Options", "DENY"),
        ("X-Content-Type-Options", "nosniff"),
        (
            "Content-Security-Policy",
            "base-uri 'self'; form-action 'self'; object-src 'none'; frame-ancestors 'none'",
        ),
        ("Content-Security-Policy-Report-Only", WATCHED),
        ("Referrer-Policy", "strict-origin-when-cross-origin"),
        ("Permissions-Policy", "browsing-topics=(), camera=(), geolocation=(), microphone=()"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Origin-Agent-Cluster", "?1"),
        ("X-DNS-Prefetch-Control", "off"),
        ("X-Permitted-Cross-Domain-Policies", "none"),
    ]


def test_the_recommended_defaults_have_nothing_to_say_at_start_up() -> None:
    assert [header.notices for kind in HEADERS if (header := kind.of(Settings()))] == [()] * 12


def test_every_header_can_be_left_out() -> None:
    assert sent(NOTHING) == {}


def test_no_header_that_browsers_gave_up_is_ever_ours() -> None:
    """HD-06"""
    names = {kind.name.lower() for kind in HEADERS}
    assert not names & {"x-xss-protection", "public-key-pins", "expect-ct", "feature-policy"}


def test_these_are_the_headers_and_the_settings_they_come_from() -> None:
    """HD-03: no name is there twice."""
    assert [(kind.name, kind.setting) for kind in HEADERS] == [
        ("Strict-Transport-Security", "hsts"),
        ("X-Frame-Options", "frame_options"),
        ("X-Content-Type-Options", "content_type_sniffing"),
        ("Content-Security-Policy", "csp"),
        ("Content-Security-Policy-Report-Only", "csp_report_only"),
        ("Referrer-Policy", "referrer_policy"),
        ("Permissions-Policy", "permissions_policy"),
        ("Cross-Origin-Opener-Policy", "opener_policy"),
        ("Cross-Origin-Embedder-Policy", "embedder_policy"),
        ("Cross-Origin-Resource-Policy", "resource_policy"),
        ("Origin-Agent-Cluster", "origin_agent_cluster"),
        ("X-DNS-Prefetch-Control", "dns_prefetch_control"),
        ("X-Permitted-Cross-Domain-Policies", "cross_domain_policies"),
        ("Reporting-Endpoints", "reporting_endpoints"),
        ("NEL", "nel"),
        ("Cache-Control", "cache_control"),
        ("Server", "server"),
    ]


def test_only_hsts_is_for_https_alone() -> None:
    assert [kind.name for kind in HEADERS if kind.https_only] == ["Strict-Transport-Security"]


@pytest.mark.parametrize("kind", HEADERS, ids=lambda kind: str(kind.name))
def test_a_header_is_a_frozen_slotted_keyword_only_value(kind: type[Header]) -> None:
    fields: Any = vars(kind)["__dataclass_fields__"]
    assert vars(kind)["__dataclass_params__"].frozen
    assert all(field.kw_only for field in fields.values() if "ClassVar" not in str(field.type))
    assert all("__slots__" in vars(base) for base in kind.__mro__[:-1])


@pytest.mark.parametrize("kind", HEADERS, ids=lambda kind: str(kind.name))
def test_a_header_reads_the_setting_it_names(kind: type[Header]) -> None:
    assert hasattr(Settings(), kind.setting)


def test_every_file_is_reachable_from_the_package() -> None:
    for module in pkgutil.iter_modules(secmw.headers.__path__):
        importlib.import_module(f"secmw.headers.{module.name}")
    assert set(secmw.headers.__all__) <= set(dir(secmw.headers))


def test_importing_the_headers_loads_nothing_heavy() -> None:
    heavy = "{'asyncio', 'difflib', 'flask', 'werkzeug'}"
    code = f"import sys, secmw.headers; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
