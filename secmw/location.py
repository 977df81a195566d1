"""Targets of redirects: to HTTPS, and back to where somebody was going. Pure; the host is never the request's to choose."""

from __future__ import annotations

from typing import Final

from secmw.hosts import parse_authority

_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
# What may stand in a path, and what may in a query, as browsers send it (URL Standard, percent-encode sets): a few
# bytes more than RFC 3986 allows, so that a query somebody signed comes back as it was. The backslash is missing on
# purpose: browsers take it for a slash.
_PATH = _UNRESERVED + b"/:@!$&'()*+,;=[]|"
_QUERY = _PATH + b"?^`{}"


def _table(kept: bytes) -> tuple[str, ...]:
    return tuple(chr(byte) if byte in kept else f"%{byte:02X}" for byte in range(256))


_RAW_PATH: Final = _table(_PATH + b"%")
_TEXT_PATH: Final = _table(_PATH)
_RAW_QUERY: Final = _table(_QUERY + b"%")


def https_location(authority: str, path: str | bytes, query: str | bytes = "") -> str:
    """Build ``https://authority/path?query`` so that it can mean nothing else to any reader of URLs.

    ``authority`` is ``host`` or ``host:port`` and comes from the policy or is on its list; text that is neither raises
    ValueError. ``path`` is best given as the bytes that came over the wire (ASGI ``raw_path``): every byte that may
    stand in a URL is kept, escapes included, and every other byte is percent-encoded. Given as text it is taken for
    decoded, so ``%`` is encoded too; bytes that were not UTF-8 are expected as ``surrogateescape`` leaves them (for
    WSGI: ``PATH_INFO.encode("latin-1").decode("utf-8", "surrogateescape")``); other surrogates raise ValueError.
    ``query`` is what came over the wire, bytes or latin-1 text, without its ``?``; nothing is decoded.

    The path never begins before the slash that follows the authority: leading slashes stay inside the path, and
    backslashes, control characters and non-ASCII cannot appear.

    >>> https_location("app.example.org", b"//evil.example/%5c", b"a=1&b[]=2")
    'https://app.example.org//evil.example/%5c?a=1&b[]=2'
    """
    host = parse_authority(authority).render("https")
    if isinstance(path, bytes):
        table, octets = _RAW_PATH, path
    else:
        table, octets = _TEXT_PATH, path.encode("utf-8", "surrogateescape")
    if not octets.startswith(b"/"):  # "*", an absolute form, or nothing at all
        octets = b"/" + octets
    target = f"https://{host}{''.join(map(table.__getitem__, octets))}"
    if not query:
        return target
    raw = query if isinstance(query, bytes) else query.encode("latin-1", "replace")
    return f"{target}?{''.join(map(_RAW_QUERY.__getitem__, raw))}"


def local_target(text: str) -> str:
    """Return a path of this site, query included, as a Location can hold it; ``/`` for whatever could lead elsewhere.

    Every byte that could make a browser see another host is refused or encoded: a second slash, a backslash, a tab or a
    line end that browsers drop, anything before the first slash.

    >>> local_target("/keys?new=1"), local_target("//evil.example"), local_target("https://evil.example")
    ('/keys?new=1', '/', '/')
    """
    path, mark, query = text.partition("?")
    if not path.startswith("/") or path.startswith("//") or not text.isprintable() or "\\" in path:
        return "/"
    octets = path.encode("utf-8", "surrogatepass")
    spelled = "".join(map(_RAW_PATH.__getitem__, octets))
    if not mark:
        return spelled
    return f"{spelled}?{''.join(map(_RAW_QUERY.__getitem__, query.encode('utf-8', 'surrogatepass')))}"
