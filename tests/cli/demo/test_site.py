from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secmw.cli.demo.site import policy_for
from tests.demo import PLAIN, TLS, Demo, words

if TYPE_CHECKING:
    from pathlib import Path

    from secmw.cli.demo.rendering import Places


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("places", "preset"), [(PLAIN, "development"), (TLS, "recommended")], ids=["http", "tls"]
)
def test_the_policy_is_a_preset_and_little_more(places: Places, preset: str) -> None:
    policy = policy_for(places)
    assert policy.preset == preset
    assert policy.sessions is not None
    assert policy.sessions.sign_in_url == "/sign-in"
    assert (policy.sessions.lifetime, policy.sessions.inactivity) == (86_400, 28_800)


@pytest.mark.parametrize("places", [PLAIN, TLS], ids=["http", "tls"])
def test_short_limits_are_limits_that_one_can_wait_for(places: Places) -> None:
    policy = policy_for(places, short=True)
    assert policy.sessions is not None
    assert (policy.sessions.lifetime, policy.sessions.inactivity) == (180, 30)
    assert policy.sudo.duration == 30
    assert policy.sessions.sign_in_url == "/sign-in"


def test_both_halves_are_there() -> None:
    browser = Demo().browser()
    assert "To a small shop" in words(browser.visit("/sign-in"))
    assert "Another site attacks" in words(browser.visit("/attacks"))


def test_sessions_and_audit_trail_outlive_the_program_and_belong_to_nobody_else(tmp_path: Path) -> None:
    """SE-15"""
    browser = Demo().browser()
    browser.sign_in()
    assert (tmp_path / ".secmw").stat().st_mode & 0o777 == 0o700
    for file in (tmp_path / ".secmw").glob("*.db*"):
        assert file.stat().st_mode & 0o777 == 0o600, file.name
    again = Demo()
    again.client.cookies |= browser.client.cookies
    assert "Hello, Jane Doe" in words(again.client.get("/"))
