"""What a store promises of a record that is replaced as a whole: only where nothing came between reading and writing."""

from __future__ import annotations

from functools import partial

import msgspec

from secmw.sessions import codec
from secmw.sessions.identifier import digest
from secmw.sessions.record import Ended, Over, Record
from secmw.sessions.writes import Swap, Touch, Update, Why, Written
from secmw.stores.base import Store
from secmw.testing.contract.asking import Asking, check, lost, same, together, values


class SwapPromises(Asking):
    """Ask a store to replace records."""

    def test_a_record_is_replaced_where_nothing_came_between(self) -> None:
        """SE-20: whatever of it is another, its user's list tells of the one that is there."""
        store = self.store()
        before = self.created(store, "jane", one=1)
        after = self._other(before)
        same(store.write(self._swap(before, after)), Written(after), "the swap")
        same(store.load(before.selector), after, "the session")
        same(store.of_user("jane"), [after], "the sessions of the user")

    def test_a_swap_that_comes_too_late_changes_nothing(self) -> None:
        """SE-09, SE-20: not even a time may have moved since the record was read."""
        store = self.store()
        for change in ("data", "time", "all"):
            before = self.created(store, one=1)
            self.clock.move(1)
            at = self.clock.now()
            if change == "data":
                store.write(Update(selector=before.selector, at=at, changes={"two": codec.encode("two", 2)}))
            elif change == "time":
                store.write(Touch(selector=before.selector, at=at))
            else:
                store.write(self._swap(before, self._other(before)))
            found = store.load(before.selector)
            lost(store.write(self._swap(before, self._other(before))), Why.CONFLICT, f"a swap after {change}")
            same(store.load(before.selector), found, f"the session after {change}")

    def test_of_many_swaps_one_succeeds(self) -> None:
        """SE-20: comparing and replacing are one step."""
        store = self.store()
        for _ in range(3):
            before = self.created(store)
            afters = [
                msgspec.structs.replace(before, verifier=digest(f"{number}"), revision=1)
                for number in range(8)
            ]
            outcomes = together([partial(store.write, self._swap(before, after)) for after in afters])
            won = [one for one, outcome in zip(afters, outcomes, strict=True) if isinstance(outcome, Written)]
            same(len(won), 1, "how many succeeded")
            same(store.load(before.selector), won[0], "the session")

    def test_a_swap_loses_no_change_of_others(self) -> None:
        """SE-09, SE-20: what they write while a record is written anew is there in the end."""
        store = self.store()
        record = self.created(store)

        def write(part: int) -> None:
            for number in range(part * 10, part * 10 + 10):
                name = f"name{number}"
                change = {name: codec.encode(name, number)}
                store.write(Update(selector=record.selector, at=self.clock.now(), changes=change))

        together([partial(self._renew, store, record.selector, 20), *(partial(write, n) for n in range(3))])
        expected = {f"name{number}": number for number in range(30)}
        same(values(store.load(record.selector)), expected, "the data")

    def test_a_swap_puts_nothing_where_no_session_is(self) -> None:
        """SE-08: neither one that has ended nor one past its limits comes back, nor one that never was."""
        store = self.store()
        unknown = self.record()
        lost(
            store.write(self._swap(unknown, self._other(unknown))), Why.UNKNOWN, "a swap of what is not there"
        )
        same(store.load(unknown.selector), None, "the session")
        ended = self.created(store, "jane")
        self.ended(store, ended.selector)
        lost(store.write(self._swap(ended, self._other(ended))), Why.ENDED, "a swap of what has ended")
        same(store.load(ended.selector), Ended(Over.LOGGED_OUT), "the session that has ended")
        idle = self.created(store, inactivity=100)
        self.clock.move(100)
        outcome = store.write(self._swap(idle, msgspec.structs.replace(idle, idle_until=idle.expires)))
        check(not isinstance(outcome, Written), "a session past its limits was replaced")
        check(not self.lives(store, idle.selector), "a session past its limits lives")

    def _swap(self, before: Record, after: Record) -> Swap:
        return Swap(at=self.clock.now(), before=before, after=after)

    def _other(self, record: Record) -> Record:
        return msgspec.structs.replace(
            record,
            revision=record.revision + 1,
            expires=record.expires - 1,
            verifier=digest("another secret"),
            data=codec.join({"two": codec.encode("two", 2)}),
        )

    def _renew(self, store: Store, selector: str, times: int) -> None:
        for _ in range(times):
            found = store.load(selector)
            if isinstance(found, Record):
                store.write(self._swap(found, msgspec.structs.replace(found, revision=found.revision + 1)))
