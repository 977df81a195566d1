"""The same addresses as those of pages.py, where other views stand."""

from __future__ import annotations

from django.urls import path

from tests.adapters.secmw_django.pages import seen

urlpatterns = [path("hook", seen), path("seen", seen)]
