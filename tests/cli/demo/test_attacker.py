from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from secmw import Policy
from secmw.cli.demo import attacker as module
from secmw.cli.demo.attacker import ATTACKS, attacker, get
from secmw.cli.demo.journal import Journal
from secmw.cli.demo.notebook import PAYLOAD
from secmw.cli.demo.rendering import HERE, Places
from secmw.presets import PRESETS
from secmw.testing import Client

PLACES = Places(app="http://localhost:8000", attacker="http://127.0.0.1:8001", tls=False, sockets=True)


def client(journal: Journal | None = None) -> Client:
    return Client(attacker(PLACES, journal or Journal()), base_url=PLACES.attacker)


def test_the_page_offers_every_attack() -> None:
    response = client().get("/")
    assert response.status == 200
    for attack in ATTACKS:
        assert f'data-attack="{attack.key}"' in response.text
    assert 'data-app="http://localhost:8000"' in response.text
    assert PAYLOAD not in response.text, (
        "the payload is escaped here: this page is not the one to be attacked"
    )


@pytest.mark.parametrize("attack", ATTACKS, ids=[attack.key for attack in ATTACKS])
def test_an_attack_is_known_to_the_script_and_names_a_setting(attack: module.Attack) -> None:
    script = (HERE / "static" / "attacker.js").read_text("utf-8")
    assert len(re.findall(rf"^  (?:async )?{attack.key}[(:]", script, re.MULTILINE)) == 2, "tried, and judged"
    assert attack.setting.partition(".")[0] in PRESETS["recommended"]
    assert attack.setting.partition(".")[0] in Policy.__struct_fields__


def test_the_site_is_not_protected() -> None:
    response = client().get("/")
    assert response.header("X-Frame-Options") is None, "the application shows it in a frame"


def test_an_attack_learns_how_it_ended() -> None:
    journal = Journal()
    journal.add("refused", "POST /notes", status=403, reason="cross_origin", attack="abc")
    [entry] = client(journal).get("/verdict/abc").json()
    assert (entry["status"], entry["reason"]) == (403, "cross_origin")
    assert client(journal).get("/verdict/other").json() == []


# --- the server side


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    calls: list[Any] = []

    async def answer(*arguments: Any) -> tuple[int, dict[str, str]]:
        calls.append(arguments)
        return 400, {"reason": "host_not_allowed"}

    monkeypatch.setattr(module, "get", answer)
    return calls


def test_the_server_side_claims_a_false_host(asked: list[Any]) -> None:
    response = client().post("/ask/host?attack=abc")
    assert response.json() == {"status": 400, "body": {"reason": "host_not_allowed"}}
    assert asked == [("http://localhost:8000", "/reset-link?attack=abc", [("Host", "evil.example")], None)]


def test_or_to_be_a_proxy(asked: list[Any]) -> None:
    client().post("/ask/forwarded?attack=abc")
    [(_, _, fields, _)] = asked
    assert dict(fields)["Host"] == "localhost:8000"
    assert dict(fields)["X-Forwarded-Host"] == "evil.example"


@pytest.mark.parametrize("attack", ["", "a%0D%0AX:1", "a%20b", "a/b"])
def test_a_mark_cannot_change_the_request(asked: list[Any], attack: str) -> None:
    assert client().post(f"/ask/host?attack={attack}").status == 400
    assert asked == []


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b'HTTP/1.1 200 OK\r\n\r\n{"link": "x"}', (200, {"link": "x"})),
        (b"HTTP/1.1 400 Bad Request\r\n\r\nInvalid", (400, {})),
        (b"HTTP/1.1 200 OK\r\n\r\n[1]", (200, {})),
        (b"", (0, {})),
        (b"nonsense", (0, {})),
    ],
)
async def test_it_writes_the_request_itself(answer: bytes, expected: tuple[int, dict[str, Any]]) -> None:
    heard = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer[:20])
        await writer.drain()
        writer.write(answer[20:])
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "localhost", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert await get(f"http://localhost:{port}", "/x", [("Host", "evil.example")], None) == expected
    assert heard == [b"GET /x HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"]
