"""What a response header of ours is, and what it may ask of a policy.

Nothing here knows a header by name: a new one is a new file beside this one and a line in ``__init__.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

from secmw.headers.values import one_of


class HstsSettings(Protocol):
    """Describe Strict-Transport-Security as the settings table holds it."""

    @property
    def max_age(self) -> int | str: ...
    @property
    def include_subdomains(self) -> bool: ...
    @property
    def preload(self) -> bool: ...


class HeaderSettings(Protocol):
    """List the settings that headers read; a :class:`secmw.policy.Policy` has them, and a test's stub may."""

    @property
    def hsts(self) -> HstsSettings | None: ...
    @property
    def frame_options(self) -> str | Sequence[str] | None: ...
    @property
    def content_type_sniffing(self) -> bool: ...
    @property
    def csp(self) -> Mapping[str, Sequence[str]] | None: ...
    @property
    def csp_report_only(self) -> Mapping[str, Sequence[str]] | None: ...
    @property
    def referrer_policy(self) -> str | None: ...
    @property
    def permissions_policy(self) -> Mapping[str, Sequence[str]] | None: ...
    @property
    def opener_policy(self) -> str | None: ...
    @property
    def embedder_policy(self) -> str | None: ...
    @property
    def resource_policy(self) -> str | None: ...
    @property
    def origin_agent_cluster(self) -> bool | None: ...
    @property
    def dns_prefetch_control(self) -> str | None: ...
    @property
    def cross_domain_policies(self) -> str | None: ...
    @property
    def reporting_endpoints(self) -> Mapping[str, str] | None: ...
    @property
    def nel(self) -> Mapping[str, Any] | None: ...
    @property
    def cache_control(self) -> str | None: ...
    @property
    def clear_site_data(self) -> Sequence[str]: ...
    @property
    def server(self) -> str | None: ...


class Header(Protocol):
    """Be one response header: a value that was checked when it was made, and can be written down.

    ``name`` is the field name as documented, ``setting`` the policy field it comes from. ``https_only`` headers are
    left out over plain HTTP. ``notices`` are sentences to log at start-up: sent all the same, but worth knowing.
    """

    name: ClassVar[str]
    setting: ClassVar[str]
    https_only: ClassVar[bool]

    @property
    def notices(self) -> tuple[str, ...]: ...

    @classmethod
    def of(cls, policy: HeaderSettings) -> Self | None:
        """Make the header a policy asks for, or None where it asks for none; raise ValueError for a bad value."""
        ...

    def render(self) -> str:
        """Write the field value: latin-1 text without control characters."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WordHeader:
    """Be a header whose value is one word out of a fixed list, given in any case."""

    name: ClassVar[str]
    setting: ClassVar[str]
    words: ClassVar[tuple[str, ...]]
    https_only: ClassVar[bool] = False
    notices: ClassVar[tuple[str, ...]] = ()

    value: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", one_of(self.value, self.words))

    @classmethod
    def of(cls, policy: HeaderSettings) -> Self | None:
        """Take the word; None sends nothing."""
        value = getattr(policy, cls.setting)
        return None if value is None else cls(value=value)

    def render(self) -> str:
        """Write the word."""
        return self.value
