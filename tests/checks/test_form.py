"""One field of a form, found in its first bytes."""

from __future__ import annotations

import doctest
import io
import time
from urllib.parse import quote_plus, urlencode

import httpx2
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header
from werkzeug.test import encode_multipart

import secmw.checks.form
from secmw.checks.form import FormError, find_field, is_form
from secmw.http import Reason

NAME = "xsrf_token"
URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=XX"

TOKENS = st.text('abcABC019-_.~+/= %&"\\é€\U0001f600', max_size=40)
NAMES = st.text(min_size=1, max_size=6).filter(lambda name: name.isprintable())
VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
# Every cut position of every example is tried: fewer examples do.
EVERY_CUT = settings(max_examples=max(settings.default.max_examples // 5, 1) if settings.default else 10)
OTHERS = st.lists(st.tuples(NAMES.filter(lambda name: name != NAME), VALUES), max_size=3)


def reason(content_type: str, data: bytes, *, complete: bool = True, name: str = NAME) -> Reason:
    with pytest.raises(FormError) as caught:
        find_field(name, content_type, data, complete=complete)
    return caught.value.reason


def outcome(content_type: str, data: bytes, *, complete: bool = True, name: str = NAME) -> str | Reason:
    """Return the value, or why there is none; anything but FormError is a failure."""
    try:
        return find_field(name, content_type, data, complete=complete)
    except FormError as error:
        return error.reason


def part(name: str, value: str, more: str = "") -> str:
    return f'--XX\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{value}\r\n'


# --- which bodies are forms


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded",
        "Application/X-WWW-Form-URLEncoded",
        "application/x-www-form-urlencoded; charset=UTF-8",
        "application/x-www-form-urlencoded;",
        " multipart/form-data ; boundary=x",
        "MULTIPART/FORM-DATA",
        "multipart/form-data;boundary=\x00\ud800é",
    ],
)
def test_the_two_encodings_that_carry_fields_are_forms(content_type: str) -> None:
    assert is_form(content_type)


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/json",
        "multipart/mixed",
        "multipart/form-data, text/plain",
        "multipart/form-data multipart/form-data",
        "multipart/form-datax",
        "multıpart/form-data",
        "MULTİPART/FORM-DATA",
        "; multipart/form-data",
        "multipart\x00/form-data",
    ],
)
def test_nothing_else_is_a_form(content_type: str) -> None:  # XS-03
    assert not is_form(content_type)


@given(st.text(st.characters()))
def test_any_text_may_stand_where_the_content_type_should(content_type: str) -> None:
    assert is_form(content_type) in (True, False)


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/json"])
def test_a_body_that_is_no_form_has_no_field(content_type: str) -> None:
    assert reason(content_type, b"xsrf_token=x") is Reason.XSRF_MISSING
    assert reason(content_type, b"xsrf_token=x", complete=False) is Reason.FORM_TOO_LARGE


# --- application/x-www-form-urlencoded


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"xsrf_token=abc", "abc"),
        (b"a=1&xsrf_token=abc&b=2", "abc"),
        (b"xsrf_token=", ""),
        (b"xsrf_token", ""),
        (b"xsrf_token=a=b", "a=b"),
        (b"xsrf_token=a+b%2Bc", "a b+c"),
        (b"xsrf_token=%c3%A9", "é"),
        (b"%78srf%5Ftoken=abc", "abc"),
        (b"&&xsrf_token=abc&&", "abc"),
        (b"=abc&xsrf_token=d", "d"),
        (b"a=%zz&b=%ff&c=\xff&xsrf_token=abc", "abc"),
        (b"xsrf_token=abc&xsrf_token=ab%63", "abc"),
        (b"xsrf_token=a;xsrf_token=b", "a;xsrf_token=b"),
        (b"XSRF_TOKEN=no&xsrf_token=yes", "yes"),
        (b"xsrf_token=" + b"a" * 256, "a" * 256),
        (b"xsrf_token=" + b"%F0%9F%98%80" * 256, "\U0001f600" * 256),
    ],
)
def test_a_field_of_a_urlencoded_form_is_found(body: bytes, value: str) -> None:  # XS-12
    assert find_field(NAME, URLENCODED, body, complete=True) == value


