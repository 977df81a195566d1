"""Applications under load lose no request, and every answer that anybody looks at is as it should be."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from secmw.testing import Response
from tests.conformance.policies import HOST
from tests.conformance.sockets import OverSocket
from tests.conformance.told import told
from tests.load.builds import WANTED, asked, served
from tests.load.examples import WANTED as EXAMPLE_HEADERS
from tests.load.examples import Guest
from tests.load.people import Nonces, Regular
from tests.load.run import TARGETS, run
from tests.load.wrk import press

pytestmark = [pytest.mark.server, pytest.mark.unmeasured]

SECONDS = 3


@pytest.mark.parametrize("target", TARGETS)
def test_every_answer_under_load_is_right(target: str) -> None:
    """No error, no header missing, nobody's session in another's answer; `make soak-load` does it for longer. (HD-09, RB-05)"""
    report = run(target, SECONDS)
    assert (report.wrong, report.load.wrong, report.load.errors) == ([], 0, 0), (
        report.load.example,
        report.log,
    )
    assert report.load.looked_at > 0
    # On a machine that does a hundred other things somebody may have to wait too long for a file.
    assert report.load.turned_away <= report.load.looked_at / 10
    assert report.looked_at > 10
    assert "Traceback" not in report.log, report.log.partition("Traceback")[2]


# --- whether it would be noticed ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site() -> Iterator[OverSocket]:
    with served("asgi") as site:
        yield site


def test_a_header_that_is_not_as_wanted_is_noticed(site: OverSocket) -> None:
    load = press(site.server, asked(site), {**WANTED, "x-frame-options": "SAMEORIGIN"}, 1)
    # A busy disk may turn somebody away.
    assert load.wrong == load.looked_at - load.turned_away > 0
    assert load.example == "x-frame-options: DENY"


def test_an_answer_that_is_no_page_is_noticed(site: OverSocket) -> None:
    refused = Regular(site, "nobody", Nonces()).person.sent("POST", told())
    load = press(site.server, [refused], {}, 1)
    assert load.wrong == load.looked_at > 0
    assert load.example == "status 403"
    assert refused.host == HOST


def test_who_is_told_to_come_back_is_counted_apart_and_a_503_without_a_word_is_wrong(
    site: OverSocket,
) -> None:
    person = Regular(site, "nobody", Nonces()).person
    for headers, found in (((("retry-after", "1"),), "turned_away"), ((), "wrong")):
        load = press(site.server, [person.sent("GET", told(status=503, headers=headers))], {}, 1)
        counted = {"turned_away": load.turned_away, "wrong": load.wrong}
        assert counted.pop(found) == load.looked_at > 0
        assert set(counted.values()) == {0}


def test_a_visitor_notices_what_is_wrong(site: OverSocket) -> None:
    """A nonce that was there already, a session of somebody else, a header of another policy."""
    nonces = Nonces()
    visitor = Regular(site, "jane", nonces)
    assert list(visitor.round()) == []
    nonces.is_new = lambda nonce: False  # type: ignore[method-assign]
    assert any("came twice" in fault for fault in visitor.round())
    visitor.name = "john"
    assert any("the session holds" in fault for fault in visitor.notes())
    other = site.get(told(headers=[("x-frame-options", "SAMEORIGIN")]))
    assert list(visitor.headers(other, personal=True)) != []


def test_a_guest_notices_a_header_that_is_gone_and_one_that_is_not_as_before(site: OverSocket) -> None:
    guest = Guest("jane", site.server, lambda browser: iter(()))
    lines = [*EXAMPLE_HEADERS.items(), ("Referrer-Policy", "same-origin")]
    assert list(guest.headers("a page", Response(200, lines, b""))) == []
    other = [*lines[:-1], ("Referrer-Policy", "origin")]
    assert ["before" in fault for fault in guest.headers("a page", Response(200, other, b""))] == [True]
    assert ["without" in fault for fault in guest.headers("another", Response(200, lines[1:], b""))] == [True]
