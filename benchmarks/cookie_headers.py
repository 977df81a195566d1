"""Cookie headers with our cookie: such as browsers send, and such as somebody makes to keep a parser busy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from secmw.sessions.identifier import TWO, new_id

NAME: Final = "__Host-id"
SMALL: Final = 8 * 1024
LARGE: Final = 64 * 1024

#: What our cookie holds.
VALUE: Final = str(new_id())
_OTHER: Final = str(new_id())
_COOKIE: Final = f"{NAME}={VALUE}"


def _repeated(text: str, size: int) -> str:
    return (text * (size // len(text) + 1))[:size]


#: To each shape, what makes a header of about so many characters, and what is to be found in it.
HOSTILE: Final[Mapping[str, tuple[Callable[[int], str], str | bytes | None]]] = {
    "other cookies, then ours": (lambda size: f"{_repeated('a=b; ', size)}; {_COOKIE}", VALUE),
    "semicolons, then ours": (lambda size: f"{_repeated(';', size)}{_COOKIE}", VALUE),
    "semicolons and spaces, then ours": (lambda size: f"{_repeated('; ', size)};{_COOKIE}", VALUE),
    "tabs and semicolons, then ours": (lambda size: f"{_repeated(';' + chr(9) * 2, size)};{_COOKIE}", VALUE),
    "spaces, then ours": (lambda size: f"{' ' * size}{_COOKIE}", VALUE),
    "equals signs, then ours": (lambda size: f"{'=' * size}; {_COOKIE}", VALUE),
    "quotes, then ours": (lambda size: f"{chr(34) * size}; {_COOKIE}", VALUE),
    "our cookie, again and again": (lambda size: _repeated(f"{_COOKIE}; ", size), VALUE),
    "two of ours, again and again": (lambda size: _repeated(f"{_COOKIE}; {NAME}={_OTHER}; ", size), TWO),
    "our name, again and again": (lambda size: _repeated(f"{NAME}=", size), None),
    "our name, no value": (lambda size: _repeated(f"{NAME}=;", size), None),
    "our name, bad values": (lambda size: _repeated(f"{NAME}=!; ", size), None),
    "our name, different bad values": (
        lambda size: "; ".join(f"{NAME}={number:066}" for number in range(size // 78)),
        None,
    ),
    "our name after spaces": (lambda size: _repeated(f"   {NAME}=", size), None),
    "our name after semicolons and spaces": (lambda size: _repeated(f";   {NAME}=", size), None),
    "our name as the end of others": (lambda size: _repeated(f"x{NAME}=1;", size), None),
    "our name as the start of others": (lambda size: _repeated(f"{NAME}x=1;", size), None),
    "half our name": (lambda size: _repeated(NAME[:-1], size), None),
    "names of twins": (
        lambda size: "; ".join(f"a{number}-legacy={number}" for number in range(size // 19)),
        None,
    ),
    "no separator": (lambda size: "x" * size, None),
    "a quote that stays open": (lambda size: f'{NAME}="{_repeated("a;", size)}', None),
    "a quoted value of backslashes": (lambda size: f'{NAME}="{_repeated(chr(92) * 2, size)}"', None),
    "a quoted value of octal escapes": (lambda size: f'{NAME}="{_repeated(chr(92) + "054", size)}"', None),
    "a quoted value of escaped quotes": (lambda size: f'{NAME}="{_repeated(chr(92) + chr(34), size)}"', None),
}


def ordinary(cookies: int) -> str:
    """Return a header of so many cookies; ours is the last."""
    return "; ".join([*(f"_ga_{number:02}=GS1.1.17000{number:05}" for number in range(cookies - 1)), _COOKIE])
