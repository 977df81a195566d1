"""Where settings are written: TOML, the environment, and the short forms people use for some of them.

This reads files and variables and returns plain mappings; what the values mean is decided elsewhere.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from secmw.config.convert import field_types, options_of, part_of, unknown
from secmw.errors import ConfigError, Problem

# Not "[::1]", which is a host.
_JSON = re.compile(r"""\s*(?:\{|\[\s*["\[{\]])""")


def shorthands(given: Mapping[str, Any]) -> dict[str, Any]:
    """Replace the short forms: ``hsts="forget"``, ``hsts="30d"``, a CSP as one text, ``xsrf=True``."""
    settings = dict(given)
    hsts = settings.get("hsts")
    if hsts == "forget":
        settings["hsts"] = {"max_age": 0}
    elif hsts is True or hsts == "on":
        settings["hsts"] = {}
    elif isinstance(hsts, str | int) and hsts not in ("off", "omit") and not isinstance(hsts, bool):
        settings["hsts"] = {"max_age": hsts}
    for name in ("xsrf", "sessions", "sudo", "audit"):
        if settings.get(name) is True or settings.get(name) == "on":
            settings[name] = {}
    for name in ("csp", "csp_report_only"):
        value = settings.get(name)
        if isinstance(value, str) and value not in ("off", "omit"):
            settings[name] = directives(value)
    if isinstance(settings.get("trusted_proxies"), str) and settings["trusted_proxies"] != "server":
        settings["trusted_proxies"] = [settings["trusted_proxies"]]
    if isinstance(settings.get("custom_headers"), Mapping):
        settings["custom_headers"] = list(settings["custom_headers"].items())
    if isinstance(settings.get("custom_headers"), list | tuple):
        settings["custom_headers"] = [
            ": ".join(map(str, entry)) if isinstance(entry, list | tuple) else entry
            for entry in settings["custom_headers"]
        ]
    return settings


def directives(text: str) -> dict[str, list[str]]:
    """Split a Content-Security-Policy written as one text into directives and sources."""
    found: dict[str, list[str]] = {}
    for part in text.split(";"):
        words = part.split()
        if words:
            found.setdefault(words[0].lower(), []).extend(words[1:])
    return found


def toml(path: Path) -> dict[str, Any]:
    """Read ``secmw.toml``, or the ``[tool.secmw]`` table of any other TOML file that has one."""
    # Most policies are no file, and its module takes a quarter as long to load as an interpreter.
    import tomllib

    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError([Problem("file", f"can't be read: {error.strerror}", str(path))]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError([Problem("file", f"is not TOML: {error}", str(path))]) from None
    inner = table.get("tool", {}).get("secmw") if isinstance(table.get("tool"), dict) else None
    if inner is not None:
        table = inner
    elif path.name == "pyproject.toml":
        raise ConfigError([Problem("file", "has no [tool.secmw] table", str(path))])
    if not isinstance(table, dict):
        raise ConfigError([Problem("file", "must hold a table under [tool.secmw]", str(path))])
    return table


def environment(environ: Mapping[str, str], prefix: str, struct: type[msgspec.Struct]) -> dict[str, Any]:
    """Collect ``PREFIX_NAME`` and ``PREFIX_PART__NAME`` variables as settings of ``struct``; raise for unknown ones."""
    settings: dict[str, Any] = {}
    problems: list[Problem] = []
    types = field_types(struct)
    for variable in sorted(environ):
        if not variable.startswith(prefix):
            continue
        name, _, inner = variable[len(prefix) :].lower().partition("__")
        if name not in types:
            meant = unknown(name, types)
            problems.append(Problem(variable, meant if "mean" not in meant else _as_variable(meant, prefix)))
            continue
        text = environ[variable]
        if not inner:
            settings[name] = _value(text, types[name], variable, problems)
            continue
        part = part_of(types[name])
        if part is None:
            problems.append(Problem(variable, f"{name} has no parts; write {prefix}{name.upper()}"))
            continue
        inside = settings.setdefault(name, {})
        kind = field_types(part).get(inner)
        if not isinstance(inside, dict):
            problems.append(
                Problem(variable, f"{prefix}{name.upper()} is written as well; write one of the two")
            )
        else:
            inside[inner] = _value(text, kind, variable, problems)
    if problems:
        raise ConfigError(problems)
    return settings


def _as_variable(message: str, prefix: str) -> str:
    head, _, name = message.rpartition(" ")
    return f"{head} {prefix}{name.rstrip('?').upper()}?"


def _value(text: str, kind: Any, variable: str, problems: list[Problem]) -> Any:
    """Turn the text of a variable into what its type wants; msgspec does the numbers and booleans later."""
    if _JSON.match(text):
        try:
            return msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeEncodeError) as error:
            problems.append(Problem(variable, f"is not JSON: {error}"))
            return None
    options = options_of(kind)
    listed = any(typing.get_origin(option) is Sequence for option in options)
    if listed and ("," in text or str not in options):
        return [item.strip() for item in text.split(",") if item.strip()]
    return text
