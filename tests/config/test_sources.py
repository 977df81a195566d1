"""Where settings are written: short forms, TOML files, environment variables."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secmw.config.settings import Hsts
from secmw.config.sources import directives, environment, shorthands, toml
from secmw.errors import ConfigError
from secmw.policy import Policy
from tests.config.strategies import INNER, KEY, NAMES, SETTINGS, WORDS


def variables(**environ: str) -> dict[str, Any]:
    return environment({f"SECMW_{name}": value for name, value in environ.items()}, "SECMW_", Policy)


def problems(**environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        variables(**environ)
    return list(map(str, caught.value.problems))


# --- short forms


@pytest.mark.parametrize(
    ("name", "short", "long"),
    [
        ("hsts", "forget", {"max_age": 0}),
        ("hsts", "on", {}),
        ("hsts", True, {}),
        ("hsts", "30d", {"max_age": "30d"}),
        ("hsts", 60, {"max_age": 60}),
        ("hsts", "off", "off"),
        ("hsts", "omit", "omit"),
        ("hsts", False, False),
        ("hsts", None, None),
        ("hsts", {"max_age": 1}, {"max_age": 1}),
        ("hsts", Hsts(), Hsts()),
        ("xsrf", True, {}),
        ("xsrf", "on", {}),
        ("xsrf", "off", "off"),
        ("sessions", "on", {}),
        ("csp", "default-src 'self'; IMG-SRC *", {"default-src": ["'self'"], "img-src": ["*"]}),
        ("csp_report_only", "default-src 'self'", {"default-src": ["'self'"]}),
        ("csp", "off", "off"),
        ("csp", "omit", "omit"),
        ("trusted_proxies", "10.0.0.1", ["10.0.0.1"]),
        ("trusted_proxies", "server", "server"),
        ("trusted_proxies", ["10.0.0.1"], ["10.0.0.1"]),
        ("custom_headers", {"X-A": "b", "X-C": "d"}, ["X-A: b", "X-C: d"]),
        ("custom_headers", [["X-A", "b"], "X-C: d"], ["X-A: b", "X-C: d"]),
        ("custom_headers", (("X-A", "b"),), ["X-A: b"]),
        ("custom_headers", "X-A: b", "X-A: b"),
    ],
)
def test_a_short_form_stands_for_the_long_one(name: str, short: Any, long: Any) -> None:
    assert shorthands({name: short}) == {name: long}


def test_what_has_no_short_form_stays() -> None:
    given_ = {"hops": 2, "frame_options": "DENY", "nonsense": [1]}
    assert shorthands(given_) == given_
    assert shorthands(given_) is not given_


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        (" ; ;", {}),
        ("upgrade-insecure-requests", {"upgrade-insecure-requests": []}),
        ("img-src a; img-src b", {"img-src": ["a", "b"]}),
        ("\timg-src\n  a   b ;", {"img-src": ["a", "b"]}),
    ],
)
def test_a_policy_written_as_one_text_is_split(text: str, expected: dict[str, list[str]]) -> None:
    """CS-05: a directive twice is one directive"""
    assert directives(text) == expected


# --- TOML


def test_a_file_is_a_table_of_settings(tmp_path: Path) -> None:
    path = tmp_path / "secmw.toml"
    path.write_text('preset = "strict"\n[hsts]\nmax_age = "30d"\n')
    assert toml(path) == {"preset": "strict", "hsts": {"max_age": "30d"}}


@pytest.mark.parametrize("name", ["pyproject.toml", "secmw.toml", "other.toml"])
def test_the_table_of_a_tool_is_read_out_of_any_file_that_has_one(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("[tool.secmw]\nhops = 2\n[tool.other]\nx = 1\n")
    assert toml(path) == {"hops": 2}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("pyproject.toml", b"[project]\nname = 'x'\n", r"has no \[tool\.secmw\] table"),
        ("pyproject.toml", b"tool = 3\n", r"has no \[tool\.secmw\] table"),
        ("pyproject.toml", b"[tool]\nsecmw = 3\n", r"must hold a table under \[tool\.secmw\]"),
        ("secmw.toml", b"hops = \n", "is not TOML"),
        ("secmw.toml", b"a = 1\na = 2\n", "is not TOML"),
        ("secmw.toml", b"\xff\xfe", "is not TOML"),
    ],
)
def test_a_file_that_is_no_policy_says_why(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=message) as caught:
        toml(path)
    (found,) = caught.value.problems
    assert (found.setting, found.value) == ("file", str(path))


@pytest.mark.parametrize("name", ["missing.toml", "."])
def test_a_file_that_can_not_be_read_says_why(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="can't be read"):
        toml(tmp_path / name)


def test_a_broken_file_does_not_show_its_secrets(tmp_path: Path) -> None:
    path = tmp_path / "secmw.toml"
    path.write_text(f'secret_keys = ["{KEY}"\nhops = 2\n')
    with pytest.raises(ConfigError) as caught:
        toml(path)
    assert KEY[:12] not in str(caught.value)


@given(st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_file_is_a_table_or_a_config_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secmw.toml"
    path.write_bytes(content)
    with contextlib.suppress(ConfigError):
        assert isinstance(toml(path), dict)


# --- environment


@pytest.mark.parametrize(
    ("variable", "written", "name", "meant"),
    [
        ("HOPS", "2", "hops", "2"),
        ("PUBLIC_URL", "https://app.example", "public_url", "https://app.example"),
        ("SECRET_KEYS", KEY, "secret_keys", [KEY]),
        ("SECRET_KEYS", f"{KEY}, {KEY}", "secret_keys", [KEY, KEY]),
        ("ALLOWED_HOSTS", ".example", "allowed_hosts", [".example"]),
        ("ALLOWED_HOSTS", "a.example, ,b.example,", "allowed_hosts", ["a.example", "b.example"]),
        ("ALLOWED_HOSTS", "", "allowed_hosts", []),
        ("ALLOWED_HOSTS", "[::1]:8000", "allowed_hosts", ["[::1]:8000"]),
        ("ALLOWED_HOSTS", "[::1], localhost", "allowed_hosts", ["[::1]", "localhost"]),
        ("ALLOWED_HOSTS", '["[::1]", "localhost"]', "allowed_hosts", ["[::1]", "localhost"]),
        ("TRUSTED_PROXIES", "server", "trusted_proxies", "server"),
        ("TRUSTED_PROXIES", "unix,10.0.0.1", "trusted_proxies", ["unix", "10.0.0.1"]),
        ("FRAME_OPTIONS", "DENY", "frame_options", "DENY"),
        (
            "FRAME_OPTIONS",
            "https://a.example,https://b.example",
            "frame_options",
            ["https://a.example", "https://b.example"],
        ),
        ("CSP", '{"default-src": []}', "csp", {"default-src": []}),
        ("CSP", "default-src 'self'", "csp", "default-src 'self'"),
        ("CUSTOM_HEADERS", "X-A: b", "custom_headers", ["X-A: b"]),
        ("CUSTOM_HEADERS", '[["X-A", "b, c"]]', "custom_headers", [["X-A", "b, c"]]),
        ("HSTS", "30d", "hsts", "30d"),
    ],
)
def test_a_variable_is_a_setting(variable: str, written: str, name: str, meant: Any) -> None:
    assert variables(**{variable: written}) == {name: meant}


def test_two_underscores_enter_a_part() -> None:
    found = variables(
        HSTS__MAX_AGE="30d", XSRF__EXEMPT="/hooks/", XSRF__TOKEN="false", COOKIES__READABLE="a,b"
    )
    assert found == {
        "hsts": {"max_age": "30d"},
        "xsrf": {"exempt": ["/hooks/"], "token": "false"},
        "cookies": {"readable": ["a", "b"]},
    }


def test_variables_of_others_are_not_looked_at() -> None:
    assert (
        environment(
            {"PATH": "/bin", "SECMWX": "1", "MY_SECMW_HOPS": "2", "secmw_hops": "3"}, "SECMW_", Policy
        )
        == {}
    )


def test_the_prefix_is_the_callers_to_choose() -> None:
    assert environment({"APP_HOPS": "2"}, "APP_", Policy) == {"hops": "2"}


def test_a_whole_part_may_be_written_as_json_and_added_to() -> None:
    assert variables(HSTS='{"max_age": 60}', HSTS__PRELOAD="true") == {
        "hsts": {"max_age": 60, "preload": "true"}
    }


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"HOP": "2"}, ["SECMW_HOP: is not a setting; did you mean SECMW_HOPS?"]),
        ({"QQQQQ": "2"}, ["SECMW_QQQQQ: is not a setting; see the settings reference"]),
        ({"HOPS__X": "2"}, ["SECMW_HOPS__X: hops has no parts; write SECMW_HOPS"]),
        ({"HSTS": "30d", "HSTS__PRELOAD": "1"}, ["SECMW_HSTS__PRELOAD: SECMW_HSTS is written as well; write one of the two"]),
        ({"_WRITTEN": "x"}, ["SECMW__WRITTEN: is not a setting; see the settings reference"]),
    ],
)  # fmt: skip
def test_a_variable_that_means_nothing_is_an_error_with_a_did_you_mean(
    environ: dict[str, str], expected: list[str]
) -> None:
    assert problems(**environ) == expected


def test_all_variables_that_mean_nothing_are_reported_at_once() -> None:
    assert len(problems(HOP="1", HSTZ="1", CSP="{")) == 3


@pytest.mark.parametrize("text", ['["' + KEY, '{"a": "' + KEY + '"'])
def test_what_is_not_json_is_an_error_that_shows_nothing_of_it(text: str) -> None:
    (found,) = problems(SECRET_KEYS=text)
    assert "is not JSON" in found
    assert KEY[:12] not in found


VARIABLES = st.dictionaries(
    st.one_of(
        st.sampled_from([name.upper() for name in NAMES]),
        st.builds(
            "{}__{}".format,
            st.sampled_from([name.upper() for name in NAMES]),
            st.sampled_from([name.upper() for name in INNER]),
        ),
        st.text(max_size=8),
    ).map("SECMW_{}".format),
    st.one_of(WORDS, WORDS.map(lambda word: f'["{word}"]'), st.text(max_size=12)),
    max_size=5,
)


@given(VARIABLES)
def test_any_environment_is_a_table_or_a_config_error(environ: dict[str, str]) -> None:
    with contextlib.suppress(ConfigError):
        assert isinstance(environment(environ, "SECMW_", Policy), dict)


@given(SETTINGS)
def test_any_settings_have_short_forms(given_: dict[str, Any]) -> None:
    assert list(shorthands(given_)) == list(given_)
