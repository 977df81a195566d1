"""Cache-Control (RFC 9111): the value for responses whose application gave none, and what to do to one it gave."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Self

from secmw.headers.base import HeaderSettings
from secmw.headers.values import field_value
from secmw.http import TOKEN

_QUOTED = r'"(?:[^"\\]|\\.)*+"'
_DIRECTIVE = re.compile(rf"{TOKEN.pattern}(?:=(?:{TOKEN.pattern}|{_QUOTED}))?")
# Possessive: a quote that never closes is found out in one pass.
_CLOSED = re.compile(rf'(?:[^"]|{_QUOTED})*+', re.DOTALL)
_MEMBERS = re.compile(rf'(?:[^",]|{_QUOTED})+', re.DOTALL)

#: What a directive becomes where the response is one person's, whatever its argument.
_PERSONAL = {"no-store": "no-store", "private": "private", "public": "no-store", "s-maxage": "no-store"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheControl:
    """Say who may keep a response, where the application did not say it.

    ``no-store, max-age=0`` protects what one person saw from the next at the same screen or proxy, and costs
    everything that caches save.

    >>> CacheControl(value="no-store, max-age=0").render()
    'no-store, max-age=0'
    """

    name: ClassVar[str] = "Cache-Control"
    setting: ClassVar[str] = "cache_control"
    https_only: ClassVar[bool] = False
    notices: ClassVar[tuple[str, ...]] = ()

    value: str

    def __post_init__(self) -> None:
        value = field_value(self.value)
        directives = [directive.strip() for directive in _members(value) or [""]]
        for directive in directives:
            if not _DIRECTIVE.fullmatch(directive):
                raise ValueError(
                    f"{directive!r} is not a cache directive; write them like no-store, max-age=0"
                )
        object.__setattr__(self, "value", ", ".join(directives))

    @classmethod
    def of(cls, policy: HeaderSettings) -> Self | None:
        """Take the text; None sends nothing."""
        return None if policy.cache_control is None else cls(value=policy.cache_control)

    def render(self) -> str:
        """Write the directives."""
        return self.value


# An application has few values, and this is asked for every response that sets a cookie.
@lru_cache(maxsize=256)
def hardened(value: str) -> str:
    """Return the Cache-Control an application gave, made safe for a response that is one person's alone.

    ``public`` and ``s-maxage`` become ``no-store``, and a ``private`` for some fields covers them all. Where nothing
    keeps shared caches out, ``private`` is added: RFC 9111 lets them store a response with Set-Cookie like any other.
    What cannot be read becomes ``no-store``.

    >>> hardened("public, max-age=600")
    'no-store, max-age=600'
    >>> hardened("max-age=600")
    'max-age=600, private'
    """
    kept: dict[str, None] = {}
    for member in _members(value) or []:
        name = member.partition("=")[0].strip().lower()
        kept[_PERSONAL.get(name, member.strip())] = None
    kept.pop("", None)
    if not kept:
        return "no-store"
    if "no-store" not in kept:
        kept["private"] = None
    return ", ".join(kept)


def _members(value: str) -> list[str] | None:
    """Split a list at the commas outside quotes; None where a quote never closes."""
    return _MEMBERS.findall(value) if _CLOSED.fullmatch(value) else None
