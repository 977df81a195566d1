"""A policy's header settings, with the recommended defaults: what the tests here hand to ``Header.of``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Hsts:
    max_age: int = 31_536_000
    include_subdomains: bool = False
    preload: bool = False


def enforced() -> dict[str, Sequence[str]]:
    return {"base-uri": ("'self'",), "form-action": ("'self'",), "object-src": ("'none'",)}


def watched() -> dict[str, Sequence[str]]:
    return {
        "default-src": ("'self'",),
        "base-uri": ("'self'",),
        "font-src": ("'self'", "https:", "data:"),
        "form-action": ("'self'",),
        "img-src": ("'self'", "data:"),
        "object-src": ("'none'",),
        "script-src": ("'self'", "'nonce'"),
        "script-src-attr": ("'none'",),
        "style-src": ("'self'", "https:", "'unsafe-inline'"),
    }


def forbidden() -> dict[str, Sequence[str]]:
    return {"browsing-topics": (), "camera": (), "geolocation": (), "microphone": ()}


@dataclass(frozen=True, kw_only=True)
class Settings:
    hsts: Hsts | None = field(default_factory=Hsts)
    frame_options: str | Sequence[str] | None = "DENY"
    content_type_sniffing: bool = False
    csp: Mapping[str, Sequence[str]] | None = field(default_factory=enforced)
    csp_report_only: Mapping[str, Sequence[str]] | None = field(default_factory=watched)
    referrer_policy: str | None = "strict-origin-when-cross-origin"
    permissions_policy: Mapping[str, Sequence[str]] | None = field(default_factory=forbidden)
    opener_policy: str | None = "same-origin"
    embedder_policy: str | None = None
    resource_policy: str | None = "same-origin"
    origin_agent_cluster: bool | None = True
    dns_prefetch_control: str | None = "off"
    cross_domain_policies: str | None = "none"
    reporting_endpoints: Mapping[str, str] | None = None
    nel: Mapping[str, Any] | None = None
    cache_control: str | None = None
    clear_site_data: Sequence[str] = ("cache", "storage")
    server: str | None = None
