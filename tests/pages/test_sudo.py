from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.http import Reply
from secmw.pages.sudo import sudo_page
from tests.reading import page


def sudo(**more: Any) -> Reply:
    return sudo_page(
        **{
            "field": "xsrf_token",
            "token": "T0ken",
            "user": "Jane Doe (jane)",
            "next": "/keys?page=2",
            "minutes": 5,
            **more,
        }
    )


def test_the_form_carries_the_token_where_to_go_and_a_name_for_password_managers() -> None:
    read = page(sudo())
    assert read.all("form") == [{"method": "post", "action": "sudo"}]
    fields = {field["name"]: field for field in read.all("input")}
    assert {name: field.get("value") for name, field in fields.items()} == {
        "xsrf_token": "T0ken",
        "next": "/keys?page=2",
        "username": "Jane Doe (jane)",
        "password": None,
    }
    assert fields["username"]["autocomplete"] == "username"
    assert fields["password"]["autocomplete"] == "current-password"
    assert fields["password"]["type"] == "password"


def test_the_token_comes_first_where_it_is_found_soonest() -> None:
    assert page(sudo()).all("input")[0]["name"] == "xsrf_token"


def test_the_password_has_a_label_and_the_focus() -> None:
    read = page(sudo())
    assert read.all("label") == [{"for": "password"}]
    [field] = [each for each in read.all("input") if each.get("id") == "password"]
    assert {"required", "autofocus"} <= field.keys()
    assert not {"aria-invalid", "aria-describedby"} & field.keys()


def test_it_says_who_is_asked_and_for_how_long_it_counts() -> None:
    read = page(sudo())
    assert read.text["strong"] == "Jane Doe (jane)"
    assert "asked again for 5 minutes." in read.text["p"]
    assert read.text["title"] == read.text["h1"] == "Confirm that it's you"


@pytest.mark.parametrize(
    ("minutes", "said"), [(0, "less than a minute"), (1, "1 minute."), (90, "90 minutes")]
)
def test_the_time_is_said_in_words(minutes: int, said: str) -> None:
    assert said in page(sudo(minutes=minutes)).text["p"]


def test_a_wrong_password_is_said_to_eyes_and_ears() -> None:
    reply = sudo(wrong=True)
    read = page(reply)
    assert (sudo().status, reply.status) == (200, 403)
    [said] = [attributes for tag, attributes in read.elements if attributes.get("role") == "alert"]
    assert said["id"] == "wrong"
    [field] = [each for each in read.all("input") if each.get("id") == "password"]
    assert (field["aria-invalid"], field["aria-describedby"]) == ("true", "wrong")
    assert field.get("value") is None
    assert read.text["title"].startswith("Not the password: ")


def test_whoever_does_not_want_to_can_leave() -> None:
    """Relative: wherever the application is mounted, that is its first page."""
    assert page(sudo()).all("a") == [{"href": "../"}]


WORDS = st.text() | st.text(st.sampled_from("<>&\"'$ {}/!-=`\n"))


@given(WORDS, WORDS, WORDS, WORDS, st.booleans())
def test_no_value_leaves_its_place(field: str, token: str, user: str, then: str, wrong: bool) -> None:
    made = sudo(field=field, token=token, user=user, next=then, wrong=wrong)
    assert page(made).shape() == page(sudo(wrong=wrong)).shape()
