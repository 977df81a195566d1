"""Run in a process of its own, in the project that test_migration_django.py has made: prints as JSON what it found."""

from __future__ import annotations

import json
import sys
from typing import Any, Final

import django
from django.conf import settings
from django.core.management import call_command

django.setup()
call_command("migrate", verbosity=0)

from django.contrib.auth import get_user_model  # noqa: E402 - Django wants to be set up first
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.core.checks import run_checks  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402

from secmw.testing import Client, Response  # noqa: E402

SITE: Final = "https://shop.example.org"
ELSEWHERE: Final = {"Origin": "https://payments.example"}

application = get_wsgi_application()
users: Any = get_user_model().objects
jane = users.create_superuser("jane", "jane@example.org", "correct horse")
found: dict[str, Any] = {
    "checks": [str(one) for one in run_checks() if str(one.id).startswith(("secmw", "security"))]
}


def browser() -> Client:
    return Client(application, base_url=SITE)


def old_session(**data: Any) -> str:
    """Keep a session in Django's own table, as its own sign-in does."""
    session = SessionStore()
    session.update(data)
    session.create()
    assert session.session_key is not None
    return session.session_key


def signed_in_before(**data: Any) -> str:
    backend = settings.AUTHENTICATION_BACKENDS[0]
    who = {"_auth_user_id": str(jane.pk), "_auth_user_backend": backend}
    return old_session(**{**who, "_auth_user_hash": jane.get_session_auth_hash(), **data})


def arrives(key: str, path: str = "/who") -> Response:
    """Come with nothing but a cookie of before."""
    return browser().get(path, headers={"Cookie": f"sessionid={key}"})


# --- what it does

page = browser()
shops = page.get("/shops")
nonce = shops.text.partition("nonce='")[2].partition("'")[0]
found["nonce"] = f"'nonce-{nonce}'" in str(shops.header("Content-Security-Policy"))
found["images"] = "https://maps.example" in str(shops.header("Content-Security-Policy"))
found["field"] = 'name="csrfmiddlewaretoken"' in shops.text
found["script"] = sorted(name for name in page.cookies if "csrf" in name.lower())
found["widget"] = browser().get("/widget").header("X-Frame-Options")
found["who"] = browser().get("/who").header("X-Frame-Options")
found["hsts"] = shops.header("Strict-Transport-Security")
found["hook"] = browser().post("/hooks/payment", headers=ELSEWHERE).status
found["foreign"] = browser().post("/who", headers=ELSEWHERE).status

person = browser()
token = person.get("/admin/login/").text.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
form = {"csrfmiddlewaretoken": token, "username": "jane", "password": "correct horse", "next": "/who"}
found["sign_in"] = person.post("/admin/login/", form=form).status
found["signed_in"] = person.get("/who").text
found["cookie"] = sorted(name for name in person.cookies if "session" in name or "id" in name)
found["admin"] = person.get("/admin/").status

# --- people who are signed in

key = signed_in_before(cart=["apples"], color="red")
carried = browser()
first = carried.get("/who", headers={"Cookie": f"sessionid={key}"})
found["carried"] = [first.text, carried.get("/who").text, carried.get("/session").json()]
found["forgotten"] = any(line.startswith('sessionid=""') for line in first.all("Set-Cookie"))
found["again"] = arrives(key).text
found["made_up"] = [arrives(one).text for one in ("made-up", "", "0" * 32)]
changed = signed_in_before(_auth_user_hash="of another password")
found["changed"] = arrives(changed).text
stranger = old_session(cart=["pears"])
found["stranger"] = [arrives(stranger, "/session").json(), arrives(stranger).text]

sys.stdout.write(json.dumps(found))
