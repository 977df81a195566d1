"""StoreContract: what every store owes, as a suite for pytest; it searches with hypothesis, so that is needed too.

    class TestMyStore(StoreContract):
        def make_store(self, clock): return MyStore(..., clock=clock)
        def make_another(self, store, clock): ...
        def plant(self, store, selector, raw): ...

A class for the synchronous store and one for the asynchronous, which is asked the same from many threads at once. Our own
stores pass it, and yours should.
"""

from __future__ import annotations

from inspect import iscoroutinefunction

from secmw.stores.base import AsyncStore, Store
from secmw.testing.contract.asking import check
from secmw.testing.contract.model import ModelPromises
from secmw.testing.contract.sessions import SessionPromises
from secmw.testing.contract.swaps import SwapPromises
from secmw.testing.contract.users import UserPromises
from secmw.testing.contract.values import ValuePromises


class StoreContract(SessionPromises, SwapPromises, UserPromises, ValuePromises, ModelPromises):
    """Inherit this in a test module, and say how a store is made; see :class:`secmw.testing.contract.asking.Asking`.

    A ``make_store`` that needs one of pytest's fixtures takes it in a fixture of the class that is used automatically.
    """

    def test_it_has_what_a_store_has(self) -> None:
        """SE-23: every method of its protocol, all of one colour."""
        made = self.make_store(self.clock)
        asynchronous = iscoroutinefunction(made.load)
        check(isinstance(made, AsyncStore if asynchronous else Store), "a method is missing")
        for name in vars(Store):
            if not name.startswith("_"):
                colour = iscoroutinefunction(getattr(made, name))
                check(colour is asynchronous, f"{name} is of another colour than load")

    def test_a_new_store_is_empty(self) -> None:
        """Two that are made know nothing of each other; otherwise the other tests tell nothing."""
        record = self.created(self.store(), "jane")
        second = self.store()
        check(second.load(record.selector) is None, "a new store knows a session of another one")
        check(second.of_user("jane") == [], "a new store knows a user of another one")
