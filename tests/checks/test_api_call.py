"""Which requests are calls of programs with a credential that no browser sends by itself."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.checks.api_call import api_call, fields
from secmw.config.settings import Xsrf
from tests.checks.asking import Ask

SETTINGS = Xsrf(api_schemes=("Bearer", "Key"), api_key_headers=("X-API-Key",))
CALL = {"authorization": "Bearer s3cret"}

is_call = api_call(SETTINGS)


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer s3cret"},
        {"authorization": "bearer s3cret"},
        {"authorization": "BEARER   s3cret"},
        {"authorization": "Key s3cret"},
        {"x-api-key": "s3cret"},
        {"x-api-key": "s3cret", "authorization": "Basic dXNlcg=="},
    ],
)
def test_a_program_with_its_credential_is_an_api_call(headers: dict[str, str]) -> None:
    assert is_call(Ask(headers=headers))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer "},
        {"authorization": "Bearer\ts3cret"},
        {"authorization": " Bearer s3cret"},
        {"authorization": "Bearers3cret"},
        {"authorization": "NotBearer s3cret"},
        {"authorization": "Basic dXNlcjpwYXNz"},
        {"authorization": "Digest username=x"},
        {"authorization": "Negotiate YII="},
        # Two lines, joined: nobody can say which the application believes.
        {"authorization": "Basic dXNlcg==, Bearer s3cret"},
        {"x-api-key": ""},
        {"x-api-key-2": "s3cret"},
    ],
)
def test_what_a_browser_sends_unasked_or_what_is_empty_is_none(headers: dict[str, str]) -> None:
    assert not is_call(Ask(headers=headers))


@pytest.mark.parametrize("cookie", ["id=s3cret", "theme=dark", ""])
def test_a_cookie_header_of_any_kind_ends_the_exemption(cookie: str) -> None:
    assert not is_call(Ask(headers=CALL, cookie=cookie))


def test_a_client_certificate_ends_the_exemption() -> None:
    assert not is_call(Ask(headers=CALL, certified=True))


@pytest.mark.parametrize("name", Xsrf().identity_headers)
def test_an_identity_that_a_proxy_vouches_for_ends_the_exemption(name: str) -> None:
    assert not is_call(Ask(headers={**CALL, name.lower(): "jane"}))
    assert not is_call(Ask(headers={**CALL, name.lower(): ""}))


def test_no_scheme_is_exempt_where_the_policy_names_none() -> None:
    assert not api_call(Xsrf(api_schemes=()))(Ask(headers=CALL))


def test_a_key_header_counts_only_where_the_policy_names_it() -> None:
    assert not api_call(Xsrf())(Ask(headers={"x-api-key": "s3cret"}))


@pytest.mark.parametrize(
    ("credential", "cookie", "certified", "identity"), [*product([True, False], repeat=4)]
)
def test_the_exemption_needs_a_credential_and_nothing_else(
    credential: bool, cookie: bool, certified: bool, identity: bool
) -> None:
    headers = {**(CALL if credential else {}), **({"remote-user": "jane"} if identity else {})}
    asked = Ask(headers=headers, cookie="a=b" if cookie else None, certified=certified)
    assert is_call(asked) == (credential and not cookie and not certified and not identity)


@given(st.text(max_size=40))
def test_any_text_can_be_an_authorization_header(text: str) -> None:
    scheme, _, rest = text.partition(" ")
    assert is_call(Ask(headers={"authorization": text})) == (
        scheme.lower() in ("bearer", "key") and bool(rest.strip())
    )


def test_it_says_which_headers_it_reads() -> None:
    names = fields(SETTINGS)
    assert {"authorization", "x-api-key", "remote-user"} <= set(names)
    assert all(name == name.lower() for name in names)
