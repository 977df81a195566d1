"""What can be said of an application only when all its views are there: asked once, before the first request."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from flask.sessions import SecureCookieSessionInterface

from secmw.errors import ConfigError, Problem

if TYPE_CHECKING:
    from flask import Flask

#: The functions that stand below a decorator of ours: Flask must not know one of them as a view.
_BELOW: Final[WeakKeyDictionary[Callable[..., Any], str]] = WeakKeyDictionary()


def decorated(view: Callable[..., Any], name: str) -> None:
    """Take note that a decorator has made another function of this one."""
    try:
        _BELOW[view] = name
    except TypeError:
        # Neither a plain function nor hashable, so not what a route stands on.
        return


def check_placement(app: Flask) -> None:
    """Raise ConfigError where a decorator guards nothing, and where two sides keep sessions or say who is signed in."""
    problems = [*_misplaced(app), *replaced(app), *_two_sides(app)]
    if problems:
        raise ConfigError(problems)


def _misplaced(app: Flask) -> Iterator[Problem]:
    for endpoint, view in app.view_functions.items():
        try:
            name = _BELOW.get(view)
        except TypeError:
            continue
        if name is not None:
            fix = f"stands above the route, which knows the view without it; write the route first and @{name} below it"
            yield Problem(f"@{name} of {endpoint!r}", fix)


def replaced(app: Flask) -> Iterator[Problem]:
    """Find out whether somebody else opens flask.session, or would."""
    state = app.extensions.get("secmw")
    if state is None:
        # Before us. Flask's own gives way to ours, and nobody else's shall without a word.
        strange = type(app.session_interface) is not SecureCookieSessionInterface
    else:
        strange = state.policy.sessions is not None and app.session_interface is not state.interface
    if strange:
        found = type(app.session_interface)
        fix = (
            f"is {found.__module__}.{found.__qualname__}, and flask.session is secmw's; take the other one out, or write"
            " sessions = None in the policy"
        )
        yield Problem("app.session_interface", fix)


def _two_sides(app: Flask) -> Iterator[Problem]:
    module = sys.modules.get("flask_login")
    manager = getattr(app, "login_manager", None)
    if module is None or not isinstance(manager, module.LoginManager):
        return
    if app.extensions["secmw"].policy.sessions is None:
        return
    from secmw_flask.flask_login import LoginManager

    if not isinstance(manager, LoginManager):
        fix = (
            "is Flask-Login's own, which keeps who is signed in among the data of the session;"
            " take it from secmw_flask.flask_login instead"
        )
        yield Problem("LoginManager", fix)
