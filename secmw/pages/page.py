"""What every page of ours is made of: one frame, a style, a policy of its own, and values that can't leave their place.

A page runs no script and loads nothing. It is whole without its style, and can be read on a phone and in the dark.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from string import Template
from typing import Final

from secmw.http import Reply

_HERE: Final = Path(__file__).parent


def _read(name: str) -> str:
    return (_HERE / name).read_text("utf-8")


class Markup(str):
    """Markup that is made already, of our own words and of values that were escaped."""

    __slots__ = ()


def filled(template: Template, **values: object) -> Markup:
    """Fill a template in; whatever is not markup already becomes text, in an element or in a quoted attribute.

    >>> filled(Template('<p title="$name">$name</p>'), name='<"Jane">')
    '<p title="&lt;&quot;Jane&quot;&gt;">&lt;&quot;Jane&quot;&gt;</p>'
    """
    # It brings two thousand names of characters: nobody waits for them before the first page.
    import html

    return Markup(
        template.substitute(
            {
                name: value if isinstance(value, Markup) else html.escape(str(value))
                for name, value in values.items()
            }
        )
    )


class Page:
    """Be one kind of page: ``<name>.html`` in the frame, styled by ``page.css`` and ``<style>.css``.

    ``forms``: whether it may send forms, to its own origin. ``main`` is what fills the frame, ``csp`` its policy up to
    who may frame it.
    """

    __slots__ = ("_frame", "_style", "csp", "main")

    def __init__(self, name: str, *, style: str, forms: bool) -> None:
        self._frame = Template(_read("page.html"))
        self._style = Markup(_read("page.css") + _read(f"{style}.css"))
        self.main = Template(_read(f"{name}.html"))
        digest = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        targets = "'self'" if forms else "'none'"
        self.csp = (
            f"default-src 'none'; style-src 'sha256-{digest}'; "
            f"base-uri 'none'; form-action {targets}; frame-ancestors "
        )

    def body(self, title: str, /, **values: object) -> bytes:
        """Write the page out; every value that is not :class:`Markup` is text."""
        main = filled(self.main, **values)
        whole = filled(self._frame, title=title, style=self._style, main=main)
        # A lone surrogate is no text that could be sent; nobody's name is worth a failure.
        return whole.encode("utf-8", "replace")

    def headers(self, body: bytes, frame_ancestors: str | None = None) -> tuple[tuple[str, str], ...]:
        """Return what describes and guards a body: nothing keeps it, and nobody frames it unless named."""
        return guarded("text/html; charset=utf-8", body, self.csp + (frame_ancestors or "'none'"))

    def reply(
        self, status: int, title: str, /, *, frame_ancestors: str | None = None, **values: object
    ) -> Reply:
        """Answer with the page."""
        body = self.body(title, **values)
        return Reply(status, self.headers(body, frame_ancestors), body)


def guarded(kind: str, body: bytes, csp: str) -> tuple[tuple[str, str], ...]:
    """Return the header fields that all our answers have."""
    return (
        ("Content-Type", kind),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        ("Content-Security-Policy", csp),
    )
