from __future__ import annotations

from typing import Any

import pytest

from secmw import Policy, asgi
from secmw.cli.demo.journal import Journal, Watch
from secmw.keys import new_key
from secmw.testing import Client


def entries(journal: Journal) -> list[tuple[str, str, int, str]]:
    return [(entry["outcome"], entry["what"], entry["status"], entry["reason"]) for entry in journal.after(0)]


def test_entries_are_read_from_a_number_on() -> None:
    journal = Journal()
    for what in ("a", "b", "c"):
        journal.add("blocked", what)
    assert [entry["what"] for entry in journal.after(0)] == ["a", "b", "c"]
    assert [entry["what"] for entry in journal.after(2)] == ["c"]
    assert journal.after(3) == []


def test_an_attack_finds_its_own_entries() -> None:
    journal = Journal()
    journal.add("refused", "a", attack="1")
    journal.add("refused", "b", attack="2")
    journal.add("refused", "c")
    assert [entry["what"] for entry in journal.of("1")] == ["a"]
    assert journal.of("") == []


def test_nobody_can_fill_the_memory() -> None:
    journal = Journal()
    for _ in range(500):
        journal.add("refused", "x" * 10_000, origin="y" * 10_000, reason="z" * 10_000, attack="w" * 10_000)
    assert len(journal.after(0)) == 200
    assert (
        max(len(value) for entry in journal.after(0) for value in entry.values() if isinstance(value, str))
        == 120
    )


def app(status: int = 200) -> Any:
    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close"})
        elif scope["type"] == "http":
            await send({"type": "http.response.start", "status": status, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    return answer


@pytest.mark.parametrize("target", ["/", "/journal?after=2"])
def test_ordinary_reading_is_no_news(target: str) -> None:
    journal = Journal()
    Client(Watch(app(), journal)).get(target)
    assert journal.after(0) == []


def test_writing_is() -> None:
    journal = Journal()
    Client(Watch(app(204), journal), base_url="https://a.example").post("/notes")
    assert entries(journal) == [("answered", "POST /notes", 204, "")]
    assert journal.after(0)[0]["origin"] == "https://a.example"


def test_so_is_an_attack_that_only_reads() -> None:
    journal = Journal()
    Client(Watch(app(), journal)).get("/private?attack=abc")
    assert [entry["what"] for entry in journal.of("abc")] == ["GET /private"]


def test_and_a_socket() -> None:
    journal = Journal()
    Client(Watch(app(), journal)).websocket("/echo")
    assert entries(journal) == [("answered", "WebSocket /echo", 0, "")]


def test_the_reports_themselves_are_not() -> None:
    journal = Journal()
    Client(Watch(app(204), journal)).post("/blocked")
    assert journal.after(0) == []


POLICY = Policy.recommended(
    secret_keys=[new_key()], public_url="https://a.example", sessions=None, trusted_proxies=["127.0.0.1"]
)


def guarded(journal: Journal) -> Client:
    return Client(Watch(asgi.Middleware(app(), POLICY), journal), base_url="https://a.example")


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
@pytest.mark.parametrize("forwarding", [{}, {"X-Forwarded-For": "203.0.113.7"}])
def test_a_refusal_is_noted_with_its_reason(forwarding: dict[str, str], accept: str) -> None:
    journal = Journal()
    headers = {"Origin": "https://evil.example", "Accept": accept, **forwarding}
    guarded(journal).post("/notes", headers=headers)
    assert entries(journal) == [("refused", "POST /notes", 403, "cross_origin")]


@pytest.mark.parametrize("denial", [False, True])
def test_so_is_a_handshake_however_it_is_refused(denial: bool) -> None:
    journal = Journal()
    guarded(journal).websocket("/echo", origin="https://evil.example", denial=denial)
    assert entries(journal) == [("refused", "WebSocket /echo", 403, "cross_origin")]


def test_an_error_of_the_application_is_its_own() -> None:
    journal = Journal()
    Client(Watch(app(404), journal)).post("/nowhere")
    assert entries(journal) == [("answered", "POST /nowhere", 404, "")]


def test_start_up_passes_by() -> None:
    journal = Journal()
    seen = []

    async def lifespan(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])
        while True:
            kind = (await receive())["type"]
            await send({"type": f"{kind}.complete"})
            if kind == "lifespan.shutdown":
                return

    with Client(Watch(lifespan, journal), interface="asgi"):
        pass
    assert seen == ["lifespan"]
    assert journal.after(0) == []
