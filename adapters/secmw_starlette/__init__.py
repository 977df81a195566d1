"""secmw inside Starlette and FastAPI applications.

>>> from secmw import Policy
>>> from starlette.applications import Starlette
>>> app = SecmwMiddleware(Starlette(), Policy.development(store="memory://"))
"""

from __future__ import annotations

from secmw_starlette.demands import login_required, sudo_required
from secmw_starlette.exempting import xsrf_exempt
from secmw_starlette.middleware import RESPONSES, SecmwMiddleware
from secmw_starlette.page import csp_nonce, override, template_context, xsrf_token
from secmw_starlette.refusing import RefusedError
from secmw_starlette.session import get_session, save

__all__ = [
    "RESPONSES",
    "RefusedError",
    "SecmwMiddleware",
    "csp_nonce",
    "get_session",
    "login_required",
    "override",
    "save",
    "sudo_required",
    "template_context",
    "xsrf_exempt",
    "xsrf_token",
]
