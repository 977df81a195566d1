"""How the contract asks: a good store passes, in whichever colour; an answer that never comes is not waited for."""

from __future__ import annotations

from typing import Any

import pytest

from secmw.sessions.record import Ended, Over
from secmw.stores import AsyncMemoryStore, AsyncStore, Store
from secmw.testing import FrozenClock, StoreContract
from secmw.testing.contract.asking import check, same, together, values
from tests.testing.contract.planted import TESTS, Good, fails

# A long search: left out of `make check`.
pytestmark = pytest.mark.fuzz


def test_a_good_store_passes() -> None:
    """SE-23"""
    assert [name for name in TESTS if fails(Good, name)] == []
    assert len(TESTS) >= 70


def test_whoever_says_nothing_of_a_store_is_told() -> None:
    contract = StoreContract()
    contract.setup_method()
    for ask in (
        contract.store,
        lambda: contract.make_another(None, contract.clock),
        lambda: contract.plant(None, "", b""),
    ):
        with pytest.raises(NotImplementedError):
            ask()
    contract.teardown_method()


def test_an_asynchronous_store_is_asked_like_any_other_and_closed_at_the_end() -> None:
    closed: list[bool] = []

    class Watched(AsyncMemoryStore):
        async def close(self) -> None:
            closed.append(True)

    class Contract(StoreContract):
        def make_store(self, clock: FrozenClock) -> Store | AsyncStore:
            return Watched(clock=clock)

        def make_another(self, store: Any, clock: FrozenClock) -> None:
            return None

        def plant(self, store: Any, selector: str, raw: bytes) -> bool:
            return False

    contract = Contract()
    contract.setup_method()
    store = contract.store()
    record = contract.created(store, "jane")
    assert store.load(record.selector) == record
    assert contract.another(store) is None
    assert not contract.planted(store, record.selector, b"")
    contract.teardown_method()
    contract.teardown_method()
    assert closed == [True]


def test_what_one_of_many_threads_raises_is_raised() -> None:
    assert together([lambda: 1, lambda: 2]) == [1, 2]
    with pytest.raises(ZeroDivisionError):
        together([lambda: 1, lambda: 1 / 0])


def test_what_differs_is_said() -> None:
    same(1, 1, "the number")
    check(True, "nothing")
    with pytest.raises(AssertionError, match="the number: found 1, expected 2"):
        same(1, 2, "the number")
    with pytest.raises(AssertionError, match="it does not hold"):
        check(False, "it does not hold")
    with pytest.raises(AssertionError, match="this session lives"):
        values(Ended(Over.LOGGED_OUT))
