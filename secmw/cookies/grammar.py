"""The cookie grammar of RFC 6265bis, shared by the files that write cookies and those that read them.

- A *line* is what one Set-Cookie header carries: ``name=value``, then attributes, each after a ``;``.
- Blanks are SP and HTAB. They mean nothing around a name or an attribute, so they are trimmed there.
- Attribute names are case-insensitive; of two attributes with one name the last counts.
- An attribute value over 1024 octets is as good as not there.

Lines are read as browsers read them (section 5.6), which is more lenient than how we write them. This file decides
nothing and never uses ``http.cookies``, which lets CR LF through on some interpreters.
"""

from __future__ import annotations

import re
from typing import Final, Literal, get_args

SameSite = Literal["Lax", "Strict", "None"]

SAME_SITE: Final = get_args(SameSite)

BLANKS: Final = " \t"

#: Octets of name and value together that a browser keeps; it drops the whole cookie beyond that.
MAX_PAIR: Final = 4096

#: Octets of one attribute value that a browser reads; it drops the attribute beyond that.
MAX_ATTRIBUTE: Final = 1024

VALUE: Final = re.compile(r"[!#-+\--:<-\[\]-~]*")
"""Any number of cookie-octets: no blank, quote, comma, semicolon, backslash or control (use ``fullmatch``)."""

PATH: Final = re.compile(r"/[!-:<-~]*")
"""A path without blanks, which browsers would trim, or semicolons (use ``fullmatch``)."""

DOMAIN: Final = re.compile(r"(?!.{254})(?:(?!-)[0-9A-Za-z_-]{1,63}(?<!-)\.)*(?!-)[0-9A-Za-z_-]{1,63}(?<!-)")
"""A host name, without a leading or trailing dot (use ``fullmatch``)."""


def split_line(line: str) -> tuple[str, str, str]:
    """Split a Set-Cookie value into name, value and all that follows, the first ``;`` included.

    The name is trimmed; it is empty where the cookie has none. Nothing else is changed.

    >>> split_line("theme=dark; Path=/")
    ('theme', 'dark', '; Path=/')
    """
    pair, semicolon, rest = line.partition(";")
    name, equals, value = pair.partition("=")
    return name.strip(BLANKS) if equals else "", value, semicolon + rest


def read_attributes(attributes: str) -> dict[str, str]:
    """Read what :func:`split_line` left as a browser does: names in lower case, values trimmed.

    >>> read_attributes("; Path=/; SECURE; SameSite=Lax; samesite = None")
    {'path': '/', 'secure': '', 'samesite': 'None'}
    """
    read = {}
    for attribute in attributes.split(";")[1:]:
        name, _, value = attribute.partition("=")
        value = value.strip(BLANKS)
        if len(value) <= MAX_ATTRIBUTE:
            read[name.strip(BLANKS).lower()] = value
    return read
