"""X-DNS-Prefetch-Control (no standard; documented by MDN and the browsers)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from secmw.headers.base import WordHeader


@dataclass(frozen=True, slots=True, kw_only=True)
class DNSPrefetchControl(WordHeader):
    """Say whether browsers may look up the hosts of a page's links before anybody follows them.

    ``off`` protects from telling a name server, and whoever listens, which links a private page holds.

    >>> DNSPrefetchControl(value="off").render()
    'off'
    """

    name: ClassVar[str] = "X-DNS-Prefetch-Control"
    setting: ClassVar[str] = "dns_prefetch_control"
    words: ClassVar[tuple[str, ...]] = ("off", "on")
