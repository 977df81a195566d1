"""JSONLinesSink: a line for each event, whole, private, and in nobody's way."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from secmw import ConfigError
from secmw.audit import Event
from secmw.sinks import JSONLinesSink, Sink
from secmw.testing import SinkContract
from tests.audit.test_lines import EVENTS

LONG = Event(id=1, time=0.0, action="user_login", event_description="x" * 500)


def lines(path: Path) -> list[Any]:
    raw = path.read_bytes()
    assert raw == b"" or raw.endswith(b"\n")
    return [json.loads(line) for line in raw.splitlines()]


class TestJSONLinesSink(SinkContract):
    @pytest.fixture(autouse=True)
    def _file(self, tmp_path: Path) -> None:
        self.path = tmp_path / "audit.jsonl"

    def make(self) -> Sink:
        return JSONLinesSink(self.path)

    def read(self) -> Sequence[Mapping[str, Any]]:
        return lines(self.path)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Make a folder that every user can reach, unlike tmp_path."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(event=EVENTS)
def test_an_event_written_is_the_event_read(event: Event, path: Path) -> None:
    """AU-04"""
    path.unlink(missing_ok=True)
    JSONLinesSink(path, extended=True).write([event, event])
    first, second = lines(path)
    assert first == second
    assert first["user_description"] == event.user_description
    assert first["extra"] == event.extra


def test_six_fields_unless_more_are_asked_for(path: Path) -> None:
    JSONLinesSink(path).write([LONG])
    JSONLinesSink(path, extended=True).write([LONG])
    assert [len(line) for line in lines(path)] == [6, 11]


def test_the_file_is_private(path: Path) -> None:
    JSONLinesSink(path).write([LONG])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_is_there_stays_there(path: Path) -> None:
    path.write_text('{"id":"1"}\n')
    path.chmod(0o640)
    JSONLinesSink(path).write([LONG])
    assert len(lines(path)) == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_it_is_where_the_path_said_even_if_the_process_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sink = JSONLinesSink("audit.jsonl")
    monkeypatch.chdir("/")
    sink.write([LONG])
    assert len(lines(tmp_path / "audit.jsonl")) == 1


def test_a_file_that_is_moved_away_is_begun_anew(path: Path) -> None:
    """AU-10: as logrotate does it, without a signal."""
    sink = JSONLinesSink(path)
    sink.write([LONG])
    old = path.rename(path.with_suffix(".1"))
    sink.write([LONG, LONG])
    assert (len(lines(old)), len(lines(path))) == (1, 2)


# --- several at once

WRITER = """
import sys
from secmw.audit import Event
from secmw.sinks import JSONLinesSink
sink = JSONLinesSink(sys.argv[1])
for number in range(int(sys.argv[3])):
    sink.write([Event(id=number, time=0.0, action=sys.argv[2], event_description="x" * (number * 37 % 9000))] * 2)
"""


def test_lines_of_eight_processes_never_run_into_each_other(path: Path) -> None:
    """AU-06: up to 18 KB in one write, more than a page."""
    many = 500
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), f"w{number}", str(many)])
        for number in range(8)
    ]
    assert [writer.wait(120) for writer in writers] == [0] * 8
    found = lines(path)
    assert len(found) == 8 * many * 2
    for number in range(8):
        # Each one's events are in its own order, and each batch in one piece.
        mine = [
            (index, int(line["id"])) for index, line in enumerate(found) if line["action"] == f"w{number}"
        ]
        assert [value for _, value in mine] == [value for value in range(many) for _ in range(2)]
        assert all(second[0] == first[0] + 1 for first, second in zip(mine[::2], mine[1::2], strict=True))


def test_a_process_that_holds_the_file_holds_up_nobody_for_long(path: Path) -> None:
    sink = JSONLinesSink(path)
    sink.write([LONG])
    with path.open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        sink.write([LONG])
    assert len(lines(path)) == 2


def test_a_file_system_without_locks_will_do(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(file: int, operation: int) -> None:
        raise OSError("no locks here")

    monkeypatch.setattr(fcntl, "flock", none)
    JSONLinesSink(path).write([LONG])
    assert len(lines(path)) == 1


# --- what goes wrong


def test_a_line_that_was_cut_short_is_kept_apart_from_the_next(path: Path) -> None:
    """AU-08: what a killed process left is one bad line, and spoils no other."""
    path.write_bytes(b'{"id":"1"}\n{"id":"2","ti')
    JSONLinesSink(path).write([LONG])
    first, cut, last = path.read_bytes().splitlines()
    assert json.loads(first)["id"] == "1"
    assert cut == b'{"id":"2","ti'
    assert json.loads(last)["action"] == "user_login"


def test_a_full_disk_is_reported() -> None:
    """AU-07"""
    with pytest.raises(OSError, match="No space left"):
        JSONLinesSink("/dev/full").write([LONG])


def test_what_is_no_file_is_written_to_as_it_is(tmp_path: Path) -> None:
    JSONLinesSink("/dev/null").write([LONG])
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    JSONLinesSink(tmp_path / "pipe").write([LONG])
    assert json.loads(os.read(reader, 10_000))["action"] == "user_login"
    os.close(reader)


CRAMPED = """
import resource, signal, sys
from secmw.audit import Event
from secmw.sinks import JSONLinesSink
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
sink = JSONLinesSink(sys.argv[1])
taken = 0
for number in range(1, 9):
    try:
        sink.write([Event(id=number, time=0.0, action="x", event_description="y" * 400)])
        taken += 1
    except OSError as error:
        print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
