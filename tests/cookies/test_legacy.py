"""CK-11: the twin of a SameSite=None cookie, who gets it, and how it is read back."""

from __future__ import annotations

import json
import re
from itertools import product
from pathlib import Path

import pytest
import ua_parser
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.http import parse_cookie

from secmw.cookies import Cookie, Hardening, fold_twins, needs_twin, twin_of
from secmw.cookies.grammar import read_attributes, split_line
from tests.cookies.strategies import cookies, growth, names, repeated, values, wire_text

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "samesite_user_agents.json").read_text())

# --- who needs one ----------------------------------------------------------------------------------------------------

SYSTEMS = [
    "(iPhone; CPU iPhone OS {release} like Mac OS X)",
    "(iPhone; U; CPU iPhone OS {release} like Mac OS X; en-us)",
    "(iPad; CPU OS {release} like Mac OS X)",
    "(iPod touch; CPU iPhone OS {release} like Mac OS X)",
    "(Macintosh; Intel Mac OS X {release})",
    "(Windows NT 10.0; Win64; x64)",
    "(X11; Linux x86_64)",
    "(Linux; Android 8.1.0; Pixel)",
    "(Other; CPU OS {release} like Mac OS X)",
    "(Other; Intel Mac OS X {release})",
]
RELEASES = [
    "12",
    "12_0",
    "12_4",
    "12_1_4",
    "13_1",
    "11_4",
    "1_2",
    "120_1",
    "10_14",
    "10_14_6",
    "10_15_7",
    "10_13_6",
    "10_1",
    "10_140",
]
BROWSERS = [
    "",
    " Version/12.1 Safari/605.1.15",
    " Version/12.1 Mobile/15E148 Safari/604.1",
    " CriOS/79.0.3945.73 Mobile/15E148 Safari/604.1",
    " Mobile/16D57 [FBAN/FBIOS;FBDV/iPhone9,3]",
    " Chrome/{chrome}.0.2704.103 Safari/537.36",
    " HeadlessChrome/{chrome}.0.2704.103 Safari/537.36",
    " Ubuntu Chromium/{chrome}.0.1 Chrome/{chrome}.0.1 Safari/537.36",
    " Version/4.0 Chrome/{chrome}.0.2987.108 Mobile Safari/537.36",
    " Version/4.0 Chrome/{chrome}.0.2987.108 UCBrowser/{uc} Mobile Safari/537.36",
    " Version/4.0 UCBrowser/{uc} U3/0.8.0 Mobile Safari/537.36",
]
CHROMES = [5, 50, 51, 66, 67, 149, 510]
UC_BROWSERS = ["11.9.9.9", "12.13.0.1207", "12.13.1.1", "12.13.2.1208", "12.13.10.1", "12.14.0.1", "13.0.0.1"]


def user_agents() -> set[str]:
    """Return every system with every browser, real or not."""
    return {
        f"Mozilla/5.0 {system} AppleWebKit/605.1.15 (KHTML, like Gecko){browser}".format(
            release=release, chrome=chrome, uc=uc
        )
        for system, browser in product(SYSTEMS, BROWSERS)
        for release in (RELEASES if "{release}" in system else [""])
        for chrome in (CHROMES if "{chrome}" in browser else [""])
        for uc in (UC_BROWSERS if "{uc}" in browser else [""])
    }


