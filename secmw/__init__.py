"""One security layer for Python web applications: one policy, the same on ASGI and WSGI.

Importing this loads no framework, no event loop and no store; ``secmw.asgi`` and the other modules load when they are
first used.
"""

from __future__ import annotations

# Of this name type checkers know that it is true for them; `typing` alone takes half as long to load as an interpreter.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any

    from secmw import asgi, audit, checks, cli, config, cookies, headers, sinks, stores, testing, wsgi
    from secmw.audit.action import Action
    from secmw.audit.event import Event
    from secmw.config.settings import Audit, Cookies, Hsts, Sessions, Sudo, Xsrf
    from secmw.errors import ConfigError, Problem, SecmwError, SessionError, SinkError, StoreError
    from secmw.exchange import Exchange
    from secmw.hooks import Hooks
    from secmw.http import Reason, Refusal
    from secmw.keys import KeyRing
    from secmw.policy import Policy
    from secmw.sessions.session import Session
    from secmw.stores.sealing import sealed

__version__: str

_HOMES = {
    "Action": "secmw.audit.action",
    "Audit": "secmw.config.settings",
    "ConfigError": "secmw.errors",
    "Cookies": "secmw.config.settings",
    "Event": "secmw.audit.event",
    "Exchange": "secmw.exchange",
    "Hooks": "secmw.hooks",
    "Hsts": "secmw.config.settings",
    "KeyRing": "secmw.keys",
    "Policy": "secmw.policy",
    "Problem": "secmw.errors",
    "Reason": "secmw.http",
    "Refusal": "secmw.http",
    "SecmwError": "secmw.errors",
    "Session": "secmw.sessions.session",
    "SessionError": "secmw.errors",
    "Sessions": "secmw.config.settings",
    "SinkError": "secmw.errors",
    "StoreError": "secmw.errors",
    "Sudo": "secmw.config.settings",
    "Xsrf": "secmw.config.settings",
    "sealed": "secmw.stores.sealing",
}


def __getattr__(name: str) -> Any:
    """Load a public name or a submodule when it is first asked for (PEP 562)."""
    from importlib import import_module

    value: Any
    if name == "__version__":
        from importlib.metadata import version

        value = version("secmw")
    elif name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
    else:
        from importlib.util import find_spec

        if name.startswith("_") or find_spec(f"secmw.{name}") is None:
            raise AttributeError(f"module 'secmw' has no attribute {name!r}")
        value = import_module(f"secmw.{name}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "Action",
    "Audit",
    "ConfigError",
    "Cookies",
    "Event",
    "Exchange",
    "Hooks",
    "Hsts",
    "KeyRing",
    "Policy",
    "Problem",
    "Reason",
    "Refusal",
    "SecmwError",
    "Session",
    "Sessions",
    "SessionError",
    "SinkError",
    "StoreError",
    "Sudo",
    "Xsrf",
    "__version__",
    "asgi",
    "audit",
    "checks",
    "cli",
    "config",
    "cookies",
    "headers",
    "sealed",
    "sinks",
    "stores",
    "testing",
    "wsgi",
]
