"""Names: a session that an application shares with others is to it like one of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.conformance.person import Person, signed_in

if TYPE_CHECKING:
    from tests.conformance.stacks import Stack

#: How others' names look where they are kept, among them.
NAMES: Final = ["/", "/theme", "_auth_user_id", "shop/cart", "theme", "user_id", "wiki/cart"]


@pytest.mark.parametrize("site", ["sessions", "sessions-named"])
def test_a_name_is_read_back_as_it_was_written_whatever_it_holds(stack: Stack, site: str) -> None:
    """SE-17"""
    person = signed_in(stack.site(site))
    before = person.facts()["user_id"]
    person.does(*(("set", name, [name]) for name in NAMES))
    assert person.does(("names",), ("len",)) == [NAMES, len(NAMES)]
    assert person.does(("all",)) == [{name: [name] for name in NAMES}]
    assert person.facts()["user_id"] == before
    person.does(("append", "theme", 1), ("delete", "/theme"))
    assert person.does(("get", "theme"), ("has", "/theme")) == [["theme", 1], False]
    person.does(("clear",))
    assert person.does(("names",)) == [[]]


@pytest.mark.parametrize("site", ["sessions", "sessions-named"])
def test_what_a_stranger_kept_is_there_after_the_sign_in(stack: Stack, site: str) -> None:
    """SE-04"""
    person = Person(stack.site(site))
    person.does(("set", "cart", 1), ("set", "theme", "dark"))
    person.does(("login", "42"), ("set", "cart", 2))
    assert person.does(("all",)) == [{"cart": 2, "theme": "dark"}]
    person.does(("login", "43"))
    assert person.does(("all",)) == [{}]