def published_answer(agent: str) -> bool:
    """Answer with the patterns as they were published, UC Browser before Chromium; slow on hostile input."""

    def first(pattern: str) -> list[int] | None:
        found = re.search(pattern, agent)
        return [int(group) for group in found.groups()] if found else None

    chromium = re.search(r"Chrom(e|ium)", agent) is not None
    if first(r"\(iP.+; CPU .*OS (\d+)[_\d]*.*\) AppleWebKit\/") == [12]:
        return True
    if first(r"\(Macintosh;.*Mac OS X (\d+)_(\d+)[_\d]*.*\) AppleWebKit\/") == [10, 14] and (
        (re.search(r"Version\/.* Safari\/", agent) and not chromium)
        or re.search(
            r"^Mozilla\/[\.\d]+ \(Macintosh;.*Mac OS X [_\d]+\) AppleWebKit\/[\.\d]+ \(KHTML, like Gecko\)$",
            agent,
        )
    ):
        return True
    if "UCBrowser/" in agent:
        return (first(r"UCBrowser\/(\d+)\.(\d+)\.(\d+)[\.\d]* ") or []) < [12, 13, 2]
    version = first(r"Chrom[^ \/]+\/(\d+)[\.\d]* ")
    return chromium and version is not None and 51 <= version[0] < 67


def parsed_answer(agent: str) -> bool:
    """Answer from what ua-parser takes the browser for."""
    result = ua_parser.parse(agent)
    browser, system = result.user_agent, result.os
    if system and system.family == "iOS" and system.major == "12":
        return True
    if browser and browser.family == "UC Browser":
        return tuple(int(part or 0) for part in (browser.major, browser.minor)) < (12, 13)
    if system and (system.family, system.major, system.minor) == ("Mac OS X", "10", "14"):
        return browser is None or browser.family in ("Safari", "Apple Mail")
    found = re.search(r"Chrom\w*/(\d+)", agent)
    return found is not None and 51 <= int(found[1]) < 67


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["user_agent"][-60:] or "none")
def test_the_listed_browsers_need_one_and_no_others(vector: dict[str, object]) -> None:
    """CK-11."""
    assert needs_twin(str(vector["user_agent"])) == vector["needs_legacy_twin"]


def test_the_published_patterns_give_the_same_answers() -> None:
    """CK-11."""
    assert [agent for agent in user_agents() if needs_twin(agent) != published_answer(agent)] == []


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["user_agent"][-60:] or "none")
def test_ua_parser_gives_the_same_answer(vector: dict[str, object]) -> None:
    """CK-11: it names no patch release of UC Browser, so 12.13.0 and 12.13.2 are one to it."""
    agent = str(vector["user_agent"])
    if "UCBrowser/12.13." not in agent:
        assert parsed_answer(agent) == needs_twin(agent)


@pytest.mark.parametrize(
    ("version", "needed"), [("9", True), ("12.13", True), ("12.14", False), ("13", False)]
)
def test_parts_of_a_version_that_are_not_there_are_zero(version: str, needed: bool) -> None:
    assert needs_twin(f"Mozilla/5.0 (Linux; U; Android 8.1.0) UCBrowser/{version} Mobile") == needed


def test_what_follows_the_first_512_characters_is_not_read() -> None:
    assert needs_twin("x" * 502 + " Chrome/60")
    assert not needs_twin("x" * 512 + " Chrome/60")


@given(wire_text | st.text(max_size=600))
def test_any_text_gets_an_answer(agent: str) -> None:
    assert needs_twin(agent) in (True, False)


@pytest.mark.parametrize(
    "piece",
    [
        "(iP",
        "(iP; CPU ",
        "(iP; CPU OS 1",
        "; CPU OS ",
        "(",
        "()",
        "(Macintosh; Mac OS X 10_14",
        "Mac OS X ",
        "Version/",
        "Mozilla/5.0 (",
        "Chrom",
        "Chrome",
        "UCBrowser/1.",
        "9",
        " ",
    ],
)
def test_a_hostile_user_agent_is_no_work(piece: str) -> None:
    """CK-11: only its first 512 characters are read, and those once."""
    assert growth(needs_twin, lambda size: "(iPhone; CPU OS " + repeated(piece, size)) < 30
    assert growth(needs_twin, lambda size: "Mozilla/5.0 (Macintosh; " + repeated(piece, size)) < 30


