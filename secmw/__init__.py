"""One security layer for Python web applications: one policy, the same on ASGI and WSGI.

Importing this loads no framework, no event loop and no store; ``secmw.asgi`` and the other modules load when they are
first used.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from secmw.errors import ConfigError, Problem, SecmwError, SessionError, SinkError, StoreError

if TYPE_CHECKING:
    from secmw import asgi, audit, checks, cli, config, cookies, headers, sinks, stores, testing, wsgi
    from secmw.audit.action import Action
    from secmw.audit.event import Event
    from secmw.config.settings import Audit, Cookies, Hsts, Sessions, Sudo, Xsrf
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
    "Cookies": "secmw.config.settings",
    "Event": "secmw.audit.event",
    "Exchange": "secmw.exchange",
    "Hooks": "secmw.hooks",
    "Hsts": "secmw.config.settings",
    "KeyRing": "secmw.keys",
    "Policy": "secmw.policy",
    "Reason": "secmw.http",
    "Refusal": "secmw.http",
    "Session": "secmw.sessions.session",
    "Sessions": "secmw.config.settings",
    "Sudo": "secmw.config.settings",
    "Xsrf": "secmw.config.settings",
    "sealed": "secmw.stores.sealing",
}


def __getattr__(name: str) -> Any:
    """Load a public name or a submodule when it is first asked for (PEP 562)."""
    value: Any
    if name == "__version__":
        from importlib.metadata import version

        value = version("secmw")
    elif name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
    else:
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
