"""Cross-Origin-Resource-Policy (Fetch Standard)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from secmw.headers.base import WordHeader


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourcePolicy(WordHeader):
    """Keep other origins from loading our responses as their images, scripts or styles.

    Protects from reading them by side channels (Spectre, image sizes, script errors); CORS is a different question
    and stays as it was. A public CDN needs ``cross-origin``.

    >>> ResourcePolicy(value="same-origin").render()
    'same-origin'
    """

    name: ClassVar[str] = "Cross-Origin-Resource-Policy"
    setting: ClassVar[str] = "resource_policy"
    words: ClassVar[tuple[str, ...]] = ("same-origin", "same-site", "cross-origin")
