"""What the three applications have in common: the settings they must agree on, the people, and the look of a page."""

from __future__ import annotations

import hashlib
import os
import secrets
from html import escape
from typing import Any

from secmw import Hooks, Session
from secmw.keys import development_key

NAMES = {"shop": "Flask", "forum": "Django", "desk": "FastAPI"}


def settings(name: str) -> dict[str, Any]:
    """Return the settings of one application: its namespace is its own, the rest is the same for all."""
    return {
        "preset": "development",
        "secret_keys": [os.environ.get("SECRET_KEY") or development_key()],
        "store": "sqlite:sessions.db",
        "sessions": {"namespace": name, "shared": ["theme"], "sign_in_url": "/shop/sign-in"},
        # Django's adapter would call them as Django does; a form of one is sent to another here.
        "xsrf": {"cookie": "XSRF-TOKEN", "header": "X-XSRF-TOKEN", "field": "xsrf_token"},
    }


# --- the people: the same id must mean the same person in all three

_SALT = secrets.token_bytes(16)


def _slowly(password: str) -> bytes:
    return hashlib.scrypt(password.encode(), salt=_SALT, n=2**14, r=8, p=1)


PEOPLE = {
    "jane": ("42", "Jane Doe", _slowly("correct horse")),
    "bob": ("43", "Bob Roe", _slowly("battery staple")),
}


def check(name: str, password: str) -> tuple[str, str] | None:
    """Return id and description of the person whose password this is, or None."""
    user_id, description, expected = PEOPLE.get(name, ("", "", b""))
    return (user_id, description) if secrets.compare_digest(_slowly(password), expected) else None


def verify(user_id: str, password: str) -> bool:
    """Say whether this is the password of somebody who is signed in, for what asks for it again."""
    names = [name for name, (known, _, _) in PEOPLE.items() if known == user_id]
    return any(check(name, password) is not None for name in names)


HOOKS = Hooks(verify=verify)

# --- the page


def page(name: str, session: Session, token: str) -> str:
    """Write the page of one application: who is signed in, its own items, and the theme that all of them share."""
    hidden = f'<input type="hidden" name="xsrf_token" value="{escape(token)}">'
    items = "".join(f"<li>{escape(item)}</li>" for item in session.get("items", []))
    links = " ".join(f'<a href="/{other}/">{other}</a>' for other in NAMES)
    if session.user_id is None:
        who = '<span id="who">nobody</span> <a href="/shop/sign-in">Sign in</a>'
    else:
        who = (
            f'<form method="post" action="/{name}/sign-out">{hidden}<span id="who">{escape(session.user_description)}</span>'
            " <button>Sign out</button></form>"
        )
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{name}</title>
<h1>{name}, with {NAMES[name]}</h1>
<nav>{links}</nav>
{who}
<h2>Kept here</h2>
<ul id="items">{items}</ul>
<form method="post" action="/{name}/items">{hidden}<input name="item" aria-label="Item"> <button>Add</button></form>
<h2>Kept for all</h2>
<p>Theme: <span id="theme">{escape(session.get("theme", "light"))}</span></p>
<form method="post" action="/{name}/theme">{hidden}<input name="theme" aria-label="Theme"> <button>Change</button></form>
</html>"""


SIGN_IN = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Sign in</title>
<p role="alert">{wrong}</p>
<form method="post">
  <input type="hidden" name="xsrf_token" value="{token}">
  <label>Name <input name="name" autocomplete="username"></label>
  <label>Password <input name="password" type="password" autocomplete="current-password"></label>
  <button>Sign in</button>
</form>
</html>"""
