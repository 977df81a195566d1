"""The error tree, and how a wrong policy is reported."""

from __future__ import annotations

import pytest

from secmw.errors import ConfigError, Problem, SecmwError, SessionError, SinkError, StoreError

ONE = Problem("hops", "must lie between 1 and 16", "99")
TWO = Problem("secret_keys", "is empty")


@pytest.mark.parametrize("error", [ConfigError, StoreError, SinkError, SessionError])
def test_every_error_is_a_secmw_error(error: type[Exception]) -> None:
    assert issubclass(error, SecmwError)


def test_a_problem_names_setting_value_and_fix() -> None:
    assert str(ONE) == "hops = 99: must lie between 1 and 16"


def test_a_problem_without_a_value_shows_none() -> None:
    assert str(TWO) == "secret_keys: is empty"


def test_a_config_error_lists_every_problem_in_order() -> None:
    assert str(ConfigError([ONE, TWO])).splitlines() == [
        "2 problems in the policy:",
        "  hops = 99: must lie between 1 and 16",
        "  secret_keys: is empty",
    ]


def test_one_problem_is_one_problem() -> None:
    assert str(ConfigError([ONE])).splitlines()[0] == "1 problem in the policy:"


def test_a_config_error_keeps_its_problems_for_programs() -> None:
    assert ConfigError(iter([ONE, TWO])).problems == (ONE, TWO)
