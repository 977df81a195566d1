"""Real processes race each other on one store, and whatever the order, nothing comes back and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

import pytest

from tests.races.__main__ import STORES
from tests.races.run import KINDS, play, workers
from tests.races.scenarios import WIDE
from tests.services.shared import shared

if TYPE_CHECKING:
    from tests.servers import Server

pytestmark = [pytest.mark.server, pytest.mark.unmeasured]

ROUNDS: Final = 50

#: On each kind of server, now that SQLite has shown that the races themselves are sound; and of the widest race, which is
#: two hundred requests for one row.
FEWER: Final = 10
FEWEST: Final = 1

Race = Callable[[str], None]


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


# For the module: so pytest plays all races on one store before it starts the next.
@pytest.fixture(scope="module", params=STORES)
def store(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """Give each store in turn: its name and its URL."""
    if request.param == "sqlite":
        yield request.param, ""
        return
    with shared(request.param) as server:
        yield request.param, server.url


@pytest.fixture(params=[*KINDS])
def race(request: pytest.FixtureRequest, running: Callable[[str], Server], store: tuple[str, str]) -> Race:
    """Play a scenario on each kind of server and each store in turn; nothing may be broken."""
    kind, (name, url) = request.param, store

    def played(scenario: str) -> None:
        rounds = ROUNDS if name == "sqlite" else FEWEST if scenario in WIDE else FEWER
        tally = play(kind, running(kind), scenario, rounds, store=name, url=url)
        assert tally.broken == []
        assert tally.rounds == rounds

    return played


def test_a_logout_is_not_undone_by_a_slow_writer(race: Race) -> None:
    """Not by what it put before, and no cookie of it opens anything. (SE-08, SE-22)"""
    race("logout against a slow writer")


def test_a_logout_is_not_undone_by_a_slow_reader(race: Race) -> None:
    """Noting that a session is in use is no way to bring it back. (SE-08, SE-10)"""
    race("logout against a slow reader")


def test_the_slow_reader_is_one_that_writes(race: Race) -> None:
    """Last seen is noted, and no data moves. (SE-10)"""
    race("a reader is noticed")


def test_a_rotation_is_not_undone_by_a_slow_writer(race: Race) -> None:
    """Whose names arrive all the same. (SE-04, SE-08, SE-09, SU-02)"""
    race("rotation against a slow writer")


def test_two_writers_of_different_names_both_arrive(race: Race) -> None:
    """And what one removes is gone, and what neither touches stays. (SE-09)"""
    race("two writers of different names")


def test_two_hundred_names_put_at_once_are_all_there(race: Race) -> None:
    """SE-09"""
    race("two hundred names")


def test_rotation_sudo_login_and_logout_at_once_have_one_outcome(race: Race) -> None:
    """Whatever the order: one living verifier, nobody else's data, a logout that stays. (SE-04, SE-08, SE-22, SU-02)"""
    race("rotation, sudo, login and logout at once")


def test_a_browser_with_many_tabs_gets_what_it_was_told(race: Race) -> None:
    """What an answer said holds for whatever begins after it, and no late one takes its cookie. (SE-04, SE-08, SE-15, SE-22)"""
    race("a browser with many tabs")


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
