"""Backends of a site that signs people in by more than one way."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.backends import BaseBackend, ModelBackend


class Directory(ModelBackend):
    """Know one more password of everybody."""

    def authenticate(self, request: Any, username: Any = None, password: Any = None, **_: Any) -> Any:
        """Return the user whose password in the directory this is; like those that count attempts it wants a request."""
        assert request is not None
        if password == "joe's in the directory":
            return get_user_model()._default_manager.filter(username="joe").first()
        if password != "as in the directory":
            return None
        return get_user_model()._default_manager.filter(username=username).first()


class Links(BaseBackend):
    """Sign in by a link in a mail, and know no passwords."""

    def authenticate(self, request: Any, link: str = "") -> Any:  # type: ignore[override] # it takes no password
        """Know nobody."""
        raise AssertionError("it was not asked for a link")
