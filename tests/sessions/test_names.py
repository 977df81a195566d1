"""Several applications keep their data in one session: none sees, changes or removes what is another's."""

from __future__ import annotations

import copy
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from secmw.errors import SessionError
from secmw.sessions import codec
from secmw.sessions.names import NAMESPACE, PLAIN, names
from secmw.sessions.record import Record
from secmw.sessions.rules import Rules
from secmw.sessions.session import Session
from secmw.sessions.settlement import CONFLICT
from secmw.sessions.writes import Update, Written, apply
from tests.sessions.making import NOW, record, rules
from tests.sessions.settling import Shelf, come_with

#: What an application might write to get at another's: separators, others' names as they are kept, names of identities.
NAUGHTY: Final = (
    "cart",
    "theme",
    "/theme",
    "/",
    "",
    "shop/cart",
    "wiki/cart",
    "../wiki/cart",
    "user_id",
    "_auth_user_id",
    "_auth_user_hash",
    "_user_id",
    "\N{FULLWIDTH SOLIDUS}theme",
)
ANY: Final = st.sampled_from(NAUGHTY) | st.text(max_size=5).filter(
    lambda text: all(not "\ud800" <= letter <= "\udfff" for letter in text)
)
SPACES: Final = ("shop", "shop-", "wiki")
VALUES: Final = st.integers(0, 3) | st.lists(st.integers(0, 3), max_size=2)


def under(space: str | None, *shared: str, **more: Any) -> Rules:
    named = names(space, shared)
    return rules(read=named.read, split=named.split, stored=named.stored, **more)


SHOP: Final = under("shop", "theme")
WIKI: Final = under("wiki", "theme")


def test_without_a_namespace_names_are_kept_as_they_are_and_by_what_reads_them_anyway() -> None:
    assert names(None) is PLAIN
    assert PLAIN.read is codec.read
    assert PLAIN.stored is None


@pytest.mark.parametrize("wrong", ["", "a/b", "a b", "a.b", "é", "x" * 33, "shop\n"])
def test_a_namespace_can_hold_nothing_that_ends_it(wrong: str) -> None:
    assert NAMESPACE.fullmatch(wrong) is None


@given(st.lists(st.tuples(st.sampled_from(SPACES), ANY), unique=True), st.sets(ANY))
def test_no_two_names_of_different_applications_are_kept_as_one(
    written: list[tuple[str, str]], shared: set[str]
) -> None:
    kept = [names(space, shared).stored for space, _ in written]
    stored = [each(name) for (_, name), each in zip(written, kept, strict=True) if each is not None]
    owners = {name if name in shared else (space, name) for space, name in written}
    assert len(set(stored)) == len(owners)


@given(st.dictionaries(ANY, st.integers(0, 3)), st.sampled_from(SPACES), st.sets(ANY))
def test_what_is_kept_is_read_back_under_its_own_name(
    data: dict[str, int], space: str, shared: set[str]
) -> None:
    found = names(space, shared)
    assert found.stored is not None
    kept = codec.join({found.stored(name): codec.encode(name, value) for name, value in data.items()})
    assert found.read(kept) == data
    assert {name: codec.decode_value(bytes(raw)) for name, raw in found.split(kept).items()} == data


