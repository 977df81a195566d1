"""The names of forwarding headers."""

from __future__ import annotations

import re

import pytest

from secmw.forwarding import FORWARDING, SPELLINGS, WSGI_KEYS, Resolver, TrustedProxies
from tests.forwarding.ask import FAMILIES


@pytest.mark.parametrize(
    "name",
    [
        "x-forwarded-for",
        "x_forwarded_for",
        "x_forwarded-for",
        "x-forwarded_for",
        "forwarded",
        "x_real_ip",
        "x-rsc_request",
        "x-forwarded-prefix",
        "x-forwarded-ssl",
        "x-scheme",
        "x-original-host",
        "x-rstudio-root-path",
        "cf_connecting_ip",
    ],
)
def test_every_spelling_of_every_family_is_known(name: str) -> None:  # PX-07
    assert name in FORWARDING


def test_the_spellings_are_those_with_an_underscore() -> None:  # PX-07, F-26
    assert {name for name in FORWARDING if "_" in name} == SPELLINGS
    assert {name.replace("_", "-") for name in SPELLINGS} <= FORWARDING - SPELLINGS


def test_the_keys_of_a_wsgi_environ_cover_every_spelling() -> None:
    assert {"HTTP_" + name.upper().replace("-", "_") for name in FORWARDING} == WSGI_KEYS
    assert "HTTP_X_FORWARDED_FOR" in WSGI_KEYS


def test_names_are_lower_case_tokens() -> None:
    assert all(re.fullmatch(r"[a-z0-9_-]+", name) for name in FORWARDING)


@pytest.mark.parametrize(
    "name", ["host", "x-forwarded-user", "x-requested-with", "via", "origin", "authorization"]
)
def test_other_headers_are_left_alone(name: str) -> None:
    assert name not in FORWARDING


@pytest.mark.parametrize("family", FAMILIES)
def test_what_a_resolver_reads_is_among_them(family: str) -> None:
    names = Resolver(TrustedProxies.of(["10.0.0.1"]), family=family).names  # type: ignore[arg-type]
    assert names <= FORWARDING - SPELLINGS
