"""What must hold between the settings of a policy: each rule found, named, and mended by its own advice."""

from __future__ import annotations

from typing import Any

import pytest

from secmw.config.check import PATH_SETTINGS, public_url
from secmw.errors import ConfigError, Problem
from secmw.headers import HEADERS
from secmw.headers.custom import REFUSED
from secmw.policy import Policy
from tests.making import KEY, policy


def problems(preset: str = "recommended", **settings: Any) -> list[Problem]:
    try:
        policy(preset=preset, **settings)
    except ConfigError as error:
        return list(error.problems)
    return []


def found(preset: str = "recommended", /, **settings: Any) -> list[str]:
    """Return the names of the settings that are wrong, made with Policy.from_mapping to choose the preset."""
    given = {
        "secret_keys": [KEY],
        "public_url": "https://app.example",
        "sessions": None,
        **settings,
        "preset": preset,
    }
    try:
        Policy.from_mapping(given)
    except ConfigError as error:
        return [problem.setting for problem in error.problems]
    return []


# --- keys


@pytest.mark.parametrize(
    ("keys", "wrong"),
    [
        ([KEY], []),
        ([KEY, "changeme"], ["secret_keys[1]"]),
        (["short", ""], ["secret_keys[0]", "secret_keys[1]"]),
        ([], ["secret_keys"]),
    ],
)
def test_every_key_is_a_good_key(keys: list[str], wrong: list[str]) -> None:
    assert found(secret_keys=keys) == wrong


def test_no_key_is_needed_where_no_token_is_asked_for() -> None:
    assert found(secret_keys=[], xsrf=None) == []
    assert found(secret_keys=[], xsrf={"token": False}) == []


# --- the site


@pytest.mark.parametrize(
    "url",
    [
        "https://app.example",
        "https://app.example/",
        "https://app.example:8443/base/",
        "HTTPS://app.example",
        "https://[::1]:8443",
    ],
)
def test_a_public_url_is_an_address_people_use(url: str) -> None:
    assert public_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "app.example",
            "//app.example",
            "ftp://app.example",
            "https://",
            "https:///x",
            "https:app.example",
        ),
        *(
            "https://user@app.example",
            "https://user:pass@app.example",
            "https://app.example:x",
            "https://app.example:70000",
        ),
        *(
            "https://app.example?x=1",
            "https://app.example/#x",
            "https://app.example\\@evil.example",
            "https://app example",
        ),
        *(
            "https://app.example\n",
            "\thttps://app.example",
            "https://äpp.example",
            "https://[::1",
            "https://a_b..c",
            "https://*.example",
        ),
    ],
)
def test_what_is_no_public_url_is_named(url: str) -> None:
    assert found(public_url=url) == ["public_url"]


def test_plain_http_is_no_public_url_where_https_is_asked_for() -> None:
    assert found(public_url="http://app.example") == ["public_url"]
    assert found(public_url="http://app.example", https="off") == []
    assert found("development", public_url="http://localhost:8000") == []


def test_force_secure_may_not_contradict_the_public_url() -> None:
    assert found(force_secure=False) == ["force_secure"]
    assert found(force_secure=False, public_url="HTTPS://app.example") == ["force_secure"]
    assert found(force_secure=False, public_url="http://app.example", https="off") == []
    assert found(force_secure=True) == []


@pytest.mark.parametrize(
    "entry", ["*", "*.example", "https://a.example", "a.example/x", "", "::1", ".10.0.0.1"]
)
def test_an_allowed_host_is_literal(entry: str) -> None:
    """PX-02"""
    assert found(allowed_hosts=["good.example", entry]) == ["allowed_hosts[1]"]


@pytest.mark.parametrize("path", ["health", "", "/a/../b", "//a", "/a%2fb", "/a;b", "/a\\b"])
@pytest.mark.parametrize(
    ("setting", "nest"),
    [
        ("http_exempt[0]", lambda path: {"http_exempt": [path]}),
        ("xsrf.exempt[0]", lambda path: {"xsrf": {"exempt": [path]}}),
    ],
)
def test_an_exempt_path_is_a_plain_absolute_one(path: str, setting: str, nest: Any) -> None:
    """TR-11, XS-15"""
    assert found(**nest(path)) == [setting]


# --- proxies


def test_trusted_proxies_are_addresses_or_the_server() -> None:
    """PX-04"""
    assert found(trusted_proxies="server") == []
    assert found(trusted_proxies="10.0.0.1") == []
    assert found(trusted_proxies=["10.0.0.0/8", "unix", "::1"]) == []
    assert found(trusted_proxies=["*", "proxy.example", "10.0.0.1/8", "server"]) == [
        f"trusted_proxies[{index}]" for index in range(4)
    ]


