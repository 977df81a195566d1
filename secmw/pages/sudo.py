"""The page that asks for the password once more. Pure: it checks nothing, and shows nothing of the request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from secmw.pages.page import Markup, Page

if TYPE_CHECKING:
    from secmw.http import Reply

_PAGE: Final = Page("sudo", style="account", forms=True)
_TITLE: Final = "Confirm that it's you"

_WRONG: Final = Markup('<p class="wrong" id="wrong" role="alert">That is not the password.</p>\n')
_MARKS: Final = Markup(' aria-invalid="true" aria-describedby="wrong"')


def sudo_page(
    *,
    field: str,
    token: str,
    user: str,
    next: str,  # noqa: A002 the field is called so
    wrong: bool = False,
    minutes: int,
    frame_ancestors: str | None = None,
) -> Reply:
    """Render the form: it posts ``field`` (the XSRF token), ``next`` and ``password`` to itself.

    ``user``: whose password is asked for, in their own words. ``wrong``: whether one was given that is not theirs; the
    answer is then 403. ``minutes``: how long the elevation will last, 0 for less than one. ``frame_ancestors``: who may
    frame the page, nobody unless told.
    """
    return _PAGE.reply(
        403 if wrong else 200,
        f"Not the password: {_TITLE}" if wrong else _TITLE,
        frame_ancestors=frame_ancestors,
        field=field,
        token=token,
        user=user,
        next=next,
        wrong=_WRONG if wrong else "",
        marks=_MARKS if wrong else "",
        period="less than a minute" if minutes < 1 else f"{minutes} minute{'s' if minutes != 1 else ''}",
    )