@pytest.mark.parametrize(
    "body", [b"", b"&", b"=", b"a=1", b"xsrf_token2=x", b"xsrf-token=x", b"XSRF_TOKEN=x"]
)
def test_a_form_without_the_field_has_none(body: bytes) -> None:
    assert reason(URLENCODED, body) is Reason.XSRF_MISSING


@pytest.mark.parametrize(
    "body",
    [
        b"xsrf_token=%",
        b"xsrf_token=%a",
        b"xsrf_token=%zz",
        b"xsrf_token=%%41",
        b"xsrf_token=%ff",
        b"xsrf_token=\xff",
        b"xsrf_token=%ed%a0%80",
        b"xsrf_token=%c0%80",
        b"xsrf_token=a%",
        b"%zz=1&xsrf_token=abc",
        b"%ff=1&xsrf_token=abc",
        b"\xff=1&xsrf_token=abc",
        b"xsrf_token=abc&xsrf_token=abd",
        b"xsrf_token=abc&xsrf_token=",
        b"xsrf_token=abc&%xsrf=1",
        b"xsrf_token=" + b"a" * 257,
        b"xsrf_token=" + b"%61" * 257,
        b"xsrf_token=" + b"%61" * 2000,
    ],
)
def test_what_cannot_be_decoded_or_means_two_things_is_malformed(body: bytes) -> None:
    assert reason(URLENCODED, body) is Reason.FORM_MALFORMED


def test_the_last_pair_of_an_incomplete_form_does_not_count() -> None:
    assert reason(URLENCODED, b"xsrf_token=abc", complete=False) is Reason.FORM_TOO_LARGE
    assert reason(URLENCODED, b"a=1&xsrf_token=%", complete=False) is Reason.FORM_TOO_LARGE
    assert find_field(NAME, URLENCODED, b"xsrf_token=abc&xsrf_token=ab", complete=False) == "abc"
    assert find_field(NAME, URLENCODED, b"xsrf_token=abc&", complete=False) == "abc"


@EVERY_CUT
@given(OTHERS, TOKENS, OTHERS)
def test_what_urlencode_writes_is_read_back_wherever_it_is_cut(
    before: list[tuple[str, str]], token: str, after: list[tuple[str, str]]
) -> None:
    body = urlencode([*before, (NAME, token), *after]).encode()
    assert find_field(NAME, URLENCODED, body, complete=True) == token
    end = body.index(f"{NAME}={quote_plus(token)}".encode()) + len(f"{NAME}={quote_plus(token)}")
    for cut in range(len(body) + 1):
        if cut <= end:
            assert reason(URLENCODED, body[:cut], complete=False) is Reason.FORM_TOO_LARGE
        else:
            assert find_field(NAME, URLENCODED, body[:cut], complete=False) == token


@given(st.dictionaries(NAMES, st.text(st.characters(exclude_categories=["Cs"]), max_size=20), min_size=1))
def test_every_field_of_a_form_can_be_asked_for(form: dict[str, str]) -> None:
    body = urlencode(form).encode()
    for name, value in form.items():
        assert find_field(name, URLENCODED, body, complete=True) == value


# --- multipart/form-data


