"""Permissions-Policy."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.headers import PermissionsPolicy
from secmw.headers.permissions_policy import FEATURES
from tests.headers.settings import Settings
from tests.headers.structured import dictionary

ORIGINS = st.from_regex(
    r"https?://(\*\.)?[a-z0-9]{1,9}(\.[a-z]{2,5}){0,2}(:[1-9][0-9]{0,3})?", fullmatch=True
)
ALLOWLISTS = st.just(("*",)) | st.lists(st.just("self") | ORIGINS, max_size=3).map(tuple)
NAMES = st.sampled_from(sorted(FEATURES)) | st.from_regex(r"[a-z][a-z0-9-]{0,12}", fullmatch=True)


def test_the_recommended_value() -> None:
    """HD-01"""
    header = PermissionsPolicy.of(Settings())
    assert header is not None
    assert header.render() == "browsing-topics=(), camera=(), geolocation=(), microphone=()"


@pytest.mark.parametrize(
    ("allowed", "written"),
    [
        ((), "camera=()"),
        (("*",), "camera=*"),
        (("self",), "camera=(self)"),
        (("self", "https://x.example.org"), 'camera=(self "https://x.example.org")'),
    ],
)
def test_each_kind_of_allow_list(allowed: tuple[str, ...], written: str) -> None:
    assert PermissionsPolicy(features={"camera": allowed}).render() == written


@pytest.mark.parametrize("features", [None, {}])
def test_nothing_to_say_sends_nothing(features: dict[str, tuple[str, ...]] | None) -> None:
    assert PermissionsPolicy.of(Settings(permissions_policy=features)) is None


@given(st.dictionaries(NAMES, ALLOWLISTS, min_size=1, max_size=4))
def test_what_is_written_reads_back_as_a_structured_field(features: dict[str, tuple[str, ...]]) -> None:
    """An independent RFC 9651 parser reads the dictionary that was meant."""
    read = dictionary(PermissionsPolicy(features=features).render())
    assert read == {name: "*" if allowed == ("*",) else allowed for name, allowed in features.items()}


@pytest.mark.parametrize(
    ("allowed", "fix"),
    [
        ("self", "write a list: ['self']"),
        (("'self'",), 'takes no single quotes here; write "self"'),
        (("'*'",), 'takes no single quotes here; write "*"'),
        (("none",), "write an empty list, []"),
        (("'none'",), "write an empty list, []"),
        (("*", "self"), "'*' already allows everybody; write it alone"),
        (("example.org",), "write scheme://host"),
        (('https://x.org"), microphone=*, x=("',), "write scheme://host"),
    ],
)
def test_a_bad_allow_list_is_refused_with_the_feature_and_the_fix(allowed: tuple[str, ...], fix: str) -> None:
    with pytest.raises(ValueError) as refused:
        PermissionsPolicy(features={"camera": allowed})
    assert str(refused.value).startswith("camera: ")
    assert fix in str(refused.value)


def test_origins_are_written_in_lower_case() -> None:
    assert PermissionsPolicy(features={"camera": ("HTTPS://X.org",)}).render() == 'camera=("https://x.org")'


def test_a_policy_can_not_be_changed_after_it_was_checked() -> None:
    features: dict[str, tuple[str, ...]] = {"camera": ()}
    header = PermissionsPolicy(features=features)
    features["microphone"] = ('"',)
    assert header.render() == "camera=()"


@pytest.mark.parametrize("name", ["", "Camera", "cam era", "camera=(), x", "cam\u00e9ra", "9x"])
def test_a_feature_name_is_lower_case(name: str) -> None:
    with pytest.raises(ValueError, match="is not a name; write lower-case letters, digits and hyphens"):
        PermissionsPolicy(features={name: ()})


def test_a_text_is_no_table() -> None:
    with pytest.raises(ValueError, match="is not a table; write it like"):
        PermissionsPolicy.of(Settings(permissions_policy="camera=()"))  # type: ignore[arg-type]


def test_a_misspelt_feature_is_sent_with_a_notice() -> None:
    header = PermissionsPolicy(features={"geo-location": ()})
    assert header.render() == "geo-location=()"
    assert header.notices == (
        "permissions_policy names geo-location, which browsers may not know and then ignore; did you mean geolocation?",
    )


def test_a_feature_like_no_other_gets_a_notice_without_a_guess() -> None:
    [notice] = PermissionsPolicy(features={"zz": ()}).notices
    assert notice.endswith("and then ignore")


def test_client_hints_are_features_too() -> None:
    assert PermissionsPolicy(features={"ch-ua-arch": ("self",)}).notices == ()


@given(
    st.dictionaries(st.text(max_size=8), st.lists(st.text(max_size=20), max_size=2), min_size=1, max_size=2)
)
def test_whatever_is_written_only_valueerror_is_raised(features: dict[str, list[str]]) -> None:
    with suppress(ValueError):
        assert PermissionsPolicy.of(Settings(permissions_policy=features))
