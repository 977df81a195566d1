"""The contract on a sealed store: a class for any other that has the contract of the store below."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings

from secmw.keys import new_key
from secmw.stores import sealed
from secmw.stores.sealing import plans
from secmw.testing import FrozenClock

KEYS = [new_key(), new_key()]


class Sealing:
    """Stand in front of the contract of a store, and it is that of the same store, sealed."""

    histories = 15

    @pytest.fixture(autouse=True)
    def _patient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # What is done is asked here; how soon it is given up, in the tests of plans.
        monkeypatch.setattr(plans, "_PATIENCE", 8.0)

    def test_a_store_does_what_a_plain_dict_would_do(self) -> None:
        """SE-23: searched with fewer histories, for the store below is searched at length by itself."""
        below: Any = super()
        profile = settings.get_current_profile_name()
        if profile != "soak":
            settings.register_profile("sealed", settings.get_profile(profile), max_examples=self.histories)
            settings.load_profile("sealed")
        try:
            below.test_a_store_does_what_a_plain_dict_would_do()
        finally:
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


class BrieflySealing(Sealing):
    """The same for a slow store, without what a seal passes on to it as it is: ``everywhere`` asks for that too."""

    histories = 5
    test_a_clock_that_is_set_back_holds_no_lease_up: Any = None
    test_a_lease_has_one_holder: Any = None
    test_a_session_that_is_used_is_never_swept: Any = None
    test_a_sweep_removes_no_more_than_it_was_asked_to: Any = None
    test_a_sweep_sees_what_came_while_it_was_under_way: Any = None
    test_many_sessions_end_as_well_as_a_few: Any = None
    test_of_many_that_want_a_lease_one_gets_it: Any = None
    test_two_sweeps_at_once_remove_everything_once: Any = None
    test_without_a_cap_there_is_none: Any = None
