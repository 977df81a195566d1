"""Names: what the names in a session are called where it is kept, and which of them an application sees. Pure.

Several applications may keep their data in one session. Each has a namespace, and its names are kept as ``shop/cart``; those
that it shares as ``/theme``. A namespace holds no ``/``, so up to the first one a name says whose it is, whatever follows.
An application without a namespace has the session to itself, and its names are kept as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from secmw.sessions import codec

_Value = TypeVar("_Value")

_BETWEEN: Final = "/"

#: What a namespace may be.
NAMESPACE: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")


class Names(NamedTuple):
    """Hold how the data of a record become an application's names and values, and back.

    ``read`` decodes them, ``split`` leaves the values as they are written; both leave out what is another application's.
    ``stored`` says what a name is kept as, None where that is the name itself.
    """

    read: Callable[[bytes], dict[str, Any]]
    split: Callable[[bytes], dict[str, msgspec.Raw]]
    stored: Callable[[str], str] | None


#: Those of an application that has its sessions to itself.
PLAIN: Final = Names(codec.read, codec.split, None)


def names(namespace: str | None, shared: Collection[str] = ()) -> Names:
    """Return the names of one application, of which some are shared.

    >>> shop = names("shop", ["theme"])
    >>> [shop.stored(name) for name in ("cart", "theme", "wiki/page")]
    ['shop/cart', '/theme', 'shop/wiki/page']
    >>> shop.read(codec.join({name: codec.encode(name, 1) for name in ("shop/cart", "/theme", "wiki/page")}))
    {'cart': 1, 'theme': 1}
    """
    if namespace is None:
        return PLAIN
    prefix, common = f"{namespace}{_BETWEEN}", frozenset(shared)
    length = len(prefix)

    def stored(name: str) -> str:
        return _BETWEEN + name if name in common else prefix + name

    def mine(kept: Mapping[str, _Value]) -> dict[str, _Value]:
        found = {}
        for name, value in kept.items():
            if name.startswith(prefix):
                # What was this application's own before it was shared stays where it is, unseen.
                if name[length:] not in common:
                    found[name[length:]] = value
            elif name.startswith(_BETWEEN) and name[1:] in common:
                found[name[1:]] = value
        return found

    return Names(lambda data: mine(codec.read(data)), lambda data: mine(codec.split(data)), stored)


__all__ = ["NAMESPACE", "PLAIN", "Names", "names"]