@pytest.mark.parametrize(
    ("hops", "wrong"), [(1, []), (16, []), (0, ["hops"]), (17, ["hops"]), (-1, ["hops"])]
)
def test_hops_are_a_few(hops: int, wrong: list[str]) -> None:
    assert found(hops=hops) == wrong


# --- headers


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("referrer_policy", "no-referer"),
        ("opener_policy", "nonsense"),
        ("csp", {"script-src": ["a;b"]}),
        ("csp_report_only", {"scrpt-src": ["'self'"]}),
        ("cache_control", "no store"),
        ("frame_options", ["portal"]),
        ("server", "a\r\nb"),
        ("permissions_policy", {"Camera": []}),
        ("nel", {"max_age": 1}),
    ],
)
def test_a_bad_header_names_its_setting(setting: str, value: Any) -> None:
    """HD-04, CS-04"""
    assert found(**{setting: value}) == [setting]


@pytest.mark.parametrize("setting", ["enforce_headers", "drop_headers"])
@pytest.mark.parametrize("name", ["", "a b", "a:", "é", "a\r\n"])
def test_a_name_in_a_list_of_headers_is_a_header_name(setting: str, name: str) -> None:
    assert found(**{setting: ["X-Good", name]}) == [f"{setting}[1]"]


@pytest.mark.parametrize("setting", ["enforce_headers", "drop_headers"])
@pytest.mark.parametrize("name", [*REFUSED, "Set-Cookie", "Content-Type", "Location"])
def test_no_policy_takes_away_what_a_response_needs(setting: str, name: str) -> None:
    """HD-10: nor an application's cookies"""
    assert found(**{setting: [name]}) == [f"{setting}[0]"]


def test_a_header_is_enforced_or_dropped_but_not_both() -> None:
    (problem,) = problems(enforce_headers=["X-A", "x-b"], drop_headers=["X-B", "X-C"])
    assert problem.setting == "drop_headers"
    assert "x-b" in problem.message


def test_who_may_frame_us_is_said_once() -> None:
    """CS-07"""
    csp = {"frame-ancestors": ["'self'"]}
    assert found(csp=csp) == []
    assert found(csp=csp, frame_options="DENY") == ["csp"]


@pytest.mark.parametrize(
    "entry", ["no colon", "X A: b", "X-A: b\r\nc", "Set-Cookie: a=b", "Host: x", "X-A: \u20ac"]
)
def test_a_custom_header_that_no_server_could_send_is_named(entry: str) -> None:
    """HD-04"""
    assert found(custom_headers=["X-Good: 1", entry]) == ["custom_headers[1]"]


@pytest.mark.parametrize("header", HEADERS, ids=lambda header: str(header.name))
def test_a_custom_header_beside_its_own_setting_names_both(header: Any) -> None:
    entry = f"{header.name.upper()}: x"
    assert found(custom_headers=[entry]) == []
    value = getattr(policy(), header.setting)
    (problem,) = problems(custom_headers=[entry], **{header.setting: value})
    assert problem.setting == "custom_headers[0]"
    assert header.setting in problem.message


# --- cookies


@pytest.mark.parametrize(
    ("cookies", "wrong"),
    [
        ({"same_site": "None"}, []),
        ({"same_site": "None", "secure": False}, ["cookies.same_site"]),
        ({"partitioned": True}, ["cookies.partitioned"]),
        ({"partitioned": True, "same_site": "None"}, []),
        (
            {"partitioned": True, "same_site": "None", "secure": False},
            ["cookies.same_site", "cookies.partitioned"],
        ),
        ({"readable": ["theme", "a b"]}, ["cookies.readable"]),
        ({"visit": "a;b"}, ["cookies.visit"]),
        ({"visit": ""}, ["cookies.visit"]),
        ({"visit": "v-legacy"}, ["cookies.visit"]),
        ({"same_site": "lax"}, ["cookies.same_site"]),
    ],
)
def test_cookies_are_ones_that_browsers_keep(cookies: dict[str, Any], wrong: list[str]) -> None:
    """CK-05, CK-10"""
    assert found(cookies=cookies) == wrong


# --- XSRF