@pytest.mark.parametrize(
    ("content_type", "delimiter"),
    [
        ("multipart/form-data; boundary=XX", "XX"),
        ('multipart/form-data; boundary="XX"', "XX"),
        ("multipart/form-data;BOUNDARY=XX", "XX"),
        ("multipart/form-data; charset=utf-8; boundary=XX;", "XX"),
        ('multipart/form-data; title="é; boundary=no"; boundary=XX', "XX"),
        ('multipart/form-data; boundary="X X"', "X X"),
        ("multipart/form-data; boundary=a'()+_,-./:=?b", "a'()+_,-./:=?b"),
        ("multipart/form-data; boundary=" + "x" * 70, "x" * 70),
        ("multipart/form-data; boundary=-", "-"),
    ],
)
def test_every_boundary_that_rfc_2046_allows_is_understood(content_type: str, delimiter: str) -> None:
    body = f'--{delimiter}\r\nContent-Disposition: form-data; name="xsrf_token"\r\n\r\nabc\r\n--{delimiter}--\r\n'
    assert find_field(NAME, content_type, body.encode(), complete=True) == "abc"


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        'multipart/form-data; boundary="XX',
        'multipart/form-data; boundary="XX "',
        'multipart/form-data; boundary="X\\X"',
        "multipart/form-data; boundary=XX, multipart/form-data; boundary=XX",
        "multipart/form-data; boundary=XX; boundary=XX",
        "multipart/form-data; boundary=XX; Boundary=YY",
        "multipart/form-data; boundary*=utf-8''XX; boundary=XX",
        "multipart/form-data; boundary=XX\r\nX: y",
        "multipart/form-data; boundary=XX\x00",
        "multipart/form-data; boundary=ÿX",
        "multipart/form-data; boundary=\ud800",
        "multipart/form-data; boundary=X@X",
        "multipart/form-data; boundary=" + "x" * 71,
    ],
)
def test_a_boundary_that_rfc_2046_does_not_allow_is_malformed(content_type: str) -> None:
    body = (part(NAME, "abc") + "--XX--\r\n").encode()
    assert reason(content_type, body) is Reason.FORM_MALFORMED


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (part(NAME, "abc") + "--XX--\r\n", "abc"),
        (part(NAME, "abc") + "--XX--", "abc"),
        (part(NAME, "abc") + "--XX-- \t\r\nepilogue\n--XX", "abc"),
        ("preamble\r\n" + part(NAME, "abc") + "--XX--", "abc"),
        ("preamble--XX\r\n" + part(NAME, "abc") + "--XX--", "abc"),
        ("\r\n" + part(NAME, "abc") + "--XX--", "abc"),
        (part("a", "") + part(NAME, "") + "--XX--", ""),
        (part("a", "").replace("\r\n\r\n\r\n", "\r\n\r\n") + part(NAME, "abc") + "--XX--", "abc"),
        (part(NAME, "").replace("\r\n\r\n\r\n", "\r\n\r\n") + "--XX--", ""),
        (part("a", "\r\n\r\nb") + part(NAME, "a\r\nb") + "--XX--", "a\r\nb"),
        (part("a", "x--XX") + part(NAME, "--XX").replace("\r\n--XX\r\n", "\r\nabc\r\n", 1) + "--XX--", "abc"),
        (part(NAME, "abc").replace("--XX\r\n", "--XX \t \r\n") + "--XX--", "abc"),
        (part(NAME, "abc") + part(NAME, "abc") + "--XX--", "abc"),
        (part(NAME, "abc") + part("f", "\x00", '; filename="f"') + part(NAME, "other") + "--XX--", "abc"),
        (part(NAME, "abc") + part("f", "\n--XX", '; filename="f"'), "abc"),
        (part(NAME, "abc") + part("f", "x", "; filename*=utf-8''f"), "abc"),
        (part("filename", "x") + part(NAME, "abc") + "--XX--", "abc"),
        (part('a\\"; filename=\\"', "x") + part(NAME, "abc") + "--XX--", "abc"),
        (part(NAME, "é") + "--XX--", "é"),
        (part(NAME, "a" * 256) + "--XX--", "a" * 256),
        (
            "--XX\r\ncontent-disposition:FORM-DATA;NAME=xsrf_token;\r\nContent-Type: text/plain\r\n\r\nabc\r\n--XX--",
            "abc",
        ),
        (
            "--XX\r\nContent-Transfer-Encoding: 8BIT\r\n" + part(NAME, "abc")[6:] + "--XX--",
            "abc",
        ),
    ],
)
def test_a_field_of_a_multipart_form_is_found(body: str, value: str) -> None:  # XS-12
    assert find_field(NAME, MULTIPART, body.encode(), complete=True) == value


