"""Referrer-Policy (W3C Referrer Policy)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Self

from secmw.headers.base import HeaderSettings
from secmw.headers.values import one_of, text, texts

POLICIES: Final = (
    "no-referrer",
    "no-referrer-when-downgrade",
    "same-origin",
    "origin",
    "strict-origin",
    "origin-when-cross-origin",
    "strict-origin-when-cross-origin",
    "unsafe-url",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferrerPolicy:
    """Decide how much of a page's address travels with requests made from it.

    Protects what stands in paths and queries (names, tokens, searches) from the sites a page links to. Of several
    ``policies`` a browser heeds the last that it knows, so an old one may stand first as a fallback.

    >>> ReferrerPolicy.parse("no-referrer, strict-origin-when-cross-origin").policies
    ('no-referrer', 'strict-origin-when-cross-origin')
    """

    name: ClassVar[str] = "Referrer-Policy"
    setting: ClassVar[str] = "referrer_policy"
    https_only: ClassVar[bool] = False
    notices: ClassVar[tuple[str, ...]] = ()

    policies: tuple[str, ...]

    def __post_init__(self) -> None:
        policies = texts(self.policies)
        if not policies:
            raise ValueError(
                "is empty; write strict-origin-when-cross-origin, or None to send no Referrer-Policy"
            )
        object.__setattr__(self, "policies", tuple(one_of(policy, POLICIES) for policy in policies))

    @classmethod
    def parse(cls, value: str) -> Self:
        """Read a comma-separated list of policies; raise ValueError for an unknown one."""
        return cls(policies=tuple(text(value).split(",")))

    @classmethod
    def of(cls, policy: HeaderSettings) -> Self | None:
        """Read the text; None sends nothing."""
        return None if policy.referrer_policy is None else cls.parse(policy.referrer_policy)

    def render(self) -> str:
        """Write the policies, the preferred one last."""
        return ", ".join(self.policies)
