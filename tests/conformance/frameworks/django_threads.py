"""The addresses of the Django project of this suite, for a handler that runs in threads."""

from __future__ import annotations

from django.urls import re_path

from tests.conformance.frameworks.django import in_thread

urlpatterns = [re_path(r"", in_thread)]
handler500 = "secmw_django.server_error"
