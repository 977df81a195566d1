"""A server under load: every answer counts, its processes are accounted for, and wrong answers stop the run."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import page, pressing, served, servers
from benchmarks.probe import Answer, WrongAnswerError
from tests.servers import Server

pytestmark = pytest.mark.server

PRINTED = """\
Running 1s test @ http://127.0.0.1:8000/
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     3.29ms    1.02ms  20.92ms   93.54%
    Req/Sec     9.83k     1.21k   11.23k    80.00%
  9785 requests in 1.00s, 1.62MB read
Requests/sec:   9764.11
Transfer/sec:      1.61MB
"""
TROUBLE = PRINTED.replace(
    "Requests/sec",
    "  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 50\nRequests/sec",
)


@pytest.fixture(scope="module")
def section() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(served, "stack_versions", lambda: None)
        return servers.report(quick=True)


def test_every_application_that_can_run_has_its_row(section: Any) -> None:
    rows = section.data["rows"]
    assert [row["variant"] for row in rows] == [
        one for one in served.ASGI if one not in (served.STACK_A, served.STACK_B)
    ]
    assert {row["server"] for row in rows} == {"uvicorn"}
    assert all(figure > 0 for row in rows for figure in (*row["rate"], *row["cpu"]))
    assert all(f"| uvicorn | {row['variant']} | " in section.text for row in rows)
    assert "Not installed here" not in section.text
    assert "The stacks were left out" in section.text
    assert json.dumps(section.data, allow_nan=False)
    assert list(section.plots) == ["added"]


def test_all_four_servers_are_found_with_their_versions() -> None:
    found = servers.installed()
    assert list(found) == list(servers.KINDS) == ["uvicorn", "granian", "hypercorn", "gunicorn"]
    assert all(name in said for name, said in found.items())
    assert list(servers._missing(found))[1:] == []
    del found["hypercorn"]
    assert next(iter(servers._missing(found))) == "Not installed here: hypercorn."


def row(server: str, variant: str, added: float) -> servers.Row:
    return servers.Row(server=server, variant=variant, rate=(1, 1), cpu=(1, 1), added=added, samples=())


def test_shares_are_of_what_the_stack_of_the_same_kind_adds_on_the_same_server() -> None:
    rows = [
        row("uvicorn", served.MEMORY, 8.0),
        row("uvicorn", served.SECMW_REDIS, 20.0),
        row("uvicorn", served.STACK_A, 64.0),
        row("uvicorn", served.STACK_B, 400.0),
        row("gunicorn", served.MEMORY, 8.0),
    ]
    assert servers.shares(rows) == {"uvicorn": {served.MEMORY: 1 / 8, served.SECMW_REDIS: 1 / 20}}
    said = " ".join(servers._verdict(rows))
    assert "secmw, memory adds 1/8.0 of what stack A (memory) adds (budget 1/6; met: yes)" in said
    assert "secmw, Redis adds 1/20.0 of what stack B (Redis) adds (budget 1/10; met: yes)" in said
    assert [(budget.what, budget.bound, budget.met) for budget in servers._budgets(rows)] == [
        ("uvicorn, secmw, memory", "1/6", "yes"),
        ("uvicorn, secmw, Redis", "1/10", "yes"),
    ]
    missed = [row("uvicorn", served.MEMORY, 16.0), row("uvicorn", served.STACK_A, 64.0)]
    assert [budget.met for budget in servers._budgets(missed)] == ["**no**"]


def test_what_is_added_is_the_median_within_rounds() -> None:
    found = servers._row("x", "y", [(5, 30), (7, 50), (6, 41)], [(9, 10), (9, 20), (9, 40)])
    assert (found.rate, found.cpu, found.added) == ((6, 7), (41, 30), 20)


def test_what_wrk_prints_is_read_and_every_failure_counts() -> None:
    assert pressing.read(PRINTED) == pressing.Load(requests=9785, rate=9764.11, wrong=0)
    assert pressing.read(TROUBLE).wrong == 60
    with pytest.raises(RuntimeError, match="no such host"):
        pressing.read("unable to connect: no such host")


def test_the_time_of_all_processes_of_a_group_counts() -> None:
    busy = "import time\nwhile time.process_time() < 0.2: pass\n"
    program = (
        f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {busy + 'input()'!r}])\n{busy}"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", f"{program}print(flush=True)\ninput()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert running.stdout is not None
        running.stdout.readline()
        while pressing.processor(running.pid) < 0.38:
            assert running.poll() is None
        assert pressing.processor(os.getpid() + (1 << 22)) == 0
    finally:
        running.communicate(b"\n\n")


class _Unsure(http.server.BaseHTTPRequestHandler):
    """Answer every other request with 403."""

    protocol_version = "HTTP/1.1"
    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        self.send_response(200 if self.asked % 2 else 403)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def unsure() -> Iterator[Server]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Unsure) as listening:
        serving = threading.Thread(target=listening.serve_forever, args=(0.05,))
        serving.start()
        yield Server(kind="unsure", port=listening.server_port, pid=os.getpgid(0), directory=Path())
        listening.shutdown()
        serving.join()


def test_one_wrong_answer_under_load_stops_the_run(unsure: Server) -> None:
    with pytest.raises(WrongAnswerError, match="were not answered with 2xx"):
        servers.sample(unsure, served.BARE, "", 1)


def test_an_application_that_sets_no_cookie_or_knows_everybody_stops_the_run(
    monkeypatch: pytest.MonkeyPatch, unsure: Server
) -> None:
    monkeypatch.setattr(servers, "ask", lambda *_, **__: Answer(200, ()))
    with pytest.raises(WrongAnswerError, match="sets no cookie"):
        servers.sign_in(unsure, served.MEMORY)
    with pytest.raises(WrongAnswerError, match="a stranger: expected 403"):
        servers.check(unsure, served.MEMORY, "")
    servers.check(unsure, served.BARE, "")


def test_an_application_that_forgets_its_headers_stops_the_run(
    monkeypatch: pytest.MonkeyPatch, unsure: Server
) -> None:
    lines = (("x-frame-options", "DENY"), ("content-length", "2"))
    monkeypatch.setattr(servers, "ask", lambda _, __, cookie="": Answer(200 if cookie else 403, lines))
    with pytest.raises(WrongAnswerError, match="adds 1 headers"):
        servers.check(unsure, served.STACK_A, "id=1")


def test_a_browser_keeps_the_last_value_of_a_cookie() -> None:
    assert served.cookies_of(["a=1; Path=/", "b=2", "a=3; Secure"]) == "a=3; b=2"


def test_the_command_prints_and_writes_only_when_told(
    section: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written: list[Any] = []
    asked: list[Any] = []

    def report(**told: Any) -> Any:
        asked.append(told)
        return section

    monkeypatch.setattr(servers, "report", report)
    monkeypatch.setattr(page, "publish", written.append)
    servers.main(["--quick"])
    assert (written, capsys.readouterr().out.strip()) == ([], section.text.strip())
    servers.main(["--short", "--write", "--only", "granian"])
    assert written == [section]
    assert asked[1] == {"quick": False, "short": True, "only": ["granian"]}
