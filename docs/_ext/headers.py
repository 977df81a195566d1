"""reference/headers.md: every response header, the setting that makes it, and what each preset sends."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Final

from _ext.markdown import code, plain
from secmw.compile import response_lines
from secmw.headers import HEADERS, ClearSiteData
from secmw.policy import Policy
from secmw.presets import PRESETS

#: A site to render the presets for; the key protects nothing.
SITE: Final[Mapping[str, Any]] = {
    "secret_keys": ["AcBFdJr4wMOsGxPvGpi0VONEjBOVMSM+lnbH5jVTxGg="],
    "public_url": "https://app.example.org",
    "sessions": None,
}


def policy(preset: str) -> Policy:
    """Make a policy with nothing but a preset's values."""
    site = {**SITE, "public_url": "http://localhost:8000"} if preset == "development" else SITE
    return Policy.from_mapping({**site, "preset": preset})


def sent() -> dict[str, dict[str, str]]:
    """Return what each preset sends: header name to preset to value; a nonce is written NONCE."""
    found: dict[str, dict[str, str]] = {}
    for preset in PRESETS:
        for line in response_lines(policy(preset), "NONCE"):
            found.setdefault(line.name, {})[preset] = line.value
    return found


def write() -> str:
    """Write a section for each header."""
    values = sent()
    kinds: tuple[Any, ...] = (*HEADERS, ClearSiteData)
    return "\n\n".join(_section(kind, values.get(kind.name, {})) for kind in kinds)


def _section(kind: Any, by_preset: Mapping[str, str]) -> str:
    about = inspect.getdoc(kind) or ""
    about = plain(about.partition(">>>")[0]).strip()
    lines = [
        f"## {kind.name}",
        "",
        about,
        "",
        f"- Setting: [{code(kind.setting)}](settings.md#{kind.setting})",
    ]
    if kind.https_only:
        lines.append("- Sent over HTTPS only, and never for localhost or an IP address")
    if kind is ClearSiteData:
        lines.append("- Sent at sign-out, which arrives with sessions")
        return "\n".join(lines)
    by_value: dict[str, list[str]] = {}
    for preset in PRESETS:
        by_value.setdefault(by_preset.get(preset, ""), []).append(preset)
    for value, presets in by_value.items():
        lines.append(f"- {', '.join(presets)}: {code(value) if value else 'not sent'}")
    return "\n".join(lines)
