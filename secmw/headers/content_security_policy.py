"""Content-Security-Policy and Content-Security-Policy-Report-Only: the two headers that carry a policy.

What a policy may say is :mod:`secmw.headers.csp_grammar`'s part; nonces are made elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Self

from secmw.headers import csp
from secmw.headers.base import HeaderSettings
from secmw.headers.csp_grammar import NONCE, NONE, RETIRED
from secmw.headers.frame_options import frame_ancestors


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyHeader:
    """Hold a policy: directive to sources, as :func:`secmw.headers.csp.checked` allows them."""

    name: ClassVar[str]
    setting: ClassVar[str]
    https_only: ClassVar[bool] = False
    ignored: ClassVar[frozenset[str]] = frozenset()
    """Directives that browsers ignore in this header."""

    directives: Mapping[str, tuple[str, ...]]

    def __post_init__(self) -> None:
        directives = csp.checked(self.directives)
        for name in sorted(self.ignored & directives.keys()):
            raise ValueError(f"{name}: browsers ignore it in {self.name}; write it in csp")
        object.__setattr__(self, "directives", MappingProxyType(directives))

    @property
    def notices(self) -> tuple[str, ...]:
        """Name the directives that browsers gave up."""
        return tuple(
            f"{self.setting} names {name}: {why}" for name, why in RETIRED.items() if name in self.directives
        )

    @property
    def uses_nonce(self) -> bool:
        """Whether a directive asks for the nonce of the response."""
        return any(NONCE in sources for sources in self.directives.values())

    def render(self, nonce: str | None = None) -> str:
        """Write the policy with the nonce of the response; without one, ``'nonce'`` allows nothing.

        Raise ValueError for a nonce that is not base64.
        """
        return csp.serialize(self.directives, nonce)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentSecurityPolicy(PolicyHeader):
    """Tell the browser what a page may load, run, send and be framed by (W3C CSP Level 3).

    Protects from injected scripts, above all. The pseudo-source ``'nonce'`` stands for the nonce of the response;
    ``uses_nonce`` says whether there is one to make.

    >>> ContentSecurityPolicy(directives={"default-src": ("'self'",), "script-src": ("'nonce'",)}).render("MTIz")
    "default-src 'self'; script-src 'nonce-MTIz'"
    """

    name: ClassVar[str] = "Content-Security-Policy"
    setting: ClassVar[str] = "csp"

    @classmethod
    def of(cls, policy: HeaderSettings) -> Self | None:
        """Take ``csp``, with frame-ancestors from ``frame_options`` unless ``csp`` names its own."""
        directives = csp.checked(policy.csp or {})
        try:
            ancestors = frame_ancestors(policy.frame_options)
        except ValueError:
            # FrameOptions.of reports it, under its own setting. Until it is mended nobody may frame us.
            ancestors = (NONE,)
        if ancestors:
            directives.setdefault("frame-ancestors", ancestors)
        return cls(directives=directives) if directives else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentSecurityPolicyReportOnly(PolicyHeader):
    """Report what a policy would block, and block nothing (W3C CSP Level 3).

    Protects from breaking pages: send the next policy here, beside the one in force, and read the reports.

    >>> ContentSecurityPolicyReportOnly(directives={"img-src": ("'self'",), "report-to": ("csp",)}).render()
    "img-src 'self'; report-to csp"
    """

    name: ClassVar[str] = "Content-Security-Policy-Report-Only"
    setting: ClassVar[str] = "csp_report_only"
    ignored: ClassVar[frozenset[str]] = frozenset({"sandbox", "upgrade-insecure-requests"})

    @classmethod
    def of(cls, policy: HeaderSettings) -> Self | None:
        """Take ``csp_report_only`` as it is; None and an empty one send nothing."""
        directives = csp.checked(policy.csp_report_only or {})
        return cls(directives=directives) if directives else None
