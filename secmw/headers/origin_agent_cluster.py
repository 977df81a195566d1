"""Origin-Agent-Cluster (HTML Living Standard), a structured-field boolean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from secmw.headers.base import HeaderSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginAgentCluster:
    """Ask the browser for a process per origin instead of one per site.

    Protects from Spectre and from ``document.domain`` across sibling hosts. It is a hint: browsers may ignore it.

    >>> OriginAgentCluster(keyed=True).render()
    '?1'
    """

    name: ClassVar[str] = "Origin-Agent-Cluster"
    setting: ClassVar[str] = "origin_agent_cluster"
    https_only: ClassVar[bool] = False
    notices: ClassVar[tuple[str, ...]] = ()

    keyed: bool

    def __post_init__(self) -> None:
        if not isinstance(self.keyed, bool):
            raise ValueError(f"{self.keyed!r} is not a boolean; write true or false")

    @classmethod
    def of(cls, policy: HeaderSettings) -> Self | None:
        """Take the boolean; None sends nothing."""
        return None if policy.origin_agent_cluster is None else cls(keyed=policy.origin_agent_cluster)

    def render(self) -> str:
        """Write the boolean as RFC 9651 section 3.3.6 does."""
        return "?1" if self.keyed else "?0"
