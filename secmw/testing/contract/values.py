"""What a store promises of everything else: values that are taken once, counters, leases, and the sweep."""

from __future__ import annotations

from functools import partial

from secmw.sessions.record import Over
from secmw.sessions.writes import REMEMBERED, Touch, Written
from secmw.testing.contract.asking import Asking, check, same, together

#: Pairs of space and key that have been taken for one another where they were joined.
NAMES = (
    *(("a", "b"), ("b", "a"), ("a", "b:c"), ("a:b", "c"), ("a", ":b"), ("ab", ""), ("a", "B"), ("a", "b ")),
    *(("a", "b\0"), ("a", "*"), ("a", "%"), ("a", "x" * 1_000), ("a", "\u00e9"), ("a", "e\u0301")),
    # What a client sends as JSON may be no Unicode at all.
    ("a", "\ud800"),
)


class ValuePromises(Asking):
    """Ask a store about what is not a session."""

    # --- put and take

    def test_a_value_is_taken_once(self) -> None:
        """Taking removes, and what is not there is None."""
        store = self.store()
        same(store.take("space", "key"), None, "a value that nobody has put there")
        for value in (b"value", b"", bytes(range(256)) * 64):
            same(store.put("space", "key", value, 60.0), True, "whether it was kept")
            same(store.take("space", "key"), value, "the value")
            same(store.take("space", "key"), None, "the value, taken again")

    def test_of_many_that_take_a_value_one_gets_it(self) -> None:
        """Looking and removing are one step."""
        store = self.store()
        for _ in range(5):
            store.put("space", "key", b"value", 60.0)
            answers = together([partial(store.take, "space", "key")] * 8)
            same(sorted(answers, key=bool), [None] * 7 + [b"value"], "what the eight got")

    def test_a_value_lasts_as_long_as_it_should(self) -> None:
        """And not a second longer."""
        store = self.store()
        store.put("space", "key", b"value", 60.0)
        self.clock.move(59)
        store.put("space", "other", b"value", 60.0)
        self.clock.move(1)
        same(store.take("space", "key"), None, "the value after its time")
        same(store.take("space", "other"), b"value", "the value before its time")

    def test_a_value_may_be_replaced_and_then_lasts_anew(self) -> None:
        """Unless it is asked to be put once only."""
        store = self.store()
        store.put("space", "key", b"first", 60.0)
        self.clock.move(50)
        same(store.put("space", "key", b"second", 60.0), True, "whether it was kept")
        self.clock.move(50)
        same(store.take("space", "key"), b"second", "the value")

    def test_what_is_put_once_replaces_nothing(self) -> None:
        """Until the time of what is there has come."""
        store = self.store()
        same(store.put("space", "key", b"first", 60.0, once=True), True, "whether the first was kept")
        self.clock.move(59)
        same(store.put("space", "key", b"second", 60.0, once=True), False, "whether the second was kept")
        self.clock.move(1)
        same(store.put("space", "key", b"third", 60.0, once=True), True, "whether the third was kept")
        same(store.take("space", "key"), b"third", "the value")

    def test_of_many_that_put_once_one_succeeds(self) -> None:
        """What must not happen twice is noted in one step."""
        store = self.store()
        for number in range(5):
            puts = [
                partial(store.put, "space", f"{number}", b"%d" % one, 60.0, once=True) for one in range(8)
            ]
            answers = together(puts)
            same(answers.count(True), 1, "how many succeeded")
            same(store.take("space", f"{number}"), b"%d" % answers.index(True), "the value")

    def test_spaces_and_keys_are_kept_apart(self) -> None:
        """SE-17: from one another, from counters and from sessions, whatever they hold."""
        store = self.store()
        record = self.created(store, "jane")
        for number, (space, key) in enumerate(NAMES):
            store.put(space, key, b"%d" % number, 60.0)
            same(store.count(space, key, 60.0), 1, f"the counter {space!r} {key!r}")
        store.put("sessions", record.selector, b"x", 60.0)
        same(store.load(record.selector), record, "a session of the same name")
        same(store.take("sessions", record.selector), b"x", "the value")
        for number, (space, key) in enumerate(NAMES):
            same(store.take(space, key), b"%d" % number, f"the value {space!r} {key!r}")
            same(store.count(space, key, 60.0), 2, f"the counter {space!r} {key!r}")

    # --- counters

    def test_a_counter_counts_from_its_first(self) -> None:
        """It starts anew after its time, however often it was asked meanwhile."""
        store = self.store()
        found = []
        for _ in range(6):
            found.append(store.count("space", "key", 60.0))
            self.clock.move(20)
        same(found, [1, 2, 3, 1, 2, 3], "the counts")

    def test_a_counter_counts_everybody(self) -> None:
        """Adding and reading are one step."""
        store = self.store()
        answers = together([partial(store.count, "space", "key", 60.0)] * 16)
        same(sorted(answers), list(range(1, 17)), "the counts")

    def test_a_clock_that_is_set_back_holds_no_counter_up(self) -> None:
        """It starts anew in its own time, not when the clock has caught up."""
        store = self.store()
        store.count("space", "key", 60.0)
        self.clock.move(-100_000)
        same(store.count("space", "key", 60.0), 2, "the count")
        self.clock.move(60)
        same(store.count("space", "key", 60.0), 1, "the count after its time")

    # --- leases

    def test_a_lease_has_one_holder(self) -> None:
        """SE-11: until its time has come, or for as long as it is renewed."""
        store = self.store()
        other = self.another(store)
        same(store.lease("sweep", 60.0), True, "whether it was taken")
        self.clock.move(30)
        same(store.lease("sweep", 60.0), True, "whether it was renewed")
        if other is None:
            return
        self.clock.move(59)
        same(other.lease("sweep", 60.0), False, "whether another took it")
        same(other.lease("other", 60.0), True, "whether another took another one")
        self.clock.move(1)
        same(other.lease("sweep", 60.0), True, "whether another took it after its time")
        same(store.lease("sweep", 60.0), False, "whether the first took it back")

    def test_of_many_that_want_a_lease_one_gets_it(self) -> None:
        """SE-11: looking and taking are one step."""
        store = self.store()
        others = [self.another(store) for _ in range(4)]
        holders = [store, *(other for other in others if other is not None)]
        for number in range(5):
            answers = together([partial(holder.lease, f"lease{number}", 60.0) for holder in holders])
            same(answers.count(True), 1, "how many got it")

    def test_a_clock_that_is_set_back_holds_no_lease_up(self) -> None:
        """A holder that is gone keeps it no longer than it was to last."""
        store = self.store()
        other = self.another(store)
        store.lease("sweep", 60.0)
        self.clock.move(-100_000)
        if other is not None:
            same(other.lease("sweep", 60.0), False, "whether another took it")
            self.clock.move(60)
            same(other.lease("sweep", 60.0), True, "whether another took it after its time")

    # --- the sweep

    def test_a_sweep_removes_what_is_over_and_nothing_that_lives(self) -> None:
        """SE-11: sessions past their limits, the marks of those that ended, values and counters past their time."""
        store = self.store()
        living = [self.created(store), self.created(store, "jane"), self.created(store, inactivity=0)]
        over = [
            self.created(store, lifetime=100.0, inactivity=0),
            self.created(store, "jane", lifetime=100.0, inactivity=0),
            self.created(store, inactivity=100),
        ]
        ended = self.created(store, "jane")
        self.ended(store, ended.selector)
        store.put("space", "over", b"x", 100.0)
        store.put("space", "kept", b"x", 101.0)
        store.count("space", "over", 100.0)
        store.count("space", "kept", 101.0)
        self.clock.move(REMEMBERED - 1)
        same(store.sweep(self.clock.now(), 100), 0, "the number of things removed too soon")
        self.clock.move(101 - REMEMBERED)
        same(store.sweep(self.clock.now(), 100), len(over) + 3, "the number of things removed")
        for record in [*over, ended]:
            same(store.load(record.selector), None, "a session that is over")
        for record in living:
            same(store.load(record.selector), record, "a session that lives")
        same(store.of_user("jane"), [living[1]], "the sessions of the user")
        same(store.take("space", "kept"), b"x", "a value")
        same(store.count("space", "kept", 100.0), 2, "a counter")
        same(store.sweep(self.clock.now(), 100), 0, "the number of things removed again")

    def test_a_sweep_removes_no_more_than_it_was_asked_to(self) -> None:
        """SE-11: less than that says that it is done."""
        store = self.store()
        for number in range(20):
            self.created(store, "jane", inactivity=100)
            self.created(store, inactivity=200)
            store.put("space", f"{number}", b"x", 100.0)
        self.clock.move(100)
        removed = [store.sweep(self.clock.now(), 15) for _ in range(4)]
        same(removed, [15, 15, 10, 0], "the numbers of things removed")
        self.clock.move(100)
        removed = [store.sweep(self.clock.now(), 7) for _ in range(4)]
        same(removed, [7, 7, 6, 0], "the numbers of things removed later")

    def test_a_sweep_sees_what_came_while_it_was_under_way(self) -> None:
        """SE-11: what is over when it says that it is done has been removed."""
        store = self.store()
        for _ in range(10):
            self.created(store, inactivity=100)
        self.clock.move(100)
        same(store.sweep(self.clock.now(), 5), 5, "the number of things removed first")
        late = self.created(store, inactivity=100)
        self.clock.move(100)
        same(store.sweep(self.clock.now(), 100), 6, "the number of things removed then")
        same(store.load(late.selector), None, "the session that came later")

    def test_two_sweeps_at_once_remove_everything_once(self) -> None:
        """SE-11: neither counts what the other removed."""
        store = self.store()
        for _ in range(60):
            self.created(store, inactivity=100)
        self.clock.move(100)
        removed = together([partial(store.sweep, self.clock.now(), 20)] * 4)
        same(sum(removed), 60, "the number of things removed")

    def test_a_session_that_is_used_is_never_swept(self) -> None:
        """SE-11, SE-08: whether it is over is judged in the step in which it is removed."""
        store = self.store()
        for _ in range(5):
            records = [self.created(store, "jane", inactivity=100) for _ in range(10)]
            self.clock.move(99)
            now = self.clock.now()

            def use(names: list[str], at: float) -> list[str]:
                touches = [(name, Touch(selector=name, at=at)) for name in names]
                return [name for name, touch in touches if isinstance(store.write(touch), Written)]

            def sweep(at: float) -> list[str]:
                for _ in range(3):
                    store.sweep(at, 100)
                return []

            names = [record.selector for record in records]
            used, *_ = together([partial(use, names, now), partial(sweep, now + 1), partial(sweep, now + 1)])
            living = [name for name in names if self.lives(store, name)]
            same(living, used, "the sessions that live, and those in use")
            same(sorted(record.selector for record in store.of_user("jane")), living, "those that are listed")
            store.end_all("jane")
            self.clock.move(1)

    def test_a_name_that_was_swept_opens_nothing(self) -> None:
        """SE-08: forgetting an end does not undo it."""
        store = self.store()
        record = self.created(store, "jane")
        self.ended(store, record.selector, Over.REVOKED)
        self.clock.move(REMEMBERED)
        store.sweep(self.clock.now(), 100)
        self.clock.move(-REMEMBERED)
        same(store.load(record.selector), None, "the session")
        outcome = store.write(Touch(selector=record.selector, at=self.clock.now()))
        check(not isinstance(outcome, Written), "a use of it was noted")
        same(store.of_user("jane"), [], "the sessions of the user")
