"""Stores with one fault each, and which tests of the contract find it: a test that finds nothing is worth nothing."""

from __future__ import annotations

import copy
import time
from typing import Any

from secmw.sessions.record import Ended, Record, opened
from secmw.sessions.writes import Lost, Write, Written, apply
from secmw.stores import MemoryStore, Store
from secmw.stores.rules import running
from secmw.testing import FrozenClock, StoreContract

TESTS = [name for name in dir(StoreContract) if name.startswith("test_")]


class Good(MemoryStore):
    """Without a fault; its objects share what they keep, and its bytes can be broken."""

    def __init__(self, clock: FrozenClock) -> None:
        super().__init__(clock=clock)
        self.clock = clock
        self.leases: dict[str, tuple[int, float, float]] = {}

    def another(self) -> Good:
        return copy.copy(self)

    def load(self, selector: str) -> Record | Ended | None:
        return opened(selector, self._sessions.get(selector.encode()), self._now())

    def lease(self, name: str, ttl: float) -> bool:
        with self._lock:
            now = self._now()
            holder, first, until = self.leases.get(name, (id(self), now, now))
            if holder == id(self) or now >= until:
                self.leases[name] = (id(self), now, now + ttl)
                return True
            self.leases[name] = (holder, *running(first, until, now))
            return False


class Racy(Good):
    """Reads, thinks, and writes: nothing keeps others out meanwhile."""

    def write(self, write: Write) -> Written | Lost:
        raw, outcome = apply(self._sessions.get(write.selector.encode()), write)
        time.sleep(0.002)
        if raw is not None:
            self._sessions[write.selector.encode()] = raw
        return outcome


def contract_of(kind: Any) -> StoreContract:
    """Return the contract, for a kind of store that is made with a clock."""

    class Contract(StoreContract):
        def make_store(self, clock: FrozenClock) -> Store:
            store: Store = kind(clock)
            return store

        def make_another(self, store: Any, clock: FrozenClock) -> Store:
            another: Store = store.another()
            return another

        def plant(self, store: Any, selector: str, raw: bytes) -> bool:
            store._sessions[selector.encode()] = raw
            return True

    return Contract()


def fails(kind: Any, name: str) -> bool:
    """Run one test of the contract, and say whether it finds something."""
    contract = contract_of(kind)
    contract.setup_method()
    try:
        getattr(contract, name)()
    except AssertionError:
        return True
    finally:
        contract.teardown_method()
    return False


def unnoticed(faults: dict[Any, str]) -> list[str]:
    """Return the tests that do not find what they should."""
    return [
        f"{kind.__name__}: {name}"
        for kind, names in faults.items()
        for name in names.split()
        if not fails(kind, name)
    ]


def unproved(faults: dict[Any, str], promises: type) -> set[str]:
    """Return the tests of a part of the contract that find none of its faults."""
    named = {name for names in faults.values() for name in names.split()}
    return {name for name in vars(promises) if name.startswith("test_")} - named
