"""Values become settings, field by field, with every problem at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.config.convert import (
    SECRET,
    convert,
    field_types,
    freeze,
    inherit,
    options_of,
    part_of,
    problem,
    unknown,
)
from secmw.config.settings import Audit, Cookies, Hsts, Xsrf
from secmw.errors import Problem
from tests.config.strategies import ANYTHING


class Table(msgspec.Struct, kw_only=True):
    count: int = 1
    flag: bool = False
    maybe: bool | None = None
    word: str | None = None
    kind: Literal["one", "two"] = "one"
    names: Sequence[str] = ()
    mapping: Mapping[str, Sequence[str]] | None = None
    anything: Mapping[str, Any] | None = None
    hsts: Hsts | None = None
    cookies: Cookies = Cookies()
    secret_keys: Sequence[str] = ()
    _hidden: int = 0


def good(**given: Any) -> Any:
    values, problems = convert(Table, given)
    assert problems == []
    (value,) = values.values()
    return value


def bad(**given: Any) -> list[Problem]:
    _, problems = convert(Table, given)
    return problems


# --- one value


@pytest.mark.parametrize(
    ("name", "written", "meant"),
    [
        ("count", 3, 3),
        ("count", "3", 3),
        ("flag", "true", True),
        ("flag", "1", True),
        ("flag", 0, False),
        ("kind", "two", "two"),
        ("names", ["a", "b"], ("a", "b")),
        ("names", (), ()),
        ("mapping", {"a": ["b"]}, {"a": ("b",)}),
        ("hsts", {"max_age": "1d"}, Hsts(max_age=86_400)),
        ("hsts", Hsts(max_age=1), Hsts(max_age=1)),
        ("cookies", {}, Cookies()),
    ],
)
def test_a_value_is_read_as_its_type(name: str, written: Any, meant: Any) -> None:
    found = good(**{name: written})
    assert found == meant
    assert type(found) is type(meant)


@pytest.mark.parametrize("nothing", ["off", "omit", False, None])
@pytest.mark.parametrize("name", ["mapping", "hsts"])
def test_off_and_omit_stand_for_nothing_where_a_setting_may_be_left_out(name: str, nothing: Any) -> None:
    assert good(**{name: nothing}) is None


@pytest.mark.parametrize("nothing", ["off", "omit", None])
def test_false_is_not_nothing_where_true_or_false_is_meant(nothing: Any) -> None:
    assert good(maybe=nothing) is None
    assert good(maybe=False) is False


def test_off_is_a_word_where_words_are_meant() -> None:
    assert good(word="off") == "off"
    assert good(word="omit") is None


@pytest.mark.parametrize("name", ["count", "names", "cookies", "kind"])
def test_what_must_be_there_can_not_be_left_out(name: str) -> None:
    (found,) = bad(**{name: None})
    assert found.setting == name


@pytest.mark.parametrize(
    ("name", "written"),
    [
        *[
            ("count", "three"),
            ("count", 1.5),
            ("flag", "perhaps"),
            ("kind", "three"),
            ("names", "a"),
            ("names", [1]),
        ],
        *[
            ("mapping", {"a": "b"}),
            ("mapping", []),
            ("hsts", 7),
            ("hsts", Audit()),
            ("cookies", Hsts()),
            ("word", 7),
        ],
    ],
)
def test_a_wrong_value_is_a_problem_with_its_name_and_itself(name: str, written: Any) -> None:
    (found,) = bad(**{name: written})
    assert found.setting == name
    assert found.value == repr(written)
    assert found.message


# --- parts


def test_a_problem_in_a_part_has_its_dotted_name() -> None:
    (found,) = bad(cookies={"same_site": "lax"})
    assert (found.setting, found.value) == ("cookies.same_site", "'lax'")


def test_what_a_part_says_of_its_fields_together_is_a_problem_too() -> None:
    (found,) = bad(hsts={"preload": True})
    assert found.setting == "hsts.preload"


def test_a_part_made_by_hand_is_checked_like_any_other() -> None:
    """msgspec checks no types when a struct is made in Python."""
    (found,) = bad(cookies=Cookies(same_site="lax"))  # type: ignore[arg-type]
    assert (found.setting, found.value) == ("cookies.same_site", "'lax'")


def test_lists_in_a_part_made_by_hand_are_frozen() -> None:
    assert good(cookies=Cookies(readable=["a"])).readable == ("a",)


def test_a_part_takes_over_what_a_mapping_does_not_name() -> None:
    taken = inherit(Xsrf | None, Xsrf(cookie="RSC-XSRF", token=False), {"token": True})
    assert (taken["cookie"], taken["token"]) == ("RSC-XSRF", True)
    assert inherit(Xsrf | None, taken, {"field": "f"}) == {**taken, "field": "f"}


@pytest.mark.parametrize("value", [None, "off", Xsrf(), 7, ["token"]])
def test_only_a_mapping_takes_over(value: Any) -> None:
    assert inherit(Xsrf | None, Xsrf(cookie="RSC-XSRF"), value) is value


def test_nothing_is_taken_over_from_what_is_no_part() -> None:
    csp = Mapping[str, Sequence[str]] | None
    assert inherit(csp, {"a": ["x"]}, {"b": ["y"]}) == {"b": ["y"]}
    assert inherit(Xsrf | None, None, {"token": True}) == {"token": True}


# --- all at once


def test_every_problem_is_found_at_once_and_every_good_value_kept() -> None:
    values, problems = convert(
        Table, {"count": "x", "flag": True, "flog": 1, "cookies": {"secur": True, "visit": 7}}
    )
    assert values == {"flag": True}
    assert [found.setting for found in problems] == ["count", "flog", "cookies.secur", "cookies.visit"]


def test_an_unknown_name_has_a_did_you_mean() -> None:
    assert unknown("hts", ["hsts", "csp"]) == "is not a setting; did you mean hsts?"
    assert unknown("qqq", ["hsts", "csp"]) == "is not a setting; see the settings reference"


@pytest.mark.parametrize("name", [1, None, (), b"hsts"])
def test_a_name_that_is_no_text_is_unknown(name: Any) -> None:
    _, problems = convert(Table, {name: 1})
    assert len(problems) == 1


def test_a_private_field_is_no_setting() -> None:
    assert "_hidden" not in field_types(Table)
    assert len(bad(_hidden=1)) == 1


@given(st.dictionaries(st.sampled_from(list(Table.__struct_fields__)), ANYTHING))
def test_anything_is_a_value_or_a_problem(given_: dict[str, Any]) -> None:
    values, problems = convert(Table, given_)
    assert set(values) | {found.setting.partition(".")[0] for found in problems} == set(given_)


# --- what is shown


@pytest.mark.parametrize("setting", [*sorted(SECRET), *(f"{name}[0]" for name in sorted(SECRET))])
def test_the_value_of_a_secret_setting_is_never_shown(setting: str) -> None:
    assert problem(setting, "hunter2", "is wrong").value is None


def test_a_secret_that_stands_in_the_wrong_place_is_not_shown_either() -> None:
    assert problem("paths", {"/x/": {"secret_keys": ["hunter2"]}}, "is wrong").value is None
    assert problem("paths", {"/x/": {"secret_key": "hunter2"}}, "is wrong").value is None


def test_a_long_value_is_cut() -> None:
    shown = problem("csp", "x" * 1000, "is wrong").value
    assert shown is not None
    assert len(shown) == 120
    assert shown.endswith("...")


# --- frozen


@given(ANYTHING)
def test_what_is_frozen_holds_no_list_and_shares_no_mapping(value: Any) -> None:
    def lists(item: Any) -> bool:
        if isinstance(item, Mapping):
            return any(map(lists, item.values()))
        return isinstance(item, list) or (isinstance(item, tuple) and any(map(lists, item)))

    frozen = freeze(value)
    assert not lists(frozen)
    assert not isinstance(value, dict) or frozen is not value


# --- types


def test_a_union_has_options_and_a_list_of_texts_is_one() -> None:
    assert options_of(str | None) == (str, type(None))
    assert options_of(Sequence[str]) == (Sequence[str],)
    assert options_of(Literal["a", "b"]) == (Literal["a", "b"],)


def test_a_part_is_found_among_the_options() -> None:
    assert part_of(Hsts | None) is Hsts
    assert part_of(Cookies) is Cookies
    assert part_of(str | Sequence[str] | None) is None
