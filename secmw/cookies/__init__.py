"""Cookies: written to the letter of RFC 6265bis, found without parsing the rest, hardened, and twinned."""

from __future__ import annotations

from secmw.cookies.cookie import Cookie
from secmw.cookies.find import AMBIGUOUS, Ambiguity, Finder, WireFinder, every, finder, wire_finder
from secmw.cookies.grammar import SameSite
from secmw.cookies.harden import Hardening, Twins
from secmw.cookies.legacy import fold_twins, needs_twin, twin_of
from secmw.cookies.prefix import check_prefix, prefixed

__all__ = [
    "AMBIGUOUS",
    "Ambiguity",
    "Cookie",
    "Finder",
    "Hardening",
    "SameSite",
    "Twins",
    "WireFinder",
    "check_prefix",
    "every",
    "finder",
    "fold_twins",
    "needs_twin",
    "prefixed",
    "twin_of",
    "wire_finder",
]
