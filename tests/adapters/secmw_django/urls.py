"""The addresses of the project that the tests of the Django adapter share: none; tests bring their own by `ROOT_URLCONF`."""

from __future__ import annotations

from typing import Any

urlpatterns: list[Any] = []
