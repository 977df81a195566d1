from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.pages.agent import called

CHROMIUM = "(KHTML, like Gecko) Chrome/146.0.0.0"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (f"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 {CHROMIUM} Safari/537.36", "Chrome on Linux"),
        (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 {CHROMIUM} Safari/537.36", "Chrome on ChromeOS"),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 {CHROMIUM} Safari/537.36 Edg/146.0",
            "Edge on Windows",
        ),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 {CHROMIUM} Safari/537.36 OPR/120.0",
            "Opera on Windows",
        ),
        (f"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 {CHROMIUM} Mobile Safari/537.36", "Chrome on Android"),
        (
            ("Mozilla/5.0 (Linux; Android 13; SAMSUNG SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) "
             "SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36"),
            "Samsung Internet on Android",
        ),
        ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on macOS"),
        (
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
             "Safari/605.1.15"),
            "Safari on macOS",
        ),
        (
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
             "Version/18.5 Mobile/15E148 Safari/604.1"),
            "Safari on iPhone",
        ),
        (
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
             "CriOS/146.0 Mobile/15E148 Safari/604.1"),
            "Chrome on iPhone",
        ),
        (
            ("Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/140.0 "
             "Mobile/15E148 Safari/605.1.15"),
            "Firefox on iPad",
        ),
        ("Mozilla/5.0 (Windows NT 10.0; Trident/7.0; rv:11.0) like Gecko", "Internet Explorer on Windows"),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/146.0 Safari/537.36",
            "Headless Chrome on Linux",
        ),
        ("curl/8.14.1", "curl"),
        ("python-requests/2.32.4", "A Python program"),
        ("Mozilla/5.0 (X11; Linux x86_64)", "Unknown browser on Linux"),
        ("<script>alert(1)</script>", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)  # fmt: skip
def test_a_client_is_called_what_its_owner_calls_it(agent: str, name: str) -> None:
    assert called(agent) == name


@given(st.text())
def test_what_a_client_says_of_itself_is_never_repeated(agent: str) -> None:
    mark = "\N{SNOWMAN}<i>"
    assert called(mark + agent + mark).isascii()


def test_nobody_is_read_to_the_end() -> None:
    assert called("x" * 100_000 + "Firefox/1") == "Unknown browser"
