"""In ``wsgi.py``: ``application = protect(get_wsgi_application())``, for what Django answers before any middleware, and for what is around it.

Static files that WhiteNoise serves from outside, and Django's own early 400s, have every header then. Leave ``SecmwMiddleware`` where
it is: it hands ``request.secmw`` on, and asks nothing twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from secmw.wsgi import Middleware
from secmw_django import conf
from secmw_django.routes import exempt

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def protect(application: WSGIApplication, **parts: Any) -> Middleware:
    """Put the policy of the project around a WSGI application; ``parts`` as :class:`secmw.wsgi.Middleware` takes them."""
    known = {"hooks": conf.hooks(), "store": conf.store(), "xsrf_exempt": exempt, **parts}
    return Middleware(application, conf.policy(), **known)
