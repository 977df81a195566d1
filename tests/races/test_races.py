"""Real processes race each other on one SQLite file, and whatever the order, nothing comes back and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

import pytest

from tests.races.run import KINDS, Tally, play, workers

if TYPE_CHECKING:
    from tests.servers import Server

pytestmark = pytest.mark.server

ROUNDS: Final = 50

Race = Callable[[str], Tally]


@pytest.fixture(scope="module")
def running() -> Iterator[Callable[[str], Server]]:
    """Give the workers of a kind, started once."""
    made: dict[str, Server] = {}
    with ExitStack() as servers:

        def give(kind: str) -> Server:
            if kind not in made:
                made[kind] = servers.enter_context(workers(kind, faults=True))
            return made[kind]

        yield give


@pytest.fixture(params=[*KINDS])
def race(request: pytest.FixtureRequest, running: Callable[[str], Server]) -> Race:
    """Play a scenario on each kind of server in turn."""
    return lambda scenario: play(request.param, running(request.param), scenario, ROUNDS)


def _clean(tally: Tally) -> None:
    assert tally.broken == []
    assert tally.rounds == ROUNDS


def test_a_logout_is_not_undone_by_a_slow_writer(race: Race) -> None:
    """Not by what it put before, and no cookie of it opens anything. (SE-08, SE-22)"""
    _clean(race("logout against a slow writer"))


def test_a_logout_is_not_undone_by_a_slow_reader(race: Race) -> None:
    """Noting that a session is in use is no way to bring it back. (SE-08, SE-10)"""
    _clean(race("logout against a slow reader"))


def test_the_slow_reader_is_one_that_writes(race: Race) -> None:
    """Last seen is noted, and no data moves. (SE-10)"""
    _clean(race("a reader is noticed"))


def test_a_rotation_is_not_undone_by_a_slow_writer(race: Race) -> None:
    """Whose names arrive all the same. (SE-04, SE-08, SE-09, SU-02)"""
    _clean(race("rotation against a slow writer"))


def test_two_writers_of_different_names_both_arrive(race: Race) -> None:
    """And what one removes is gone, and what neither touches stays. (SE-09)"""
    _clean(race("two writers of different names"))


def test_two_hundred_names_put_at_once_are_all_there(race: Race) -> None:
    """SE-09"""
    _clean(race("two hundred names"))


def test_rotation_sudo_login_and_logout_at_once_have_one_outcome(race: Race) -> None:
    """Whatever the order: one living verifier, nobody else's data, a logout that stays. (SE-04, SE-08, SE-22, SU-02)"""
    _clean(race("rotation, sudo, login and logout at once"))


def test_a_browser_with_many_tabs_gets_what_it_was_told(race: Race) -> None:
    """What an answer said holds for whatever begins after it, and no late one takes its cookie. (SE-04, SE-08, SE-15, SE-22)"""
    _clean(race("a browser with many tabs"))


#: What a store does wrong, and the race that has to notice.
NOTICED: Final = [
    ("upserting", "logout against a slow writer"),
    ("upserting", "logout against a slow reader"),
    ("overwriting", "two writers of different names"),
    ("overwriting", "two hundred names"),
    ("reviving", "rotation against a slow writer"),
    ("lenient", "rotation against a slow writer"),
    ("lenient", "rotation, sudo, login and logout at once"),
    ("unending", "rotation, sudo, login and logout at once"),
    ("unending", "logout against a slow writer"),
    ("unending", "a browser with many tabs"),
]


@pytest.mark.parametrize("kind", [*KINDS])
@pytest.mark.parametrize(("fault", "scenario"), NOTICED)
def test_a_store_that_is_wrong_is_noticed(
    kind: str, fault: str, scenario: str, running: Callable[[str], Server]
) -> None:
    assert play(kind, running(kind), scenario, ROUNDS, fault=fault, enough=1).broken