@pytest.mark.parametrize(
    "body",
    [
        "",
        "--XX--",
        "--XX--\r\n",
        part("a", "xsrf_token=b") + "--XX--",
        part("f", "x", '; filename=""') + part(NAME, "abc") + "--XX--",
        part("f", "x", '; FileName="f"') + part(NAME, "abc") + "--XX--",
        part("f", "x", "; filename*=utf-8''f") + part(NAME, "abc") + "--XX--",
        part("f", "x", "; filename*0=f") + part(NAME, "abc") + "--XX--",
        part(NAME, "abc", '; filename="f"') + "--XX--",
        part(NAME.upper(), "abc") + "--XX--",
        "--XX--\r\n" + part(NAME, "abc"),
    ],
)
def test_a_form_without_the_field_before_its_first_file_has_none(body: str) -> None:
    assert reason(MULTIPART, body.encode()) is Reason.XSRF_MISSING
    assert reason(MULTIPART, body.encode(), complete=False) is Reason.FORM_TOO_LARGE


@pytest.mark.parametrize(
    "body",
    [
        b"abc",
        b"--XY\r\n",
        b"--XXX\r\n",
        b"--XX",
        b"--XX\r\n",
        b"--XX\n",
        b"--XX-\r\n",
        b"--XX--x",
        b"--XX\r\n\r\nabc\r\n--XX--",
        b"--XX\r\n\r\n\r\n\r\nabc\r\n--XX--",
        b"--XX\r\nContent-Disposition: form-data; name=xsrf_token\r\n--XX--",
        b"--XX\r\nContent-Disposition: form-data; name=xsrf_token\r\n\r\nabc",
        b"--XX\r\nContent-Disposition: form-data; name=xsrf_token\r\n\r\nabc\r\n--XX",
        b"--XX\r\nContent-Disposition: form-data; name=xsrf_token\r\n\r\nabc\r\n--XXX\r\n--XX--",
        b"--XX\r\nContent-Disposition: form-data; name=xsrf_token\n\r\n\r\nabc\r\n--XX--",
        b"--XX\r\nContent-Disposition: form-data;\r\n name=xsrf_token\r\n\r\nabc\r\n--XX--",
        b"--XX\r\nContent-Disposition form-data; name=xsrf_token\r\n\r\nabc\r\n--XX--",
        b"--XX\r\nContent-Disposition : form-data; name=xsrf_token\r\n\r\nabc\r\n--XX--",
        b"--XX\r\nContent-Disposition: attachment; name=xsrf_token\r\n\r\nabc\r\n--XX--",
        b"--XX\r\nContent-Disposition: form-data\r\n\r\nabc\r\n--XX--",
        b"--XX\r\nContent-Disposition: form-data; nam=xsrf_token\r\n\r\nabc\r\n--XX--",
        b"--XX\r\nContent-Disposition: form-data; name=xsrf_token; name=xsrf_token\r\n\r\nabc\r\n--XX--",
        b"--XX\r\nContent-Disposition: form-data; name=xsrf_token; name*=x\r\n\r\nabc\r\n--XX--",
        b"--XX\r\nContent-Disposition: form-data; name*=xsrf_token\r\n\r\nabc\r\n--XX--",
        b'--XX\r\nContent-Disposition: form-data; name="xsrf_token\r\n\r\nabc\r\n--XX--',
        b'--XX\r\nContent-Disposition: form-data; name="xsrf_token\\"\r\n\r\nabc\r\n--XX--',
        b'--XX\r\nContent-Disposition: form-data; name="xsrf_token" x\r\n\r\nabc\r\n--XX--',
        b"--XX\r\nContent-Type: text/plain\r\n\r\nabc\r\n--XX--",
        b"--XX\r\nContent-Disposition: form-data; name=a\r\n" + part(NAME, "abc").encode()[6:] + b"--XX--",
        b"--XX\r\nContent-Transfer-Encoding: base64\r\n" + part(NAME, "YWJj").encode()[6:] + b"--XX--",
        b"--XX\r\nContent-Disposition: form-data; name=\xff\r\n\r\nabc\r\n--XX--",
        b"--XX\r\nContent-Disposition: form-data; name=xsrf_token\r\n\r\n\xff\r\n--XX--",
        b"--XX\r\nContent-Disposition: form-data; name=xsrf_token\r\n\r\nabc\n--XX\r\n\r\n--XX--",
        b"--XX\r\nContent-Disposition: form-data; name=xsrf_token\r\n\r\nabc\r--XX\r\n\r\n--XX--",
        b"x\n--XX\r\nContent-Disposition: form-data; name=xsrf_token\r\n\r\nabc\r\n--XX--",
        (part(NAME, "abc") + part(NAME, "abd") + "--XX--").encode(),
        (part(NAME, "a" * 257) + "--XX--").encode(),
        (part(NAME, "a" * 5000) + "--XX--").encode(),
    ],
)
def test_a_multipart_form_that_could_be_read_in_two_ways_is_malformed(body: bytes) -> None:
    assert reason(MULTIPART, body) is Reason.FORM_MALFORMED


