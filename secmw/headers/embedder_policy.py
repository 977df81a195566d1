"""Cross-Origin-Embedder-Policy (HTML Living Standard)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from secmw.headers.base import WordHeader


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedderPolicy(WordHeader):
    """Load nothing from other origins that did not agree to it.

    With Cross-Origin-Opener-Policy it isolates the page, which protects its memory from Spectre. Off by default:
    ``require-corp`` breaks every image, script and frame of another origin that sends neither CORS nor
    Cross-Origin-Resource-Policy; ``credentialless`` loads them without cookies instead.

    >>> EmbedderPolicy(value="require-corp").render()
    'require-corp'
    """

    name: ClassVar[str] = "Cross-Origin-Embedder-Policy"
    setting: ClassVar[str] = "embedder_policy"
    words: ClassVar[tuple[str, ...]] = ("require-corp", "credentialless", "unsafe-none")
