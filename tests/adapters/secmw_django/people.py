"""People with accounts in django.contrib.auth, what they do in a browser, and the site they do it on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import AsyncClient, Client, override_settings

import tests.adapters.secmw_django.site  # noqa: F401 - it sets Django up

HOST: Final = "testserver"
COOKIE: Final = "__Host-id"
STORES: Final = ("memory", "sqlite")
#: Tokens are another file's matter.
SECMW: Final[dict[str, Any]] = {"public_url": f"https://{HOST}", "xsrf": "off"}
PASSWORD: Final = "correct horse battery staple"

_made: list[str] = []


def tables() -> None:
    """Make the tables of the accounts, once in a process."""
    if not _made:
        call_command("migrate", verbosity=0)
        _made.append("all")


@contextmanager
def site(store: str, folder: Path, **settings: Any) -> Iterator[None]:
    """Be the site, with its sessions in a store of that kind; other settings, and other parts of the policy, as they are given."""
    tables()
    policy = settings.pop("SECMW", {})
    url = "memory://" if store == "memory" else f"sqlite:///{folder}/sessions.db"
    if store == "sealed":
        policy = {**policy, "sessions": {"seal": True, **policy.get("sessions", {})}}
    given: dict[str, Any] = {
        "SECMW": {**SECMW, "store": url, **policy},
        "ROOT_URLCONF": "tests.adapters.secmw_django.people_urls",
        "SESSION_COOKIE_NAME": COOKIE,
        **settings,
    }
    with override_settings(**given):
        yield


def account(name: str = "jane", **more: Any) -> Any:
    """Return the account of somebody, made anew."""
    model = get_user_model()
    model._default_manager.filter(username=name).delete()
    staff = more.pop("staff", False)
    return model.objects.create_user(name, password=PASSWORD, is_staff=staff, **more)  # type: ignore[attr-defined] # as any user model's


class Browser(Client):
    """Be a browser that asks over HTTPS."""

    def generic(self, *arguments: Any, **more: Any) -> Any:
        """Make a request."""
        return super().generic(*arguments, **{**more, "secure": True})


class AsyncBrowser(AsyncClient):
    """Be a browser that asks over HTTPS, and whose requests come over ASGI."""

    def generic(self, *arguments: Any, **more: Any) -> Any:
        """Make a request."""
        return super().generic(*arguments, **{**more, "secure": True})


def cookie_lines(response: Any) -> list[str]:
    """Return the Set-Cookie lines of a response."""
    return [morsel.OutputString() for morsel in response.cookies.values()]