@pytest.mark.parametrize("boundary", ["x" * 71, "X X ", "X@X", 'X"X'])
def test_a_boundary_against_the_rules_is_malformed_even_if_the_body_uses_it(boundary: str) -> None:
    body = (part(NAME, "abc") + "--XX--").replace("XX", boundary)
    assert reason(f'multipart/form-data; boundary="{boundary}"', body.encode()) is Reason.FORM_MALFORMED


def test_an_escaped_quote_in_a_name_is_part_of_the_name() -> None:
    body = part('a\\"b\\\\', "abc") + "--XX--"
    assert find_field('a"b\\', MULTIPART, body.encode(), complete=True) == "abc"


def test_an_empty_pair_is_no_field() -> None:
    assert reason(URLENCODED, b"&&", name="") is Reason.XSRF_MISSING
    assert find_field("", URLENCODED, b"&=abc", complete=True) == "abc"


def test_a_colon_in_the_boundary_does_not_make_the_delimiter_a_header() -> None:
    body = b"--a:b\r\n--a:b\r\nContent-Disposition: form-data; name=xsrf_token\r\n\r\nabc\r\n--a:b--"
    assert reason("multipart/form-data; boundary=a:b", body) is Reason.FORM_MALFORMED


@pytest.mark.parametrize("line", [b"--XXX", b"--XX--x", b"--XX-x", b"--XX \t-"])
def test_a_line_that_only_begins_like_a_delimiter_is_malformed_even_where_more_follows(line: bytes) -> None:
    body = part(NAME, "abc").encode() + line
    assert reason(MULTIPART, body, complete=False) is Reason.FORM_MALFORMED


def test_a_part_counts_once_its_delimiter_has_been_read_to_the_end() -> None:
    body = part(NAME, "abc").encode()
    for rest in (b"", b"--XX", b"--XX \t", b"--XX\r", b"--XX-", b"--XX--", b"--XX--\r"):
        assert reason(MULTIPART, body + rest, complete=False) is Reason.FORM_TOO_LARGE
    assert find_field(NAME, MULTIPART, body + b"--XX\r\n", complete=False) == "abc"
    assert find_field(NAME, MULTIPART, body + b"--XX--\r\n", complete=False) == "abc"


def by_httpx(fields: list[tuple[str, str]]) -> tuple[str, bytes]:
    request = httpx2.Request("POST", "http://x/", files=[(name, (None, value)) for name, value in fields])
    return request.headers["content-type"], request.read()


