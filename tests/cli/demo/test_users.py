from __future__ import annotations

import re
import statistics
import time

import pytest

from secmw.cli.demo.users import USERS, User, Users, password_of
from secmw.keys import new_key
from tests.demo import JANE, KEY, OMAR, users

PASSWORD = password_of(JANE, KEY)


@pytest.mark.parametrize("user", USERS, ids=[user.name for user in USERS])
def test_everybody_has_a_password_of_their_own(user: User) -> None:
    others = {password_of(other, KEY) for other in USERS if other != user}
    assert password_of(user, KEY) not in others
    assert re.fullmatch(r"[a-z2-7]{4}-[a-z2-7]{4}-[a-z2-7]{4}", password_of(user, KEY))


def test_another_machine_has_other_passwords() -> None:
    assert password_of(JANE, new_key()) != PASSWORD


@pytest.mark.parametrize("name", ["jane", "Jane", " jane "])
def test_the_right_password_signs_in(name: str) -> None:
    assert users().sign_in(name, PASSWORD) == JANE


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("jane", ""),
        ("jane", PASSWORD.upper()),
        ("jane", password_of(OMAR, KEY)),
        ("nobody", PASSWORD),
        ("nobody", ""),
        ("", ""),
        (JANE.id, PASSWORD),
        ("jane", "\udc80"),
        ("jane", "x" * 100_000),
    ],
)
def test_nothing_else_does(name: str, password: str) -> None:
    assert users().sign_in(name, password) is None


def test_the_password_given_again_is_checked_by_id() -> None:
    assert users().verify(JANE.id, PASSWORD)
    assert not users().verify(JANE.name, PASSWORD)
    assert not users().verify(OMAR.id, PASSWORD)


def test_a_name_that_nobody_has_costs_as_much_as_a_wrong_password() -> None:
    made = Users(KEY)

    def cost(name: str) -> float:
        times = []
        for _ in range(3):
            started = time.thread_time()
            made.sign_in(name, "wrong")
            times.append(time.thread_time() - started)
        return statistics.median(times)

    assert 0.4 < cost("jane") / cost("nobody") < 2.5


def test_no_password_is_kept() -> None:
    made = Users(KEY)
    assert PASSWORD not in repr(vars(made))
    assert PASSWORD.encode() not in b"".join(part for pair in made._hashes.values() for part in pair)


def test_people_are_called_by_their_names() -> None:
    assert users().called(JANE.id) == "Jane Doe"
    assert users().called(None) == users().called("0") == ""
    assert JANE.description == "Jane Doe (jane)"
