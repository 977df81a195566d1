"""The session engine: ``SESSION_ENGINE = "secmw_django.sessions"``. Django, its admin and third parties find secmw's sessions in it.

Inside a request it is a face of the session of the exchange; outside of one it works on the store that the policy names.
"""

from __future__ import annotations

from secmw_django.sessions.engine import SessionStore
from secmw_django.sessions.naming import at_start

at_start()

__all__ = ["SessionStore"]
