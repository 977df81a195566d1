"""What the design promises of one session and of one request: two small bookkeepers that know nothing of the library.

Times are one number, that of the process: it never goes back while the process lives. A session is judged at the later of
that and its own last use.
"""

from __future__ import annotations

from typing import Any, Final

#: What every history plays under: seconds, and how often "last seen" may be written.
SUDO: Final = 120.0
REMEMBERED: Final = 60.0
GRACE: Final = 10.0

Value = int | list[int]
Data = dict[str, Value]


class WrongError(AssertionError):
    """Say that the library did what it must not do."""


def must(good: object, *words: object) -> None:
    """Raise WrongError with these words unless something is so."""
    if not good:
        raise WrongError(" ".join(str(word) for word in words))


def copied(data: Data) -> Data:
    """Copy values, lists too."""
    return {name: list(value) if isinstance(value, list) else value for name, value in data.items()}


class Life:
    """Be a session. ``id``: the cookie's value that opens it, None where no browser was ever told.

    ``former``: the values before that one, and when each was replaced, the last first. ``ended``: the reasons that may be
    given for an end that somebody asked for, and ``at`` when that was; ``found``: when it was found past its limits, and
    ``reached`` which. ``swept``: whether what is left of it may have been removed.
    """

    __slots__ = (
        "at",
        "authenticated",
        "created",
        "data",
        "ended",
        "expires",
        "former",
        "found",
        "id",
        "inactivity",
        "proof",
        "reached",
        "seen",
        "selector",
        "stood",
        "sudo",
        "swept",
        "user",
    )

    def __init__(self, selector: str, text: str | None, user: str | None, data: Data) -> None:
        self.selector = selector
        self.id = text
        self.user = user
        self.data = data
        self.former: list[tuple[str, float]] = []
        self.sudo: tuple[float, float] | None = None
        self.created = self.authenticated = self.seen = self.expires = self.inactivity = 0.0
        self.ended: frozenset[str] | None = None
        self.at = 0.0
        self.found: float | None = None
        self.reached: frozenset[str] = frozenset()
        self.swept = False
        #: The secret's digest as the store keeps it, and what was compared last.
        self.proof = b""
        self.stood: Any = None

    def limits(self, p: float) -> set[str]:
        """Return the limits it has reached."""
        if self.reached:
            return set(self.reached)
        p = max(p, self.seen)
        reached = {"expired"} if p >= self.expires else set()
        if self.inactivity and p >= self.seen + self.inactivity:
            reached.add("idle")
        return reached

    def alive(self, p: float) -> bool:
        """Say whether it lives."""
        return self.ended is None and not self.limits(p)

    def note(self, p: float) -> None:
        """Take note that somebody found it past its limits, and that no clock shall bring it back."""
        if self.found is None:
            self.found, self.reached = p, frozenset(self.limits(p))

    def end(self, reasons: set[str], p: float) -> None:
        """End it, unless it has ended; what had reached its limits may be said to have done that."""
        if self.ended is None:
            self.ended = frozenset(reasons | self.limits(p))
            self.at = p
            self.sudo = None

    def why(self, p: float) -> frozenset[str]:
        """Return the reasons that may be given for its being over; none while it lives."""
        if self.ended is not None:
            known = self._remembered(self.ended, self.at, p)
            # Where it had been found past its limits before, that was its end, and is forgotten earlier.
            return known if self.found is None else known | self._remembered(self.ended, self.found, p)
        reached = frozenset(self.limits(p))
        if not reached:
            return reached
        if self.swept:
            return reached | {"unknown"}
        return reached if self.found is None else reached | self._remembered(reached, self.found, p)

    def _remembered(self, reasons: frozenset[str], since: float, p: float) -> frozenset[str]:
        known = reasons if p < since + REMEMBERED else frozenset({"unknown"})
        return known | {"unknown"} if self.swept else known

    def replaced_at(self, text: str) -> float | None:
        """Return when another secret took the place of this one; None if it never opened the session."""
        return next((when for former, when in self.former if former == text), None)


