"""What django.contrib.auth knows of its users, as the hooks of secmw: is this the password, and may they still be signed in.

Sessions are bound to ``get_session_auth_hash``: with the password it changes, and with whatever else a user model puts in
it, and every session signed in with another is over. A user whom no backend returns any more, such as one who is not active,
has no sessions at all.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Self

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import authenticate, get_backends, get_user_model
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from secmw.hooks import Hooks
from secmw_django.current import current

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: Whether a password is checked for secmw, which records by itself what comes of it.
verifying: Final[ContextVar[bool]] = ContextVar("secmw_django.verifying", default=False)


class Rekeyed(str):
    """Be the hash of somebody's password under SECRET_KEY, and equal to the same under one of SECRET_KEY_FALLBACKS."""

    __slots__ = ("older",)

    older: tuple[str, ...]

    def __new__(cls, now: str, older: Iterable[str]) -> Self:
        """Hold the hash, and those under older keys."""
        made = super().__new__(cls, now)
        made.older = tuple(older)
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and any(
            constant_time_compare(other, one) for one in (str(self), *self.older)
        )

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __str__(self) -> str:
        return str.__str__(self)

    __hash__ = None  # type: ignore[assignment] # equal to what has another hash


def hooks(*, asynchronous: bool = False) -> Hooks:
    """Return the hooks that ask django.contrib.auth; ``asynchronous`` ones do so in the thread of Django's sync code."""
    if not asynchronous:
        return Hooks(verify=verify, current_credentials_version=version)

    async def averify(user_id: str, password: str) -> bool:
        return await sync_to_async(verify)(user_id, password)

    async def aversion(user_id: str) -> str | None:
        return await sync_to_async(version)(user_id)

    return Hooks(verify=averify, current_credentials_version=aversion)


def user_of(user_id: str) -> Any:
    """Return the user of an id as the first backend has it that may still sign them in; None where none does."""
    try:
        # As a session spells it; the database may want a number, or a UUID.
        key = get_user_model()._meta.pk.to_python(user_id)
    except (ValidationError, ValueError, TypeError):
        return None
    for backend in get_backends():
        get_user: Callable[[Any], Any] | None = getattr(backend, "get_user", None)
        user = None if get_user is None else get_user(key)
        if user is not None:
            return user
    return None


def verify(user_id: str, password: str) -> bool:
    """Say whether this is the user's password, as ``authenticate`` says it: by every backend, in its order.

    It takes as long for one who has no password, or is not there, as for one who has.
    """
    user = user_of(user_id)
    name = "" if user is None else user.get_username()
    credentials: dict[str, str] = {str(get_user_model().USERNAME_FIELD): name, "password": password}
    token = verifying.set(True)
    try:
        # Of somebody who is not there a backend that hashes makes no difference to one who is.
        found = authenticate(_asking(), **credentials)
    finally:
        verifying.reset(token)
    return found is not None and user is not None and found.pk == user.pk


def version(user_id: str) -> str | None:
    """Return what sessions of the user must have been signed in with; None for one who may not be signed in any more."""
    user = user_of(user_id)
    if user is None:
        return None
    if not hasattr(user, "get_session_auth_hash"):
        return ""
    now: str = user.get_session_auth_hash()
    return Rekeyed(now, user.get_session_auth_fallback_hash()) if settings.SECRET_KEY_FALLBACKS else now


def rekeyed(user_id: str, before: str) -> bool:
    """Say whether a hash is the user's of today under an older SECRET_KEY; not where it can't be found out."""
    user = user_of(user_id)
    fallbacks = getattr(user, "get_session_auth_fallback_hash", tuple)
    return any(constant_time_compare(before, one) for one in fallbacks())


def _asking() -> HttpRequest:
    """Return a request for backends that count attempts by address; it is nobody's otherwise."""
    request, exchange = HttpRequest(), current()
    if exchange is not None:
        request.method, request.path = exchange.method, exchange.path
        request.META["REMOTE_ADDR"] = exchange.client or ""
    return request
