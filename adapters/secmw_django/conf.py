"""What the settings of a Django project say: the policy, the host's hooks, and the store of sessions; each once a process.

Whatever works outside of a request, a management command or a session engine, takes these too, so that it means the same
sessions as the middleware.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from secmw.errors import ConfigError, Problem
from secmw.hooks import NONE, Hooks
from secmw.policy import Policy
from secmw.stores import open_store
from secmw_django.settings import merged

if TYPE_CHECKING:
    from secmw.stores.base import AsyncStore, Store


def policy() -> Policy:
    """Return the policy that ``SECMW`` and Django's own settings make; raise ConfigError, with every problem."""
    said = merged(settings)
    # Django's test runner changes ALLOWED_HOSTS and DEBUG after everything is set up, and tells nobody.
    if not _MADE or _MADE[0][0] != said:
        _MADE[:] = [(said, Policy.from_mapping(said))]
    return _MADE[0][1]


def hooks(*, asynchronous: bool = False) -> Hooks:
    """Return what only the host knows: what ``SECMW_HOOKS`` names, else what django.contrib.auth says of its users.

    Raise ConfigError where the name leads nowhere.
    """
    name = getattr(settings, "SECMW_HOOKS", None)
    if name is None:
        if not apps.is_installed("django.contrib.auth"):
            return NONE
        from secmw_django.auth import hooks as of_auth

        return of_auth(asynchronous=asynchronous)
    try:
        found = import_string(name) if isinstance(name, str) else name
    except ImportError as error:
        raise ConfigError([Problem("SECMW_HOOKS", f"can't be imported: {error}", repr(name))]) from None
    if not isinstance(found, Hooks):
        raise ConfigError([Problem("SECMW_HOOKS", "names no secmw.hooks.Hooks(...)", repr(name))])
    return found


#: What settings said, and the policy made of it.
_MADE: Final[list[tuple[dict[str, Any], Policy]]] = []


@cache
def async_store() -> AsyncStore | None:
    """Return the store of sessions for event loops, None for a policy without one; raise ConfigError for a bad URL."""
    found: AsyncStore | None = _open(asynchronous=True)
    return found


@cache
def store() -> Store | None:
    """Return the store of sessions for threads: the same sessions, whichever of the two is asked."""
    # In one process there may be both; what lives in its memory is in one place.
    blocking: Store | None = getattr(async_store(), "blocking", None)
    return _open(asynchronous=False) if blocking is None else blocking


def _open(*, asynchronous: bool) -> Any:
    known = policy()
    if known.store is None or known.sessions is None or not known.screening:
        return None
    try:
        return open_store(known.store, asynchronous=asynchronous)
    except ValueError as error:
        raise ConfigError([Problem("store", str(error))]) from None


_KNOWN: Final = (async_store, store)


def _forget(*, setting: str, **_: Any) -> None:
    """Look again at settings that a test has changed; the sessions of a store go with it."""
    if setting.startswith(("SECMW", "SECURE_", "SESSION_", "CSRF_", "X_FRAME", "SECRET_")) or setting in (
        "ALLOWED_HOSTS",
        "DEBUG",
        "MIDDLEWARE",
    ):
        _MADE.clear()
        for known in _KNOWN:
            known.cache_clear()


setting_changed.connect(_forget, dispatch_uid="secmw_django.conf")
