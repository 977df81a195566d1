"""Secmw: the Flask extension. It keeps no application; what belongs to one is in ``app.extensions["secmw"]``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from flask import Flask

import secmw.wsgi
from secmw import hooks as host
from secmw.clock import Clock, system
from secmw.errors import ConfigError
from secmw.hooks import Hooks
from secmw_flask.commands import command
from secmw_flask.configuration import policy_of
from secmw_flask.exemption import exempt
from secmw_flask.interface import SecmwSessionInterface
from secmw_flask.middleware import front, propagating, whole
from secmw_flask.placement import check_placement, replaced
from secmw_flask.templates import csp_nonce, xsrf_field, xsrf_token

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from secmw import Policy
    from secmw.sinks.base import Sink
    from secmw.stores.base import Store

_NAME: Final = "secmw"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Hold what one application has of secmw: ``app.extensions["secmw"]``."""

    policy: Policy
    middleware: secmw.wsgi.Middleware
    interface: SecmwSessionInterface
    xsrf_exempt: Callable[[str], bool]


class Secmw:
    """Put a policy in front of a Flask application: ``Secmw(app, policy)``, or ``init_app`` in an application factory.

    Without a policy, ``SECMW_*`` in ``app.config`` makes one: ``SECMW_PRESET``, ``SECMW_HSTS = {"max_age": "30d"}`` or
    ``SECMW_HSTS__MAX_AGE``; with nothing there either, an application in debug mode gets the development preset. The other
    arguments are those of :class:`secmw.wsgi.Middleware`. Raise ConfigError, with every problem, for a policy that could not
    hold, and RuntimeError for an application that has one already.
    """

    def __init__(
        self,
        app: Flask | None = None,
        policy: Policy | None = None,
        *,
        hooks: Hooks = host.NONE,
        store: Store | None = None,
        sinks: Sequence[Sink] = (),
        clock: Clock = system,
    ) -> None:
        self._policy = policy
        self._hooks = hooks
        self._store = store
        self._sinks = sinks
        self._clock = clock
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask, policy: Policy | None = None) -> None:
        """Protect an application, with this policy or the constructor's; call it once, after ``app.config`` is complete."""
        if not isinstance(app, Flask):
            raise TypeError(f"Secmw(app, policy) protects a Flask application, not a {type(app).__name__}")
        if _NAME in app.extensions:
            raise RuntimeError(f"the application {app.name!r} has Secmw already; call init_app once")
        wanted = policy_of(app, policy if policy is not None else self._policy)
        if wanted.sessions is not None and (problems := list(replaced(app))):
            raise ConfigError(problems)
        inner = app.wsgi_app
        # What somebody has put around Flask, inside of us, may send a path elsewhere than the routes say.
        plain = getattr(inner, "__func__", None) is Flask.wsgi_app
        exempts = partial(exempt, app, wrapped=not plain)
        middleware = secmw.wsgi.Middleware(
            inner,
            wanted,
            hooks=self._hooks,
            store=self._store,
            sinks=self._sinks,
            xsrf_exempt=exempts,
            propagate=propagating(app),
            whole=whole,
            clock=self._clock,
        )
        interface = SecmwSessionInterface(middleware)
        if wanted.sessions is not None:
            app.session_interface = interface
        app.wsgi_app = front(middleware, app, check_placement)  # type: ignore[method-assign,assignment]  # as Flask's docs do it
        app.jinja_env.globals.update(csp_nonce=csp_nonce, xsrf_field=xsrf_field, xsrf_token=xsrf_token)
        if app.test_client_class is None:
            app.test_client_class = _test_client  # type: ignore[assignment]  # it is called, and that makes one
        app.cli.add_command(command)
        app.extensions[_NAME] = State(
            policy=wanted, middleware=middleware, interface=interface, xsrf_exempt=exempts
        )


def _test_client(*arguments: Any, **names: Any) -> FlaskClient:
    """Make the test client; production shall not import what only tests need."""
    from secmw_flask.testing import SecmwClient

    return SecmwClient(*arguments, **names)
