"""reference/presets.md: every preset, every value, and why, from secmw.presets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from _ext.markdown import code, table, toml
from secmw.headers.fingerprints import FINGERPRINTS
from secmw.policy import Policy
from secmw.presets import PRESETS, Row

HEAD: Final = ("setting", "value", "why")


def write() -> str:
    """Write a section for each preset."""
    return "\n\n".join(_section(name) for name in PRESETS)


def _section(name: str) -> str:
    rows, usual = PRESETS[name], PRESETS["recommended"]
    about = (getattr(Policy, name).__doc__ or "").partition("\n")[0].rstrip(".").replace("``", "`")
    text = (
        f"## {name}\n\n`Policy.{name}(...)`, or `preset = {toml(name)}`: {about[0].lower()}{about[1:]}.\n\n"
    )
    if name == "recommended":
        return text + table(HEAD, (row for setting in rows for row in _rows(setting, rows[setting])))
    changed = [setting for setting in rows if rows[setting] is not usual[setting]]
    text += "Where it differs from `recommended`:\n\n"
    text += table(
        HEAD, (row for setting in changed for row in _rows(setting, rows[setting], usual[setting].value))
    )
    text += "\n\n:::{dropdown} Every value\n\n"
    text += table(HEAD, (row for setting in rows for row in _rows(setting, rows[setting])))
    return f"{text}\n\n:::"


def _rows(setting: str, row: Row, usual: Any = None) -> Iterator[tuple[str, str, str]]:
    """Yield a row for a setting, or one for each field of a part; only those that differ from ``usual``, if given."""
    link = f"[{code(setting)}](settings.md#{setting})"
    if not isinstance(row.value, msgspec.Struct) or not row.value.__struct_fields__:
        yield link, _shown(setting, row.value), row.why
        return
    first = True
    for field in row.value.__struct_fields__:
        value = getattr(row.value, field)
        if isinstance(usual, msgspec.Struct) and getattr(usual, field) == value:
            continue
        yield (
            f"[{code(f'{setting}.{field}')}](settings.md#{setting})",
            _shown(field, value),
            row.why if first else "",
        )
        first = False


def _shown(setting: str, value: Any) -> str:
    if value is None:
        return "none"
    if value == FINGERPRINTS:
        return f"the {len(FINGERPRINTS)} names in `secmw.headers.FINGERPRINTS`"
    if isinstance(value, msgspec.Struct):
        return "on"
    if setting in ("csp", "csp_report_only"):
        return "<br>".join(code(" ".join((name, *sources))) for name, sources in value.items())
    if setting == "permissions_policy":
        return code(", ".join(f"{name}=({' '.join(allowed)})" for name, allowed in value.items()))
    if value in ((), {}):
        return "none"
    return code(toml(value))
