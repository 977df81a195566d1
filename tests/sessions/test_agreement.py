"""What applications that share a store must have in common: who comes first writes it down, who differs must not start."""

from __future__ import annotations

import itertools
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from secmw.errors import ConfigError
from secmw.keys import new_key
from secmw.policy import Policy
from secmw.sessions import agreement, codec
from secmw.sessions.agreement import KEPT_UNDER, Terms, forget, problems, read, step, terms
from secmw.sessions.identifier import is_selector
from secmw.sessions.record import FOREVER, Ended, Over, Record, opened
from secmw.sessions.writes import Create, Swap, apply
from tests.making import KEY, OTHER_KEY, policy

NOW: Final = 1_750_000_000.0


def brings(keys: Any = (KEY,), **settings: Any) -> Terms:
    return terms(policy(**{"sessions": "on", "secret_keys": list(keys), **settings}))


def differing(one: Terms, other: Terms) -> list[str]:
    return [problem.setting for problem in problems(one, other)]


ORDINARY: Final = brings()


def agreed(these: Terms = ORDINARY) -> Record:
    return agreement.record(these, NOW)


# --- what must be the same


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({"sessions": {"cookie": "sid"}}, ["sessions.cookie"]),
        ({"sessions": {"namespace": "shop"}}, ["sessions.namespace"]),
        ({"sessions": {"seal": True}}, ["sessions.seal"]),
        ({"cookies": {"same_site": "Strict"}}, ["cookies.same_site"]),
        ({"cookies": {"prefix": False}}, ["cookies.prefix"]),
        ({"cookies": {"secure": False}}, ["cookies.secure"]),
        (
            {"cookies": {"same_site": "None", "legacy_twin": "always"}},
            ["cookies.same_site", "cookies.legacy_twin"],
        ),
        (
            {"cookies": {"same_site": "None", "partitioned": True}},
            ["cookies.same_site", "cookies.partitioned"],
        ),
    ],
)
def test_the_cookie_and_what_each_reads_of_the_others_must_be_the_same(
    settings: Any, wrong: list[str]
) -> None:
    """SE-17"""
    other = brings(**settings)
    assert differing(ORDINARY, other) == differing(other, ORDINARY) == wrong


@pytest.mark.parametrize(
    "settings",
    [
        {
            "sessions": {
                "lifetime": "1h",
                "inactivity": "5m",
                "cap": 3,
                "persistent": True,
                "sign_in_url": "/in",
            }
        },
        {"sudo": {"duration": "1m"}},
        {"xsrf": {"token": False}},
        {"public_url": "https://app.example/shop"},
        {"preset": "strict", "cookies": {"same_site": "Lax"}},
    ],
)
def test_the_rest_is_each_applications_own(settings: Any) -> None:
    preset = settings.pop("preset", "recommended")
    given = {"secret_keys": [KEY], "public_url": "https://app.example", "sessions": "on", **settings}
    assert differing(terms(Policy.from_mapping({"preset": preset, **given})), ORDINARY) == []


def test_applications_have_namespaces_of_their_own_or_none_has() -> None:
    shop, wiki = brings(sessions={"namespace": "shop"}), brings(sessions={"namespace": "wiki"})
    assert differing(shop, wiki) == []
    assert differing(shop, ORDINARY) == ["sessions.namespace"]


def test_an_application_that_is_embedded_has_another_cookie() -> None:
    embedded = terms(policy(sessions="on").embed(origins=["https://portal.example"]))
    assert "cookies.embedded" in differing(embedded, ORDINARY)


def test_one_key_in_common_is_enough_and_none_is_not() -> None:
    one, two, three = new_key(), new_key(), new_key()
    assert differing(brings([one, two]), brings([two, three])) == []
    assert differing(brings([one]), brings([two, three])) == ["secret_keys"]


def test_who_has_no_keys_has_none_in_common_with_anybody_and_needs_none() -> None:
    keyless = brings([], xsrf={"token": False})
    assert differing(keyless, ORDINARY) == differing(ORDINARY, keyless) == []


