"""What becomes of a session when two requests meet in it. One of them is held at a gate while the other is answered."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Final

from benchmarks.semantics.finding import Finding, without, yes_if
from benchmarks.semantics.site import WIDTH, Answer, Browser, PlayError, Site

NAMES: Final = 200


def _all_answered(*asked: Future[Answer]) -> None:
    """Raise PlayError unless each was answered 200: who is told that a change was not made can make it again."""
    for answer in (each.result() for each in asked):
        if answer.status != 200:
            raise PlayError(f"answered {answer.status}: {answer.body[:300]!r}")


def _held(site: Site, browser: Browser, steps: str, meanwhile: str) -> Answer:
    """Answer a request while another is in flight, which waits where its steps say ``{}``; return what that is answered."""
    with site.gate() as gate:
        late = browser.start(steps.format(f"wait={gate.name}"))
        gate.arrived(late)
        browser.do(meanwhile)
        gate.open()
        return late.result()


def _here_for_hours(site: Site) -> Browser:
    """Return a browser that was away for two hours: whoever keeps an idle limit has to note now that it is back."""
    browser = site.signed_in()
    browser.do("put=before")
    site.later(2)
    return browser


def two_names(site: Site) -> Finding:
    """Whether two requests that put two names leave both."""
    browser = site.signed_in()
    with site.gate() as first, site.gate() as second:
        asked = []
        for gate, name in ((first, "one"), (second, "two")):
            asked.append(browser.start(f"see&wait={gate.name}&put={name}"))
            gate.arrived(asked[-1])
        for gate, late in zip((first, second), asked, strict=True):
            gate.open()
            _all_answered(late)
    return yes_if({"one", "two"} <= set(browser.see().names))


def many_names(site: Site) -> Finding:
    """How many of two hundred names are there that were put by as many requests, eight of which are in flight at a time."""
    browser = site.signed_in()
    for first in range(0, NAMES, WIDTH):
        with site.gate() as gate:
            asked = [browser.start(f"see&wait={gate.name}&put=n{first + one}") for one in range(WIDTH)]
            gate.arrived(*asked)
            gate.open()
            _all_answered(*asked)
    kept = len({f"n{number}" for number in range(NAMES)} & set(browser.see().names))
    return Finding(kept == NAMES, str(kept))


def late_reader(site: Site) -> Finding:
    """Whether a change is still there after a request that began before it, and only looked."""
    browser = _here_for_hours(site)
    _held(site, browser, "see&{}", "put=change")
    return yes_if("change" in browser.see().names)


def _signed_out_meanwhile(site: Site, steps: str) -> tuple[bool, Answer]:
    """Sign out while a request is in flight; return whether the person is in again, and the late answer."""
    browser = _here_for_hours(site)
    old = browser.copy()
    with site.gate() as gate:
        late = browser.start(steps.format(f"wait={gate.name}"))
        gate.arrived(late)
        browser.do("logout")
        # Where a copy of the cookie outlives every sign-out, that is another column.
        dead = not old.copy().signed_in
        gate.open()
        answer = late.result()
    return browser.signed_in or (dead and old.signed_in), answer


def writer_and_logout(site: Site) -> Finding:
    """Whether a sign-out lasts although a request that began before it puts a name after it."""
    again, _ = _signed_out_meanwhile(site, "see&{}&put=late")
    return yes_if(not again)


def reader_and_logout(site: Site) -> Finding:
    """Whether a sign-out lasts although a request that began before it is answered after it."""
    again, _ = _signed_out_meanwhile(site, "see&{}")
    return yes_if(not again)


def late_cookie(site: Site) -> Finding:
    """Whether the answer to that reader leaves the cookie alone, which the sign-out has removed."""
    _, answer = _signed_out_meanwhile(site, "see&{}")
    return yes_if(not answer.cookies)


def writer_and_rotation(site: Site) -> Finding:
    """Whether an id is replaced for good, and nothing lost, while a request with the old one is in flight."""
    browser = site.signed_in()
    if browser.copy().ask("rotate").status == 501:
        return without("no rotation")
    browser = site.signed_in()
    old = browser.copy()
    late = _held(site, browser, "see&{}&put=late", "rotate")
    found = browser.see()
    wrong = (
        ("signed out", found.user is None),
        (f"refused ({late.status})", late.status != 200),
        ("change lost", late.status == 200 and found.user is not None and "late" not in found.names),
        ("old id lives", old.signed_in),
    )
    said = ", ".join(what for what, so in wrong if so)
    return yes_if(not said, said)
