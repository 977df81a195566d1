"""The presets, value by value: what is promised in the docs is what is there."""

from __future__ import annotations

from typing import Any

import pytest

from secmw.config import Cookies, Hsts, Xsrf
from secmw.headers import FINGERPRINTS
from secmw.http import ASGI, WSGI, Wire
from secmw.policy import Policy
from secmw.presets import PRESETS, RECOMMENDED
from tests.making import KEY, sent

ADDRESS = {"development": "http://localhost:8000"}
NAMES = list(PRESETS)


def made(preset: str, **settings: Any) -> Policy:
    given = {"secret_keys": [KEY], "public_url": ADDRESS.get(preset, "https://app.example"), "sessions": None}
    return Policy.from_mapping({**given, **settings, "preset": preset})


def headers(preset: str, **settings: Any) -> dict[str, str]:
    return dict(sent(made(preset, **settings).compile(ASGI).safe["/"].locked.lines))


# --- the tables


@pytest.mark.parametrize("preset", NAMES)
def test_a_preset_is_a_complete_table_with_a_reason_for_each_value(preset: str) -> None:
    """RB-10"""
    table = PRESETS[preset]
    assert set(table) == {*Policy.__struct_fields__} - {"preset", "_written"}
    assert all(len(row.why) > 10 for row in table.values())


@pytest.mark.parametrize("wire", [ASGI, WSGI], ids=["asgi", "wsgi"])
@pytest.mark.parametrize("preset", NAMES)
def test_a_preset_compiles(preset: str, wire: Wire) -> None:
    assert made(preset).compile(wire).policy.preset == preset


@pytest.mark.parametrize("preset", NAMES)
def test_every_value_of_a_preset_may_be_written_by_hand(preset: str) -> None:
    """What is written as it stands changes nothing."""
    written = {name: row.value for name, row in PRESETS[preset].items()}
    ours = made(preset)
    again = made(
        preset,
        **{**written, **{name: getattr(ours, name) for name in ("secret_keys", "public_url", "sessions")}},
    )
    assert all(getattr(again, name) == getattr(ours, name) for name in written)


# --- recommended


def test_recommended_sends_these_headers() -> None:
    """CS-01, HD-01"""
    assert headers("recommended") == {
        "strict-transport-security": "max-age=31536000",
        "x-frame-options": "DENY",
        "x-content-type-options": "nosniff",
        "content-security-policy": (
            "base-uri 'self'; form-action 'self'; object-src 'none'; frame-ancestors 'none'"
        ),
        "content-security-policy-report-only": (
            "default-src 'self'; base-uri 'self'; font-src 'self' https: data:; form-action 'self'; "
            "img-src 'self' data:; object-src 'none'; script-src 'self'; script-src-attr 'none'; "
            "style-src 'self' https: 'unsafe-inline'"
        ),
        "referrer-policy": "strict-origin-when-cross-origin",
        "permissions-policy": "browsing-topics=(), camera=(), geolocation=(), microphone=()",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "origin-agent-cluster": "?1",
        "x-dns-prefetch-control": "off",
        "x-permitted-cross-domain-policies": "none",
    }


def test_recommended_trusts_nobody_and_asks_both_questions() -> None:
    """RB-10, PX-04"""
    ours = made("recommended")
    assert (ours.trusted_proxies, ours.allowed_hosts, ours.http_exempt, ours.https) == (
        (),
        (),
        (),
        "redirect",
    )
    assert ours.xsrf == Xsrf()
    assert ours.cookies == Cookies()
    assert ours.drop_headers == ("Server", "X-Powered-By")


# --- the others, where they differ


@pytest.mark.parametrize(
    ("preset", "value"),
    [
        ("recommended", "max-age=31536000"),
        ("strict", "max-age=63072000; includeSubDomains"),
        ("connect", "max-age=2592000"),
        ("workbench", "max-age=86400"),
        ("development", None),
    ],
)
def test_the_age_of_hsts(preset: str, value: str | None) -> None:
    """TR-04"""
    assert headers(preset).get("strict-transport-security") == value


def test_strict_enforces_everything() -> None:
    """CS-01"""
    found = headers("strict")
    csp = found["content-security-policy"].split("; ")
    assert {
        "default-src 'none'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    } <= {*csp}
    assert not any("unsafe" in directive or "*" in directive for directive in csp)
    assert "content-security-policy-report-only" not in found
    assert found["referrer-policy"] == "no-referrer"
    assert found["cross-origin-embedder-policy"] == "require-corp"
    assert found["cache-control"] == "no-store, max-age=0"


def test_strict_keeps_cookies_at_home_and_drops_every_fingerprint() -> None:
    """HD-05"""
    ours = made("strict")
    assert ours.cookies.same_site == "Strict"
    assert set(ours.drop_headers) == set(FINGERPRINTS)


def test_connect_has_the_products_names() -> None:
    ours = made("connect")
    assert ours.xsrf is not None
    assert (ours.xsrf.cookie, ours.xsrf.header, ours.xsrf.compare) == ("RSC-XSRF", "X-Rsc-Xsrf", True)
    assert ours.xsrf.api_schemes == ("Bearer", "Key")
    cookies = ours.cookies
    assert (cookies.same_site, cookies.prefix, cookies.apply_to) == ("None", False, "all")
    assert cookies.legacy_twin == "always"


def test_connect_lets_content_be_framed_and_nothing_else() -> None:
    ours = made("connect")
    assert ours.frame_options == "DENY"
    assert ours.within("/content/").frame_options is None


def test_workbench_has_the_products_names() -> None:
    ours = made("workbench")
    assert ours.xsrf is not None
    assert (ours.xsrf.cookie, ours.xsrf.header, ours.xsrf.field) == (
        "rs-csrf-token",
        "X-RS-CSRF-Token",
        "rs-csrf-token",
    )
    assert ours.forwarded == "x-rstudio-request"


def test_development_is_for_this_machine() -> None:
    ours = made("development")
    assert ours.allowed_hosts == ("localhost", ".localhost", "127.0.0.1", "[::1]")
    assert (ours.https, ours.hsts) == ("off", None)
    assert (ours.cookies.secure, ours.cookies.prefix) == (False, False)


@pytest.mark.parametrize("preset", ["recommended", "strict", "workbench", "development"])
def test_only_connect_sends_twins_or_touches_the_applications_cookies(preset: str) -> None:
    """CK-11"""
    cookies = made(preset).cookies
    assert (cookies.legacy_twin, cookies.apply_to) == ("never", "own")


@pytest.mark.parametrize("preset", NAMES)
def test_no_preset_asks_for_preload(preset: str) -> None:
    """TR-04"""
    hsts = made(preset).hsts
    assert hsts is None or not hsts.preload


@pytest.mark.parametrize("preset", NAMES)
def test_no_preset_sends_a_header_that_browsers_gave_up(preset: str) -> None:
    """HD-06"""
    assert not {"x-xss-protection", "public-key-pins", "expect-ct", "feature-policy"} & set(headers(preset))


def test_the_tables_differ_only_where_they_say_so() -> None:
    same = {
        preset: {name for name in RECOMMENDED if PRESETS[preset][name] is RECOMMENDED[name]}
        for preset in PRESETS
    }
    assert "paths" in same["strict"] & same["workbench"] & same["development"]
    assert Hsts() not in [PRESETS[preset]["hsts"].value for preset in PRESETS if preset != "recommended"]
