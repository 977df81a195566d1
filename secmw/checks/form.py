"""Find one field in the first bytes of a form, so that its XSRF token is checked before the application runs.

This is not a form parser: it looks at names, decodes the one value asked for, and must never hold, copy or
judge the rest. Where two readers of the same bytes could disagree it refuses instead of guessing. Pure, and
linear in the length of the data whatever the data holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NoReturn
from urllib.parse import unquote_to_bytes

from secmw.http import Reason

_URLENCODED: Final = "application/x-www-form-urlencoded"
_MULTIPART: Final = "multipart/form-data"

#: The most characters a token may have; ours are much shorter.
_LONGEST: Final = 256
#: One character is at most four bytes, and each may be written as %XX.
_LONGEST_RAW: Final = _LONGEST * 4 * 3

# `; name=value` or `; name="value"`, as in Content-Type and Content-Disposition (RFC 9110 section 5.6.6).
_PARAMETER: Final = re.compile(
    rb"""[ \t]*+;[ \t]*+([!#$%&'*+\-.^_`|~0-9A-Za-z]++)=(?:"((?:[^"\\\r\n]|\\[^\r\n])*+)"|([^\s";]++))"""
)
_PARAMETERS_END: Final = re.compile(rb"[ \t]*+;?[ \t]*+\Z")
_QUOTED_PAIR: Final = re.compile(rb'\\(["\\])')
# RFC 2046 section 5.1.1; a space may not come last.
_BOUNDARY: Final = re.compile(rb"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")
# What may follow a delimiter: padding and the end of its line, or the mark that the form ends here.
_PART_FOLLOWS: Final = re.compile(rb"[ \t]*+\r\n")
_FORM_ENDS: Final = re.compile(rb"--[ \t]*+(\r\n)?")
_CUT: Final = re.compile(rb"-{0,2}[ \t]*+\r?\Z")
# A line that is folded, or holds half a line end, has no such form.
_HEADER_LINE: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]++):([^\r\n]*+)")
_UNENCODED: Final = (b"7bit", b"8bit", b"binary")
_BROKEN_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class FormError(Exception):
    """Say why a form gave no value: ``XSRF_MISSING``, ``FORM_TOO_LARGE`` or ``FORM_MALFORMED``."""

    def __init__(self, reason: Reason) -> None:
        self.reason = reason
        super().__init__(reason.value)


def is_form(content_type: str) -> bool:
    """Say whether a body of this type is a form that :func:`find_field` reads.

    ``text/plain`` forms are not: nobody else can read them reliably either.

    >>> is_form("Multipart/Form-Data; boundary=x"), is_form("text/plain"), is_form("")
    (True, False, False)
    """
    return _media_type(content_type) in (_URLENCODED, _MULTIPART)


def find_field(name: str, content_type: str, data: bytes, *, complete: bool) -> str:
    """Return the value of the field ``name`` in ``data``, the first bytes of a form body.

    ``complete`` says that ``data`` is the whole body; otherwise what may have been cut off at its end does
    not count. ``name`` is a token, as the settings demand. The same field twice is one field if both values
    are equal. In a multipart form only what comes before the first file counts.

    Raise FormError: ``XSRF_MISSING`` if the form has no such field, ``FORM_TOO_LARGE`` if the field is not in
    these first bytes, ``FORM_MALFORMED`` if they can't be decoded, or hold two values that differ or one of
    more than 256 characters. Values of other fields are not decoded, so they may be in any encoding; names
    are UTF-8.

    >>> find_field("xsrf_token", "application/x-www-form-urlencoded", b"a=1&xsrf_token=x%2By&b=2", complete=True)
    'x+y'
    >>> find_field("xsrf_token", "application/x-www-form-urlencoded", b"a=1&xsrf_token=x%2", complete=False)
    Traceback (most recent call last):
        ...
    secmw.checks.form.FormError: form_too_large
    """
    kind = _media_type(content_type)
    if kind == _URLENCODED:
        values = _urlencoded(name, data, complete)
    elif kind == _MULTIPART and data:
        values = _multipart(name, b"--" + _boundary(content_type), data, complete)
    else:
        values = iter(())
    found = next(values, None)
    if any(other != found for other in values):
        _malformed()
    if found is None:
        raise FormError(Reason.XSRF_MISSING if complete else Reason.FORM_TOO_LARGE)
    return found


def _malformed() -> NoReturn:
    raise FormError(Reason.FORM_MALFORMED)


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip(" \t").lower()


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        _malformed()


def _value(text: str) -> str:
    if len(text) > _LONGEST:
        _malformed()
    return text


