"""The pages of the hosts where people sign in, and what the host knows that secmw does not: passwords, time, slow pages.

A slow page waits in the server until the test opens its gate: a file in the server's directory, where the clock is too.
"""

from __future__ import annotations

import json
import time
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from tests.browser.pages import HTML, Page, page

if TYPE_CHECKING:
    from secmw import Session
    from tests.browser.pages import Visit

#: The password of everybody, and how a name begins whose password is checked slowly.
PASSWORD: Final = "correct horse battery staple"
SLOW: Final = "slow-"

#: Seconds that a gate stays shut at most.
_PATIENCE: Final = 30.0


class FileClock:
    """Tell the time as the machine does, so many seconds later as the file says."""

    def now(self) -> float:
        try:
            ahead = float(Path("clock").read_text("ascii"))
        except FileNotFoundError:
            ahead = 0.0
        return time.time() + ahead


def arrived(gate: str) -> bool:
    """Take note that somebody stands before a gate; say whether it is open already."""
    Path(f"{gate}.arrived").touch()
    return Path(f"{gate}.open").exists()


def wait(gate: str) -> None:
    """Stand before a gate until it is open."""
    deadline = time.monotonic() + _PATIENCE
    while not arrived(gate) and time.monotonic() < deadline:
        time.sleep(0.01)


def verify(user_id: str, password: str) -> bool:
    """Check a password; for somebody slow each time has a gate of its own."""
    if user_id.startswith(SLOW):
        turn = next(number for number in range(1, 100) if not Path(f"{user_id}-{number}.arrived").exists())
        wait(f"{user_id}-{turn}")
    return password == PASSWORD


def respond(visit: Visit) -> Page:
    """Answer a request of a person."""
    assert visit.exchange is not None
    session = visit.exchange.session
    words = {name: values[-1] for name, values in parse_qs(visit.query).items()}
    if visit.path == "/sign-in":
        return sign_in(visit, session, words)
    if visit.path == "/add":
        session[words["name"]] = words.get("value", "")
    elif visit.path == "/rotate":
        session.rotate()
    elif visit.path == "/revoke-all":
        session.revoke_all()
    elif visit.path == "/plant":
        return Page(text=page("Planted", ""), cookies=(f"__Host-id={words['id']}; Path=/; Secure; HttpOnly",))
    elif visit.path == "/blank":
        return Page(text=page("Blank", "<p id=blank>Nobody looks into the session here.</p>"))
    if words.get("kind") == "json":
        state = {"user": session.user_id, "sudo": session.has_sudo, "kept": dict(session)}
        return Page(text=json.dumps(state), kind="application/json")
    return Page(text=home(visit, session))


def home(visit: Visit, session: Session) -> str:
    """Show who is there, and the buttons that a site has."""
    assert visit.exchange is not None
    token = visit.exchange.xsrf_token()
    hidden = f'<input type=hidden name=xsrf_token value="{token}">'
    body = (
        f"<h1>{escape(visit.path)}</h1><p id=user>{escape(session.user_id or 'nobody')}</p>"
        f"<p id=sudo>{'elevated' if session.has_sudo else 'not elevated'}</p>"
        f"<p id=kept>{escape(json.dumps(dict(session)))}</p>"
        f"<form method=post action=/_secmw/sign-out>{hidden}<button id=sign-out>Sign out</button></form>"
        f"<form method=post action=/danger>{hidden}<button id=danger>Delete everything</button></form>"
        "<a id=account href=/_secmw/sessions>Where am I signed in?</a>"
    )
    return page("Home", body)


def sign_in(visit: Visit, session: Session, words: dict[str, str]) -> Page:
    """Show the form, and sign in whoever knows the password."""
    assert visit.exchange is not None
    following = words.get("next", "/")
    if visit.method == "POST":
        fields = {name: values[-1] for name, values in parse_qs(visit.body.decode()).items()}
        if fields.get("password") == PASSWORD:
            session.login(fields["user"], f"Somebody called {fields['user']}")
            return Page(text="", status=303, location=following if following.startswith("/") else "/")
    form = (
        f'<input type=hidden name=xsrf_token value="{visit.exchange.xsrf_token()}">'
        "<input name=user value=jane autocomplete=username>"
        "<input type=password name=password autocomplete=current-password><button id=send>Sign in</button>"
    )
    return Page(text=page("Sign in", f"<form method=post>{form}</form>"), kind=HTML)
