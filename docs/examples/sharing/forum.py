"""The forum, with Django. Its session is the one that people have in the other two."""

from __future__ import annotations

import common
import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path

from secmw_django.current import exchange_of

settings.configure(
    ALLOWED_HOSTS=["*"],  # secmw has refused the others already
    INSTALLED_APPS=["secmw_django"],
    MIDDLEWARE=["secmw_django.SecmwMiddleware", "django.contrib.sessions.middleware.SessionMiddleware"],
    ROOT_URLCONF=__name__,
    SECMW=common.settings("forum"),
    SECMW_HOOKS=common.HOOKS,
    SECRET_KEY="not used for anything that the others must know",
    SESSION_ENGINE="secmw_django.sessions",
)
django.setup()


def look(request: HttpRequest) -> HttpResponse:
    exchange = exchange_of(request)
    return HttpResponse(common.page("forum", exchange.session, exchange.xsrf_token()))


def add(request: HttpRequest) -> HttpResponse:
    request.session.setdefault("items", []).append(request.POST["item"])
    return HttpResponseRedirect("/forum/")


def change(request: HttpRequest) -> HttpResponse:
    request.session["theme"] = request.POST["theme"]
    return HttpResponseRedirect("/forum/")


def sign_out(request: HttpRequest) -> HttpResponse:
    request.session.flush()
    return HttpResponseRedirect("/forum/")


urlpatterns = [
    path("forum/", look),
    path("forum/items", add),
    path("forum/theme", change),
    path("forum/sign-out", sign_out),
]

app = get_wsgi_application()
