"""X-Permitted-Cross-Domain-Policies (Adobe Cross Domain Policy File Specification)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from secmw.headers.base import WordHeader


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossDomainPolicies(WordHeader):
    """Say which ``crossdomain.xml`` files Flash players and PDF readers may obey.

    ``none`` protects from a policy file that somebody uploaded.

    >>> CrossDomainPolicies(value="none").render()
    'none'
    """

    name: ClassVar[str] = "X-Permitted-Cross-Domain-Policies"
    setting: ClassVar[str] = "cross_domain_policies"
    words: ClassVar[tuple[str, ...]] = (
        "none",
        "master-only",
        "by-content-type",
        "by-ftp-filename",
        "all",
        "none-this-response",
    )
