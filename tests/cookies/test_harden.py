"""CK-02, CK-05, CK-06, CK-09 to CK-11: hardening the cookies an application sets."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.http import dump_cookie

from secmw.cookies import Cookie, Hardening
from secmw.cookies.grammar import read_attributes, split_line
from secmw.cookies.harden import Twins
from tests.cookies.strategies import cookies, domains, names, wire_text
from tests.cookies.test_cookie import client_given

OLD = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/60.0.3112.78 Safari/537.36"
)
NEW = "Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0"

NOTHING = Hardening(secure=False, http_only=False, same_site=None)
EMBEDDED = Hardening(same_site="None")
CHIPS = Hardening(same_site="None", partitioned=True)

hardenings = st.builds(
    Hardening,
    secure=st.booleans(),
    http_only=st.booleans(),
    readable=st.frozensets(names, max_size=2),
    same_site=st.sampled_from(["Lax", "Strict", "None", None]),
    partitioned=st.booleans(),
    twins=st.sampled_from(["never", "always", "incompatible"]),
)

#: What applications write, well-formed or not: attributes in any case and order, twice, unknown, with odd blanks.
attributes = st.lists(
    st.sampled_from(
        [
            "Secure",
            "secure",
            "HttpOnly",
            "httponly=",
            "SameSite=Lax",
            "samesite=STRICT",
            "SameSite=None",
            "SameSite=maybe",
            "SameSite",
            "SameSite=",
            "Partitioned",
            "Path=/",
            "Path=/shop",
            "Domain=example.org",
            "Max-Age=60",
            "Max-Age=0",
            "Priority=High",
            "=",
            "",
            " Secure ",
            "\tSameSite\t=\tNone",
            "Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        ]
    ),
    max_size=6,
).map(lambda parts: "".join(f"; {part}" for part in parts))
lines = st.builds(
    "{}={}{}".format, names, wire_text.map(lambda text: text.replace(";", "")), attributes
).filter(lambda line: not set(line) & set("\r\n\0"))


def read(line: str) -> dict[str, str]:
    return read_attributes(split_line(line)[2])


# --- what is added ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hardening", "line", "hardened"),
    [
        (Hardening(), "id=x", "id=x; Secure; HttpOnly; SameSite=Lax"),
        (Hardening(), "id=x; Path=/; Secure", "id=x; Path=/; Secure; HttpOnly; SameSite=Lax"),
        (Hardening(secure=False), "id=x", "id=x; HttpOnly; SameSite=Lax"),
        (Hardening(http_only=False), "id=x", "id=x; Secure; SameSite=Lax"),
        (Hardening(same_site=None), "id=x", "id=x; Secure; HttpOnly"),
        (Hardening(same_site="Strict"), "id=x", "id=x; Secure; HttpOnly; SameSite=Strict"),
        (NOTHING, "id=x", "id=x"),
        (EMBEDDED, "id=x", "id=x; Secure; HttpOnly; SameSite=None"),
        (CHIPS, "id=x", "id=x; Secure; HttpOnly; SameSite=None; Partitioned"),
    ],
)
def test_what_is_missing_is_appended(hardening: Hardening, line: str, hardened: str) -> None:
    assert hardening.harden(line) == (hardened,)


@pytest.mark.parametrize("present", ["Strict", "Lax", "None", "strict", "NONE"])
def test_a_same_site_that_is_there_stands(present: str) -> None:
    assert read(Hardening(same_site="Lax").harden(f"id=x; SameSite={present}")[0])["samesite"] == present


@pytest.mark.parametrize(
    "present", ["SameSite", "SameSite=", "SameSite=maybe", "SameSite=None; SameSite=maybe"]
)
def test_a_same_site_no_browser_knows_counts_as_none(present: str) -> None:
    """The one appended comes last, and the last counts."""
    hardened = Hardening().harden(f"id=x; {present}")[0]
    assert hardened == f"id=x; {present}; Secure; HttpOnly; SameSite=Lax"


def test_an_attribute_too_long_to_count_is_added_again() -> None:
    """CK-03: browsers ignore an attribute value over 1024 octets."""
    hardened = Hardening().harden(f"id=x; Secure={'x' * 1025}")[0]
    assert hardened.endswith("; Secure; HttpOnly; SameSite=Lax")


def test_readable_cookies_stay_readable_to_scripts_and_so_do_their_twins() -> None:
    hardening = Hardening(readable=frozenset({"XSRF-TOKEN"}))
    assert hardening.harden("XSRF-TOKEN=x") == ("XSRF-TOKEN=x; Secure; SameSite=Lax",)
    assert hardening.harden("XSRF-TOKEN-legacy=x") == ("XSRF-TOKEN-legacy=x; Secure; SameSite=Lax",)
    assert hardening.harden("xsrf-token=x") == ("xsrf-token=x; Secure; HttpOnly; SameSite=Lax",)


def test_readable_removes_nothing() -> None:
    hardening = Hardening(readable=frozenset({"XSRF-TOKEN"}))
    assert "httponly" in read(hardening.harden("XSRF-TOKEN=x; HttpOnly")[0])


def test_same_site_none_is_not_added_without_secure() -> None:
    """CK-10: on plain http it would make browsers drop the cookie."""
    hardening = Hardening(secure=False, same_site="None", partitioned=True)
    assert hardening.harden("id=x") == ("id=x; HttpOnly",)
    assert hardening.harden("id=x; Secure") == ("id=x; Secure; HttpOnly; SameSite=None; Partitioned",)


def test_same_site_none_of_the_application_gets_secure_where_secure_is_asked_for() -> None:
    """CK-10."""
    assert Hardening().harden("id=x; SameSite=None") == ("id=x; SameSite=None; Secure; HttpOnly",)
    assert NOTHING.harden("id=x; SameSite=None") == ("id=x; SameSite=None",)


def test_partitioned_is_for_cookies_of_embedded_pages_only() -> None:
    """CK-10."""
    assert "partitioned" not in read(CHIPS.harden("id=x; SameSite=Lax")[0])
    assert "partitioned" in read(CHIPS.harden("id=x; SameSite=none")[0])
    assert Hardening(secure=False, partitioned=True).harden("id=x; SameSite=None") == (
        "id=x; SameSite=None; HttpOnly",
    )
    assert CHIPS.harden("id=x; Partitioned")[0].count("Partitioned") == 1


@given(hardenings, lines)
def test_what_the_application_wrote_is_kept_to_the_byte(hardening: Hardening, line: str) -> None:
    hardened, *_ = hardening.harden(line)
    assert hardened.startswith(line)
    before, after = read(line), read(hardened)
    known = before.get("samesite", "").lower() in ("lax", "strict", "none")
    for name in before.keys() - (set() if known else {"samesite"}):
        assert after[name] == before[name]


@given(hardenings, lines)
def test_what_is_asked_for_is_there(hardening: Hardening, line: str) -> None:
    after = read(hardening.harden(line)[0])
    assert "secure" in after or not hardening.secure
    assert "httponly" in after or not hardening.http_only or split_line(line)[0] in hardening.readable
    assert after.get("samesite") or not hardening.same_site or hardening.same_site == "None"


@given(hardenings, lines)
def test_hardening_twice_adds_nothing(hardening: Hardening, line: str) -> None:
    once = hardening.harden(line)[0]
    assert hardening.harden(once)[0] == once


@given(hardenings, st.lists(lines, max_size=5), lines)
def test_other_cookies_make_no_difference(hardening: Hardening, others: list[str], line: str) -> None:
    expected = hardening.harden(line)
    for other in others:
        hardening.harden(other)
    assert hardening.harden(line) == expected


def test_more_kinds_of_cookies_than_are_remembered_make_no_difference() -> None:
    hardening = Hardening()
    for age in [*range(1000), *range(1000)]:
        line = f"id=x; Max-Age={age}"
        assert hardening.harden(line) == (f"{line}; Secure; HttpOnly; SameSite=Lax",)


@given(hardenings, cookies())
def test_a_deletion_is_hardened_like_its_cookie(hardening: Hardening, cookie: Cookie) -> None:
    """CK-09: what deletes matches what was set, twin included."""
    set_to, deleted = (hardening.harden(each.render(), OLD) for each in (cookie, cookie.deletion()))
    assert len(set_to) == len(deleted)
    for one, other in zip(set_to, deleted, strict=True):
        assert split_line(one)[0] == split_line(other)[0]
        lifetime = {"max-age", "expires"}
        assert read(one).keys() - lifetime == read(other).keys() - lifetime


@given(hardenings, st.sampled_from(["__Host-id", "__Secure-id", "__Http-id", "__Host-Http-id"]), attributes)
def test_a_prefix_that_kept_its_promise_still_does(hardening: Hardening, name: str, extra: str) -> None:
    """CK-02: nothing is removed, and Path and Domain are never touched; the twin has the same prefix."""
    line = f"{name}=x{extra}; Path=/; Secure; HttpOnly"
    for sent in hardening.harden(line, OLD):
        assert split_line(sent)[0].startswith(name)
        assert read(sent).get("domain") == read(line).get("domain")
        assert (read(sent)["path"], "secure" in read(sent), "httponly" in read(sent)) == ("/", True, True)


# --- Werkzeug ---------------------------------------------------------------------------------------------------------


@given(
    name=names,
    value=st.text(max_size=20),
    domain=st.none() | domains,
    max_age=st.none() | st.integers(1, 10**7),
    expires=st.none() | st.just(datetime(2040, 1, 1, tzinfo=UTC)),
    flags=st.fixed_dictionaries(
        {"secure": st.booleans(), "httponly": st.booleans(), "partitioned": st.booleans()}
    ),
    same_site=st.sampled_from(["Lax", "Strict", "None", None]),
)
def test_nothing_werkzeug_wrote_is_lost(
    *,
    name: str,
    value: str,
    domain: str | None,
    max_age: int | None,
    expires: datetime | None,
    flags: dict[str, bool],
    same_site: str | None,
) -> None:
    """CK-05: an application's cookie means what it meant, and more."""
    line = dump_cookie(
        name, value, max_age, expires, "/shop", domain, samesite=same_site, sync_expires=False, **flags
    )
    hardened = Hardening().harden(line)[0]
    before, after = (
        client_given(each).get_cookie(name, domain or "localhost", "/shop") for each in (line, hardened)
    )
    assert before is not None
    assert after is not None
    assert after.decoded_value == before.decoded_value == value
    assert (after.max_age, after.expires, after.origin_only) == (
        before.max_age,
        before.expires,
        before.origin_only,
    )
    assert (after.secure, after.http_only, after.same_site) == (True, True, same_site or "Lax")


