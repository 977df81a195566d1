"""The ``-legacy`` twin: a copy of a SameSite=None cookie for browsers that misread SameSite=None.

- Those browsers drop a SameSite=None cookie or take None for Strict. So ``id`` goes out with ``id-legacy``: the same
  cookie without SameSite. Partitioned cookies have no twin, and a twin has none.
- Coming back, the primary wins. Its twin counts only where the primary is absent or empty, and never if twins differ
  among themselves. The application sees neither twins nor two cookies where there was one.
- Which browsers: Chromium's list of incompatible clients of 2019-11-18
  (https://www.chromium.org/updates/same-site/incompatible-clients/).

User agents and Cookie headers come from the network: the work is bounded, and every pattern linear.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from secmw.cookies.grammar import BLANKS, read_attributes, split_line

SUFFIX: Final = "-legacy"

#: Characters of a user agent that are looked at; a real one says all that matters here within them.
_LONGEST: Final = 512

#: Cookies in a header that is folded; browsers keep fewer than 200 for one site.
_MOST: Final = 1000

_PLATFORM: Final = re.compile(r"\(([^()]*)\) AppleWebKit/")
_IOS_12: Final = re.compile(r"; CPU [^;]*?OS 12(?![0-9])")
_MACOS_10_14: Final = re.compile(r"Mac OS X 10_14(?![0-9])")
_EMBEDDED: Final = re.compile(r"Mozilla/[.0-9]+ \([^()]*\) AppleWebKit/[.0-9]+ \(KHTML, like Gecko\)")
_CHROMIUM: Final = re.compile(r"Chrom(?:e|ium)/([0-9]+)")
_UC_BROWSER: Final = re.compile(r"UCBrowser/([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?")


def needs_twin(user_agent: str) -> bool:
    """Tell whether a browser is on the list: iOS 12, Safari on macOS 10.14, old UC Browser, Chromium 51 to 66.

    >>> needs_twin("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/60.0.1 Safari/537.36")
    True
    """
    agent = user_agent[:_LONGEST]
    found = _PLATFORM.search(agent)
    platform = found[1] if found else ""
    chromium = _CHROMIUM.search(agent)
    if platform.startswith("iP") and _IOS_12.search(platform):
        return True
    if platform.startswith("Macintosh;") and _MACOS_10_14.search(platform):
        safari = not chromium and " Safari/" in agent.partition("Version/")[2]
        if safari or _EMBEDDED.fullmatch(agent):
            return True
    # UC Browser names a Chromium it is not; ask for it first.
    if uc_browser := _UC_BROWSER.search(agent):
        return tuple(int(part or 0) for part in uc_browser.groups()) < (12, 13, 2)
    return chromium is not None and 51 <= int(chromium[1]) < 67


def twin_of(line: str) -> str | None:
    """Return the Set-Cookie value of the twin, or None where the cookie is due none.

    A twin is due where a browser would act on SameSite=None, the cookie is not Partitioned, and its name does not end
    in ``-legacy`` already. Everything but the name and SameSite is kept byte for byte, so the twin of a deletion
    deletes the twin.

    >>> twin_of("id=s3cret; Path=/; Secure; SameSite=None; HttpOnly")
    'id-legacy=s3cret; Path=/; Secure; HttpOnly'
    """
    name, value, attributes = split_line(line)
    twin_attributes = _twin_attributes(attributes)
    if twin_attributes is None or not name or name.endswith(SUFFIX):
        return None
    return f"{name}{SUFFIX}={value}{twin_attributes}"


@lru_cache(maxsize=256)
def _twin_attributes(attributes: str) -> str | None:
    read = read_attributes(attributes)
    if read.get("samesite", "").lower() != "none" or "partitioned" in read:
        return None
    parts = attributes.split(";")
    return ";".join(part for part in parts if part.partition("=")[0].strip(BLANKS).lower() != "samesite")


def fold_twins(header: str) -> tuple[str, tuple[str, ...]]:
    """Return the Cookie header without twins, and the names of cookies whose twin disagreed.

    Where a twin counts, it takes the name of its absent or empty primary. Where it does not, it is dropped, and named
    if it said anything else than the primary. All other cookies stay as they are, in order. A header of more than
    1000 cookies is no browser's and stays as it is, twins included.

    >>> fold_twins("theme=dark; id-legacy=s3cret")
    ('theme=dark; id=s3cret', ())
    >>> fold_twins("id=s3cret; id-legacy=0ther; theme=dark")
    ('id=s3cret; theme=dark', ('id',))
    """
    if SUFFIX not in header or header.count(";") >= _MOST:
        return header, ()
    pairs = [_read(pair) for pair in header.split(";")]
    twins: dict[str, set[str]] = {}
    for primary, _, value, _ in pairs:
        if primary:
            twins.setdefault(primary, set()).add(value)
    primaries: dict[str, set[str]] = {}
    for _, name, value, _ in pairs:
        if name in twins and value.strip(BLANKS):
            primaries.setdefault(name, set()).add(value)

    alone = {name: values for name, values in twins.items() if name not in primaries}
    stand_ins = {name: next(iter(values)) for name, values in alone.items() if len(values) == 1}
    agreed = {name for name, values in primaries.items() if twins[name] <= values}
    disagreed = tuple(name for name in twins if name not in stand_ins and name not in agreed)

    placed: set[str] = set()
    kept = []
    for primary, name, _, pair in pairs:
        cookie = primary or name
        if cookie in stand_ins:
            if cookie not in placed:
                placed.add(cookie)
                kept.append(f" {cookie}={stand_ins[cookie]}")
        elif not primary:
            kept.append(pair)
    return ";".join(kept).lstrip(BLANKS), disagreed


def _read(pair: str) -> tuple[str, str, str, str]:
    """Return the name of the cookie whose twin this is (or nothing), its own name (or nothing), value, and text."""
    name, equals, value = pair.partition("=")
    name = name.strip(BLANKS) if equals else ""
    primary = name.removesuffix(SUFFIX)
    if primary == name or primary.endswith((SUFFIX, *BLANKS)):
        primary = ""
    return primary, name, value, pair