def by_werkzeug(fields: list[tuple[str, str]]) -> tuple[str, bytes]:
    values: dict[str, list[str]] = {}
    for name, value in fields:
        values.setdefault(name, []).append(value)
    boundary, body = encode_multipart(values, boundary="----WebKitFormBoundary7MA4YWxkTrZu0gW")
    return f"multipart/form-data; boundary={boundary}", body


@pytest.mark.parametrize("make", [by_httpx, by_werkzeug])
@EVERY_CUT
@given(OTHERS, TOKENS, OTHERS)
def test_what_other_libraries_write_is_read_back_wherever_it_is_cut(
    make: object, before: list[tuple[str, str]], token: str, after: list[tuple[str, str]]
) -> None:
    assert callable(make)
    # Werkzeug's test client does not escape names.
    assume(make is by_httpx or not any(set(name) & set('"\\') for name, _ in before + after))
    content_type, body = make([*before, (NAME, token), *after])
    assert find_field(NAME, content_type, body, complete=True) == token
    outcomes = [outcome(content_type, body[:cut], complete=False) for cut in range(len(body) + 1)]
    unread = outcomes.count(Reason.FORM_TOO_LARGE)
    assert unread <= len(body), "the form ends with a whole delimiter, so it is found at the latest there"
    assert outcomes[unread:] == [token] * (len(outcomes) - unread), "what was found once stays found"


# --- hostile bytes

PIECES = [
    *(
        b"--XX",
        b"--",
        b"-",
        b"\r\n",
        b"\r\n\r\n",
        b"\n",
        b"\r",
        b" ",
        b"\t",
        b";",
        b"=",
        b'"',
        b"\\",
        b":",
        b"&",
        b"%",
    ),
    *(
        b"%41",
        b"+",
        b"\xff",
        b"\xc3\xa9",
        b"abc",
        b"xsrf_token",
        b"xsrf_token=abc",
        b"filename",
        b'filename="f"',
    ),
    *(
        b"Content-Disposition: form-data",
        b'; name="xsrf_token"',
        b"; name=a",
        b"; name*=utf-8''a",
        b"\r\n--XX\r\n",
    ),
    *(b"Content-Type: text/plain", b"Content-Transfer-Encoding: base64", b"\r\n--XX--\r\n", b"XX"),
    b'--XX\r\nContent-Disposition: form-data; name="xsrf_token"\r\n\r\nabc\r\n',
    b'--XX\r\nContent-Disposition: form-data; name="a"\r\n\r\n',
]
BODIES = st.lists(st.sampled_from(PIECES), max_size=20).map(b"".join) | st.binary(max_size=60)
# Mostly well-formed, with something odd in it.
NEARLY = st.tuples(
    st.lists(st.sampled_from(PIECES), max_size=3).map(b"".join),
    st.lists(st.sampled_from(PIECES), max_size=3).map(b"".join),
    st.lists(st.sampled_from(PIECES), max_size=6).map(b"".join),
).map(
    lambda odd: (
        b"--XX\r\nContent-Disposition: form-data" + odd[0] + b'; name="xsrf_token"' + odd[1] + b"\r\n\r\nabc"
        b"\r\n--XX\r\nContent-Disposition: form-data; name=b\r\n\r\n" + odd[2] + b"\r\n--XX--\r\n"
    )
)
TYPES = st.sampled_from([URLENCODED, MULTIPART, 'multipart/form-data; boundary="XX"; a=b']) | st.text(
    st.sampled_from('multipart/form-data; boundary="X-\\\r\n\x00é\ud800=,*')
).map(lambda text: "multipart/form-data;" + text)


@given(TYPES, BODIES | NEARLY, st.booleans(), st.sampled_from([NAME, "a", "", "é"]))
def test_nothing_but_form_error_is_raised(content_type: str, body: bytes, complete: bool, name: str) -> None:
    found = outcome(content_type, body, complete=complete, name=name)
    if isinstance(found, Reason):
        missing = Reason.XSRF_MISSING if complete else Reason.FORM_TOO_LARGE
        assert found in {missing, Reason.FORM_MALFORMED}


