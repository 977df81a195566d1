"""What a variant answers: asked before it is timed, because a fast wrong answer is worth nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.requests import receive


class WrongAnswerError(Exception):
    """A variant does not do what it is timed for."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold one response, names of headers in lower case; status 0 if there was none."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    def values(self, name: str) -> list[str]:
        """Return every value of a header."""
        return [value for found, value in self.headers if found == name]


async def ask_asgi(app: Any, scope: Any) -> Answer:
    """Send one request to an ASGI application."""
    answer = Answer(0, ())

    async def send(message: Any) -> None:
        nonlocal answer
        if message["type"] == "http.response.start":
            lines = message.get("headers", ())
            headers = tuple(
                (name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in lines
            )
            answer = Answer(message["status"], headers)
        else:
            answer = replace(answer, body=answer.body + message.get("body", b""))

    await app(scope, receive, send)
    return answer


def ask(app: Any, request: Any, *, asgi: bool = True) -> Answer:
    """Send one request to an application and return what it answers."""
    if asgi:
        return asyncio.run(ask_asgi(app, request))
    answer = Answer(0, ())

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:  # noqa: ARG001 (PEP 3333)
        nonlocal answer
        answer = Answer(int(status[:3]), tuple((name.lower(), value) for name, value in headers))

    body = app(request, start_response)
    answer = replace(answer, body=b"".join(body))
    if hasattr(body, "close"):
        body.close()
    return answer


def prove(name: str, found: Answer, *, status: int = 200, headers: int | None = None) -> None:
    """Raise WrongAnswerError unless a variant answered with this status and this many headers."""
    if found.status != status or headers not in (None, len(found.headers)):
        wanted = f"{status}" if headers is None else f"{status} and {headers} headers"
        raise WrongAnswerError(
            f"{name}: expected {wanted}, found {found.status} and {len(found.headers)}: {found.headers}"
        )
