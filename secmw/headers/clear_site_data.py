"""Clear-Site-Data (W3C Clear Site Data). Sent at sign-out only, so it is not one of ``HEADERS``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Self

from secmw.headers.base import HeaderSettings
from secmw.headers.values import one_of, sf_string, texts

TYPES: Final = (
    "cache",
    "clientHints",
    "cookies",
    "executionContexts",
    "prefetchCache",
    "prerenderCache",
    "storage",
    "*",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearSiteData:
    """Make the browser throw away what it keeps for this origin.

    Protects the person who signs out from the next one at the same screen. ``cookies`` is left out of the default:
    it signs people out of every application of the domain, and eats cookies that the same response sets.

    >>> ClearSiteData(types=("cache", "storage")).render()
    '"cache", "storage"'
    """

    name: ClassVar[str] = "Clear-Site-Data"
    setting: ClassVar[str] = "clear_site_data"
    https_only: ClassVar[bool] = False

    types: tuple[str, ...]

    def __post_init__(self) -> None:
        types = (one_of(kind.strip('"'), TYPES) for kind in texts(self.types))
        object.__setattr__(self, "types", tuple(dict.fromkeys(types)))

    @classmethod
    def of(cls, policy: HeaderSettings) -> Self | None:
        """Take the list; an empty one sends nothing."""
        header = cls(types=texts(policy.clear_site_data))
        return header if header.types else None

    @property
    def notices(self) -> tuple[str, ...]:
        """Say what clearing all cookies does besides signing out."""
        if not {"cookies", "*"} & set(self.types):
            return ()
        notice = (
            "clear_site_data clears cookies: signing out here also signs people out of every other application "
            'of the domain; write ["cache", "storage"] unless that is meant'
        )
        return (notice,)

    def render(self) -> str:
        """Write the types as quoted strings."""
        return ", ".join(map(sf_string, self.types))
