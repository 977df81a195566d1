"""How a session begins and ends: whose id it is, how long it lives, and who can end it."""

from __future__ import annotations

from typing import Final

from benchmarks.semantics.finding import Finding, without, yes_if
from benchmarks.semantics.site import Site, running

#: Another of the same kind, character by character: what was hexadecimal stays so.
_OTHER: Final = str.maketrans("0123456789abcdef", "1234567890bcdefa")


def copied_cookie(site: Site) -> Finding:
    """Whether a copy of the cookie is worthless after the sign-out."""
    browser = site.signed_in()
    copy = browser.copy()
    browser.do("logout")
    return yes_if(not copy.signed_in)


def made_up_id(site: Site) -> Finding:
    """Whether an id that nobody has issued is left alone: put something in, and look whether another finds it there."""
    victim = site.signed_in()
    victim.jar = {name: value.translate(_OTHER) for name, value in victim.jar.items()}
    attacker = victim.copy()
    victim.do("put=planted")
    return yes_if("planted" not in attacker.see().names)


def planted_id(site: Site) -> Finding:
    """Whether an id that an attacker has been given, and planted in the victim's browser, is worthless after the sign-in."""
    for steps, found in (("login=eve", "yes"), ("login=eve&rotate", "if asked for")):
        attacker = site.browser()
        attacker.do("put=bait")
        victim = attacker.copy()
        if victim.ask(steps).status == 501:
            break
        if not victim.signed_in:
            return Finding(False, "nobody is signed in")
        if not attacker.signed_in:
            return Finding(True, found)
    return Finding(False, "no")


def replaced_id(site: Site) -> Finding:
    """Whether an id is worthless once it was replaced."""
    browser = site.signed_in()
    old = browser.copy()
    if browser.ask("rotate").status == 501:
        return without("no rotation")
    return yes_if(browser.signed_in and not old.signed_in)


# --- limits of time ---------------------------------------------------------------------------------------------------


def limits(site: Site) -> Finding:
    """Which limits the server keeps: of the time without a request, 8 hours, and of age, 24 hours.

    Who has but one is given 8 hours, and every way to count them.
    """
    found = {_limits(site)}
    for way in site.subject.limits[1:]:
        with running(site.subject, way) as other:
            found.add(_limits(other))
    return Finding(found == {"both"}, " or ".join(sorted(found)))


def _limits(site: Site) -> str:
    """Let one person do nothing for ten hours, and another come every five hours, for 25."""
    idle, busy = site.signed_in("idle"), site.signed_in("busy")
    busy.forgets = False
    lived = 0
    for hours in (5, 10, 15, 20, 25):
        site.later(5)
        if hours == 10 and idle.signed_in:
            return "none"
        if busy.ask("see&put=visit").user is None:
            break
        lived = hours
    return {25: "idle", 20: "both", 5: "age"}.get(lived, f"{lived} h")


# --- who can end it ---------------------------------------------------------------------------------------------------


def others_end(site: Site) -> Finding:
    """Whether a person can end their sessions elsewhere."""
    here, there = site.signed_in("bob"), site.signed_in("bob")
    if here.ask("end_others").status == 501:
        return without("no function")
    return yes_if(here.signed_in and not there.signed_in)


def others_stay_ended(site: Site) -> Finding:
    """Whether one that was ended so stays ended, although a request of it was in flight and puts a name."""
    here, there = site.signed_in("cid"), site.signed_in("cid")
    if here.ask("end_others").status == 501:
        return without("no function")
    there = site.signed_in("cid")
    with site.gate() as gate:
        late = there.start(f"see&wait={gate.name}&put=late")
        gate.arrived(late)
        here.do("end_others")
        gate.open()
        late.result()
    return yes_if(not there.signed_in)