@pytest.mark.parametrize(
    ("xsrf", "wrong"),
    [
        ({"cookie": "a b"}, ["xsrf.cookie"]),
        ({"header": "X:"}, ["xsrf.header"]),
        ({"field": ""}, ["xsrf.field"]),
        ({"api_schemes": ["Bear er"]}, ["xsrf.api_schemes"]),
        ({"api_key_headers": ["X-Key:"]}, ["xsrf.api_key_headers"]),
        ({"identity_headers": [""]}, ["xsrf.identity_headers"]),
        ({"trusted_origins": ["https://b.example", "https://c.example/"]}, ["xsrf.trusted_origins[1]"]),
        ({"trusted_origins": ["null", "*", "b.example"]}, [f"xsrf.trusted_origins[{index}]" for index in range(3)]),
        ({"form_limit": 1023}, ["xsrf.form_limit"]),
        ({"form_limit": 2**24 + 1}, ["xsrf.form_limit"]),
        ({"form_limit": "64k"}, ["xsrf.form_limit"]),
        ({"form_limit": 1024}, []),
    ],
)  # fmt: skip
def test_the_names_and_limits_of_xsrf_make_sense(xsrf: dict[str, Any], wrong: list[str]) -> None:
    """XS-06"""
    assert found(xsrf=xsrf) == wrong


@pytest.mark.parametrize("scheme", ["Basic", "DIGEST", "negotiate", "NTLM"])
def test_a_credential_that_browsers_send_unasked_is_no_api_scheme(scheme: str) -> None:
    assert found(xsrf={"api_schemes": ["Bearer", scheme]}) == ["xsrf.api_schemes"]


def test_two_cookies_of_ours_have_two_names() -> None:
    cookies = {"prefix": False, "visit": "XSRF-TOKEN"}
    assert found(cookies=cookies) == ["xsrf.cookie"]
    assert found(cookies={**cookies, "prefix": True}) == []


def test_a_policy_that_asks_nothing_asks_for_no_token() -> None:
    assert found(screening=False) == []
    assert found(screening=False, xsrf="off") == []
    assert found(screening=False, xsrf="on") == ["screening"]


# --- presets


def test_connect_needs_to_know_its_address() -> None:
    assert found("connect") == []
    assert found("connect", public_url=None) == ["public_url"]


@pytest.mark.parametrize("host", ["app.example", ".example", "192.0.2.1", "localhost.example"])
def test_development_serves_this_machine_only(host: str) -> None:
    assert found("development", public_url=None, allowed_hosts=["localhost", host]) == ["allowed_hosts[1]"]


@pytest.mark.parametrize("url", ["http://app.example", "https://192.0.2.1"])
def test_development_has_no_public_address(url: str) -> None:
    assert found("development", public_url=url) == ["public_url"]


def test_development_without_a_host_would_serve_any() -> None:
    assert found("development", public_url=None, allowed_hosts=[]) == ["allowed_hosts"]
    assert found("development", public_url="http://localhost", allowed_hosts=[]) == []


def test_a_malformed_host_is_one_problem_in_development_too() -> None:
    assert found("development", public_url=None, allowed_hosts=["*"]) == ["allowed_hosts[0]"]
    assert found("development", public_url="https://[") == ["public_url"]


# --- path classes


@pytest.mark.parametrize("prefix", ["content", "", "/a/../b", "/a//b"])
def test_a_path_class_is_a_plain_absolute_prefix(prefix: str) -> None:
    """PX-10"""
    assert found(paths={prefix: {}}) == [f'paths."{prefix}"']


def test_a_setting_of_the_whole_site_is_none_of_a_path_class() -> None:
    (one, two, three) = problems(paths={"/x/": {"public_url": "https://b.example", "hst": 1, "paths": {}}})
    assert (one.setting, one.message) == ('paths."/x/".public_url', "is one for the whole site")
    assert (two.setting, two.message) == ('paths."/x/".hst', "is not a setting; did you mean hsts?")
    assert three.setting == 'paths."/x/".paths'


def test_a_problem_in_a_path_class_names_the_class() -> None:
    assert found(paths={"/x/": {"referrer_policy": "x", "xsrf": {"tokn": 1}}}) == [
        'paths."/x/".xsrf.tokn',
        'paths."/x/".referrer_policy',
    ]


def test_a_path_class_does_not_repeat_what_it_inherits() -> None:
    given: dict[str, Any] = {"secret_keys": [], "hops": 0, "referrer_policy": "x"}
    assert found(**given, paths={"/x/": {}, "/y/": {"opener_policy": "x"}}) == [
        *("secret_keys", "hops", "referrer_policy"),
        'paths."/y/".opener_policy',
    ]


def test_what_a_path_class_may_change_is_a_setting() -> None:
    assert set(Policy.__struct_fields__) >= PATH_SETTINGS
    assert not PATH_SETTINGS & {
        "secret_keys",
        "public_url",
        "allowed_hosts",
        "trusted_proxies",
        "cookies",
        "paths",
    }
