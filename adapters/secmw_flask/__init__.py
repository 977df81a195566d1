"""secmw inside Flask applications: ``Secmw(app, policy)``, and what views and templates ask of it.

Flask-Login's manager for such an application is in :mod:`secmw_flask.flask_login`.
"""

from __future__ import annotations

from secmw_flask.decorators import login_required, override, sudo_required
from secmw_flask.exemption import xsrf_exempt
from secmw_flask.extension import Secmw
from secmw_flask.here import exchange
from secmw_flask.interface import SecmwSessionInterface
from secmw_flask.session import SecmwSession, session
from secmw_flask.templates import csp_nonce, xsrf_field, xsrf_token

__all__ = [
    "Secmw",
    "SecmwSession",
    "SecmwSessionInterface",
    "csp_nonce",
    "exchange",
    "login_required",
    "override",
    "session",
    "sudo_required",
    "xsrf_exempt",
    "xsrf_field",
    "xsrf_token",
]
