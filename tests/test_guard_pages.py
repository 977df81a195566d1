"""What a guard fetches for a page of ours: the form, the password, the sessions; in both colours."""

from __future__ import annotations

import pytest

from secmw.audit.action import Action
from secmw.checks import Wants
from secmw.exchange import Exchange
from secmw.http import Reason
from tests.making import exchange
from tests.sessions.coming import ANN, HOME, ID, TOKENS, asked, cookies
from tests.sessions.making import NOW, record, site
from tests.test_guard_sessions import Desk

pytestmark = pytest.mark.anyio

FORM = HOME | {"content-type": "application/x-www-form-urlencoded", "x-xsrf-token": TOKENS.token(ID.selector)}


@pytest.fixture(params=["sync", "async"])
def desk(request: pytest.FixtureRequest) -> Desk:
    return Desk(request.param)


def page(path: str, method: str = "GET") -> Exchange:
    return asked(method, f"/_secmw/{path}", headers=FORM if method == "POST" else {})


async def test_the_right_password_is_checked_and_the_session_elevated(desk: Desk) -> None:
    """SU-02"""
    given: list[tuple[str, str]] = []

    def verify(user_id: str, password: str) -> bool:
        given.append((user_id, password))
        return password == "s3cret word"

    desk.use(verify=verify).keep(ANN)
    found = page("sudo", "POST")
    reply = await desk.admit(found, b"password=s3cret+word&next=/keys")
    assert reply is not None
    assert (reply.status, dict(reply.headers)["Location"]) == (303, "/keys")
    assert given == [("ann", "s3cret word")]
    kept = desk.data()
    assert kept.identity.sudo == (NOW, NOW + 300)
    assert kept.verifier != ID.digest
    assert "__Host-id" in cookies(found.close(303, []))
    assert await desk.told() == [
        (Action.SESSION_RENEWED, "ann", "success"),
        (Action.WEB_SUDO, "ann", "success"),
    ]


async def test_a_wrong_password_elevates_nobody(desk: Desk) -> None:
    """SU-05"""
    desk.use(verify=lambda user_id, password: False).keep(ANN)
    reply = await desk.admit(page("sudo", "POST"), b"password=x")
    assert reply is not None
    assert reply.status == 403
    assert desk.data().verifier == ID.digest
    assert await desk.told() == [(Action.WEB_SUDO, "ann", "failure")]


async def test_a_hook_that_fails_elevates_nobody_and_tells_nothing(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """RB-09"""

    def fails(user_id: str, password: str) -> bool:
        raise OSError(password)

    desk.use(verify=fails).keep(ANN)
    reply = await desk.admit(page("sudo", "POST"), b"password=x")
    assert reply is not None
    assert reply.status == 503
    assert desk.data().verifier == ID.digest


async def test_nobody_is_asked_for_the_password_of_nobody(desk: Desk) -> None:
    desk.use(verify=lambda user_id, password: pytest.fail("asked")).keep(
        record(None, id_=ID, seen=NOW - 1)[1]
    )
    reply = await desk.admit(page("sudo", "POST"), b"password=x")
    assert reply is not None
    assert reply.status == 401
    desk.keep(record("ann")[1])
    assert (await desk.admit(page("sudo"), b"", b"next=/keys")) is not None


@pytest.mark.parametrize("body", [b"\xff", b"password=" + b"x" * 20_000])
async def test_a_form_that_none_of_our_pages_sends_is_refused(desk: Desk, body: bytes) -> None:
    desk.use(verify=lambda user_id, password: pytest.fail("asked")).keep(ANN)
    found = page("sudo", "POST")
    reply = await desk.admit(found, body)
    assert reply is not None
    assert reply.status == 400
    assert found.refusal is not None
    assert found.refusal.reason is Reason.FORM_MALFORMED


async def test_a_query_leads_on_and_one_that_can_not_be_read_leads_nowhere(desk: Desk) -> None:
    """SU-03"""
    desk.keep(ANN)
    for query, said in (
        (b"next=/keys", b'value="/keys"'),
        (b"next=%ff", b'value="/"'),
        (b"\xff", b'value="/"'),
    ):
        reply = await desk.admit(page("sudo"), b"", query)
        assert reply is not None
        assert said in reply.body


async def test_the_sessions_of_the_user_are_listed(desk: Desk) -> None:
    """SE-15"""
    other, bobs = record("ann", address="192.0.2.9")[1], record("bob", address="192.0.2.10")[1]
    desk.keep(ANN, other, bobs)
    reply = await desk.admit(page("sessions"))
    assert reply is not None
    assert other.selector.encode() in reply.body
    assert bobs.selector.encode() not in reply.body


async def test_while_the_store_is_away_our_pages_are_503_too(desk: Desk) -> None:
    """RB-01"""
    desk.keep(ANN)
    found = page("sessions")
    found.resume(ANN, NOW)
    desk.store.away = True
    reply = await desk.admit(found)
    assert reply is not None
    assert reply.status == 503


async def test_a_page_that_nobody_asked_for_is_an_error(desk: Desk) -> None:
    found = exchange(site())
    found.wants = Wants.PAGE
    with pytest.raises(RuntimeError, match="no page of ours"):
        await desk.admit(found)
