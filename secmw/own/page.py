"""Page: one address that we answer ourselves, and what a guard fetches before it can. Pure.

A page says what it needs; a guard fetches it, in this order: the form in the body, whether the password in it is right, the
sessions of the user. Then the page answers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from secmw.http import Reason, Refusal, Reply

if TYPE_CHECKING:
    from secmw.exchange import Exchange
    from secmw.sessions.record import Record

#: Bytes of a form of ours; a password is no essay.
FORM_LIMIT: Final = 16_384

NOT_FOUND: Final = Refusal(404, Reason.NOT_FOUND, "There is nothing at this address.")

MALFORMED: Final = Refusal(400, Reason.FORM_MALFORMED, "This form could not be read.")


@dataclass(slots=True)
class Visit:
    """Hold what a guard fetched for a page."""

    form: dict[str, str] = field(default_factory=dict)
    verified: bool = False
    records: Sequence[Record] = ()


Answer = Reply | Refusal
Handler = Callable[["Exchange", Visit], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Be one address below ``/_secmw/``; None for a method it does not have.

    ``there``: whether the policy has the page at all. ``signed_in``: whether only somebody who is signed in gets it.
    ``verifies``: whether its form holds a password to check; ``lists``: whether it shows sessions.
    ``superseded``: whether a session whose secret has just been replaced may still post to it; ``repeatable``: whether the
    token of a session that is over will do.
    """

    there: Callable[[Exchange], bool]
    get: Handler | None = None
    post: Handler | None = None
    signed_in: bool = False
    verifies: bool = False
    lists: bool = False
    superseded: bool = False
    repeatable: bool = False

    @property
    def methods(self) -> str:
        """The Allow header."""
        return ", ".join([*(["GET", "HEAD"] if self.get else []), *(["POST"] if self.post else [])])

    def handler(self, method: str) -> Handler | None:
        """Return what answers a method."""
        return self.get if method in ("GET", "HEAD") else self.post if method == "POST" else None


def not_allowed(page: Page) -> Refusal:
    """Refuse a method that a page does not have."""
    detail = f"This address answers {page.methods} only."
    return Refusal(405, Reason.METHOD_NOT_ALLOWED, detail, headers=(("Allow", page.methods),))


def see_other(location: str) -> Reply:
    """Send the browser on, with GET (RFC 9110 section 15.4.4)."""
    headers = (("Location", location), ("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", "0"))
    return Reply(303, headers)


def fields(body: bytes) -> dict[str, str] | None:
    """Read a form of ours; None for what no page of ours sends.

    >>> fields(b"password=p%20w&next=%2F")
    {'password': 'p w', 'next': '/'}
    """
    try:
        return dict(
            parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=20, errors="strict")
        )
    except ValueError:
        return None