# --- twins ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("twins", "agent", "sent"),
    [
        ("never", OLD, 1),
        ("incompatible", OLD, 2),
        ("incompatible", NEW, 1),
        ("incompatible", "", 1),
        ("always", NEW, 2),
    ],
)
def test_a_twin_goes_to_whom_it_is_for(twins: Twins, agent: str, sent: int) -> None:
    """CK-11."""
    assert len(Hardening(same_site="None", twins=twins).harden("id=x", agent)) == sent


def test_a_twin_is_the_hardened_cookie_without_same_site() -> None:
    """CK-11: a cookie that ends up SameSite=None has one, wherever it got that from."""
    always = Hardening(same_site="None", twins="always")
    assert always.harden("id=x; Path=/") == (
        "id=x; Path=/; Secure; HttpOnly; SameSite=None",
        "id-legacy=x; Path=/; Secure; HttpOnly",
    )
    assert Hardening(twins="always").harden("id=x; SameSite=None")[1:] == ("id-legacy=x; Secure; HttpOnly",)


@pytest.mark.parametrize("line", ["id=x; SameSite=Lax", "id=x; Partitioned", "id-legacy=x"])
def test_other_cookies_have_no_twin(line: str) -> None:
    """CK-11."""
    assert len(Hardening(same_site="None", twins="always").harden(line)) == 1


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("character", ["\r", "\n", "\0"])
@pytest.mark.parametrize(
    "line", ["{}id=x", "i{}d=x", "id=x{}", "id=x; Path=/{}", "id=x\r{}Set-Cookie: evil=1"]
)
def test_a_line_that_is_two_is_refused(line: str, character: str) -> None:
    """CK-05: whatever library wrote it."""
    with pytest.raises(ValueError, match="CR, LF or NUL") as caught:
        Hardening().harden(line.format(character))
    assert "evil" not in str(caught.value)


@pytest.mark.parametrize(
    "line", ["", "x", "=x", " =x", "\t=x; Path=/", "; Path=/", "=__Host-id=x", "Secure; HttpOnly"]
)
def test_a_cookie_without_a_name_is_refused(line: str) -> None:
    """CK-06: browsers could send it back as if it had one."""
    with pytest.raises(ValueError, match="names no cookie"):
        Hardening().harden(line)


def test_an_unknown_same_site_is_refused() -> None:
    with pytest.raises(ValueError, match="write 'Lax', 'Strict' or 'None'"):
        Hardening(same_site="lax")  # type: ignore[arg-type]


def test_an_unknown_choice_of_twins_is_refused() -> None:
    with pytest.raises(ValueError, match="write 'never', 'always' or 'incompatible'"):
        Hardening(twins="sometimes")  # type: ignore[arg-type]
