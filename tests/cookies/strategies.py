"""Cookies for hypothesis to draw, and a way to see that work grows no faster than the input."""

from __future__ import annotations

import string
import time
from collections.abc import Callable

from hypothesis import strategies as st

from secmw.cookies import Cookie

TOKEN = string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~"
OCTETS = "".join(chr(c) for c in range(0x21, 0x7F) if chr(c) not in '",;\\')
LABEL = r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?"

names = st.text(TOKEN, min_size=1, max_size=20).filter(lambda name: not name.startswith("__"))
values = st.text(OCTETS, max_size=40)
domains = st.from_regex(rf"{LABEL}(\.{LABEL}){{0,3}}", fullmatch=True)
paths = st.text(string.ascii_letters + string.digits + "/-._~%", max_size=20).map("/{}".format)

#: Text as a server hands it over: latin-1, with more of the characters that mean something.
wire_text = st.text(st.one_of(st.sampled_from('=;, \t"\\ai'), st.characters(max_codepoint=0xFF)), max_size=60)


@st.composite
def cookies(draw: st.DrawFn) -> Cookie:
    """Draw any legal cookie without a name prefix."""
    secure = draw(st.booleans())
    return Cookie(
        draw(names),
        draw(values),
        path=draw(paths),
        domain=draw(st.none() | domains),
        max_age=draw(st.none() | st.integers(0, 10**9)),
        secure=secure,
        http_only=draw(st.booleans()),
        same_site=draw(
            st.sampled_from(["Lax", "Strict", "None", None] if secure else ["Lax", "Strict", None])
        ),
        partitioned=secure and draw(st.booleans()),
    )


def repeated(text: str, size: int) -> str:
    """Return ``size`` characters of ``text``, over and over."""
    return (text * (size // len(text) + 1))[:size]


def growth(work: Callable[[str], object], make: Callable[[int], str]) -> float:
    """Return how many times longer 64 KB take than 8 KB; 8 is linear, 64 is quadratic.

    Processor time of this thread, so that a busy machine does not count; never less than 20 microseconds, which no
    input can be too slow for.
    """
    small, large = (_cost(work, make(size)) for size in (8 * 1024, 64 * 1024))
    return large / max(small, 20e-6)


def _cost(work: Callable[[str], object], text: str) -> float:
    costs = []
    for _ in range(7):
        start = time.thread_time()
        work(text)
        costs.append(time.thread_time() - start)
    return min(costs)
