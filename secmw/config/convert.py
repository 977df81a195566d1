"""Turn given values into the settings of a struct, finding every problem at once.

Conversion and type checks are msgspec's; this only walks field by field, because msgspec stops at the first error,
and adds the name of the setting and a did-you-mean.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any, Union

import msgspec

from secmw.errors import ConfigError, Problem

#: Settings whose value is never shown, not even in an error; the address of a store may hold a password.
SECRET = frozenset({"secret_keys", "store", "trail"})

# TOML and the environment have no null. "off" is a value of X-DNS-Prefetch-Control, so text fields spell it "omit".
_NOTHING = frozenset({"off", "omit"})


def convert(
    struct: type[msgspec.Struct], given: Mapping[str, Any], where: str = ""
) -> tuple[dict[str, Any], list[Problem]]:
    """Return the converted values of the fields named in ``given``, and what was wrong with the others.

    ``where`` is the dotted name of the part, with its dot (``"xsrf."``), for the problems.
    """
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    fields = field_types(struct)
    for name, value in given.items():
        if name not in fields:
            problems.append(Problem(f"{where}{name}", unknown(name, fields)))
            continue
        try:
            values[name] = freeze(one(fields[name], value, f"{where}{name}"))
        except ConfigError as error:
            problems.extend(error.problems)
        except (msgspec.ValidationError, ValueError, TypeError) as error:
            problems.append(problem(f"{where}{name}", value, str(error)))
    return values, problems


def one(kind: Any, value: Any, where: str) -> Any:
    """Convert one value to the type of its setting; raise ConfigError or msgspec.ValidationError."""
    options = options_of(kind)
    if type(None) in options:
        if value is None or value == "omit":
            return None
        if value is False and not {bool, str} & set(options):
            return None
        if str not in options and isinstance(value, str) and value in _NOTHING:
            return None
    part = part_of(kind)
    if part is not None and isinstance(value, part):
        # msgspec checks no types when a struct is made by hand.
        value = msgspec.structs.asdict(value)
    if part is not None and isinstance(value, Mapping):
        values, problems = convert(part, value, f"{where}.")
        if problems:
            raise ConfigError(problems)
        return part(**values)
    return msgspec.convert(value, kind, strict=False)


def options_of(kind: Any) -> tuple[Any, ...]:
    """Return the types that a setting may have."""
    return typing.get_args(kind) if typing.get_origin(kind) in (Union, types.UnionType) else (kind,)


def part_of(kind: Any) -> type[msgspec.Struct] | None:
    """Return the struct that a setting may be, or None for a flat one."""
    structs = (
        option
        for option in options_of(kind)
        if isinstance(option, type) and issubclass(option, msgspec.Struct)
    )
    return next(structs, None)


def inherit(kind: Any, part: Any, value: Any) -> Any:
    """Fill in what a part written as a mapping does not name from ``part``, its like elsewhere.

    A struct is whole as it is, and so is the value of a flat setting.

    >>> from secmw.config.settings import Hsts
    >>> inherit(Hsts | None, Hsts(include_subdomains=True), {"max_age": "30d"})
    {'max_age': '30d', 'include_subdomains': True, 'preload': False}
    """
    if part_of(kind) is None or not isinstance(value, Mapping):
        return value
    if isinstance(part, msgspec.Struct):
        part = msgspec.structs.asdict(part)
    return {**part, **value} if isinstance(part, Mapping) else value


def unknown(name: object, known: typing.Iterable[str]) -> str:
    """Say that a name is unknown, and which one was probably meant."""
    # Only a misspelt policy pays for loading it.
    import difflib

    near = difflib.get_close_matches(str(name), list(known), n=1, cutoff=0.6)
    return (
        f"is not a setting; did you mean {near[0]}?"
        if near
        else "is not a setting; see the settings reference"
    )


def problem(setting: str, value: Any, message: str) -> Problem:
    """Make a Problem that shows the value, unless it is a secret."""
    shown = repr(value)
    if setting.partition("[")[0] in SECRET or "secret" in shown:
        return Problem(setting, message)
    return Problem(setting, message, shown if len(shown) <= 120 else shown[:117] + "...")


def freeze(value: Any) -> Any:
    """Make lists into tuples, all the way down, so that a policy cannot change behind its back."""
    if isinstance(value, list | tuple):
        return tuple(freeze(item) for item in value)
    if isinstance(value, Mapping):
        return {key: freeze(item) for key, item in value.items()}
    return value


@cache
def field_types(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the public fields of a struct and their types."""
    hints = typing.get_type_hints(struct)
    return {name: hints[name] for name in struct.__struct_fields__ if not name.startswith("_")}
