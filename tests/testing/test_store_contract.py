"""The contract as a whole: what it asks of a class, and that two stores are two."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from secmw.sessions.record import Ended, Record
from secmw.testing import FrozenClock, StoreContract
from tests.testing.contract.planted import Good, unnoticed, unproved


class Shared(Good):
    """All that are made are one."""

    everything: dict[bytes, bytes] = {}  # noqa: RUF012 - that is the fault

    def __init__(self, clock: FrozenClock) -> None:
        super().__init__(clock)
        self._sessions = self.everything


class Motley(Good):
    """Has one method of another colour."""

    async def load(self, selector: str) -> Record | Ended | None:  # type: ignore[override]
        return super().load(selector)


class Short:
    """Lacks a method."""

    def __init__(self, clock: FrozenClock) -> None:
        self.good = Good(clock)

    def __getattr__(self, name: str) -> Any:
        if name == "lease":
            raise AttributeError(name)
        return getattr(self.good, name)


FAULTS = {
    Shared: "test_a_new_store_is_empty",
    Motley: "test_it_has_what_a_store_has",
    Short: "test_it_has_what_a_store_has",
}


def test_each_fault_is_found() -> None:
    """SE-23"""
    assert unnoticed(FAULTS) == []
    assert unproved(FAULTS, StoreContract) == set()


def test_the_contract_loads_no_test_framework_before_it_is_run() -> None:
    program = "import sys, secmw.testing; assert not {'pytest', 'hypothesis', 'asyncio'} & set(sys.modules)"
    # Coverage would load modules of its own into that process.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    subprocess.run([sys.executable, "-c", program], env=environ, check=True)
