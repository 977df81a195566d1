"""One event as one line of text, whatever is in it. Pure; other formats belong here, beside this one."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from secmw.audit.event import Event

#: JSON escapes what is below the space. Some readers take these for line ends too, some terminals for commands, and some
#: editors show the text around the last ones in another order.
_HIDDEN: Final = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def json_line(event: Event, *, extended: bool = False) -> bytes:
    r"""Write the six fields that Posit's products write, all of them text; with ``extended`` the others too.

    >>> json_line(Event(id=7, time=0.0, user_id="42", user_description="Jane", action="web_sudo"))
    b'{"id":"7","time":"1970-01-01T00:00:00.000Z","user_id":"42","user_description":"Jane","action":"web_sudo","event_description":""}\n'
    """
    fields: dict[str, Any] = {
        "id": str(event.id),
        "time": event.when,
        "user_id": event.user_id,
        "user_description": event.user_description,
        "action": event.action,
        "event_description": event.event_description,
    }
    if extended:
        fields |= {
            "client": event.client,
            "selector": event.selector,
            "outcome": event.outcome,
            "reason": event.reason,
            "extra": event.extra,
        }
    line = msgspec.json.encode(fields)
    if not line.isascii() or b"\x7f" in line:
        line = _HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", line.decode()).encode()
    return line + b"\n"
