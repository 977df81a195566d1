"""What a store promises of one session: a name is never given twice, changes merge, and what has ended stays ended."""

from __future__ import annotations

import dataclasses
from functools import partial

import msgspec

from secmw.sessions import codec
from secmw.sessions.identifier import digest
from secmw.sessions.record import Ended, Over, Record
from secmw.sessions.writes import REMEMBERED, Create, End, Lost, Rotate, Touch, Update, Why, Write, Written
from secmw.testing.contract.asking import Asking, check, lost, same, together, values

ONE = codec.encode("one", 1)
TWO = codec.encode("two", 2)


class SessionPromises(Asking):
    """Ask a store about sessions one by one."""

    # --- create

    def test_what_was_created_is_loaded(self) -> None:
        """Every field comes back as it went in."""
        store = self.store()
        for record in (self.created(store), self.created(store, "jane", cart=[1, 2])):
            same(store.load(record.selector), record, "what was loaded")

    def test_a_session_without_idle_limit_comes_back_without_one(self) -> None:
        """SE-06: infinity is a time like any other."""
        store = self.store()
        record = self.created(store, inactivity=0)
        same(store.load(record.selector), record, "what was loaded")

    def test_a_name_nobody_has_given_opens_nothing(self) -> None:
        """SE-02: it is unknown, and asking for it does not make it known."""
        store = self.store()
        for selector in ("0" * 22, "", "a b", "*", "a\x00b", "../x"):
            same(store.load(selector), None, f"the session {selector!r}")
            same(store.load(selector), None, f"the session {selector!r}, asked again")

    def test_a_name_that_is_taken_is_never_given_again(self) -> None:
        """SE-01: the record that is there stays as it is, and so does its user's list."""
        store = self.store()
        first = self.created(store, "jane", cart=1)
        second = msgspec.structs.replace(self.record("mallory", cart=2), selector=first.selector)
        outcome = store.write(Create(record=second, user_id="mallory", checked_at=self.clock.now()))
        lost(outcome, Why.EXISTS, "a Create of a name that is taken")
        same(store.load(first.selector), first, "the first record")
        same(store.of_user("mallory"), [], "the sessions of who came second")
        same(store.of_user("jane"), [first], "the sessions of who came first")

    def test_a_name_that_is_taken_costs_nobody_a_session(self) -> None:
        """SE-01, SE-16: a Create that comes to nothing displaces nothing either."""
        store = self.store()
        first = self.created(store, "jane")
        again = msgspec.structs.replace(self.record("jane"), selector=first.selector)
        create = Create(record=again, user_id="jane", checked_at=self.clock.now(), cap=1)
        lost(store.write(create), Why.EXISTS, "a Create of a name that is taken")
        check(self.lives(store, first.selector), "the first session has ended")

    def test_of_many_that_take_one_name_one_gets_it(self) -> None:
        """SE-01: insertion looks and writes in one step."""
        store = self.store()
        name = self.record().selector
        records = [msgspec.structs.replace(self.record(number=number), selector=name) for number in range(8)]
        outcomes = together([partial(store.write, Create(record=record)) for record in records])
        won = [outcome.record for outcome in outcomes if isinstance(outcome, Written)]
        same(len(won), 1, "how many got the name")
        same(store.load(name), won[0], "what is kept")

    def test_the_name_of_a_session_that_has_ended_is_not_given_again(self) -> None:
        """SE-01: no name is ever used twice."""
        store = self.store()
        record = self.created(store)
        self.ended(store, record.selector)
        lost(store.write(Create(record=record)), Why.EXISTS, "a Create of a name that has ended")
        same(store.load(record.selector), Ended(Over.LOGGED_OUT), "the session")

    # --- nothing is put where nothing is

    def test_nothing_but_create_makes_a_session(self) -> None:
        """SE-02, SE-08, SE-10: there is no upsert of any kind."""
        store = self.store()
        selector = self.record().selector
        for write in self._writes(selector):
            lost(store.write(write), Why.UNKNOWN, f"{type(write).__name__} of what is not there")
            same(store.load(selector), None, f"the session after {type(write).__name__}")

    def test_nothing_changes_a_session_that_has_ended(self) -> None:
        """SE-08: whatever finishes later."""
        store = self.store()
        record = self.created(store, "jane")
        self.ended(store, record.selector)
        for write in self._writes(record.selector):
            lost(store.write(write), Why.ENDED, f"{type(write).__name__} of what has ended")
            same(store.load(record.selector), Ended(Over.LOGGED_OUT), f"after {type(write).__name__}")
        same(store.of_user("jane"), [], "the sessions of the user")

    def test_nothing_changes_a_session_past_its_limits(self) -> None:
        """SE-05, SE-06, SE-08: neither limit can be passed by a write."""
        store = self.store()
        for lifetime, inactivity in ((100.0, 0), (10_000.0, 100)):
            record = self.created(store, lifetime=lifetime, inactivity=inactivity)
            self.clock.move(100)
            for write in self._writes(record.selector)[:3]:
                outcome = store.write(write)
                over = isinstance(outcome, Lost) and outcome.reason in (Why.ENDED, Why.UNKNOWN)
                check(over, f"{type(write).__name__} past the limit was {outcome}")
            check(not self.lives(store, record.selector), "the session lives past its limit")

    def test_an_end_is_final_whoever_writes_at_the_same_time(self) -> None:
        """SE-08: of a sign-out and a hundred changes, the sign-out wins."""
        store = self.store()
        for _ in range(5):
            record = self.created(store)

            def write(selector: str = record.selector) -> None:
                for number in range(10):
                    store.write(
                        Update(
                            selector=selector, at=self.clock.now(), changes={f"n{number}": ONE}, expected={}
                        )
                    )

            def end(selector: str = record.selector) -> None:
                self.ended(store, selector)

            together([write, write, end, write])
            same(store.load(record.selector), Ended(Over.LOGGED_OUT), "the session")

    # --- merge

    def test_what_two_requests_changed_is_merged_by_name(self) -> None:
        """SE-09: each writes what it changed, and the rest stays."""
        store = self.store()
        record = self.created(store, kept=0, gone=0)
        at = self.clock.now()
        store.write(Update(selector=record.selector, at=at, changes={"one": ONE, "gone": None}))
        store.write(Update(selector=record.selector, at=at, changes={"two": TWO}))
        same(values(store.load(record.selector)), {"kept": 0, "one": 1, "two": 2}, "the data")

    def test_two_hundred_writers_of_different_names_are_all_there(self) -> None:
        """SE-09: in one step of the store each, however many compete."""
        store = self.store()
        record = self.created(store)

        def write(part: int) -> None:
            for number in range(part * 25, part * 25 + 25):
                name = f"name{number}"
                change = {name: codec.encode(name, number)}
                outcome = store.write(Update(selector=record.selector, at=self.clock.now(), changes=change))
                check(isinstance(outcome, Written), f"an Update was {outcome}")

        together([partial(write, part) for part in range(8)])
        expected = {f"name{number}": number for number in range(200)}
        same(values(store.load(record.selector)), expected, "the data")
        found = store.load(record.selector)
        same(isinstance(found, Record) and found.revision, 200, "the revision")

    def test_of_strict_writers_of_one_name_one_succeeds(self) -> None:
        """SE-09: expecting is comparing and setting in one step."""
        store = self.store()
        record = self.created(store)
        updates = [
            Update(
                selector=record.selector,
                at=self.clock.now(),
                changes={"one": codec.encode("one", number)},
                expected={"one": None},
            )
            for number in range(8)
        ]
        outcomes = together([partial(store.write, update) for update in updates])
        won = [number for number, outcome in enumerate(outcomes) if isinstance(outcome, Written)]
        same(len(won), 1, "how many succeeded")
        same(outcomes.count(Lost(Why.CONFLICT)), 7, "how many were told of a conflict")
        same(values(store.load(record.selector)), {"one": won[0]}, "the data")

    def test_a_change_that_makes_the_data_too_large_changes_nothing(self) -> None:
        """SE-13: it is refused whole, and what was there stays."""
        store = self.store()
        record = self.created(store, one=1)
        large = Update(
            selector=record.selector,
            at=self.clock.now(),
            changes={"two": codec.encode("two", "x" * 99)},
            limit=99,
        )
        lost(store.write(large), Why.TOO_LARGE, "the Update")
        same(store.load(record.selector), record, "the record")

    def test_what_is_not_to_count_does_not(self) -> None:
        """SE-13: so many bytes of each name with its value, of those that were there too."""
        store = self.store()
        record = self.created(store, one=1)
        two = {"two": codec.encode("two", "x" * 9)}
        update = Update(selector=record.selector, at=self.clock.now(), changes=two, limit=3, overhead=8)
        lost(store.write(update), Why.TOO_LARGE, "the Update, one byte too large")
        outcome = store.write(dataclasses.replace(update, limit=4))
        same(isinstance(outcome, Written) and values(outcome.record), {"one": 1, "two": "x" * 9}, "the data")

    def test_a_use_is_noted_and_changes_no_data(self) -> None:
        """SE-06, SE-10: only times move."""
        store = self.store()
        record = self.created(store, one=1)
        self.clock.move(60)
        store.write(Touch(selector=record.selector, at=self.clock.now()))
        found = store.load(record.selector)
        expected = msgspec.structs.replace(record, seen=record.seen + 60, idle_until=record.idle_until + 60)
        same(found, expected, "the record")

    # --- rotate

    def test_of_many_that_replace_the_secret_one_succeeds(self) -> None:
        """SE-04: and its secret is the one in force."""
        store = self.store()
        record = self.created(store)
        secrets = [digest(f"new {number}") for number in range(8)]
        at = self.clock.now()
        rotations = [
            Rotate(selector=record.selector, at=at, presented=record.verifier, verifier=new)
            for new in secrets
        ]
        outcomes = together([partial(store.write, rotation) for rotation in rotations])
        won = [new for new, outcome in zip(secrets, outcomes, strict=True) if isinstance(outcome, Written)]
        same(len(won), 1, "how many succeeded")
        same(outcomes.count(Lost(Why.ROTATED)), 7, "how many were told that they came too late")
        found = store.load(record.selector)
        same(isinstance(found, Record) and found.verifier, won[0], "the secret in force")

    def test_a_change_in_flight_is_merged_after_the_secret_was_replaced(self) -> None:
        """SE-04: rotation keeps name and data."""
        store = self.store()
        record = self.created(store, kept=0)
        at, new = self.clock.now(), digest("new")
        store.write(Rotate(selector=record.selector, at=at, presented=record.verifier, verifier=new))
        store.write(Update(selector=record.selector, at=at, changes={"one": ONE}))
        found = store.load(record.selector)
        same(values(found), {"kept": 0, "one": 1}, "the data")
        same(isinstance(found, Record) and found.verifier, new, "the secret in force")

    # --- end

    def test_an_end_is_remembered_for_a_minute_with_its_reason(self) -> None:
        """SE-08: as long as a request lasts that began before it; then the name is unknown."""
        store = self.store()
        for reason in (Over.LOGGED_OUT, Over.REVOKED, Over.CREDENTIALS_CHANGED, Over.REPLACED):
            record = self.created(store, "jane")
            outcome = store.write(End(selector=record.selector, at=self.clock.now(), reason=reason))
            same(outcome, Written(record), "the outcome, with what stood there")
            same(store.load(record.selector), Ended(reason), "the session")
            self.clock.move(REMEMBERED - 1)
            same(store.load(record.selector), Ended(reason), "the session a minute later")
            self.clock.move(1)
            same(store.load(record.selector), None, "the session after that")

    def test_an_end_keeps_its_first_reason(self) -> None:
        """SE-24: signing out twice is signing out once."""
        store = self.store()
        record = self.created(store)
        self.ended(store, record.selector, Over.LOGGED_OUT)
        again = End(selector=record.selector, at=self.clock.now(), reason=Over.REVOKED)
        lost(store.write(again), Why.ENDED, "the second End")
        same(store.load(record.selector), Ended(Over.LOGGED_OUT), "the session")

    def test_a_session_is_not_ended_for_a_limit_that_it_has_not_reached(self) -> None:
        """A request that was used meanwhile lives: what is stored now counts."""
        store = self.store()
        record = self.created(store, inactivity=100)
        self.clock.move(90)
        store.write(Touch(selector=record.selector, at=self.clock.now()))
        self.clock.move(20)
        idle = End(selector=record.selector, at=self.clock.now(), reason=Over.IDLE)
        lost(store.write(idle), Why.CONFLICT, "the End")
        check(self.lives(store, record.selector), "the session has ended")
        self.clock.move(100)
        over = store.write(End(selector=record.selector, at=self.clock.now(), reason=Over.IDLE))
        check(over != Lost(Why.CONFLICT), "the session is idle, and could not be ended")
        check(not self.lives(store, record.selector), "the session lives")

    def test_what_one_object_writes_another_sees_at_once(self) -> None:
        """SE-08, SE-09: two processes share what is kept, and neither remembers what was."""
        store = self.store()
        other = self.another(store)
        if other is None:
            return
        record = self.created(store, "jane")
        same(other.load(record.selector), record, "the session, to the other")
        other.write(Update(selector=record.selector, at=self.clock.now(), changes={"one": ONE}))
        same(values(store.load(record.selector)), {"one": 1}, "the data")
        self.ended(other, record.selector)
        same(store.load(record.selector), Ended(Over.LOGGED_OUT), "the session")
        same(store.of_user("jane"), [], "the sessions of the user")

    # --- clocks

    def test_a_clock_that_is_set_back_revives_nothing(self) -> None:
        """SE-21: what has ended stays so."""
        store = self.store()
        record = self.created(store, "jane")
        self.clock.move(7_200)
        store.write(End(selector=record.selector, at=self.clock.now(), reason=Over.IDLE))
        self.clock.move(-7_200)
        check(not self.lives(store, record.selector), "the session lives again")
        for write in self._writes(record.selector):
            check(isinstance(store.write(write), Lost), f"{type(write).__name__} of what has ended")
        same(store.of_user("jane"), [], "the sessions of the user")

    def test_a_clock_that_is_set_back_moves_no_limit(self) -> None:
        """SE-21: last seen never goes back."""
        store = self.store()
        record = self.created(store)
        self.clock.move(-1_000)
        store.write(Touch(selector=record.selector, at=self.clock.now()))
        same(store.load(record.selector), record, "the record")

    # --- what can't be read

    def test_what_cannot_be_read_is_no_session(self) -> None:
        """SE-13, SE-14: a fault of a disk, another program's value, a layout to come."""
        store = self.store()
        for raw in self._unreadable():
            record = self.created(store, "jane", cart=[1])
            if not self.planted(store, record.selector, raw):
                return
            same(store.load(record.selector), Ended(Over.UNREADABLE), f"the session {raw[:8]!r}")
            for write in self._writes(record.selector)[:3]:
                lost(store.write(write), Why.ENDED, f"{type(write).__name__} of {raw[:8]!r}")
            taken = self.record()
            create = Create(record=msgspec.structs.replace(taken, selector=record.selector))
            lost(store.write(create), Why.EXISTS, f"a Create in the place of {raw[:8]!r}")

    def test_what_cannot_be_read_can_be_ended(self) -> None:
        """SE-14: by whoever finds it; then it is like any session that has ended."""
        store = self.store()
        for raw in self._unreadable():
            record = self.created(store, "jane")
            if not self.planted(store, record.selector, raw):
                return
            end = End(selector=record.selector, at=self.clock.now(), reason=Over.UNREADABLE)
            lost(store.write(end), Why.ENDED, "the End")
            same(store.load(record.selector), Ended(Over.UNREADABLE), "the session")
            self.clock.move(REMEMBERED)
            same(store.load(record.selector), None, "the session after a minute")

    def test_what_cannot_be_read_is_in_nobodys_way(self) -> None:
        """SE-14, SE-15: the user's other sessions are listed, counted and ended."""
        store = self.store()
        now = self.clock.now()
        for raw in self._unreadable():
            broken, sound = self.created(store, "jane"), self.created(store, "jane")
            if not self.planted(store, broken.selector, raw):
                return
            same(store.of_user("jane"), [sound], "the sessions of the user")
            second = self.record("jane")
            create = Create(record=second, user_id="jane", checked_at=now, cap=2)
            same(store.write(create), Written(second), "a sign-in that leaves two")
            selectors = set(store.end_all("jane").selectors)
            same(selectors, {sound.selector, second.selector}, "what was ended")
            # The sign-ins of the next round come after this end.
            self.clock.move(1)
            now = self.clock.now()

    def test_a_store_that_was_closed_opens_again(self) -> None:
        """Closing gives back what is held; what is kept stays."""
        store = self.store()
        record = self.created(store)
        store.close()
        store.close()
        same(store.load(record.selector), record, "the session")
        check(
            isinstance(store.write(Touch(selector=record.selector, at=self.clock.now())), Written), "a Touch"
        )

    def _unreadable(self) -> list[bytes]:
        raw = self.record("jane", cart=[1]).pack()
        flipped = [raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :] for place in (0, 1, 40, 90, -1)]
        return [*flipped, raw[:-1], raw[: len(raw) // 2], raw + b"\0", b"\x02" + raw[1:], b"{}", b"\x01", b""]

    def _writes(self, selector: str) -> list[Write]:
        at, digest_ = self.clock.now(), digest("new")
        return [
            Update(selector=selector, at=at, changes={"one": ONE}),
            Touch(selector=selector, at=at),
            Rotate(selector=selector, at=at, presented=digest_, verifier=digest_),
            End(selector=selector, at=at, reason=Over.REVOKED),
        ]
