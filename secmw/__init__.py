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
    from secmw import asgi, checks, cli, config, cookies, headers, testing, wsgi
    from secmw.config.settings import Cookies, Hsts, Sessions, Xsrf
    from secmw.exchange import Exchange
    from secmw.http import Reason, Refusal
    from secmw.keys import KeyRing
    from secmw.policy import Policy

__version__: str

_HOMES = {
    "Cookies": "secmw.config.settings",
    "Exchange": "secmw.exchange",
    "Hsts": "secmw.config.settings",
    "KeyRing": "secmw.keys",
    "Policy": "secmw.policy",
    "Reason": "secmw.http",
    "Refusal": "secmw.http",
    "Sessions": "secmw.config.settings",
    "Xsrf": "secmw.config.settings",
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
    "ConfigError",
    "Cookies",
    "Exchange",
    "Hsts",
    "KeyRing",
    "Policy",
    "Problem",
    "Reason",
    "Refusal",
    "SecmwError",
    "Sessions",
    "SessionError",
    "SinkError",
    "StoreError",
    "Xsrf",
    "__version__",
    "asgi",
    "checks",
    "cli",
    "config",
    "cookies",
    "headers",
    "testing",
    "wsgi",
]
