"""X-Content-Type-Options (Fetch Standard). One value and no options of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from secmw.headers.base import HeaderSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentTypeOptions:
    """Make browsers believe Content-Type instead of guessing.

    Protects from an upload that is served as text or an image and run as a script.

    >>> ContentTypeOptions().render()
    'nosniff'
    """

    name: ClassVar[str] = "X-Content-Type-Options"
    setting: ClassVar[str] = "content_type_sniffing"
    https_only: ClassVar[bool] = False
    notices: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def of(cls, policy: HeaderSettings) -> Self | None:
        """Send it unless ``content_type_sniffing`` is true."""
        return None if policy.content_type_sniffing else cls()

    def render(self) -> str:
        """Write the only value there is."""
        return "nosniff"
