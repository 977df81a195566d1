"""What becomes of a session when something fails, and what an answer costs the store."""

from __future__ import annotations

import time
from typing import Final

from benchmarks.semantics.finding import Finding, without, yes_if
from benchmarks.semantics.site import PATIENCE, Site
from tests.servers import HOST

#: Seconds that a socket is given to end with its session. Where it is looked at, that is every half second.
SOON: Final = 10.0
#: Seconds until a store that was away has to be in use again.
_BACK: Final = 20.0


def nested_change(site: Site) -> Finding:
    """Whether ``session["nested"]["inner"] = 1`` is kept."""
    browser = site.signed_in()
    browser.do("begin=nested")
    browser.do("nest=inner")
    return yes_if(bool(browser.see().seen["nested"]))


def reading(site: Site) -> Finding:
    """Say what a request writes that only looks: to the store, or into the browser."""
    browser = site.signed_in()
    browser.do("put=name")
    before = site.writes()
    answer = browser.do("see")
    found = (["store"] if site.writes() != before else []) + (["cookie"] if answer.cookies else [])
    return Finding(not found, " and ".join(found) or "nothing")


def failed_change(site: Site) -> Finding:
    """Whether a request changes nothing whose application raises an error."""
    browser = site.signed_in()
    assert browser.ask("see&put=half&fail").status == 500
    return yes_if("half" not in browser.see().names)


def failed_logout(site: Site) -> Finding:
    """Whether a person is signed out whose sign-out raised an error after that."""
    browser = site.signed_in()
    assert browser.ask("see&logout&fail").status == 500
    return yes_if(not browser.signed_in)


def store_away(site: Site) -> Finding:
    """Say what a person is told while the store is away, and whether they are signed in when it is back."""
    if not site.subject.redis and not site.subject.file:
        return without("no store")
    browser = site.signed_in()
    with site.away():
        answer = browser.ask("see")
    told = "a stranger" if answer.status == 200 and answer.user is None else f"{answer.status}"
    until = time.monotonic() + _BACK
    while (found := browser.copy().see()).status != 200 or found.user is None:
        if time.monotonic() > until:
            return Finding(False, f"{told}, then signed out")
        time.sleep(0.1)  # some don't ask a store again at once that was away
    return Finding(told == "503", told)


def socket_ends(site: Site) -> Finding:
    """Whether a socket that is open ends with the session it was opened with."""
    from websockets.exceptions import ConnectionClosed, InvalidHandshake
    from websockets.sync.client import connect
    from websockets.typing import Origin

    browser = site.signed_in()
    sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in browser.jar.items())}
    url = f"ws://{HOST}:{site.server.port}"
    try:
        socket = connect(f"{url}/socket", origin=Origin(site.server.url), additional_headers=sent)
    except InvalidHandshake:
        return without("no sockets")
    with socket:
        socket.send("hello")
        assert socket.recv(PATIENCE) == "hello"
        browser.do("logout")
        try:
            socket.recv(SOON)
        except TimeoutError:
            return Finding(False, "no")
        except ConnectionClosed as closed:
            return Finding(True, f"yes, {closed.rcvd.code}" if closed.rcvd else "yes")
    return Finding(False, "no")
