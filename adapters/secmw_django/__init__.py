"""The Django adapter of secmw: in MIDDLEWARE it is ``"secmw_django.SecmwMiddleware"``, in INSTALLED_APPS ``"secmw_django"``."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from secmw_django.current import exchange_of
    from secmw_django.decorators import login_required, override, sudo_required, xsrf_exempt
    from secmw_django.handlers import server_error
    from secmw_django.middleware import SecmwMiddleware
    from secmw_django.mixins import LoginRequiredMixin, SudoRequiredMixin

# Django imports this before it is set up, and the modules below want it set up.
_HOMES: Final = {
    "LoginRequiredMixin": "mixins",
    "SecmwMiddleware": "middleware",
    "SudoRequiredMixin": "mixins",
    "exchange_of": "current",
    "login_required": "decorators",
    "override": "decorators",
    "server_error": "handlers",
    "sudo_required": "decorators",
    "xsrf_exempt": "decorators",
}


def __getattr__(name: str) -> Any:
    """Load a name when it is first asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'secmw_django' has no attribute {name!r}")
    return getattr(import_module(f"secmw_django.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "LoginRequiredMixin",
    "SecmwMiddleware",
    "SudoRequiredMixin",
    "exchange_of",
    "login_required",
    "override",
    "server_error",
    "sudo_required",
    "xsrf_exempt",
]
