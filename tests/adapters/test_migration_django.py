"""A project that was moved as docs/howto/migrate-django.md says does what it did before, and takes people along.

Django is set up once in a process, so the project has one of its own.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from tests.docs.blocks import DOCS

PAGE: Final = DOCS / "howto" / "migrate-django.md"

#: What a project has that the page does not speak of.
BASE: Final = """
from pathlib import Path
BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = "of a project that is made for a test, and long enough for Django's own check"
ALLOWED_HOSTS = ["shop.example.org"]
ROOT_URLCONF = "mysite.urls"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "static/"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
INSTALLED_APPS = [
    "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
    "django.contrib.messages",
]
TEMPLATES = [{
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "APP_DIRS": True,
    "OPTIONS": {"context_processors": [
        "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]},
}]
"""

#: What the page says in a sentence.
CARRIES: Final = """
at = MIDDLEWARE.index("django.contrib.auth.middleware.AuthenticationMiddleware") + 1
MIDDLEWARE.insert(at, "mysite.carry_over.carry_over")
"""

URLS: Final = """
from django.contrib import admin
from django.http import HttpResponse, JsonResponse
from django.urls import path

from mysite import views


def who(request):
    return HttpResponse(request.user.get_username() or "a stranger")


def session(request):
    return JsonResponse({name: request.session[name] for name in request.session.keys() if name[0] != "_"})


urlpatterns = [
    path("admin/", admin.site.urls),
    path("hooks/payment", views.paid),
    path("widget", views.widget),
    path("shops", views.shops),
    path("who", who),
    path("session", session),
]
"""


def after() -> dict[str, str]:
    """Return the files that the page writes, by their paths; of two of a name the second is the one to have."""
    text = PAGE.read_text()
    return dict(re.findall(r"^```python\n# (mysite/\w+\.py)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Make the project, and let it say what it does."""
    folder = tmp_path_factory.mktemp("project")
    files = after()
    settings = f"{BASE}\n{files.pop('mysite/settings.py')}\n{CARRIES}"
    for path, text in {
        **files,
        # Beside the project: the folder of a script is the first that Python looks into.
        "found.py": Path(__file__).with_name("migrated_project.py").read_text(),
        "mysite/__init__.py": "",
        "mysite/settings.py": settings,
        "mysite/urls.py": URLS,
    }.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)
    done = subprocess.run(
        [sys.executable, "found.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "DJANGO_SETTINGS_MODULE": "mysite.settings"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_djangos_checks_find_nothing_left_to_do(found: dict[str, Any]) -> None:
    assert found["checks"] == []


def test_headers_are_those_of_before(found: dict[str, Any]) -> None:
    assert (found["who"], found["widget"], found["hsts"]) == ("DENY", None, "max-age=31536000")
    assert found["nonce"]
    assert found["images"]


def test_forms_and_scripts_go_on_as_they_are(found: dict[str, Any]) -> None:
    """The names of the field and of the cookie are Django's."""
    assert found["field"]
    assert found["script"] == ["csrftoken"]


def test_a_webhook_is_answered_and_another_sites_form_is_not(found: dict[str, Any]) -> None:
    assert (found["hook"], found["foreign"]) == (204, 403)


def test_the_admin_signs_people_in(found: dict[str, Any]) -> None:
    assert (found["sign_in"], found["signed_in"], found["admin"]) == (302, "jane", 200)
    assert len(found["cookie"]) == 1
    assert found["cookie"][0].startswith("__Host-")


# --- people who are signed in -------------------------------------------------------------------------------------------


def test_who_was_signed_in_stays_so_and_their_cart_with_them(found: dict[str, Any]) -> None:
    assert found["carried"] == ["jane", "jane", {"cart": ["apples"]}]
    assert found["forgotten"]


def test_an_old_key_is_good_once_and_a_made_up_one_never(found: dict[str, Any]) -> None:
    assert found["again"] == "a stranger"
    assert set(found["made_up"]) == {"a stranger"}


def test_a_password_that_was_changed_lets_nobody_in(found: dict[str, Any]) -> None:
    assert found["changed"] == "a stranger"


def test_a_strangers_session_brings_the_cart_and_nobody_in(found: dict[str, Any]) -> None:
    assert found["stranger"] == [{"cart": ["pears"]}, "a stranger"]
