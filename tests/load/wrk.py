"""Runs wrk, with a script that looks at every answer: its status, and the headers that all of them have."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tests.conformance.client import Sent
    from tests.servers import Server

#: Connections, which is more than the workers have threads.
CONNECTIONS: Final = 16

#: LuaJIT's JSON: strings need no more than JSON's own escapes here.
_SCRIPT: Final = """
local asked = {%(asked)s}
local wanted = {%(wanted)s}
local made, at, threads = {}, 0, {}

function setup(thread) table.insert(threads, thread) end

function init()
  answered, wrong, turned, example = 0, 0, 0, ""
  for number, one in ipairs(asked) do made[number] = wrk.format(one[1], one[2], one[3], one[4]) end
end

function request()
  at = at %% #made + 1
  return made[at]
end

function response(status, headers, body)
  answered = answered + 1
  local lower = {}
  for name, value in pairs(headers) do lower[string.lower(name)] = value end
  if status == 503 and lower["retry-after"] then
    turned = turned + 1
    return
  end
  local fault = status ~= 200 and ("status " .. status) or nil
  for name, value in pairs(wanted) do
    if lower[name] ~= value then fault = fault or (name .. ": " .. tostring(lower[name])) end
  end
  if fault then wrong = wrong + 1; example = fault end
end

function done(summary)
  local answered, wrong, turned, example = 0, 0, 0, ""
  for _, thread in ipairs(threads) do
    answered = answered + thread:get("answered")
    wrong = wrong + thread:get("wrong")
    turned = turned + thread:get("turned")
    if thread:get("example") ~= "" then example = thread:get("example") end
  end
  local errors = summary.errors
  io.write(string.format("load %%d %%d %%d %%d %%d %%s\\n", summary.requests, answered, wrong, turned,
    errors.connect + errors.read + errors.write + errors.timeout, example))
end
"""

_SUM: Final = re.compile(r"^load (\d+) (\d+) (\d+) (\d+) (\d+) ?(.*)$", re.MULTILINE)
_RATE: Final = re.compile(r"^Requests/sec:\s+([\d.]+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Hold what came of it.

    ``looked_at``: answers that a script looked at, of which so many were ``wrong``, the last as the ``example`` says, and so many
    ``turned_away``: told to come back, because a store was too busy. ``errors``: connections and answers that failed.
    """

    requests: int
    looked_at: int
    wrong: int
    turned_away: int
    errors: int
    example: str
    rate: float


def press(server: Server, asked: Sequence[Sent], wanted: Mapping[str, str], seconds: float) -> Load:
    """Have wrk send these requests in turn, on every connection, for so many seconds.

    Every answer shall be 200 and have the ``wanted`` headers, named in lower case, or be a 503 that says when to come back. Raise RuntimeError where wrk does not run.
    """
    with tempfile.TemporaryDirectory(prefix="secmw-wrk-") as directory:
        script = Path(directory, "requests.lua")
        script.write_text(
            _SCRIPT
            % {
                "asked": ", ".join(map(_lua_request, asked)),
                "wanted": ", ".join(
                    f"[{json.dumps(name)}] = {json.dumps(value)}" for name, value in wanted.items()
                ),
            }
        )
        command = [
            "wrk",
            "--threads",
            "1",
            "--connections",
            str(CONNECTIONS),
            "--duration",
            f"{seconds:.0f}s",
        ]
        command += ["--timeout", "20s", "--script", str(script), server.url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=False)
    found, rate = _SUM.search(done.stdout), _RATE.search(done.stdout)
    if found is None or rate is None:
        raise RuntimeError(f"wrk did not run: {done.stdout}{done.stderr}")
    requests, looked_at, wrong, turned_away, errors = map(int, found.groups()[:5])
    return Load(
        requests=requests,
        looked_at=looked_at,
        wrong=wrong,
        turned_away=turned_away,
        errors=errors,
        example=found[6],
        rate=float(rate[1]),
    )


def _lua_request(sent: Sent) -> str:
    lines = [("Host", str(sent.host)), ("X-Forwarded-Proto", "https"), *sent.headers]
    headers = ", ".join(f"[{json.dumps(name)}] = {json.dumps(value)}" for name, value in lines)
    target = sent.target if isinstance(sent.target, str) else sent.target.decode("latin-1")
    body = json.dumps(sent.body.decode("latin-1"))
    return f"{{{json.dumps(sent.method)}, {json.dumps(target)}, {{{headers}}}, {body}}}"
