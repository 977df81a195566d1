"""Flask-Login over the sessions of secmw: one answer to who is signed in, and it is never among the data.

``login_user`` and ``logout_user`` sign in and out of the session itself: the id changes, the session is listed, audited and
can be revoked. ``current_user`` is whoever the session says. Remember-me cookies sign nobody in: they know nothing of
revoked sessions and changed passwords; ``sessions.persistent`` and ``sessions.lifetime`` say how long people stay signed in.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import flask_login  # type: ignore[import-untyped]  # it ships no types
from flask import current_app, request
from flask_login.config import COOKIE_NAME  # type: ignore[import-untyped]  # the same
from flask_login.signals import (  # type: ignore[import-untyped]  # the same
    session_protected,
    user_accessed,
    user_logged_in,
    user_logged_out,
)

from secmw_flask.session import session

if TYPE_CHECKING:
    from flask import Flask, Response

_log = logging.getLogger("secmw")

#: What Flask-Login writes into a session as it signs somebody in, besides who it is.
_BESIDE: Final = ("_fresh", "_id")
_REMEMBER: Final = ("_remember", "_remember_seconds")

Told = Callable[[Any], str]


class LoginManager(flask_login.LoginManager):  # type: ignore[misc]  # it ships no types
    """Be Flask-Login's manager for an application under secmw; used as Flask-Login's own is.

    ``describe``: what people read of a user in lists of sessions and in the audit trail. ``credentials_version``: what changes
    with a user's password, for ``Hooks(current_credentials_version=...)``.
    """

    def __init__(
        self,
        app: Flask | None = None,
        add_context_processor: bool = True,
        *,
        describe: Told | None = None,
        credentials_version: Told | None = None,
    ) -> None:
        self._describe = describe
        self._version = credentials_version
        super().__init__(app, add_context_processor)

    def init_app(self, app: Flask, add_context_processor: bool = True) -> None:
        """Attach this manager to an application."""
        super().init_app(app, add_context_processor=False)
        if add_context_processor:
            # The proxy, not the user: a page that does not show who is signed in does not depend on it.
            app.context_processor(lambda: {"current_user": flask_login.current_user})
        user_logged_in.connect(self._signed_in, app, weak=False)
        user_logged_out.connect(self._signed_out, app, weak=False)

    def _signed_in(self, _: Flask, user: Any) -> None:
        """Turn what ``login_user`` has written into a sign-in."""
        beside = {name: session.get(name) for name in _BESIDE}
        session.pop("_user_id", None)
        if session.pop("_remember", None) is not None:
            _log.warning(
                "login_user(remember=True) sets no cookie under secmw; sessions.persistent keeps people signed in"
            )
        session.pop("_remember_seconds", None)
        session.login(
            getattr(user, self.id_attribute)(),
            "" if self._describe is None else self._describe(user),
            credentials_version=None if self._version is None else self._version(user),
        )
        # Whoever was signed in before has taken the data along.
        for name, value in beside.items():
            session[name] = value

    def _signed_out(self, _: Flask, **__: Any) -> None:
        session.logout()

    def _load_user(self) -> None:
        """Find out who this request's user is: whom the session says, or whom the application recognises by the request."""
        if self._user_callback is None and self._request_callback is None:
            raise RuntimeError("Flask-Login has no user_loader, which makes a user of an id; write one")
        user_accessed.send(current_app._get_current_object())  # type: ignore[attr-defined]  # it is a proxy
        user = None
        user_id = session.user_id
        if user_id is not None and not self._protected() and self._user_callback is not None:
            user = self._user_callback(user_id)
        if user is None and self._request_callback is not None:
            user = self._load_user_from_request(request)
        self._update_request_context_with_user(user)

    def _protected(self) -> bool:
        """Compare address and browser with those of the sign-in, as ``session_protection`` says; True if nobody is let in."""
        mode = current_app.config.get("SESSION_PROTECTION", self.session_protection)
        if mode not in ("basic", "strong"):
            return False
        here = self._session_identifier_generator()
        if session.get("_id", here) == here:
            return False
        session_protected.send(current_app._get_current_object())  # type: ignore[attr-defined]  # it is a proxy
        if mode == "strong":
            session.logout()
            return True
        if session.get("_fresh") is not False:
            session["_fresh"] = False
        return False

    def _update_remember_cookie(self, response: Response) -> Response:
        """Have the browser forget a remember-me cookie of former times; none is set."""
        if current_app.config.get("REMEMBER_COOKIE_NAME", COOKIE_NAME) in request.cookies:
            self._clear_cookie(response)
        return response
