"""A ``SessionStore`` whose session has ended elsewhere holds nothing of it any more, as Django's own engines have it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.test import override_settings

import tests.adapters.secmw_django.site  # noqa: F401 - it sets Django up
from secmw.keys import new_key
from secmw_django.sessions import SessionStore

_SECMW: dict[str, Any] = {"public_url": "https://app.example.org", "secret_keys": [new_key()]}


@pytest.fixture(params=["memory", "sqlite"], autouse=True)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    url = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/sessions.db"
    with override_settings(SECMW={**_SECMW, "store": url}):
        yield


def ended() -> SessionStore:
    """Return a session that has been signed out while somebody works on it."""
    session = SessionStore()
    session["cart"] = [1, 2]
    session.save()
    SessionStore(session.session_key).delete()
    return session


@pytest.mark.parametrize("touch", [SessionStore.save, SessionStore.cycle_key], ids=["save", "cycle_key"])
def test_what_is_found_to_have_ended_is_forgotten(touch: Callable[[SessionStore], None]) -> None:
    session = ended()
    session["cart"] = [3]
    with pytest.raises(UpdateError):
        touch(session)
    assert session.load() == {}
    assert not session.session_key
    assert session.get("cart") is None


def test_who_saves_it_again_all_the_same_begins_an_empty_one() -> None:
    session = ended()
    old = session.session_key
    session["cart"] = [3]
    with pytest.raises(UpdateError):
        session.save()
    session.save()
    assert session.session_key not in (old, None)
    assert SessionStore(session.session_key).load() == {}
