"""The second question of cross-site request forgery: does the request carry a token of its own visit?"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from tests.conformance.client import Visit, outcome, seen, tokens
from tests.conformance.policies import ORIGIN
from tests.conformance.told import told

if TYPE_CHECKING:
    from tests.conformance.stacks import Stack


def test_a_token_must_be_one_of_this_visit(stack: Stack) -> None:
    """In the header, in constant time, whatever stands there instead. (XS-01, XS-08)"""
    site = stack.site("recommended")
    visit, other = site.visit(), site.visit()
    table = {
        visit.token: "passed",
        other.token: "xsrf_mismatch",
        visit.token[:-1]: "xsrf_mismatch",
        visit.token + "=": "xsrf_mismatch",
        visit.token + visit.token: "xsrf_mismatch",
        visit.token.swapcase(): "xsrf_mismatch",
        f"{visit.token}, {visit.token}": "xsrf_mismatch",
        "": "xsrf_mismatch",
        "null": "xsrf_mismatch",
        "undefined": "xsrf_mismatch",
        "\xe9\xff" * 20: "xsrf_mismatch",
        "x" * 4000: "xsrf_mismatch",
        "%00": "xsrf_mismatch",
    }
    cookie, origin = ("Cookie", visit.cookie), ("Origin", ORIGIN)
    found = {token: outcome(site.post("/", [cookie, origin, ("X-XSRF-TOKEN", token)])) for token in table}
    assert found == table
    also = {
        name: outcome(site.post("/", [cookie, origin, (name, visit.token)]))
        for name in ("X-CSRF-Token", "X-Other")
    }
    assert also == {"X-CSRF-Token": "passed", "X-Other": "xsrf_missing"}


def test_every_token_the_application_asks_for_is_another_and_all_are_good(stack: Stack) -> None:
    """A page that is compressed leaks none of a token that is new each time. (XS-12)"""
    site = stack.site("recommended")
    visit = site.visit()
    made = tokens(site.get(told(token=True), [("Cookie", visit.cookie)]))
    made += tokens(site.get(told(token=True), [("Cookie", visit.cookie)]))
    assert len({*made, visit.token}) == 5
    for token in made:
        assert outcome(site.post("/", Visit(cookie=visit.cookie, token=token).headers())) == "passed"


def test_a_form_carries_the_token_in_a_field_and_arrives_whole(stack: Stack) -> None:
    """What was read to find it is replayed to the byte. (XS-12)"""
    site = stack.site("recommended")
    visit = site.visit()
    lines = [
        ("Cookie", visit.cookie),
        ("Origin", ORIGIN),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ]
    bodies = [
        f"xsrf_token={visit.token}".encode(),
        f"a=1&xsrf_token={quote(visit.token, safe='')}&b=%ff".encode(),
        f"xsrf_token={visit.token}&big=".encode() + b"x" * 200_000,
    ]
    for body in bodies:
        assert seen(site.post("/", lines, body))["body"].encode("latin-1") == body
    multipart = (
        (
            f'--b\r\nContent-Disposition: form-data; name="xsrf_token"\r\n\r\n{visit.token}\r\n--b\r\n'
            'Content-Disposition: form-data; name="f"; filename="a"\r\n\r\n'
        ).encode()
        + b"\x00\xff" * 50_000
        + b"\r\n--b--\r\n"
    )
    lines[-1] = ("Content-Type", "multipart/form-data; boundary=b")
    assert seen(site.post("/", lines, multipart))["body"].encode("latin-1") == multipart


def test_a_form_without_the_token_is_refused(stack: Stack) -> None:
    """Missing, of another visit, twice with different values, too far in, or unreadable. (XS-12)"""
    site = stack.site("recommended")
    visit, other = site.visit(), site.visit()
    table = {
        b"": "xsrf_missing",
        b"a=1": "xsrf_missing",
        f"xsrf_token={other.token}".encode(): "xsrf_mismatch",
        f"xsrf_token={visit.token}&xsrf_token={other.token}".encode(): "form_malformed",
        b"xsrf_token=%zz": "form_malformed",
        b"a=" + b"x" * 70_000 + f"&xsrf_token={visit.token}".encode(): "form_too_large",
    }
    lines = [
        ("Cookie", visit.cookie),
        ("Origin", ORIGIN),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ]
    assert {body: outcome(site.post("/", lines, body)) for body in table} == table


def test_a_token_that_arrives_in_pieces_is_found(stack: Stack) -> None:
    """Chunked bodies have no length; the application reads exactly what came, or the request is refused. (XS-12)"""
    site = stack.site("recommended")
    visit = site.visit()
    body = f"a=1&xsrf_token={visit.token}".encode()
    chunked = b"".join(
        f"{len(body[i : i + 7]):x}\r\n".encode() + body[i : i + 7] + b"\r\n" for i in range(0, len(body), 7)
    )
    lines = [
        ("Cookie", visit.cookie),
        ("Origin", ORIGIN),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ]
    if not stack.real:
        assert outcome(site.post("/", lines, body)) == "passed"
        return
    response = site.post(
        "/", [*lines, ("Transfer-Encoding", "chunked")], chunked + b"0\r\n\r\n", by_server=True
    )
    if response.status == 200:
        assert seen(response)["body"].encode() == body
    else:
        assert response.status in (403, 411)
