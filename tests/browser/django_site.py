"""The project in docs/examples/django_site, as servers run it in production: before it, what hands out static files.

Passwords alone are kept as no site should keep them: they are hashed once, not a million times.
"""

from __future__ import annotations

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler, StaticFilesHandler
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application

PBKDF2PasswordHasher.iterations = 1
wsgi = StaticFilesHandler(get_wsgi_application())
asgi = ASGIStaticFilesHandler(get_asgi_application())
