"""The contract on a sealed store: a class for any other that has the contract of the store below."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

from secmw.keys import new_key
from secmw.stores import sealed
from secmw.testing import FrozenClock

KEYS = [new_key(), new_key()]


class Sealing:
    """Stand in front of the contract of a store, and it is that of the same store, sealed."""

    @pytest.fixture(autouse=True)
    def _brief(self) -> Iterator[None]:
        # The store below is searched at length by itself.
        profile = os.environ.get("HYPOTHESIS_PROFILE", "check")
        if profile != "soak":
            settings.register_profile("sealed", settings.get_profile(profile), max_examples=15)
            settings.load_profile("sealed")
        yield
        settings.load_profile(profile)

    def make_store(self, clock: FrozenClock) -> Any:
        below: Any = super()
        return sealed(below.make_store(clock), KEYS, clock=clock)

    def make_another(self, store: Any, clock: FrozenClock) -> Any:
        below: Any = super()
        other = below.make_another(store.store, clock)
        return None if other is None else sealed(other, KEYS, clock=clock)

    def plant(self, store: Any, selector: str, raw: bytes) -> bool:
        below: Any = super()
        planted: bool = below.plant(store.store, selector, raw)
        return planted