# --- application/x-www-form-urlencoded


def _urlencoded(name: str, data: bytes, complete: bool) -> Iterator[str]:
    if not complete:
        # The last pair may have been cut.
        data = data[: max(data.rfind(b"&"), 0)]
    for pair in data.split(b"&"):
        key, _, value = pair.partition(b"=")
        if pair and _unescape(key) == name:
            if len(value) > _LONGEST_RAW:
                _malformed()
            yield _value(_unescape(value))


def _unescape(raw: bytes) -> str:
    if b"%" in raw:
        if _BROKEN_ESCAPE.search(raw):
            _malformed()
        # `+` first: an escaped one stands for itself.
        return _text(unquote_to_bytes(raw.replace(b"+", b" ")))
    return _text(raw.replace(b"+", b" "))


# --- multipart/form-data (RFC 7578, RFC 2046 section 5.1)


def _boundary(content_type: str) -> bytes:
    _, semicolon, parameters = content_type.partition(";")
    # Whatever the text holds, this does not fail, and no boundary may have what is not ASCII.
    raw = (semicolon + parameters).encode("utf-8", "surrogatepass")
    boundary = _parameters(raw).get(b"boundary", b"")
    if not _BOUNDARY.fullmatch(boundary):
        _malformed()
    return boundary


def _multipart(name: str, delimiter: bytes, data: bytes, complete: bool) -> Iterator[str]:
    """Yield the value of each part of that name before the first file."""
    _, head = _delimiter(delimiter, data, 0, complete)
    while head >= 0:
        blank = data.find(b"\r\n\r\n", head)
        if blank < 0:
            if complete:
                _malformed()
            return
        field = _part_name(data[head:blank], delimiter)
        if field is None:
            return
        value = blank + 4
        end, head = _delimiter(delimiter, data, value, complete)
        if end >= 0 and field == name:
            if end - 2 - value > _LONGEST_RAW:
                _malformed()
            # Where the blank line is the delimiter's own there is no body at all, which RFC 2046 allows.
            yield _value(_text(data[value : end - 2]))


def _delimiter(delimiter: bytes, data: bytes, start: int, complete: bool) -> tuple[int, int]:
    """Return where the next delimiter begins, and where the head of the part after it does.

    The second is -1 where the form ends, both are -1 where the data does.
    """
    at = data.find(delimiter, start)
    while at > 0 and data[at - 2 : at] != b"\r\n":
        if data[at - 1] in b"\r\n":
            # Half a line end, which some readers take for a whole one.
            _malformed()
        at = data.find(delimiter, at + 1)
    after = at + len(delimiter)
    if at >= 0:
        if follows := _PART_FOLLOWS.match(data, after):
            return at, follows.end()
        if (ends := _FORM_ENDS.match(data, after)) and (ends[1] or (complete and ends.end() == len(data))):
            return at, -1
    if complete or (at >= 0 and not _CUT.match(data, after)):
        _malformed()
    return -1, -1


def _part_name(head: bytes, delimiter: bytes) -> str | None:
    """Return the name of the field whose part has these header lines; None for a file."""
    if delimiter in head:
        _malformed()
    fields: dict[bytes, bytes] = {}
    for line in head.split(b"\r\n"):
        match = _HEADER_LINE.fullmatch(line)
        if match is None or (key := match[1].lower()) in fields:
            _malformed()
        fields[key] = match[2]
    kind, semicolon, parameters = fields.get(b"content-disposition", b"").partition(b";")
    if kind.strip(b" \t").lower() != b"form-data":
        _malformed()
    found = _parameters(semicolon + parameters)
    if any(key.partition(b"*")[0] == b"filename" for key in found):
        return None
    encoding = fields.get(b"content-transfer-encoding", b"binary").strip(b" \t").lower()
    if b"name" not in found or encoding not in _UNENCODED:
        _malformed()
    return _text(_QUOTED_PAIR.sub(rb"\1", found[b"name"]))


def _parameters(raw: bytes) -> dict[bytes, bytes]:
    """Split `; name=value; ...` into lower-case names and values as they stand between their quotes."""
    found: dict[bytes, bytes] = {}
    position = 0
    while match := _PARAMETER.match(raw, position):
        name = match[1].lower()
        # RFC 2231 encodes and splits parameters as `name*`, `name*0`; RFC 7578 forbids that, and readers differ.
        if name in found or (b"*" in name and not name.startswith(b"filename*")):
            _malformed()
        found[name] = match[3] if match[2] is None else match[2]
        position = match.end()
    if not _PARAMETERS_END.match(raw, position):
        _malformed()
    return found
