"""The page that shows people where they are signed in."""

from __future__ import annotations

from typing import Any

import pytest

from secmw.sessions.record import Over
from tests.making import served
from tests.own.asking import ANN, ID, got, posted
from tests.sessions.making import NOW, record

OTHER = record("ann", agent="Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0", address="192.0.2.9")[1]


def steps(found: Any) -> list[Any]:
    settlement = found.settle(303, NOW, "")
    return [] if settlement is None else list(iter(settlement.next, None))


def test_it_lists_the_sessions_and_marks_this_one() -> None:
    """SE-15"""
    page = served(got("sessions"), records=[ANN, OTHER]).body.decode()
    assert "Ann" in page
    assert OTHER.selector in page
    assert "192.0.2.9" in page
    assert ID.verifier not in page


def test_where_no_token_is_asked_for_there_is_none_in_the_forms() -> None:
    assert served(got("sessions", settings={"xsrf": None}), records=[ANN, OTHER]).status == 200


@pytest.mark.parametrize(
    ("end", "location", "over"),
    [
        ("others", "sessions", None),
        (OTHER.selector, "sessions", None),
        (ID.selector, "../", Over.LOGGED_OUT),
        ("all", "../", Over.REVOKED),
    ],
    ids=["others", "another", "this", "all"],
)
def test_a_button_ends_what_it_names(end: str, location: str, over: Over | None) -> None:
    """SE-15"""
    found = posted("sessions")
    reply = served(found, form={"end": end})
    assert (reply.status, dict(reply.headers)["Location"]) == (303, location)
    assert found.held is not None
    assert found.held.over is over
    assert steps(found)


@pytest.mark.parametrize("form", [{}, {"end": ""}])
def test_a_form_that_names_nothing_is_none_of_ours(form: dict[str, str]) -> None:
    found = posted("sessions")
    assert served(found, form=form).status == 400
    assert steps(found) == []


@pytest.mark.parametrize("end", ["*", "x" * 5000, "\u00e9" * 22, "all\n", "../x"])
def test_what_is_no_name_of_a_session_reaches_no_store(end: str) -> None:
    """SE-17"""
    found = posted("sessions")
    assert served(found, form={"end": end}).status == 303
    assert steps(found) == []


def test_nobody_sees_or_ends_the_sessions_of_nobody() -> None:
    assert served(got("sessions", None)).status == 401
    found = posted("sessions", record(None, id_=ID)[1])
    assert served(found, form={"end": "all"}).status == 401