class Applications(RuleBasedStateMachine):
    """Have three applications serve requests of one session, overlapping, and hold each against dicts of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.limits = {space: under(space, "theme", "wiki/cart") for space in SPACES}
        self.shared = ("theme", "wiki/cart")
        _, self.kept = record("ann", {"theme": "not shared by name alone", "shop": 1})
        self.strange = codec.decode(self.kept.data)
        self.own: dict[str, dict[str, Any]] = {space: {} for space in SPACES}
        self.common: dict[str, Any] = {}
        self.open: dict[str, tuple[Session, dict[str, Any]]] = {}

    def request(self, space: str) -> tuple[Session, dict[str, Any]]:
        if space not in self.open:
            model = copy.deepcopy({**self.own[space], **self.common})
            self.open[space] = (come_with(self.kept, under=self.limits[space]), model)
            # A session is read when it is first asked.
            assert dict(self.open[space][0]) == model
        return self.open[space]

    @rule(space=st.sampled_from(SPACES), name=ANY, value=VALUES)
    def put(self, space: str, name: str, value: Any) -> None:
        for found in self.request(space):
            found[name] = copy.deepcopy(value)

    @rule(space=st.sampled_from(SPACES), name=ANY)
    def remove(self, space: str, name: str) -> None:
        session, model = self.request(space)
        assert session.pop(name, "none") == model.pop(name, "none")

    @rule(space=st.sampled_from(SPACES), name=ANY)
    def change_in_place(self, space: str, name: str) -> None:
        for found in self.request(space):
            value = found.get(name)
            if isinstance(value, list):
                value.append(7)

    @rule(space=st.sampled_from(SPACES))
    def clear(self, space: str) -> None:
        for found in self.request(space):
            found.clear()

    @rule(space=st.sampled_from(SPACES))
    def respond(self, space: str) -> None:
        session, model = self.request(space)
        del self.open[space]
        changes = session.changes()
        for name in self.shared:
            if f"/{name}" in changes:
                self.common.pop(name, None)
                if name in model:
                    self.common[name] = model[name]
        self.own[space] = {name: value for name, value in model.items() if name not in self.shared}
        if changes:
            update = Update(selector=self.kept.selector, at=NOW, changes=dict(changes))
            raw, outcome = apply(self.kept.pack(), update)
            assert raw is not None
            assert isinstance(outcome, Written)
            self.kept = outcome.record

    @invariant()
    def each_sees_its_own_and_what_is_shared(self) -> None:
        for space in SPACES:
            found = come_with(self.kept, under=self.limits[space])
            assert dict(found) == {**self.own[space], **self.common}
            assert len(found) == len(list(found)) == len(self.own[space]) + len(self.common)
        everything = codec.decode(self.kept.data)
        assert {name: everything.get(name) for name in self.strange} == self.strange
        assert self.kept.user_id == "ann"


TestApplications = Applications.TestCase


# --- what no name can reach


@pytest.mark.parametrize("name", NAUGHTY)
def test_no_name_reaches_another_application_or_an_identity(name: str) -> None:
    """SE-17"""
    id_, made = record("ann", {"wiki/cart": "hers", "cart": "nobody's", "/other": 1})
    shelf = Shelf(made)
    found = come_with(made, under=under("shop"))
    found[name] = "mallory"
    shelf.settle(found)
    kept = shelf.store.load(id_.selector)
    assert isinstance(kept, Record)
    assert kept.identity == made.identity
    assert dict(come_with(kept, under=WIKI)) == {"cart": "hers"}
    after = codec.decode(kept.data)
    assert after.pop(f"shop/{name}") == "mallory"
    assert after == codec.decode(made.data)


def test_what_is_shared_is_shared_with_those_alone_that_list_it_too() -> None:
    _, made = record("ann", {"/theme": "dark"})
    assert dict(come_with(made, under=SHOP)) == dict(come_with(made, under=WIKI)) == {"theme": "dark"}
    assert dict(come_with(made, under=under("blog"))) == {}


def test_a_name_that_is_shared_from_now_on_leaves_what_was_the_applications_own() -> None:
    _, made = record("ann", {"shop/theme": "mine", "/theme": "ours"})
    assert dict(come_with(made, under=SHOP)) == {"theme": "ours"}
    assert dict(come_with(made, under=under("shop"))) == {"theme": "mine"}


# --- as in a session that one application has to itself


def test_clearing_leaves_what_other_applications_keep() -> None:
    id_, made = record("ann", {"shop/cart": 1, "wiki/page": 2, "/theme": "dark"})
    shelf = Shelf(made)
    found = come_with(made, under=SHOP)
    found.clear()
    assert len(found) == 0
    shelf.settle(found)
    assert shelf.data(id_.selector) == {"wiki/page": 2}


def test_signing_in_again_keeps_what_all_applications_keep() -> None:
    id_, made = record("ann", {"shop/cart": 1, "wiki/page": 2})
    shelf = Shelf(made)
    found = come_with(made, under=SHOP)
    found["cart"] = 3
    found.login("ann")
    settlement = shelf.settle(found)
    assert settlement.issued is not None
    assert settlement.issued.selector != id_.selector
    assert shelf.data(settlement.issued.selector) == {"shop/cart": 3, "wiki/page": 2}


def test_what_another_application_wrote_while_somebody_signed_in_is_carried_over() -> None:
    id_, made = record("ann", {"shop/cart": 1, "wiki/page": 2})
    shelf = Shelf(made)
    found = come_with(made, under=SHOP)
    found["cart"] = 3
    found.login("ann")
    late = {"wiki/page": codec.encode("", 5), "shop/cart": codec.encode("", 9)}
    shelf.between = lambda: shelf.store.write(Update(selector=id_.selector, at=NOW, changes=late))
    settlement = shelf.settle(found)
    assert settlement.issued is not None
    assert shelf.data(settlement.issued.selector) == {"shop/cart": 3, "wiki/page": 5}


def test_the_sign_in_of_somebody_else_drops_what_all_applications_keep() -> None:
    _, made = record("ann", {"shop/cart": 1, "wiki/page": 2, "/theme": "dark"})
    shelf = Shelf(made)
    found = come_with(made, under=SHOP)
    found.login("bob")
    found["cart"] = 1
    settlement = shelf.settle(found)
    assert settlement.issued is not None
    assert shelf.data(settlement.issued.selector) == {"shop/cart": 1}


def test_a_strict_application_is_not_disturbed_by_another() -> None:
    id_, made = record("ann", {"shop/n": 1, "wiki/n": 1})
    for theirs, refusal in (("wiki/n", None), ("shop/n", CONFLICT)):
        shelf = Shelf(made)
        change = Update(selector=id_.selector, at=NOW, changes={theirs: codec.encode("", 2)})
        found = come_with(made, under=SHOP)
        found.strict()
        found["n"] = 5
        shelf.store.write(change)
        assert shelf.settle(found).refusal is refusal


def test_the_limit_is_that_of_all_applications_together() -> None:
    _, made = record("ann", {"wiki/page": "x" * 1500})
    found = come_with(made, under=under("shop", max_size=2048))
    found["cart"] = "x" * 1000
    with pytest.raises(SessionError, match="the session would take"):
        Shelf(made).settle(found)


def test_a_name_that_is_no_text_is_not_there_and_can_not_be_put_there() -> None:
    _, made = record("ann", {"shop/1": 1})
    found = come_with(made, under=SHOP)
    wrong: Any = 1
    assert wrong not in found
    with pytest.raises(SessionError, match="is text"):
        found[wrong] = 1
    with pytest.raises(SessionError, match="lone surrogates"):
        found["\ud800"] = 1


def test_what_was_put_and_removed_again_is_no_change() -> None:
    """SE-09: another request of this application may have put one there meanwhile"""
    _, made = record("ann", {"wiki/new": 1})
    found = come_with(made, under=SHOP)
    found["new"] = 1
    del found["new"]
    assert found.changes() == {}