sink.write([Event(id=9, time=0.0, action="x")])
print(taken)
"""


def test_where_only_a_part_fits_nothing_is_left_of_it(path: Path) -> None:
    """AU-07: the kernel writes what fits and says how much that was; afterwards the log goes on."""
    done = subprocess.run(
        [sys.executable, "-c", CRAMPED, str(path)], capture_output=True, text=True, check=True
    )
    *errors, taken = done.stdout.splitlines()
    assert int(taken) == 3
    assert len(errors) == 5
    assert "bytes could be written" in errors[0]
    assert [int(line["id"]) for line in lines(path)] == [1, 2, 3, 9]


@pytest.mark.parametrize("lacking", ["ftruncate", "flock"])
def test_what_cannot_be_undone_is_closed_by_the_next(
    lacking: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AU-07: a file that may only be added to (chattr +a), or that nobody can have to himself."""
    sink = JSONLinesSink(path)
    write = os.write

    def half(file: int, data: bytes) -> int:
        return write(file, data[:20])

    def no(file: int, length: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", half)
        patched.setattr(os if lacking == "ftruncate" else fcntl, lacking, no)
        with pytest.raises(OSError, match="only 20 of"):
            sink.write([LONG])
    sink.write([LONG])
    _, whole = path.read_bytes().splitlines()
    assert json.loads(whole)["action"] == "user_login"


KILLED = """
import sys
from secmw.audit import Event
from secmw.sinks import JSONLinesSink
sink = JSONLinesSink(sys.argv[1])
number = 0
while True:
    number += 1
    sink.write([Event(id=number, time=0.0, action="x", event_description="y" * 3000)])
    print(number, flush=True)
"""


def test_a_killed_process_loses_no_line_that_it_wrote(path: Path) -> None:
    """AU-08"""
    for _ in range(3):
        path.unlink(missing_ok=True)
        with subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            said = [int(writer.stdout.readline()) for _ in range(50)]
            writer.send_signal(signal.SIGKILL)
            said += map(int, writer.stdout.read().split())
        JSONLinesSink(path).write([Event(id=0, time=0.0, action="next")])
        whole = [json.loads(line)["id"] for line in path.read_bytes().splitlines() if line.endswith(b"}")]
        assert whole[-1] == "0"
        assert {str(number) for number in said} <= set(whole)


@pytest.mark.parametrize(
    ("where", "fix"),
    [
        ("", "is a directory"),
        ("none/audit.jsonl", "there is no directory"),
    ],
)
def test_a_path_that_cannot_be_written_is_known_at_once(where: str, fix: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=fix) as raised:
        JSONLinesSink(tmp_path / where)
    assert raised.value.problems[0].setting == "sinks.JSONLinesSink.path"


UNPRIVILEGED = """
import os, sys
from secmw import ConfigError
from secmw.audit import Event
from secmw.sinks import JSONLinesSink
sink = JSONLinesSink(sys.argv[1])
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
for path in sys.argv[1:]:
    try:
        JSONLinesSink(path)
    except ConfigError as error:
        print(error.problems[0].message)
try:
    sink.write([Event(time=0.0, action="x")])
except OSError as error:
    print(error.strerror)
"""


def test_what_this_user_may_not_write_is_known_at_once(open_folder: Path) -> None:
    """AU-07: and later on, when the process has given up its rights, it is reported."""
    closed = open_folder / "closed.jsonl"
    closed.touch(mode=0o000)
    folder = open_folder / "folder"
    folder.mkdir(mode=0o555)
    done = subprocess.run(
        [sys.executable, "-c", UNPRIVILEGED, str(closed), str(folder / "audit.jsonl")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [
        "can't be read and written by this user",
        "this user can't make files there",
        "Permission denied",
    ]


def test_a_file_that_has_become_unwritable_is_reported(path: Path) -> None:
    """AU-07"""
    sink = JSONLinesSink(path)
    path.mkdir()
    with pytest.raises(OSError, match="directory"):
        sink.write([LONG])
