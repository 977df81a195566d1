"""The nested parts of the settings table."""

from __future__ import annotations

import msgspec
import pytest

from secmw.config.settings import Audit, Cookies, Hsts, Sessions, Sudo, Xsrf
from secmw.errors import ConfigError

PARTS = (Audit, Cookies, Hsts, Sessions, Sudo, Xsrf)


@pytest.mark.parametrize(("written", "meant"), [("365d", 31_536_000), ("1y", 31_536_000), (0, 0), ("30", 30)])
def test_the_age_of_hsts_is_a_duration(written: int | str, meant: int) -> None:
    """TR-03"""
    assert Hsts(max_age=written).max_age == meant


@pytest.mark.parametrize("age", ["one year", -1, "20y", "1.5s", 10**400])
def test_an_age_that_is_no_duration_names_the_setting(age: int | str) -> None:
    with pytest.raises(ConfigError) as caught:
        Hsts(max_age=age)
    (found,) = caught.value.problems
    assert (found.setting, found.value) == ("hsts.max_age", repr(age))


@pytest.mark.parametrize(("age", "subdomains"), [("1y", False), ("364d", True), (0, True)])
def test_preload_needs_a_year_and_all_subdomains(age: str, subdomains: bool) -> None:
    """TR-04"""
    with pytest.raises(ConfigError, match=r"hsts\.preload = true: needs max_age of at least 1y"):
        Hsts(max_age=age, include_subdomains=subdomains, preload=True)


def test_preload_is_possible_and_never_a_default() -> None:
    """TR-04"""
    assert Hsts(include_subdomains=True, preload=True).preload
    assert not Hsts().preload


@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_frozen_and_takes_keywords_only(part: type[msgspec.Struct]) -> None:
    made = part()
    for name in part.__struct_fields__:
        with pytest.raises(AttributeError, match="immutable"):
            setattr(made, name, 1)
    with pytest.raises(TypeError):
        part(1)


@pytest.mark.parametrize("part", PARTS)
def test_a_part_knows_no_other_fields(part: type[msgspec.Struct]) -> None:
    with pytest.raises(TypeError, match="nonsense"):
        part(nonsense=1)


def test_cookies_are_safe_by_default() -> None:
    """CK-01, CK-11"""
    cookies = Cookies()
    assert (cookies.secure, cookies.http_only, cookies.same_site, cookies.prefix) == (True, True, "Lax", True)
    assert cookies.legacy_twin == "never"


def test_both_questions_are_asked_by_default() -> None:
    """XS-11: the names that Angular and axios send unasked"""
    xsrf = Xsrf()
    assert (xsrf.origin, xsrf.token, xsrf.allow_same_site, xsrf.exempt) == (True, True, False, ())
    assert (xsrf.cookie, xsrf.header) == ("XSRF-TOKEN", "X-XSRF-TOKEN")


@pytest.mark.parametrize("word", ["sess", "login", "csrf"])
def test_no_name_of_a_cookie_of_ours_costs_points_with_scanners(word: str) -> None:
    """CK-13"""
    assert word not in Cookies().visit.lower()
    assert word not in Xsrf().cookie.lower()
    assert word not in Sessions().cookie.lower()


# --- sessions


@pytest.mark.parametrize(
    ("made", "lifetime", "inactivity"),
    [
        (Sessions(), 86_400, 28_800),
        (Sessions.aal1(), 30 * 86_400, None),
        (Sessions.aal2(), 86_400, 3600),
        (Sessions.aal3(), 43_200, 900),
        (Sessions.aal3(inactivity="10m", cap=1), 43_200, 600),
    ],
)
def test_each_level_of_assurance_has_its_limits(
    made: Sessions, lifetime: int, inactivity: int | None
) -> None:
    """SE-07"""
    assert (made.lifetime, made.inactivity) == (lifetime, inactivity)


def test_everything_that_is_wrong_with_a_part_is_said_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        Sessions(lifetime="soon", inactivity=1, sweep="1h")
    assert [problem.setting for problem in caught.value.problems] == [
        "sessions.lifetime",
        "sessions.inactivity",
    ]


@pytest.mark.parametrize("duration", ["soon", 9, 86_401, -1])
def test_an_elevation_is_short(duration: int | str) -> None:
    """SU-01"""
    with pytest.raises(ConfigError, match=r"sudo\.duration"):
        Sudo(duration=duration)
    assert Sudo().duration == 300
    assert Sudo(duration="10m").duration == 600


def test_the_id_goes_with_the_browsers_run_by_default() -> None:
    """SE-19"""
    assert not Sessions().persistent