class Visit:
    """Be one request as the design sees it: what it was shown, and what it has asked for."""

    __slots__ = (
        "answered",
        "away",
        "base",
        "began",
        "changed",
        "client",
        "data",
        "drops",
        "due",
        "everywhere",
        "grants",
        "judged",
        "life",
        "ones",
        "out",
        "over",
        "passive",
        "readonly",
        "rotates",
        "sealed",
        "signs_in",
        "stood",
        "strict",
        "sudo",
        "text",
        "user",
    )

    def __init__(self, client: int, began: float, text: str | None, *, passive: bool) -> None:
        self.client = client
        self.began = self.judged = began
        #: The one id that was presented.
        self.text = text
        self.passive = passive
        self.life: Life | None = None
        #: The reasons that may be given for what was presented; None among them where none may.
        self.over: frozenset[str | None] = frozenset({None})
        self.readonly = False
        #: Whether it must move last seen.
        self.due = False
        self.answered = self.sealed = False
        #: Whether it asked for what can't be done while the store is away.
        self.away = False
        self.strict = False
        self.sudo: tuple[float, float] | None = None
        self.user: str | None = None
        self.base: Data = {}
        self.data: Data = {}
        #: What its session held when the head left.
        self.stood: Data = {}
        self.settled()

    def resume(self, life: Life) -> None:
        """Show it a living session, which is judged no earlier than it was last in use."""
        self.judged = max(self.began, life.seen)
        self.life, self.user, self.sudo = life, life.user, life.sudo
        self.base, self.data = copied(life.data), copied(life.data)

    def settled(self) -> None:
        """Forget what was asked for: it has been carried out."""
        self.base = copied(self.data)
        self.changed: dict[str, Value | None] = {}
        self.signs_in = False
        #: Why its own session ends.
        self.out: str | None = None
        self.rotates = self.grants = self.drops = False
        #: Other sessions to end: by whom, and which; all of a user, and the one to be spared.
        self.ones: list[tuple[str, str, bool]] = []
        self.everywhere: tuple[str, bool, bool] | None = None

    # --- what an application may do

    def put(self, name: str, value: Value) -> None:
        self.data[name] = self.changed[name] = value

    def append(self, name: str, serial: int) -> None:
        """Change a list in place, or start one."""
        found = self.data.get(name)
        self.put(name, [*found, serial] if isinstance(found, list) else [serial])

    def remove(self, name: str) -> None:
        """Remove a name: a change only of what was there when the session was read."""
        del self.data[name]
        if name in self.base:
            self.changed[name] = None
        else:
            self.changed.pop(name, None)

    def clear(self) -> None:
        for name in list(self.data):
            self.remove(name)

    def drop_all(self) -> None:
        """Leave all data behind."""
        self.base, self.data, self.changed = {}, {}, {}

    def login(self, user: str) -> None:
        if self.user not in (None, user):
            self.drop_all()
        self.user = user
        self.signs_in = True
        self.grants = self.rotates = self.drops = False

    def leave(self, reason: str) -> None:
        """Sign out, or end its own session."""
        if self.out is None:
            self.out = reason
        self.drop_all()
        self.user = None
        self.signs_in = self.grants = self.rotates = self.drops = False

    def sudo_shown(self, p: float, wall: float) -> frozenset[bool]:
        """Say whether the application may be told that the session is elevated."""
        yes, no = frozenset({True}), frozenset({False})
        if self.grants:
            return yes
        life = self.life
        if self.sudo is None or self.user is None or self.signs_in or self.drops or self.out is not None:
            return no
        granted, until = self.sudo
        if self.judged >= until or granted > self.began + 60:
            return no
        # It may be taken away while the request is under way: by time, by another request, by a clock set back.
        if (
            p >= until
            or granted > wall + 60
            or life is None
            or life.id != self.text
            or life.sudo != self.sudo
        ):
            return yes | no
        return yes
