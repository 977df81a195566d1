"""The page on which people see where they are signed in, and sign out there. Pure: records in, a reply out.

It shows no id that signs anybody in, and nothing of what a session holds.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from string import Template
from typing import TYPE_CHECKING, Final

from secmw.pages.agent import called
from secmw.pages.page import Markup, Page, filled

if TYPE_CHECKING:
    from secmw.http import Reply
    from secmw.sessions.record import Record

_PAGE: Final = Page("sessions", style="account", forms=True)

_ENTRY: Final = Template(
    '<li$current>\n<div>\n<h2 id="s$number">$agent</h2>\n$here'
    '<p class="small" id="t$number">Signed in $began$address; $seen.</p>\n<p class="small">$ends</p>\n</div>\n$way</li>\n'
)
_HERE: Final = Markup('<p class="here">This browser</p>\n')
_FORM: Final = Template(
    '<form method="post" action="$action"><input type="hidden" name="$field" value="$token">$more'
    "<button$label>$button</button></form>\n"
)
_END: Final = Template('<input type="hidden" name="end" value="$end">')
_TIME: Final = Template('<time datetime="$exact" title="$exact">$words</time>')
_LABEL: Final = Template(' id="b$number" aria-labelledby="b$number s$number t$number"')
_EVERYWHERE: Final = Template('<h2>Several at once</h2>\n<div class="ways">\n$others$all</div>\n')

#: What a person reads instead of a number of seconds: a unit's size, its name, and what is missing of it unnoticed.
_UNITS: Final = ((86_400, "day", 1_800), (3_600, "hour", 30), (60, "minute", 0.5), (1, "second", 0))

_LAST: Final = dt.datetime.max.replace(tzinfo=dt.UTC).timestamp()


def sessions_page(
    *,
    field: str,
    token: str,
    user: str,
    records: Sequence[Record],
    current: str,
    now: float,
    frame_ancestors: str | None = None,
) -> Reply:
    """Render the list: the session whose selector is ``current`` first, then what was used last.

    Its forms post ``field`` (the XSRF token): ``end`` (a selector, ``others`` or ``all``) to ``sessions``, or nothing more
    to ``sign-out``, for the session that looks at it. ``now`` is Unix seconds. ``frame_ancestors``: who may frame the
    page, nobody unless told.
    """
    ordered = sorted(records, key=lambda record: (record.selector != current, -record.seen))

    def form(action: str, button: str, end: str = "", label: str = "") -> Markup:
        more = filled(_END, end=end) if end else ""
        return filled(_FORM, action=action, field=field, token=token, button=button, more=more, label=label)

    entries = []
    for number, record in enumerate(ordered, start=1):
        here = record.selector == current
        label = filled(_LABEL, number=number)
        whose = record.identity
        entries.append(
            filled(
                _ENTRY,
                number=number,
                current=Markup(' aria-current="true"') if here else "",
                here=_HERE if here else "",
                agent=called(whose.agent),
                address=f" from {whose.address}" if whose.address else "",
                began=_past(whose.authenticated or record.created, now),
                seen="in use now" if here else filled(_SEEN, when=_past(record.seen, now)),
                ends=_ends(record, now),
                way=form("sign-out", "Sign out", label=label)
                if here
                else form("sessions", "Sign out", record.selector, label),
            )
        )
    others = sum(record.selector != current for record in ordered)
    return _PAGE.reply(
        200,
        "Where you are signed in",
        frame_ancestors=frame_ancestors,
        user=user,
        count="in this browser alone" if not others else f"in {len(ordered)} browsers",
        entries=Markup("".join(entries)),
        everywhere=filled(
            _EVERYWHERE,
            others=form("sessions", "Sign out everywhere else", "others"),
            all=form("sessions", "Sign out everywhere", "all"),
        )
        if others
        else "",
    )


_SEEN: Final = Template("last used $when")
_ENDS: Final = Template("Ends $last.")
_UNUSED: Final = Template("Ends $idle if it is not used, and $last in any case.")


def _ends(record: Record, now: float) -> Markup:
    if record.idle_until < record.expires:
        return filled(_UNUSED, idle=_ahead(record.idle_until, now), last=_ahead(record.expires, now))
    return filled(_ENDS, last=_ahead(record.expires, now))


def _past(when: float, now: float) -> Markup:
    """Say how long ago something was; clocks differ a little, and nothing is still to come."""
    return _time(when, lambda: "just now" if now - when < 1 else f"{spoken(now - when)} ago")


def _ahead(when: float, now: float) -> Markup:
    return _time(when, lambda: "now" if when - now < 1 else f"in {spoken(when - now)}")


def _time(when: float, say: Callable[[], str]) -> Markup:
    if not 0 <= when <= _LAST:
        return Markup("at no fixed time")
    exact = dt.datetime.fromtimestamp(int(when), dt.UTC).isoformat().removesuffix("+00:00") + "Z"
    return filled(_TIME, exact=exact, words=say())


def spoken(seconds: float) -> str:
    """Say a length of time in its largest unit; nearly eight hours are eight.

    >>> spoken(59), spoken(3_599), spoken(200_000)
    ('59 seconds', '1 hour', '2 days')
    """
    size, unit, near = next((row for row in _UNITS if seconds + row[2] >= row[0]), _UNITS[-1])
    count = int((seconds + near) // size)
    return f"{count} {unit}{'' if count == 1 else 's'}"
