"""Children of the process that runs the tests: whatever happens to one, it ends, and does not go on with its parent's tests."""

from __future__ import annotations

import faulthandler
import os
import posix
import signal
import tempfile
import time
import traceback
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, NoReturn

from tests.measuring import unmeasured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: A child that takes longer hangs; what it was doing is shown.
_SECONDS = 60.0
_SHOW = signal.SIGUSR2


@contextmanager
def beside(work: Callable[[], bool]) -> Iterator[None]:
    """Do some work in a forked child while the body runs, and see at its end that it was true there."""
    with tempfile.TemporaryFile("w+") as said:
        # Said by a child that hangs, in whatever: what is asked for after the fork may never come.
        faulthandler.register(_SHOW, file=said, all_threads=True)
        child = _begin(work, said)
        try:
            yield
        finally:
            status = _wait(child)
            faulthandler.unregister(_SHOW)
        said.seek(0)
        assert status == 0, f"the forked child ended with {status}\n{said.read()}"


def forked(work: Callable[[], bool]) -> None:
    """Do some work in a forked child, and see that it was true there."""
    with beside(work):
        pass


def _begin(work: Callable[[], bool], said: IO[str]) -> int:
    # Children are not measured: to begin with that takes coverage half a minute in a process as large as this one.
    asked = os.environ.pop("COVERAGE_PROCESS_CONFIG", None)
    with unmeasured():
        child = os.fork()
        if not child:
            _end_with(work, said)
    if asked is not None:
        os.environ["COVERAGE_PROCESS_CONFIG"] = asked
    return child


def _end_with(work: Callable[[], bool], said: IO[str]) -> NoReturn:
    status = 1
    try:
        status = 0 if work() else 1
    except BaseException:  # noqa: BLE001 - the process ends here
        traceback.print_exc(file=said)
    finally:
        said.flush()
        # Not os._exit, which writes coverage of the parent's.
        posix._exit(status)


def _wait(child: int) -> int:
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, _SHOW)
    time.sleep(0.5)
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
