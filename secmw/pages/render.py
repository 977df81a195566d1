"""Turn a refusal into the answer to send: problem+json (RFC 9457), or a small page for people.

The page holds nothing the request said. It names no version and no setting.
"""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING, Final

import msgspec

from secmw.http import Reply
from secmw.pages.negotiate import wants_html
from secmw.pages.page import Page, filled, guarded
from secmw.pages.words import words

if TYPE_CHECKING:
    from secmw.http import Refusal

_PAGE: Final = Page("refusal", style="refusal", forms=False)
_FIX: Final = Template("<p>$fix</p>\n")


def refusal(refusal: Refusal, *, accept: str, method: str, frame_ancestors: str | None = None) -> Reply:
    """Render a refusal in the format that ``accept`` (the request's Accept field, "" without one) prefers.

    HEAD gets the header fields of the page, Content-Length included, and no body. ``frame_ancestors`` is who may
    show the page in a frame, as a CSP source list; nobody unless told. The refusal's own headers come first.
    """
    location = any(name == "Location" for name, _ in refusal.headers)
    if location:
        kind, body = "text/plain; charset=utf-8", words(refusal.reason).detail.encode() + b"\n"
    elif wants_html(accept):
        kind, body = "text/html; charset=utf-8", _page(refusal)
    else:
        kind, body = "application/problem+json", _problem(refusal)
    headers = (*refusal.headers, *guarded(kind, body, _PAGE.csp + (frame_ancestors or "'none'")))
    return Reply(refusal.status, headers, b"" if method == "HEAD" else body)


def _page(refusal: Refusal) -> bytes:
    said = words(refusal.reason)
    fix = refusal.fix or said.fix
    return _PAGE.body(
        f"{refusal.status}: {said.title}",
        status=refusal.status,
        heading=said.title,
        detail=refusal.detail or said.detail,
        fix=filled(_FIX, fix=fix) if fix else "",
        reason=refusal.reason,
    )


def _problem(refusal: Refusal) -> bytes:
    said = words(refusal.reason)
    fix = refusal.fix or said.fix
    problem = {
        "type": f"urn:secmw:refusal:{refusal.reason}",
        "title": said.title,
        "status": refusal.status,
        "detail": refusal.detail or said.detail,
        "reason": str(refusal.reason),
    }
    if fix:
        problem["fix"] = fix
    if refusal.page:
        problem["page"] = refusal.page
    return msgspec.json.encode(problem)
