"""The settings of the project that the tests of the Django adapter share; `override_settings` varies them."""

from __future__ import annotations

from typing import Any

ALLOWED_HOSTS = ["app.example.org", "testserver"]
SECRET_KEY = "kept for tests alone: 7h3q9x2m5v8c1z4b6n0w7h3q9x2m5v8c1z4b6n0w"
DEBUG = False
USE_TZ = True

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "secmw_django",
]
MIDDLEWARE = [
    "secmw_django.SecmwMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
SESSION_ENGINE = "secmw_django.sessions"
SECMW: dict[str, Any] = {
    "public_url": "https://app.example.org",
    "store": "memory://",
    "sessions": {"sign_in_url": "/accounts/login/"},
}

ROOT_URLCONF = "tests.adapters.secmw_django.urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STATIC_URL = "static/"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "secmw_django.context_processors.secmw",
            ]
        },
    }
]