# --- what it is -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "twin"),
    [
        ("id=x; SameSite=None; Secure", "id-legacy=x; Secure"),
        ("id=x; Secure; SameSite=None", "id-legacy=x; Secure"),
        ("id=x;samesite = NONE ;Path=/;Priority=High", "id-legacy=x;Path=/;Priority=High"),
        ("id=x; SameSite=Lax; SameSite=None", "id-legacy=x"),
        (" id = a=b ; SameSite=None", "id-legacy= a=b "),
        ("__Host-id=x; Path=/; Secure; SameSite=None", "__Host-id-legacy=x; Path=/; Secure"),
    ],
)
def test_a_twin_differs_in_name_and_same_site_only(line: str, twin: str) -> None:
    """CK-11."""
    assert twin_of(line) == twin


@pytest.mark.parametrize(
    "line",
    [
        "id=x",
        "id=x; SameSite=Lax",
        "id=x; SameSite=Strict",
        "id=x; SameSite",
        "id=x; SameSite=None; SameSite=Lax",
        "id=x; SameSite=None; SameSite=maybe",
        "id=x; Secure; SameSite=None; Partitioned",
        "id-legacy=x; Secure; SameSite=None",
        "=x; Secure; SameSite=None",
        "x; Secure; SameSite=None",
    ],
)
def test_other_cookies_are_due_none(line: str) -> None:
    """CK-11, CK-06."""
    assert twin_of(line) is None


@given(cookies())
def test_a_twin_of_ours_has_the_same_lifetime_scope_and_protection(cookie: Cookie) -> None:
    """CK-11, CK-09."""
    twin = twin_of(cookie.render())
    if cookie.same_site != "None" or cookie.partitioned or cookie.name.endswith("-legacy"):
        assert twin is None
        return
    assert twin is not None
    name, value, attributes = split_line(twin)
    assert (name, value) == (f"{cookie.name}-legacy", cookie.value)
    expected = read_attributes(split_line(cookie.render())[2])
    del expected["samesite"]
    assert read_attributes(attributes) == expected


# --- reading it back --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "folded"),
    [
        ("id=x; id-legacy=x", "id=x"),
        ("id-legacy=x; id=x", "id=x"),
        ("a=1; id-legacy=x; b=2", "a=1; id=x; b=2"),
        ("id-legacy=x", "id=x"),
        ("id=; id-legacy=x", "id=x"),
        ("id-legacy=x; id= ; a=1", "id=x; a=1"),
        ("id-legacy=x; id-legacy=x", "id=x"),
        ("id-legacy=", "id="),
        ("id=x; id=y; id-legacy=y", "id=x; id=y"),
        ("id-legacy=x; visit=y; visit-legacy=y", "id=x; visit=y"),
        ("ID=x; id-legacy=y", "ID=x; id=y"),
    ],
)
def test_the_application_sees_the_cookie_under_its_name(header: str, folded: str) -> None:
    """CK-11."""
    assert fold_twins(header) == (folded, ())


@pytest.mark.parametrize(
    ("header", "folded"),
    [
        ("id=x; id-legacy=y", "id=x"),
        ("id-legacy=y; id=x", "id=x"),
        ("id=x; id-legacy=x; id-legacy=y", "id=x"),
        ("id=x; id-legacy=", "id=x"),
        ("id-legacy=x; id-legacy=y; a=1", "a=1"),
        ("id=; id-legacy=x; id-legacy=y", "id="),
        ("id =x; id-legacy=y", "id =x"),
    ],
)
def test_a_twin_that_disagrees_is_dropped_and_reported(header: str, folded: str) -> None:
    """CK-11: a client that sends two values cannot choose."""
    assert fold_twins(header) == (folded, ("id",))


@pytest.mark.parametrize(
    "header",
    [
        "",
        "a=1; b=2",
        "a=id-legacy",
        "a=x-legacy; b=2",
        "-legacy=x",
        "=id-legacy=x",
        "id-legacy",
        "id-legacyx=1",
        "id-legacy-legacy=x",
        "id -legacy=x",
        "a=1;;; -legacy=; b",
        "id-LEGACY=x",
    ],
)
def test_what_is_no_twin_is_left_alone(header: str) -> None:
    """CK-11: `-legacy` has no primary, and a twin no twin."""
    assert fold_twins(header) == (header, ())