def test_a_problem_names_the_setting_both_values_and_the_way_out() -> None:
    (problem,) = problems(brings(cookies={"same_site": "Strict"}), ORDINARY)
    assert str(problem).startswith(
        "cookies.same_site = 'Strict': is 'Lax' in the applications that share this store"
    )
    assert "secmw sharing --forget" in problem.message


def test_of_keys_their_public_ids_are_told_and_nothing_else() -> None:
    (problem,) = problems(brings([OTHER_KEY]), ORDINARY)
    said = str(problem)
    assert ORDINARY.keys[0] in said
    assert brings([OTHER_KEY]).keys[0] in said
    assert KEY not in said
    assert OTHER_KEY not in said


# --- what is written down


def test_who_comes_first_writes_it_down_where_no_session_can_be() -> None:
    write = step(ORDINARY, None, NOW)
    assert isinstance(write, Create)
    assert write.selector == KEPT_UNDER
    assert not is_selector(KEPT_UNDER)
    assert (write.record.expires, write.record.idle_until) == (FOREVER, FOREVER)
    assert read(write.record) == ORDINARY
    assert KEY.encode() not in write.record.pack()


def test_who_has_it_alike_writes_nothing() -> None:
    assert step(ORDINARY, agreed(), NOW) is None


def test_who_differs_is_told_everything_at_once_and_writes_nothing() -> None:
    other = brings([OTHER_KEY], cookies={"same_site": "Strict"})
    with pytest.raises(ConfigError) as caught:
        step(other, agreed(), NOW)
    assert [problem.setting for problem in caught.value.problems] == ["cookies.same_site", "secret_keys"]


def after(write: Create | Swap | None, found: Record | None) -> Record:
    if write is None:
        assert found is not None
        return found
    raw, _ = apply(None if found is None else found.pack(), write)
    assert raw is not None
    kept = opened(KEPT_UNDER, raw, NOW)
    assert isinstance(kept, Record)
    return kept


PHASES: Final = ([KEY], [KEY, OTHER_KEY], [OTHER_KEY, KEY], [OTHER_KEY])


@pytest.mark.parametrize("restarts", list(itertools.pairwise(PHASES)))
def test_while_keys_are_rotated_old_and_new_processes_start_in_any_order(restarts: Any) -> None:
    """Two phases, each of which may be half-way for as long as it likes"""
    for order in itertools.product(restarts, repeat=4):
        kept = agreed(brings(restarts[0]))
        for keys in order:
            kept = after(step(brings(keys), kept, NOW), kept)


def test_a_key_that_everybody_has_dropped_does_not_come_back() -> None:
    kept: Record | None = None
    for keys in PHASES:
        mine = brings(keys)
        kept = after(step(mine, kept, NOW), kept)
    with pytest.raises(ConfigError, match="no key in common"):
        step(brings(PHASES[0]), kept, NOW)


def test_a_setting_that_an_older_version_did_not_know_is_added() -> None:
    older = Terms(
        settings={name: value for name, value in ORDINARY.settings.items() if name != "sessions.seal"},
        keys=ORDINARY.keys,
    )
    kept = after(step(ORDINARY, agreed(older), NOW), agreed(older))
    assert read(kept) == ORDINARY


def test_what_was_forgotten_is_decided_by_who_starts_next() -> None:
    kept = after(forget(agreed(), NOW), agreed())
    other = brings([OTHER_KEY], cookies={"same_site": "Strict"})
    kept = after(step(other, kept, NOW), kept)
    assert read(kept) == other
    with pytest.raises(ConfigError):
        step(ORDINARY, kept, NOW)
    assert forget(None, NOW) is None


@given(st.dictionaries(st.text("abc"), st.integers(0, 9) | st.lists(st.text("ab"))))
def test_what_is_none_of_ours_is_written_anew(data: dict[str, Any]) -> None:
    strange = replace(
        agreed(), data=codec.join({name: codec.encode(name, value) for name, value in data.items()})
    )
    assert read(after(step(ORDINARY, strange, NOW), strange)) == ORDINARY


def test_what_can_not_be_read_holds_nobody_up() -> None:
    assert step(ORDINARY, Ended(Over.UNREADABLE), NOW) is None
