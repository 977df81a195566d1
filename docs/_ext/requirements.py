"""reference/requirements.md: what tests/requirements.py knows."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Final

SCRIPT: Final = Path(__file__).resolve().parents[2] / "tests" / "requirements.py"


def write() -> str:
    """Write the tables."""
    module = _script()
    return "\n".join(module.markdown(module.report()))


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("_secmw_requirements", SCRIPT)
    if spec is None or spec.loader is None:
        raise ImportError(str(SCRIPT))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
