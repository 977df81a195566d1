"""What to call a client when people ask where they are signed in: "Chrome on Linux". Pure, and made of our words alone.

Nothing is decided by it: a User-Agent says what it likes. What it says never appears in the answer.
"""

from __future__ import annotations

from typing import Final

#: In this order: almost everything also calls itself Chrome or Safari.
_BROWSERS: Final = (
    (("edg/", "edga/", "edgios/", "edge/"), "Edge"),
    (("opr/", "opios/", "opera"), "Opera"),
    (("samsungbrowser/",), "Samsung Internet"),
    (("vivaldi/",), "Vivaldi"),
    (("yabrowser/",), "Yandex Browser"),
    (("duckduckgo/", "ddg/"), "DuckDuckGo"),
    (("firefox/", "fxios/"), "Firefox"),
    (("headlesschrome/",), "Headless Chrome"),
    (("chrome/", "crios/", "chromium/"), "Chrome"),
    (("safari/",), "Safari"),
    (("trident/", "msie "), "Internet Explorer"),
    (("curl/",), "curl"),
    (("wget/",), "Wget"),
    (("python", "httpx/", "aiohttp/"), "A Python program"),
)

#: The same: Android is a Linux, and an iPhone is "like Mac OS X".
_SYSTEMS: Final = (
    (("iphone", "ipod"), "iPhone"),
    (("ipad",), "iPad"),
    (("android",), "Android"),
    (("windows",), "Windows"),
    (("cros ",), "ChromeOS"),
    (("mac os x", "macintosh"), "macOS"),
    (("freebsd", "openbsd", "netbsd"), "BSD"),
    (("linux", "x11"), "Linux"),
)

#: What a browser says of itself is shorter, and nobody else has to be read to the end.
_LOOKED_AT: Final = 512


def called(agent: str) -> str:
    """Name the client that sent this User-Agent.

    >>> called("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Safari/537.36")
    'Chrome on Linux'
    >>> called("curl/8.14.1"), called("")
    ('curl', 'Unknown browser')
    """
    agent = agent[:_LOOKED_AT].lower()
    browser = _first(_BROWSERS, agent) or "Unknown browser"
    system = _first(_SYSTEMS, agent)
    return f"{browser} on {system}" if system else browser


def _first(table: tuple[tuple[tuple[str, ...], str], ...], agent: str) -> str:
    return next((name for marks, name in table if any(mark in agent for mark in marks)), "")
