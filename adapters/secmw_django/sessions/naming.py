"""The name of the cookie, as Django has it in SESSION_COOKIE_NAME.

Nothing of secmw reads it once the policy is made, but Django's test client looks there for the cookie that it puts a session's
key into, and third parties look there too. The name has a prefix that the policy gives it, so it is written there.
"""

from __future__ import annotations

from typing import Any

from django.conf import Settings, settings
from django.core.exceptions import ImproperlyConfigured

from secmw.errors import ConfigError


def agree(cookie: str) -> None:
    """Have SESSION_COOKIE_NAME say what the cookie is called, without saying that the project wrote so."""
    holder: Any = settings._wrapped
    # Below what a test overrides; what `settings.configure` made is the caller's own word, and stays.
    while not isinstance(holder, Settings):
        holder = vars(holder).get("default_settings")
        if holder is None:
            return
    base: Any = holder
    base.SESSION_COOKIE_NAME = cookie
    # Django remembers what was asked for.
    vars(settings).pop("SESSION_COOKIE_NAME", None)


def at_start() -> None:
    """Do so as soon as the engine is there; what is wrong with the policy, or with all settings, is others' to say."""
    from secmw_django.sessions.place import place

    try:
        place()
    except (ConfigError, ImproperlyConfigured):
        return
