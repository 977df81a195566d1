"""The tutorial works as it is written: each file is written, each command is run, each line it shows is printed.

One step is different here: `pip install` installs nothing, since the environment of these tests has it all already. curl
and bash are needed, as in the tutorial.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.docs.blocks import DOCS, blocks

PAGE: Final = DOCS / "tutorial" / "first.md"

#: Seconds a server may take to answer, or to notice that a file has changed.
PATIENCE: Final = 40.0
#: Seconds after which a change that the reloader was not told of is made once more.
MISSED: Final = 8.0


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


class Terminal:
    """Run the tutorial's commands in its folder, with its environment."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_port()
        self.folder = home
        self.log = home / "server.log"
        self.environ = {**os.environ, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1", "COLUMNS": "200"}

    def run(self, command: str) -> str:
        """Run one command and return what it printed."""
        command = command.replace("8000", str(self.port))
        # What the tutorial's own environment would have: these tests' packages and commands.
        shell = "\n".join(
            (
                "pip() { echo 'installed already'; }",
                f'python3() {{ "{sys.executable}" "$@"; }}',  # the machine's own may be another version
                f'test -f .venv/bin/activate && . .venv/bin/activate && PATH="$PATH:{Path(sys.executable).parent}"',
                command,
            )
        )
        done = subprocess.run(
            ["bash", "-c", shell],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        where = re.search(r"\bcd (\w+)$", command)
        if where:
            self.folder = self.folder / where[1]
        return (done.stdout + done.stderr).replace(str(self.port), "8000")

    @contextmanager
    def serve(self, command: str) -> Iterator[None]:
        """Start the server, and stop it and what it started in the end."""
        path = f"{self.folder / '.venv' / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        with self.log.open("w") as log:
            process = subprocess.Popen(
                command.replace("8000", str(self.port)).split(),
                cwd=self.folder,
                env={**self.environ, "PATH": path},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                yield
            finally:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(20)

    def answers(self, *words: str) -> None:
        """Wait until the server answers with these words; save the application again where the reloader has missed a change."""
        end = time.monotonic() + PATIENCE
        again = time.monotonic() + MISSED
        answer = ""
        while time.monotonic() < end:
            answer = self.run("curl -si http://localhost:8000/ -H 'Accept: text/html'")
            if all(word in answer for word in words):
                return
            if time.monotonic() > again:
                app = self.folder / "app.py"
                saved(app, app.read_text())
                again += MISSED
            time.sleep(0.3)
        raise AssertionError(f"{words} not in {answer}\n{self.log.read_text()}")


def saved(file: Path, text: str) -> None:
    """Write a file in one step, as editors do: a server that reloads would otherwise read half of it, and see no change after that."""
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)


def in_order(shown: list[str], printed: str, command: str) -> None:
    """Check that each line shown is a part of a printed line, in that order."""
    rest = iter(printed.splitlines())
    for line in shown:
        assert any(line.strip() in found for found in rest), f"{command}\nshows {line!r}, printed:\n{printed}"


def commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each command of a console block, and the lines shown below it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, *shown = part.strip().splitlines()
        yield command, shown


@pytest.mark.server
def test_the_tutorial_works_from_an_empty_folder_on(tmp_path: Path) -> None:
    pages = [block for block in blocks(PAGE) if block.kind in ("python", "console", "text", "toml")]
    console = [block for block in pages if block.kind == "console"]
    python = [block.text for block in pages if block.kind == "python"]
    (log,) = (block.text for block in pages if block.kind == "text" and block.text.startswith("refused"))
    (notice,) = (
        block.text for block in pages if block.kind == "text" and block.text.startswith("development")
    )
    (toml,) = (block.text for block in pages if block.kind == "toml")
    terminal = Terminal(tmp_path)

    folder, install, serve, attack, look, attack_again, explain, key, redirect, mistake = console
    first, wrapped, with_token, from_file = python

    for block in (folder, install):
        for command, shown in commands(block.text):
            in_order(shown, terminal.run(command), command)
    app = terminal.folder / "app.py"
    assert first.startswith("# app.py\n")
    saved(app, first)
    ((start, _),) = commands(serve.text)

    def play(text: str) -> None:
        for command, shown in commands(text):
            in_order(shown, terminal.run(command), command)

    with terminal.serve(start):
        terminal.answers("Ada was here")
        play(attack.text)
        terminal.answers("Buy pills")

        head, _, _ = first.rpartition("app = Starlette")
        saved(app, head + wrapped)
        terminal.answers("x-frame-options: DENY")
        assert notice.strip() in terminal.log.read_text()
        assert (terminal.folder / ".secmw").is_dir()
        play(look.text)
        play(attack_again.text)
        terminal.answers("Ada was here")
        assert log.strip() in terminal.log.read_text()

        own = "curl -s http://localhost:8000/sign -H 'Origin: http://localhost:8000' -H 'Accept: text/html' -d entry=Hello"
        page = terminal.run(own)
        quote = " ".join(re.findall(r"^> (.*)$", PAGE.read_text(), re.MULTILINE)).replace("**", "")
        title, _, detail = quote.partition(". ")
        assert f"<h1>{title}</h1>" in page
        assert detail in page

        begin, end = head.index("PAGE = "), head.index("async def sign")
        saved(app, head[:begin] + with_token + "\n\n" + head[end:] + wrapped)
        terminal.answers('name="xsrf_token" value="', "set-cookie: visit=")
        found = re.search(
            r'"xsrf_token" value="(\w+)"', terminal.run("curl -s -c jar http://localhost:8000/")
        )
        assert found
        sign = (
            "curl -si -b jar http://localhost:8000/sign -H 'Origin: http://localhost:8000' "
            f"-d xsrf_token={found[1]} -d entry=Hello"
        )
        assert "HTTP/1.1 303" in terminal.run(sign)
        terminal.answers("<li>Hello</li>")

        play(explain.text)
        play(key.text)
        (terminal.folder / "secmw.toml").write_text(toml)
        saved(app, app.read_text().rpartition("app = secmw")[0] + from_file)
        terminal.answers("HTTP/1.1 400")
        play(redirect.text)
        play(mistake.text)
