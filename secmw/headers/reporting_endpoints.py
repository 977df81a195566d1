"""Reporting-Endpoints (W3C Reporting API), a structured-field dictionary of names and URLs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Self

from secmw.headers.base import HeaderSettings
from secmw.headers.values import HOST, sf_key, sf_string, table, text

_EXAMPLE = '{"csp": "https://reports.example.org/csp"}'
_URL = re.compile(rf"(?:https://{HOST}(?::[0-9]{{1,5}})?(?:[/?][!-~]*)?|/(?:[!-.0-~][!-~]*)?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportingEndpoints:
    """Name the addresses to which browsers send their reports.

    A CSP's ``report-to`` uses these names. Reports tell of attacks, and of pages that a policy would break, before
    people do.

    >>> ReportingEndpoints(endpoints={"csp": "https://reports.example.org/csp"}).render()
    'csp="https://reports.example.org/csp"'
    """

    name: ClassVar[str] = "Reporting-Endpoints"
    setting: ClassVar[str] = "reporting_endpoints"
    https_only: ClassVar[bool] = False
    notices: ClassVar[tuple[str, ...]] = ()

    endpoints: Mapping[str, str]

    def __post_init__(self) -> None:
        endpoints = {sf_key(name): _url(name, url) for name, url in table(self.endpoints, _EXAMPLE).items()}
        object.__setattr__(self, "endpoints", MappingProxyType(endpoints))

    @classmethod
    def of(cls, policy: HeaderSettings) -> Self | None:
        """Take the table; None and an empty one send nothing."""
        endpoints = policy.reporting_endpoints
        return cls(endpoints=table(endpoints, _EXAMPLE)) if endpoints else None

    def render(self) -> str:
        """Write the dictionary, names in the order given."""
        return ", ".join(f"{name}={sf_string(url)}" for name, url in self.endpoints.items())


def _url(name: str, value: object) -> str:
    url = text(value)
    if not _URL.fullmatch(url):
        raise ValueError(
            f"{name}: {url!r} is no address browsers report to; write an https:// URL, or a path such as /reports"
        )
    return url