@given(TYPES, BODIES | NEARLY)
@example(MULTIPART, b'--XX\r\nContent-Disposition: form-data; name="xsrf_token"\r\n\r\nabc\r\n--XX--\r\n')
@example(URLENCODED, b"xsrf_token=abc&a=%ff")
def test_an_application_sees_the_value_that_was_checked(content_type: str, body: bytes) -> None:
    found = outcome(content_type, body)
    if isinstance(found, Reason):
        return
    mimetype, options = parse_options_header(content_type)
    try:
        _, form, _ = FormDataParser(silent=False).parse(io.BytesIO(body), mimetype, len(body), options)
    except ValueError:
        # What comes after the first file is not ours to judge.
        assert b"filename" in body
        return
    assert form.getlist(NAME)[0] == found


@given(BODIES | NEARLY, st.sampled_from([URLENCODED, MULTIPART]))
def test_what_was_found_in_the_beginning_is_what_the_whole_holds_or_the_whole_is_malformed(
    body: bytes, content_type: str
) -> None:
    whole = outcome(content_type, body)
    for cut in range(len(body)):
        early = outcome(content_type, body[:cut], complete=False)
        assert isinstance(early, Reason) or whole in {early, Reason.FORM_MALFORMED}


KIB64 = 65_536
PART = b"--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (URLENCODED, b"&" * KIB64),
        (URLENCODED, b"=" * KIB64),
        (URLENCODED, b"%" * KIB64),
        (URLENCODED, b"+" * KIB64),
        (URLENCODED, b"%41" * (KIB64 // 3)),
        (URLENCODED, b"a&" * (KIB64 // 2)),
        (URLENCODED, b"xsrf_token=a&" * (KIB64 // 13)),
        (URLENCODED, b"xsrf_token=" + b"%F0" * (KIB64 // 3)),
        (MULTIPART, b"-" * KIB64),
        (MULTIPART, b"a" * KIB64),
        (MULTIPART, b"\r\n" * (KIB64 // 2)),
        (MULTIPART, b"--XX" * (KIB64 // 4)),
        (MULTIPART, b"--XX\r\n" * (KIB64 // 6)),
        (MULTIPART, b"--XX" + b" " * KIB64),
        (MULTIPART, PART * 10_000),
        (MULTIPART, PART * 10_000 + b"--XX--"),
        (MULTIPART, b"--XX\r\n" + b"a:\r\n" * (KIB64 // 4)),
        (MULTIPART, b"--XX\r\n" + b"a:\r\n" * (KIB64 // 4) + b"\r\n"),
        (MULTIPART, b"--XX\r\nContent-Disposition: form-data" + b"; a=b" * (KIB64 // 5) + b"\r\n\r\n"),
        (MULTIPART, b'--XX\r\nContent-Disposition: form-data; a="' + b"\\" * KIB64 + b"\r\n\r\n"),
        (MULTIPART, b"--XX\r\nContent-Disposition: form-data;" + b" " * KIB64 + b"\r\n\r\n"),
        ("multipart/form-data; boundary=" + "-" * 70, b"-" * KIB64),
        ("multipart/form-data; boundary=" + "-" * 69 + "x", b"-" * KIB64),
        ("multipart/form-data" + "; a=b" * 15_000, b"x"),
        ("multipart/form-data; boundary=" + "x" * KIB64, b"x"),
        ('multipart/form-data; boundary="' + "\\" * KIB64, b"x"),
        (";" * KIB64, b"x"),
    ],
)
@pytest.mark.parametrize("complete", [True, False])
def test_hostile_bytes_cost_no_more_than_their_length(content_type: str, body: bytes, complete: bool) -> None:
    started = time.process_time()
    outcome(content_type, body, complete=complete)
    assert time.process_time() - started < 3, "hundredths, in truth; quadratic cost would be minutes"


def test_the_examples_in_its_docstrings_are_true() -> None:
    assert doctest.testmod(secmw.checks.form).failed == 0
