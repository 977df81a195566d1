"""The ``Forwarded`` header (RFC 7239)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from secmw.forwarding.base import Chain, Fields, ForwardingError, Resolved, read_authority, read_scheme
from secmw.hosts import Authority
from secmw.http import TOKEN, Reason

# No two parts can take the same character, so that matching takes linear time.
_PAIR: Final = re.compile(rf'({TOKEN.pattern})=(?:({TOKEN.pattern})|"((?:[^"\\]|\\.)*)")', re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_MARK: Final = re.compile(r'\\.|[",;]', re.DOTALL)

_LONGEST_ELEMENT = 4096  # many times what proxies write, and little enough to be read in no time


class Forwarded:
    """Read ``Forwarded``: a list to which every proxy appends one element about the request as it got it."""

    # X-Forwarded-For is not read for its value: see the resolver's rule on peers that the server has rewritten.
    names: Final = frozenset({"forwarded", "x-forwarded-for"})

    __slots__ = ("_chain",)

    def __init__(self, chain: Chain) -> None:
        self._chain = chain

    def read(self, fields: Fields, peer: str | None, scheme: str, authority: Authority) -> Resolved:
        """Answer; the header is rebuilt with one element, when it came."""
        lines = fields.get("forwarded")
        if not lines:
            return Resolved(scheme, authority.render(scheme), peer)
        believed: list[Mapping[str, str]] = []
        client, _ = self._chain.follow(peer, _nodes(lines, believed))
        # Nobody but the outermost trusted proxy has seen what the client used; the others are second best.
        if (text := _outermost(believed, "proto")) is not None:
            scheme = read_scheme(text, "Forwarded: proto")
        if (text := _outermost(believed, "host")) is not None:
            authority = read_authority(text, "Forwarded: host")
        host = authority.render(scheme)
        value = f"host={_quote(host)};proto={scheme}"
        if client is not None:
            node = f'"[{client}]"' if ":" in client else client
            value = f"for={node};{value}"
        return Resolved(scheme, host, client, (("forwarded", value),))


def _outermost(elements: Sequence[Mapping[str, str]], name: str) -> str | None:
    return next((element[name] for element in reversed(elements) if name in element), None)


def _quote(host: str) -> str:
    return host if TOKEN.fullmatch(host) else f'"{host}"'


def _nodes(lines: Sequence[str], believed: list[Mapping[str, str]]) -> Iterator[str]:
    """Yield what each element is ``for``, the last element first, and keep each element that was asked for."""
    for line in reversed(lines):
        for text in reversed(_split(line, ",")):
            element = parse_element(text)
            believed.append(element)
            yield element.get("for", "")


def parse_element(text: str) -> dict[str, str]:
    r"""Read one element: parameter name, lower case, to its value, unquoted. Blanks around ``;`` are let pass.

    Raises ForwardingError where the grammar does not hold, a parameter comes twice, or the text is overlong.

    >>> parse_element(r'For="[2001:db8::1]:47011";proto=https')
    {'for': '[2001:db8::1]:47011', 'proto': 'https'}
    """
    if len(text) > _LONGEST_ELEMENT:
        raise _malformed("has an element that is too long")
    element: dict[str, str] = {}
    for part in _split(text, ";"):
        pair = part.strip(" \t")
        if not pair:
            continue
        match = _PAIR.fullmatch(pair)
        if match is None:
            raise _malformed("does not follow RFC 7239")
        name = match[1].lower()
        if name in element:
            raise _malformed("has a parameter twice in one element")
        element[name] = match[2] if match[2] is not None else _ESCAPE.sub(r"\1", match[3])
    return element


def _split(text: str, separator: str) -> list[str]:
    """Split at the separators that are not inside a quoted string."""
    if '"' not in text:
        return text.split(separator)
    parts: list[str] = []
    start, quoted = 0, False
    for mark in _MARK.finditer(text):
        if mark[0] == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif mark[0] == separator:
            parts.append(text[start : mark.start()])
            start = mark.end()
        elif mark[0][0] == "\\":
            # Outside quotes it escapes nothing. Letting it pass would let a client hide the quotes of the next proxy.
            raise _malformed("has a backslash outside quotes")
    if quoted:
        raise _malformed("has a quote that does not end")
    parts.append(text[start:])
    return parts


def _malformed(fault: str) -> ForwardingError:
    return ForwardingError(Reason.FORWARDED_MALFORMED, f"Forwarded {fault}")
