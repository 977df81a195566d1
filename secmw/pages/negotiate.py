"""Which of our two formats a client would rather read (RFC 9110 section 12.5.1): a page, or problem+json.

Pure text, linear in the length of the field whatever it holds. It never refuses: what it cannot read, it skips.
"""

from __future__ import annotations

import re
from typing import Final

# The closing quote is optional so that a match never fails: one pass, even over a thousand open quotes.
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_WEIGHT: Final = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")

#: How closely a media range names each format; 0 does not name it at all.
_HTML: Final = {"text/html": 3, "text/*": 2, "*/*": 1}
_JSON: Final = {"application/problem+json": 4, "application/json": 3, "application/*": 2, "*/*": 1}


def wants_html(accept: str) -> bool:
    """Say whether an Accept field prefers a page to problem+json; a tie, or no field at all, does not.

    The range that names a format most closely gives its weight. Parameters other than ``q`` are not looked at.

    >>> wants_html("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
    True
    >>> wants_html("*/*"), wants_html("application/json, text/html;q=0.5"), wants_html("")
    (False, False, False)
    """
    html, json = (0, 0.0), (0, 0.0)
    if '"' in accept:
        accept = _QUOTED.sub("", accept)
    for part in accept.split(","):
        media, _, parameters = part.partition(";")
        media = media.strip(" \t").lower()
        for_html, for_json = _HTML.get(media, 0), _JSON.get(media, 0)
        if not for_html and not for_json:
            continue
        weight = _weight(parameters)
        if weight is None:
            continue
        # Of two equally close ranges the kinder one counts, in whatever order they come.
        html = max(html, (for_html, weight)) if for_html else html
        json = max(json, (for_json, weight)) if for_json else json
    return html[1] > json[1]


def _weight(parameters: str) -> float | None:
    """Read ``q`` from a media range's parameters: 1.0 where there is none, None where it is no weight."""
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip(" \t").lower() == "q":
            value = value.strip(" \t")
            return float(value) if _WEIGHT.fullmatch(value) else None
    return 1.0