@given(wire_text.filter(lambda header: "-legacy" not in header))
def test_a_header_without_twins_is_returned_as_it_is(header: str) -> None:
    assert fold_twins(header)[0] is header


pairs = st.tuples(
    st.sampled_from(["id", "id-legacy", "a", "a-legacy", " b", "id-legacy-legacy"]),
    st.sampled_from(["", "x", "y", "z"]),
)


@given(st.lists(pairs, max_size=7))
def test_every_cookie_is_read_by_the_same_rule(sent: list[tuple[str, str]]) -> None:
    """CK-11: the primary wins, one twin stands in, nothing else changes."""
    folded, disagreed = fold_twins("; ".join(f"{name}={value}" for name, value in sent))
    seen = parse_cookie(folded)
    for name in ("id", "a"):
        primaries = [value for sent_name, value in sent if sent_name == name]
        twins = {value for sent_name, value in sent if sent_name == f"{name}-legacy"}
        assert f"{name}-legacy" not in seen
        if any(primaries):
            assert seen.getlist(name) == primaries
            assert (name in disagreed) == (not twins <= set(filter(None, primaries)))
        elif len(twins) == 1:
            assert seen.getlist(name) == list(twins)
            assert name not in disagreed
        else:
            assert seen.getlist(name) == primaries
            assert (name in disagreed) == bool(twins)
    for other in ("b", "id-legacy-legacy"):
        assert seen.getlist(other) == [value for name, value in sent if name.strip() == other]


@given(
    st.lists(
        st.sampled_from(
            ["id=x", " id-legacy=x", "id=", '"', ' a="id-legacy=', "\tid-legacy =y", "", "a", " =b"]
        )
    )
)
def test_other_cookies_are_kept_to_the_byte_and_in_order(sent: list[str]) -> None:
    header = ["start=1", *sent]
    folded, _ = fold_twins(";".join(header))
    kept, others = (
        [pair for pair in each if not pair.strip().startswith("id")] for each in (folded.split(";"), header)
    )
    assert kept == others


headers = st.lists(pairs).map(lambda sent: ";".join(map("=".join, sent)))


@given(st.text("id-legacy=; x", max_size=40) | headers)
def test_folding_twice_changes_nothing(header: str) -> None:
    folded, _ = fold_twins(header)
    assert fold_twins(folded) == (folded, ())


@given(names.filter(lambda name: not name.endswith("-legacy")), values.filter(bool))
def test_every_browser_ends_up_with_one_cookie(name: str, value: str) -> None:
    """CK-11: one that keeps both lines, one that drops SameSite=None, and one that is sent the primary alone."""
    both = Hardening(same_site="None", twins="always").harden(f"{name}={value}")
    for kept in (both, both[1:], both[:1]):
        header = "; ".join(line.partition(";")[0] for line in kept)
        assert fold_twins(header) == (f"{name}={value}", ())


HOSTILE = [
    "a=b;",
    ";",
    "=",
    "-legacy",
    "-legacy=",
    "a-legacy=;",
    "a-legacy=b; ",
    "a=; a-legacy=; ",
    " ",
    '"',
    "x",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_hostile_header_is_linear_work(piece: str) -> None:
    """CK-08."""
    assert growth(fold_twins, lambda size: "id-legacy=x; " + repeated(piece, size)) < 30


def test_a_header_no_browser_sends_is_not_folded() -> None:
    """CK-08: it would only be work."""
    header = "id-legacy=x; " + "; ".join(f"c{number}=x" for number in range(1000))
    assert fold_twins(header) == (header, ())
    assert fold_twins(header.rpartition(";")[0])[0].startswith("id=x; ")
