"""Cross-Origin-Opener-Policy (HTML Living Standard)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from secmw.headers.base import WordHeader


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenerPolicy(WordHeader):
    """Cut the handle between our windows and those of other origins that open them or are opened.

    Protects from cross-site leaks through ``window.opener``, and keeps our pages out of other sites' processes.
    Sign-in by a pop-up of another origin needs ``same-origin-allow-popups``.

    >>> OpenerPolicy(value="same-origin").render()
    'same-origin'
    """

    name: ClassVar[str] = "Cross-Origin-Opener-Policy"
    setting: ClassVar[str] = "opener_policy"
    words: ClassVar[tuple[str, ...]] = (
        "same-origin",
        "same-origin-allow-popups",
        "noopener-allow-popups",
        "unsafe-none",
    )
