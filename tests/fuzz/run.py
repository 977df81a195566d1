"""Run one fuzz target: ``python tests/fuzz/run.py TARGET [RUNS]``. Exits 0 if nothing was found."""

from __future__ import annotations

import atexit
import signal
import sys
from pathlib import Path

import atheris

# libFuzzer's timer may strike once more while the interpreter goes, when nobody listens any more.
atexit.register(signal.setitimer, signal.ITIMER_REAL, 0)

with atheris.instrument_imports(include=["secmw"]):
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Feed a target with what libFuzzer makes up."""
    name = sys.argv[1]
    runs = sys.argv[2] if len(sys.argv) > 2 else "100000"
    target = TARGETS[name]
    dictionary = Path(__file__).with_name("words.dict")
    # -timeout: a single input that takes this many seconds is a hang, also on a busy machine.
    options = [
        f"-atheris_runs={runs}",
        f"-runs={runs}",
        "-max_len=2048",
        "-timeout=10",
        f"-dict={dictionary}",
        "-verbosity=0",
    ]
    atheris.Setup([sys.argv[0], *options], lambda data: target(data.decode("latin-1")))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
