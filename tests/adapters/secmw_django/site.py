"""The one place where this process becomes a Django project: every test of the adapter imports it first.

Django is set up once in a process, and all tests run in one. What needs other settings takes `override_settings`; what
calls `settings.configure` itself runs inside `apart()`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import django
from django.conf import settings
from django.core.signals import setting_changed
from django.utils.functional import empty

from tests.adapters.secmw_django import settings as project


def configure() -> None:
    """Set Django up with the settings of this project, unless that was done."""
    if not settings.configured:
        given: dict[str, Any] = {name: getattr(project, name) for name in dir(project) if name.isupper()}
        settings.configure(**given)
        django.setup()


@contextmanager
def apart() -> Iterator[None]:
    """Let code configure Django as a project of its own, and take that back afterwards; it has no applications."""
    configure()
    holder: Any = settings
    ours = holder._wrapped
    holder._wrapped = empty
    _forget()
    try:
        yield
    finally:
        holder._wrapped = ours
        _forget()


def _forget() -> None:
    """Have Django look again at what it remembers of settings."""
    for name in ("TEMPLATES", "ROOT_URLCONF"):
        setting_changed.send(sender=None, setting=name, value=None, enter=True)


configure()
