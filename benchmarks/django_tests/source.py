"""Where Django's own tests come from: the source distribution of the release that is installed, which none of us keeps a copy of."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[2]
_CACHE: Final = _ROOT / ".cache" / "django-tests"
_PINS: Final = _ROOT / "requirements" / "peers.txt"
#: Other people's packages have an environment without pip; this one is made first.
_PYTHON: Final = _ROOT / ".venv" / "bin" / "python"


def release() -> str:
    """Return which Django is installed."""
    return version("django")


def tests() -> Path:
    """Return the folder of Django's tests, fetched once for each release; raise CalledProcessError where that fails."""
    found = _CACHE / f"django-{release()}"
    if not found.exists():
        _CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_CACHE) as folder:
            _fetch(Path(folder))
            (archive,) = Path(folder).glob("*.tar.gz")
            with tarfile.open(archive) as packed:
                packed.extractall(folder, filter="data")
            shutil.move(Path(folder) / found.name, found)
    return found / "tests"


def pin(pins: str, release: str) -> str:
    """Return the lines of a requirements file that pin a release of Django, with its hashes; raise LookupError without any."""
    lines = pins.splitlines()
    first = next((place for place, line in enumerate(lines) if line.startswith(f"django=={release} ")), None)
    if first is None:
        raise LookupError(f"no line pins Django {release}, which is installed")
    last = next(place for place in range(first, len(lines)) if not lines[place].endswith("\\"))
    return "\n".join(lines[first : last + 1]) + "\n"


def _fetch(folder: Path) -> None:
    wanted = folder / "wanted.txt"
    wanted.write_text(pin(_PINS.read_text(encoding="utf-8"), release()), encoding="utf-8")
    # Which index it asks is for this machine to say.
    words = ("-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--require-hashes")
    which = ("--no-deps", "--no-binary", "django", "--dest", str(folder), "--requirement", str(wanted))
    subprocess.run([str(_PYTHON), *words, *which], check=True)
