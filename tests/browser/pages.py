"""The one application of this suite: a notebook with a form, some scripts, and whatever else a browser can be shown.

What it answers is decided here, once; serve.py carries it over ASGI and WSGI. It trusts everybody: what it is kept from
doing, secmw keeps it from.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from secmw.exchange import Exchange

#: What was written on each host: the proof that a request got in, or did not.
NOTES: Final[dict[str, list[str]]] = defaultdict(list)

HTML: Final = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Hold one request; ``exchange`` is None on hosts that are nobody's."""

    method: str
    host: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    exchange: Exchange | None

    @property
    def mark(self) -> str:
        """What the test called this request."""
        return parse_qs(self.query).get("mark", [""])[0]

    @property
    def gate(self) -> str:
        """What it is to wait for before it is answered."""
        return parse_qs(self.query).get("gate", [""])[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Hold one answer."""

    text: str
    kind: str = HTML
    status: int = 200
    cookies: tuple[str, ...] = ()
    location: str = ""


def respond(visit: Visit) -> Page:
    """Answer a request: any unsafe one writes a note, whatever its path; a path that nobody knows is an empty page."""
    if visit.method not in ("GET", "HEAD", "OPTIONS"):
        note = visit.mark or visit.body.decode("latin-1")
        NOTES[visit.host].append(note)
        return Page(text=page("Saved", f"<p id=saved>{len(visit.body)} bytes</p>"))
    return _PAGES.get(visit.path, empty)(visit)


def page(title: str, body: str, head: str = "") -> str:
    icon = '<link rel="icon" href="data:,">'  # or the browser asks for one, in the middle of a test
    return f"<!doctype html><title>{title}</title>{icon}{head}<body>{body}</body>"


def empty(_visit: Visit) -> Page:
    return Page(text=page("Empty", "<p id=here>Here I am.</p>"))


def notes(visit: Visit) -> Page:
    return _json(NOTES[visit.host])


def seen(visit: Visit) -> Page:
    return _json(dict(visit.headers))


def form(visit: Visit) -> Page:
    """Show a form with a token. ``?mark=`` marks what it will send, ``?multipart`` and ``?text`` change how."""
    token = "" if visit.exchange is None else visit.exchange.xsrf_token()
    kinds = {"multipart": "multipart/form-data", "text": "text/plain"}
    kind = next((kinds[word] for word in kinds if word in visit.query), "application/x-www-form-urlencoded")
    fields = (
        f'<input type=hidden name=xsrf_token value="{token}">'
        '<input name=note value="caf\u00e9 & = %">'
        "<input type=file name=file id=file hidden><button id=send>Send</button>"
    )
    return Page(
        text=page(
            "Form", f'<form method=post action="/notes?mark={visit.mark}" enctype="{kind}">{fields}</form>'
        )
    )


def own_cookie(_visit: Visit) -> Page:
    """Set a cookie as applications do: without a word about its protection."""
    return Page(text=page("Own cookie", ""), cookies=("own=application; Path=/",))


def scripts(visit: Visit) -> Page:
    """Show a page with scripts and styles of every kind; each leaves its name in ``data-ran`` if it runs."""
    nonce = "" if visit.exchange is None else visit.exchange.nonce
    ran = "document.documentElement.dataset.ran = (document.documentElement.dataset.ran || '') + ' "
    head = f"<script nonce='{nonce}' id=ours>{ran}nonce'</script><script>{ran}inline'</script>"
    body = (
        f"<script nonce='wrong'>{ran}guessed'</script>"
        f'<img src="data:," onerror="{ran}handler\'">'
        f"<style nonce='{nonce}'>#styled {{ color: rgb(1, 2, 3) }}</style>"
        "<style>#styled { margin-left: 7px }</style><p id=styled>Styled</p>"
        "<script src=/script.js></script>"
    )
    return Page(text=page("Scripts", body, head))


def script(_visit: Visit) -> Page:
    return Page(text="document.documentElement.dataset.ran += ' file';", kind="text/javascript")


def upload(_visit: Visit) -> Page:
    """Be what somebody uploaded as a text file."""
    return Page(text="document.documentElement.dataset.ran = 'upload';", kind="text/plain")


def uploaded(_visit: Visit) -> Page:
    return Page(text=page("Uploaded", "<script src=/upload.txt></script>"))


def data(_visit: Visit) -> Page:
    return _json({"secret": "for our own pages"})


def _json(value: object) -> Page:
    return Page(text=json.dumps(value), kind="application/json")


_PAGES: Final[Mapping[str, Callable[[Visit], Page]]] = {
    "/notes": notes,
    "/seen": seen,
    "/form": form,
    "/own-cookie": own_cookie,
    "/scripts": scripts,
    "/script.js": script,
    "/upload.txt": upload,
    "/uploaded": uploaded,
    "/data": data,
}
