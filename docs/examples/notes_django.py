"""Notes, with Django, in one file. Run it: waitress-serve --listen=127.0.0.1:8000 notes_django:application"""

from __future__ import annotations

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template import engines
from django.urls import path

import secmw

settings.configure(
    ALLOWED_HOSTS=["*"],  # secmw has refused the others already
    MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="not used for anything that secmw makes",
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
)
django.setup()

NOTES = ["Buy milk"]

PAGE = """<!doctype html>
<title>Notes</title>
<ul>{% for note in notes %}<li>{{ note }}</li>{% endfor %}</ul>
<form method="post" action="/notes">{% csrf_token %}
  <input name="note"> <button>Add</button>
</form>
"""


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(engines["django"].from_string(PAGE).render({"notes": NOTES}, request))


def add(request: HttpRequest) -> HttpResponse:
    NOTES.append(request.POST["note"])
    return HttpResponseRedirect("/")


urlpatterns = [path("", page), path("notes", add)]

# Django's own middleware asks for the token, so that {% csrf_token %} works; secmw asks where a request comes from.
policy = secmw.Policy.development(xsrf={"token": False}, sessions=None)
application = secmw.wsgi.Middleware(get_wsgi_application(), policy)
