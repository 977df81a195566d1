"""``"secmw_django"`` in INSTALLED_APPS: the checks, the template tags, and the commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.apps import AppConfig
from django.conf import settings

from secmw.errors import ConfigError

#: Settings whose URL may hold a password; the names of keys Django knows by itself.
_URLS: Final = ("store", "trail")


class Concealed(str):
    """Be a URL that Django's error pages and e-mails, which show all settings, do not show."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'********************'"


def concealed(name: str, value: Any) -> Any:
    """Return a value of ``SECMW`` as it may stay among the settings."""
    return Concealed(value) if name in _URLS and isinstance(value, str) else value


class SecmwConfig(AppConfig):
    """Be the application of secmw."""

    name = "secmw_django"
    label = "secmw"
    verbose_name = "secmw"

    def ready(self) -> None:
        """Register the checks, keep back those of Django's that would warn of what secmw does, and hide passwords."""
        from secmw_django import checks, conf

        if isinstance(getattr(settings, "SECMW", None), Mapping):
            settings.SECMW = {name: concealed(name, value) for name, value in settings.SECMW.items()}
        try:
            done = checks.answered(conf.policy())
        except ConfigError:
            return  # our own check says it, and Django's shall not be quieter meanwhile
        settings.SILENCED_SYSTEM_CHECKS = [*settings.SILENCED_SYSTEM_CHECKS, *done]
