"""The search for a history in which a store differs from a plain dict finds one where there is one."""

from __future__ import annotations

import os

import pytest
from hypothesis import Phase, settings

from secmw.testing.contract import model
from secmw.testing.contract.model import ModelPromises
from tests.testing.contract.planted import contract_of, fails
from tests.testing.contract.test_sessions import LastReason, Timeless
from tests.testing.contract.test_users import CountsAll, Welcoming
from tests.testing.contract.test_values import AgainAndAgain

# A long search: left out of `make check`.
pytestmark = pytest.mark.fuzz

TEST = "test_a_store_does_what_a_plain_dict_would_do"


@pytest.mark.parametrize("kind", [LastReason, Timeless, CountsAll, Welcoming, AgainAndAgain])
def test_the_search_finds_a_fault(kind: type) -> None:
    """SE-23"""
    # The first that is found will do, and it is always the same one.
    search = settings(
        settings.default, max_examples=1_000, phases=[Phase.generate], derandomize=True, database=None
    )
    settings.register_profile("planted", search)
    before = os.environ.get("HYPOTHESIS_PROFILE", "check")
    settings.load_profile("planted")
    try:
        assert fails(kind, TEST)
    finally:
        settings.load_profile(before)


def test_a_history_shows_what_was_asked() -> None:
    assert str(model._Put(key="one", value=b"x")) == "Put(key='one', value=b'x')"
    assert vars(ModelPromises)[TEST].__doc__.startswith("SE-23")
    assert contract_of(AgainAndAgain) is not None
