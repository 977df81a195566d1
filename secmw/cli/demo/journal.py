"""What happened to requests lately, so that the demo can show it. In memory, bounded, and for the demo alone."""

from __future__ import annotations

import itertools
import re
import time
from collections import deque
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from secmw.http import SAFE_METHODS

if TYPE_CHECKING:
    from secmw.asgi import App, Message, Receive, Scope, Send

#: Where the demo's pages tell what a browser did not run: the telling itself is no news.
REPORTS: Final = "/blocked"

#: How our refusals name their reason, as problem+json and as a page.
_SAID: Final = re.compile(rb'(?:"reason":"|Reason: <code>)([a-z_]+)')

_KEPT: Final = 200
_LONGEST: Final = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Be one line of the journal.

    ``outcome``: ``refused`` by the guard, ``answered`` by the application, ``blocked`` by the browser. ``attack`` is
    the mark that an attack put into its query, so that it finds out how it ended.
    """

    number: int
    clock: str
    outcome: str
    what: str
    origin: str
    status: int
    reason: str
    attack: str


class Journal:
    """Keep the last entries."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=_KEPT)
        self._numbers = itertools.count(1)

    def add(
        self,
        outcome: str,
        what: str,
        *,
        origin: str = "",
        status: int = 0,
        reason: str = "",
        attack: str = "",
    ) -> None:
        """Note what happened, in few enough words that nobody can fill the memory."""
        self._entries.append(
            Entry(
                number=next(self._numbers),
                clock=time.strftime("%H:%M:%S"),
                outcome=outcome,
                what=what[:_LONGEST],
                origin=origin[:_LONGEST],
                status=status,
                reason=reason[:_LONGEST],
                attack=attack[:_LONGEST],
            )
        )

    def after(self, number: int) -> list[dict[str, Any]]:
        """Return the entries after one, oldest first."""
        return [asdict(entry) for entry in self._entries if entry.number > number]

    def of(self, attack: str) -> list[dict[str, Any]]:
        """Return the entries that an attack left."""
        return [asdict(entry) for entry in self._entries if entry.attack and entry.attack == attack]


class Watch:
    """Stand in front of a protected application and note what it refused, and what was worth a look that it let by."""

    def __init__(self, app: App, journal: Journal) -> None:
        self.app = app
        self.journal = journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, and look at the first messages of the answer."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        head: Message | None = None
        noted = False

        async def look(message: Message) -> None:
            nonlocal head, noted
            if not noted:
                # Where forwarding headers had to go, the exchange is in a scope that only the application sees. What
                # was refused is then known from the page that says so.
                hidden = head is None and "secmw" not in scope and message.get("status", 0) >= 400
                head = head or message
                if not hidden:
                    self.note(scope, head, _reason(scope, message))
                    noted = True
            await send(message)

        await self.app(scope, receive, look)

    def note(self, scope: Scope, head: Message, reason: str) -> None:
        """Note one answer; without a reason it is the application's own."""
        method = "WebSocket" if scope["type"] == "websocket" else scope["method"]
        attack = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("attack", [""])[0]
        if not reason and not attack and (method in SAFE_METHODS or scope["path"] == REPORTS):
            return
        origin = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"), "")
        self.journal.add(
            "refused" if reason else "answered",
            f"{method} {scope['path']}",
            origin=origin,
            # A server may refuse a handshake with nothing but a bare 403.
            status=head.get("status", 403 if reason else 0),
            reason=reason,
            attack=attack,
        )


def _reason(scope: Scope, message: Message) -> str:
    """Return why a request was refused, "" if it was not: from its exchange, else from the body of the answer."""
    if "secmw" in scope:
        refusal = scope["secmw"].refusal
        return "" if refusal is None else str(refusal.reason)
    found = _SAID.search(message.get("body", b""))
    return "" if found is None else found[1].decode("ascii")
