"""Settings as people, files and machines write them: right, nearly right, and anything at all."""

from __future__ import annotations

import base64
from typing import Any

from hypothesis import strategies as st

from secmw.config.settings import Audit, Cookies, Hsts, Sessions, Sudo, Xsrf
from secmw.policy import Policy

KEY = base64.b64encode(bytes(range(64))).decode()

NAMES = [name for name in Policy.__struct_fields__ if name != "_written"]
INNER = sorted(
    {name for part in (Audit, Cookies, Hsts, Sessions, Sudo, Xsrf) for name in part.__struct_fields__}
)

WORDS = st.sampled_from(
    [
        *(
            "",
            "on",
            "off",
            "omit",
            "forget",
            "server",
            "unix",
            "none",
            "None",
            "Lax",
            "DENY",
            "SAMEORIGIN",
            "same-origin",
        ),
        *(
            "redirect",
            "12h",
            "30d",
            "1y",
            "-1",
            "0",
            "1",
            "*",
            "/x/",
            "/x",
            "app.example",
            ".example",
            "localhost",
            "[::1]",
        ),
        *(
            "https://app.example",
            "http://app.example",
            "https://",
            "10.0.0.0/8",
            "127.0.0.1",
            "X-A: b",
            "X-A",
            "Set-Cookie",
        ),
        *(
            "default-src 'self'; img-src *",
            "script-src 'nonce'",
            "'self'",
            "no-store",
            "a=b",
            "\0",
            "a\r\nb: c",
            "é",
            "\udc80",
            KEY,
        ),
    ]
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.just(10**400), st.floats(), WORDS, st.text(max_size=12)
)
#: Whatever JSON can say.
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.sampled_from(INNER), WORDS, st.text(max_size=8)), inner, max_size=3),
    ),
    max_leaves=6,
)
SETTINGS = st.dictionaries(st.one_of(st.sampled_from(NAMES), st.text(max_size=12)), ANYTHING, max_size=6)


def sound(**settings: Any) -> dict[str, Any]:
    """Add what a sound policy needs."""
    return {"secret_keys": [KEY], "public_url": "https://app.example", "sessions": None, **settings}
