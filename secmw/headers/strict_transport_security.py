"""Strict-Transport-Security (RFC 6797). This writes the header; that it goes out over HTTPS alone is the plan's part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from secmw.headers.base import HeaderSettings
from secmw.headers.values import seconds

_YEAR = 31_536_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StrictTransportSecurity:
    """Make browsers use HTTPS for this host from now on, whatever people type and links say.

    Protects the first request of every later visit, which a redirect from plain HTTP leaves open to whoever sits on
    the network. ``max_age`` is in seconds; 0 makes browsers forget. ``preload`` asks for a place in the list built
    into browsers (hstspreload.org), from which hardly anything returns, so it needs a year and all subdomains.

    >>> StrictTransportSecurity(max_age=31_536_000).render()
    'max-age=31536000'
    """

    name: ClassVar[str] = "Strict-Transport-Security"
    setting: ClassVar[str] = "hsts"
    https_only: ClassVar[bool] = True
    notices: ClassVar[tuple[str, ...]] = ()

    max_age: int
    include_subdomains: bool = False
    preload: bool = False

    def __post_init__(self) -> None:
        seconds(self.max_age, _YEAR)
        if self.preload and (self.max_age < _YEAR or not self.include_subdomains):
            raise ValueError(
                f"preload needs max_age of at least {_YEAR} and include_subdomains; or leave preload out"
            )

    @classmethod
    def of(cls, policy: HeaderSettings) -> Self | None:
        """Take the three parts of ``hsts``; None sends nothing."""
        hsts = policy.hsts
        if hsts is None:
            return None
        max_age = seconds(hsts.max_age, _YEAR)
        return cls(max_age=max_age, include_subdomains=hsts.include_subdomains, preload=hsts.preload)

    def render(self) -> str:
        """Write the directives in the order of the RFC's examples."""
        parts = [f"max-age={self.max_age}"]
        if self.include_subdomains:
            parts.append("includeSubDomains")
        if self.preload:
            parts.append("preload")
        return "; ".join(parts)
