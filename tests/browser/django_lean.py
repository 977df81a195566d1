"""The settings of docs/examples/django_site without the middlewares of Django's whose work secmw does as well."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

_EXAMPLE: Final[dict[str, Any]] = vars(import_module("mysite.settings"))
globals().update({name: value for name, value in _EXAMPLE.items() if name.isupper()})

_NOT_NEEDED: Final = ("SecurityMiddleware", "CsrfViewMiddleware", "XFrameOptionsMiddleware")
MIDDLEWARE = [name for name in _EXAMPLE["MIDDLEWARE"] if not name.endswith(_NOT_NEEDED)]
_EXAMPLE["TEMPLATES"][0]["OPTIONS"]["context_processors"].append("secmw_django.context_processors.secmw")
