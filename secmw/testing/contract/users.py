"""What a store promises of the sessions of a user: they can be listed, counted and ended, and no sign-in slips through."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from secmw.sessions.record import Ended, Over
from secmw.sessions.writes import Create, End, Lost, Revoked, Touch, Why, Written
from secmw.testing.contract.asking import Asking, check, insistent, lost, same, together

#: User ids that have been taken for something else: keys, patterns, ends of text, numbers, one another.
USERS: Final = (
    *("", " ", "  ", "a", "A", "a ", " a", "a b", "a,b", "a:b", "a|b", "a\0b", "a\nb", "a\tb", "a/b", "../a"),
    *(
        "%",
        "_",
        "*",
        "?",
        "[a]",
        "{a}",
        "{}",
        "'",
        '"',
        "\\",
        "--",
        "';--",
        "$1",
        ":1",
        "?1",
        "\x7f",
        "\ufeff",
    ),
    *("1", "01", "1.0", "None", "null", "0" * 22, "x" * 1_000, "x" * 999 + "y"),
    *(
        "\u00e9",
        "e\u0301",
        "\u00df",
        "ss",
        "\u0130",
        "i",
        "\u1e9e",
        "\u4f1a\u8bae",
        "\U0001f600",
        "\u202e",
        "\u2028",
    ),
)


class UserPromises(Asking):
    """Ask a store about users."""

    # --- the list

    def test_the_sessions_of_a_user_are_listed_the_last_sign_in_first(self) -> None:
        """SE-15: theirs, all of them, and nobody else's."""
        store = self.store()
        now = self.clock.now()
        second = self.created(store, "jane", authenticated=now - 20)
        first = self.created(store, "jane", authenticated=now - 30)
        third = self.created(store, "jane", authenticated=now - 10)
        self.created(store, "joe")
        self.created(store)
        same(store.of_user("jane"), [third, second, first], "the sessions of the user")
        same(store.of_user("nobody"), [], "the sessions of a user without any")

    def test_of_two_sign_ins_at_the_same_time_the_later_one_is_listed_first(self) -> None:
        """SE-15: the list is in the order in which they came."""
        store = self.store()
        records = [self.created(store, "jane") for _ in range(3)]
        same(store.of_user("jane"), records[::-1], "the sessions of the user")

    def test_only_what_lives_is_listed(self) -> None:
        """SE-15, SE-05, SE-06: neither what has ended nor what is past its limits."""
        store = self.store()
        living = self.created(store, "jane", lifetime=10_000.0, inactivity=0)
        self.created(store, "jane", lifetime=100.0, inactivity=0)
        self.created(store, "jane", inactivity=100)
        self.ended(store, self.created(store, "jane").selector)
        self.clock.move(100)
        same(store.of_user("jane"), [living], "the sessions of the user")

    def test_every_user_has_a_list_of_their_own_however_they_are_called(self) -> None:
        """SE-15, SE-17: no id is taken for another, for a pattern or for a key."""
        store = self.store()
        records = {user: self.created(store, user) for user in USERS}
        for user, record in records.items():
            same(store.of_user(user), [record], f"the sessions of {user!r}")
        for user, record in records.items():
            same(store.end_all(user), Revoked(1, (record.selector,)), f"what ended with {user!r}")
            same(store.of_user(user), [], f"the sessions of {user!r}")
        same([store.generation(user) for user in USERS], [1] * len(USERS), "how often each was ended")

    # --- the cap

    def test_past_the_cap_the_oldest_sign_in_ends(self) -> None:
        """SE-16: whichever came first, and whatever was used last."""
        store = self.store()
        now = self.clock.now()
        middle = self.created(store, "jane", authenticated=now - 20)
        oldest = self.created(store, "jane", authenticated=now - 30)
        newest = self.created(store, "jane", authenticated=now - 10)
        other = self.created(store, "joe", authenticated=now - 90)
        record = self.record("jane")
        create = Create(record=record, user_id="jane", checked_at=now, cap=3)
        same(store.write(create), Written(record, (oldest.selector,)), "the sign-in")
        same(store.load(oldest.selector), Ended(Over.REVOKED), "the oldest session")
        same(store.of_user("jane"), [record, newest, middle], "the sessions of the user")
        check(self.lives(store, other.selector), "another user's session has ended")

    def test_a_cap_that_was_lowered_ends_as_many_as_it_takes(self) -> None:
        """SE-16: until no more are left than it says."""
        store = self.store()
        old = [self.created(store, "jane") for _ in range(5)]
        record = self.record("jane")
        create = Create(record=record, user_id="jane", checked_at=self.clock.now(), cap=2)
        outcome = store.write(create)
        displaced = isinstance(outcome, Written) and set(outcome.displaced)
        same(displaced, {one.selector for one in old[:4]}, "the sessions that ended")
        same(store.of_user("jane"), [record, old[4]], "the sessions of the user")

    def test_the_session_that_a_sign_in_is_to_end_does_not_count(self) -> None:
        """SE-16: nobody loses another session by signing in again."""
        store = self.store()
        older, own = self.created(store, "jane"), self.created(store, "jane")
        record = self.record("jane")
        now = self.clock.now()
        create = Create(record=record, user_id="jane", checked_at=now, cap=2, replaces=own.selector)
        same(store.write(create), Written(record), "the sign-in")
        check(self.lives(store, older.selector), "the other session has ended")

    def test_at_the_cap_a_sign_in_may_be_refused_instead(self) -> None:
        """SE-16: then nothing changes."""
        store = self.store()
        old = [self.created(store, "jane") for _ in range(2)]
        record = self.record("jane")
        create = Create(record=record, user_id="jane", checked_at=self.clock.now(), cap=2, at_cap="refuse")
        lost(store.write(create), Why.CAP, "the sign-in")
        same(store.load(record.selector), None, "the session")
        same(store.of_user("jane"), old[::-1], "the sessions of the user")
        self.ended(store, old[0].selector)
        same(store.write(create), Written(record), "the sign-in when there is a place")

    def test_only_what_lives_counts(self) -> None:
        """SE-16: neither what is over nor what is anonymous."""
        store = self.store()
        self.created(store, "jane", inactivity=100)
        self.created(store, "jane", lifetime=100.0)
        self.ended(store, self.created(store, "jane").selector)
        self.created(store)
        self.clock.move(100)
        record = self.record("jane")
        create = Create(record=record, user_id="jane", checked_at=self.clock.now(), cap=1, at_cap="refuse")
        same(store.write(create), Written(record), "the sign-in")

    def test_without_a_cap_there_is_none(self) -> None:
        """SE-16: 0 stands for any number."""
        store = self.store()
        for _ in range(60):
            self.created(store, "jane")
        same(len(store.of_user("jane")), 60, "the number of sessions")

    def test_the_cap_is_exact_however_many_sign_in_at_once(self) -> None:
        """SE-16: it is counted and kept to in one step."""
        store = self.store()
        records = [self.record("jane") for _ in range(12)]
        now = self.clock.now()
        creates = [Create(record=record, user_id="jane", checked_at=now, cap=3) for record in records]
        outcomes = together([partial(insistent, partial(store.write, create)) for create in creates])
        displaced = [
            selector for outcome in outcomes if isinstance(outcome, Written) for selector in outcome.displaced
        ]
        living = [record.selector for record in store.of_user("jane")]
        same(len(living), 3, "the number of sessions")
        same(sorted(living + displaced), sorted(record.selector for record in records), "all of them")

    def test_a_refusing_cap_is_exact_too(self) -> None:
        """SE-16: as many are let in as there are places."""
        store = self.store()
        now = self.clock.now()
        creates = [
            Create(record=self.record("jane"), user_id="jane", checked_at=now, cap=3, at_cap="refuse")
            for _ in range(12)
        ]
        outcomes = together([partial(insistent, partial(store.write, create)) for create in creates])
        same(outcomes.count(Lost(Why.CAP)), 9, "how many were refused")
        same(len(store.of_user("jane")), 3, "the number of sessions")

    # --- ending all, and sign-ins under way

    def test_all_sessions_of_a_user_end(self) -> None:
        """SE-15: with a reason, and nobody else's."""
        store = self.store()
        old = self.created(store, "jane", inactivity=100)
        self.clock.move(100)
        records = [self.created(store, "jane") for _ in range(3)]
        others = [self.created(store, "joe"), self.created(store)]
        revoked = store.end_all("jane", reason=Over.CREDENTIALS_CHANGED)
        same(revoked.generation, 1, "how often they were ended")
        same(sorted(revoked.selectors), sorted(one.selector for one in records), "those that ended")
        same(store.of_user("jane"), [], "the sessions of the user")
        for record in records:
            same(store.load(record.selector), Ended(Over.CREDENTIALS_CHANGED), "a session")
        for record in others:
            check(self.lives(store, record.selector), "somebody else's session has ended")
        # What was idle when all were ended stays over, even by a clock that is set back.
        self.clock.move(-50)
        check(not self.lives(store, old.selector), "a session lives again")

    def test_all_sessions_but_one_end(self) -> None:
        """SE-15: the one from which it was asked for."""
        store = self.store()
        records = [self.created(store, "jane") for _ in range(3)]
        other = self.created(store, "joe")
        revoked = store.end_all("jane", records[1].selector)
        same(
            sorted(revoked.selectors), sorted((records[0].selector, records[2].selector)), "those that ended"
        )
        same(store.of_user("jane"), [records[1]], "the sessions of the user")
        # A name that is none of this user's saves nothing, and is saved from nothing.
        same(store.end_all("jane", other.selector), Revoked(2, (records[1].selector,)), "those that ended")
        check(self.lives(store, other.selector), "another user's session has ended")

    def test_many_sessions_end_as_well_as_a_few(self) -> None:
        """SE-15: there is no page after which it stops."""
        store = self.store()
        records = [self.created(store, "jane") for _ in range(300)]
        revoked = store.end_all("jane")
        same(len(set(revoked.selectors)), 300, "the number of those that ended")
        living = sum(self.lives(store, record.selector) for record in records)
        same(living, 0, "the number of those that live")

    def test_how_often_all_were_ended_is_counted_and_kept(self) -> None:
        """It starts at 0, goes up by one, also where there was nothing to end, and outlives every sweep."""
        store = self.store()
        same(store.generation("jane"), 0, "the generation before")
        same([store.end_all("jane").generation for _ in range(3)], [1, 2, 3], "the generations")
        self.clock.move(1_000_000)
        store.sweep(self.clock.now(), 1_000)
        same(store.generation("jane"), 3, "the generation")
        same(store.generation("joe"), 0, "another user's generation")

    def test_a_sign_in_under_way_is_undone(self) -> None:
        """SE-15: its password was checked before all were ended, perhaps because it was known to others."""
        store = self.store()
        checked = self.clock.now()
        self.clock.move(1)
        store.end_all("jane")
        self.clock.move(1)
        record = self.record("jane")
        undone = Create(record=record, user_id="jane", checked_at=checked)
        lost(store.write(undone), Why.GENERATION, "the sign-in")
        same(store.load(record.selector), None, "the session")
        same(store.of_user("jane"), [], "the sessions of the user")
        later = Create(record=record, user_id="jane", checked_at=self.clock.now())
        same(store.write(later), Written(record), "a sign-in that was checked later")
        other = self.record("joe")
        another = Create(record=other, user_id="joe", checked_at=checked)
        same(store.write(another), Written(other), "another user's sign-in")

    def test_a_request_that_ends_all_may_sign_in_itself(self) -> None:
        """Whoever changes a password ends all sessions, and stays; who ended them before, or since, undoes it."""
        store = self.store()
        checked = self.clock.now()
        self.clock.move(1)
        own = store.end_all("jane").generation
        first = self.record("jane")
        create = Create(record=first, user_id="jane", checked_at=checked, generation=own)
        same(store.write(create), Written(first), "its own sign-in")
        since = store.end_all("jane").generation
        again = Create(record=self.record("jane"), user_id="jane", checked_at=checked, generation=own)
        lost(store.write(again), Why.GENERATION, "its sign-in after somebody else ended all")
        before = Create(record=self.record("jane"), user_id="jane", checked_at=checked, generation=since)
        lost(store.write(before), Why.GENERATION, "a sign-in after two have ended all, one of them its own")

    def test_a_clock_that_is_set_back_lets_no_sign_in_through(self) -> None:
        """SE-21: it is undone rather than taken for a later one."""
        store = self.store()
        store.end_all("jane")
        self.clock.move(-100)
        create = Create(record=self.record("jane"), user_id="jane", checked_at=self.clock.now())
        lost(store.write(create), Why.GENERATION, "a sign-in by a clock that was set back")

    def test_no_sign_in_slips_between_ending_all_and_counting_it(self) -> None:
        """SE-15, SE-08: of sign-ins checked before, each comes before the end and ends with it, or is undone."""
        store = self.store()
        for _ in range(5):
            checked = self.clock.now()
            self.clock.move(1)
            records = [self.record("jane") for _ in range(6)]
            creates = [Create(record=record, user_id="jane", checked_at=checked) for record in records]
            calls: list[Callable[[], object]] = [partial(store.write, create) for create in creates]
            calls.insert(3, partial(store.end_all, "jane"))
            together(calls)
            living = [record.selector for record in records if self.lives(store, record.selector)]
            same(living, [], "the sessions that live")
            same(store.of_user("jane"), [], "the sessions of the user")
            self.clock.move(1)

    def test_what_ends_while_all_are_ended_ends_once(self) -> None:
        """SE-08, SE-15: whoever is first gives the reason, and nobody reports it twice."""
        store = self.store()
        for _ in range(5):
            records = [self.created(store, "jane") for _ in range(4)]
            ends: list[Callable[[], object]] = [
                partial(store.write, End(selector=one.selector, at=self.clock.now(), reason=Over.LOGGED_OUT))
                for one in records
            ]
            touches: list[Callable[[], object]] = [
                partial(store.write, Touch(selector=one.selector, at=self.clock.now())) for one in records
            ]
            everything: list[Callable[[], object]] = [*ends, *touches, partial(store.end_all, "jane")]
            *outcomes, revoked = together(everything)
            signed_out = [
                one.selector
                for one, outcome in zip(records, outcomes[:4], strict=True)
                if isinstance(outcome, Written)
            ]
            all_ended = signed_out + list(revoked.selectors if isinstance(revoked, Revoked) else ())
            same(sorted(all_ended), sorted(one.selector for one in records), "those that ended")
            for record in records:
                reason = Over.LOGGED_OUT if record.selector in signed_out else Over.REVOKED
                same(store.load(record.selector), Ended(reason), "a session")
