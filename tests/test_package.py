"""The package is what it says it is: free of frameworks, installed where it should be, mirrored by tests, pinned."""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.resources
import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path
from typing import Final

import pytest

import secmw

pytestmark = pytest.mark.packaging

ROOT: Final = Path(__file__).resolve().parent.parent
SITE_PACKAGES: Final = Path(sysconfig.get_path("purelib")).resolve()
PYPROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())

FRAMEWORKS: Final = {
    *(
        "aiohttp",
        "anyio",
        "bottle",
        "django",
        "falcon",
        "fastapi",
        "flask",
        "litestar",
        "pyramid",
        "quart",
        "sanic",
    ),
    *("starlette", "tornado", "werkzeug"),
}
#: What only an extra brings, or what costs start-up time: loaded where it is used.
HEAVY: Final = {
    "aiohttp",
    "anyio",
    "asyncio",
    "click",
    "cryptography",
    "jinja2",
    "redis",
    "rich",
    "sqlalchemy",
    "uvicorn",
}

#: Modules without a test file of their own name, each with the reason.
UNMIRRORED: Final[dict[str, str]] = {}


def _loaded_by(statement: str, directory: Path) -> dict[str, str | None]:
    """Run a statement in a new interpreter, outside the tree, and return the modules it loaded and their files."""
    program = (
        "import json, sys; before = set(sys.modules)\n"
        f"{statement}\n"
        "new = {name: getattr(module, '__file__', None) for name, module in sys.modules.items() if name not in before}\n"
        "print(json.dumps(new))"
    )
    # Coverage would load modules of its own into that interpreter, and hide that secmw loads them too.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded: dict[str, str | None] = json.loads(done.stdout)
    return loaded


def _top_names(loaded: dict[str, str | None]) -> set[str]:
    return {name.partition(".")[0] for name in loaded}


# --- the core is free -------------------------------------------------------------------------------------------------


def test_core_is_free(tmp_path: Path) -> None:
    assert set(_loaded_by("import secmw", tmp_path)) <= {"secmw", "__future__"}


def test_an_error_is_the_same_class_wherever_it_is_imported_from() -> None:
    import secmw
    from secmw import errors

    names = [name for name in secmw.__all__ if name.endswith("Error")]
    assert names == ["ConfigError", "SecmwError", "SessionError", "SinkError", "StoreError"]
    assert all(getattr(secmw, name) is getattr(errors, name) for name in names)


def test_every_public_name_is_there_and_nothing_else_is_shown() -> None:
    import secmw

    assert dir(secmw) == sorted(secmw.__all__)
    assert all(getattr(secmw, name) is not None for name in secmw.__all__)
    assert secmw.__version__[0].isdigit()
    with pytest.raises(AttributeError, match="has no attribute 'sesions'"):
        _ = secmw.sesions


def test_the_public_names_load_no_framework_either(tmp_path: Path) -> None:
    loaded = _loaded_by("from secmw import *", tmp_path)
    assert not _top_names(loaded) & (FRAMEWORKS | HEAVY)


def test_the_wsgi_middleware_loads_no_event_loop(tmp_path: Path) -> None:
    loaded = _loaded_by("import secmw.wsgi", tmp_path)
    assert not _top_names(loaded) & (FRAMEWORKS | HEAVY)


@pytest.mark.parametrize("module", ["secmw.asgi", "secmw.wsgi"])
def test_what_few_policies_need_is_loaded_where_it_is_used(module: str, tmp_path: Path) -> None:
    loaded = _loaded_by(f"import {module}", tmp_path)
    assert not _top_names(loaded) & {"difflib", "html", "json", "tomllib"}


@pytest.mark.parametrize("module", ["secmw.asgi", "secmw.wsgi"])
def test_a_middleware_loads_the_core_dependencies_alone(module: str, tmp_path: Path) -> None:
    # msgspec looks for typing_extensions, and loads it where it is installed.
    allowed = {"durationpy", "itsdangerous", "msgspec", "secmw", "typing_extensions"}
    loaded = _loaded_by(f"import {module}", tmp_path)
    standard = set(sys.stdlib_module_names)
    assert _top_names(loaded) <= allowed | standard


def test_no_module_of_the_core_names_a_framework() -> None:
    guilty = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in sorted((ROOT / "secmw").rglob("*.py"))
        if path.relative_to(ROOT).parts[1]
        != "cli"  # the command serves demonstrations and uses what it needs
        for name in _imports(path)
        if name.partition(".")[0] in FRAMEWORKS
    ]
    assert guilty == []


def _imports(path: Path) -> list[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
    return names


# --- what is installed ------------------------------------------------------------------------------------------------


def test_the_package_under_test_is_the_one_meant() -> None:
    """`make test` sets SECMW_WHEEL and tests the built wheel; otherwise it is the tree, installed editable."""
    assert secmw.__file__ is not None
    package = Path(secmw.__file__).resolve().parent
    assert package.parent == (SITE_PACKAGES if os.environ.get("SECMW_WHEEL") else ROOT)


@pytest.mark.parametrize("name", ["secmw", "secmw_django", "secmw_flask", "secmw_starlette"])
def test_every_import_package_says_that_it_is_typed(name: str) -> None:
    assert importlib.resources.files(name).joinpath("py.typed").is_file()


def test_the_version_is_written_once() -> None:
    version = PYPROJECT["project"]["version"]
    assert importlib.metadata.version("secmw") == version
    sources = [*(ROOT / "secmw").rglob("*.py"), *(ROOT / "adapters").rglob("*.py")]
    assert [str(path) for path in sources if version in path.read_text()] == []


def test_the_command_is_installed() -> None:
    (command,) = importlib.metadata.entry_points(group="console_scripts", name="secmw")
    assert command.value == "secmw.cli:main"


def test_the_extra_all_holds_every_other() -> None:
    extras = PYPROJECT["project"]["optional-dependencies"]
    (everything,) = extras["all"]
    named = set(re.findall(r"[a-z]+", everything.partition("[")[2]))
    assert named == set(extras) - {"all"}


def test_every_file_of_the_package_is_in_the_wheel() -> None:
    package = Path(secmw.__file__ or "").resolve().parent
    tree = {path.relative_to(ROOT / "secmw") for path in _package_files(ROOT / "secmw")}
    assert {path.relative_to(package) for path in _package_files(package)} == tree


def _package_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]


# --- the tree ---------------------------------------------------------------------------------------------------------


def test_mirrors() -> None:
    """A module's tests are where its name says: secmw/cookies/find.py and tests/cookies/test_find.py."""
    missing = []
    for path in sorted((ROOT / "secmw").rglob("*.py")):
        module = path.relative_to(ROOT / "secmw")
        if module.name == "__init__.py":
            continue  # re-exports: tested through the modules that hold the code
        mirror = ROOT / "tests" / module.with_name(f"test_{module.stem.lstrip('_')}.py")
        if not mirror.is_file() and module.as_posix() not in UNMIRRORED:
            missing.append(module.as_posix())
    assert missing == []


def test_every_module_listed_as_unmirrored_exists_and_says_why() -> None:
    gone = [
        name for name, reason in UNMIRRORED.items() if not reason or not (ROOT / "secmw" / name).is_file()
    ]
    assert gone == []


def test_no_committed_file_names_a_machine_or_a_registry() -> None:
    # Written in pieces, so that this file does not name them itself.
    words = [
        "../" + "shared",
        "pypi" + ".org",
        "pythonhosted" + ".org",
        "npmjs" + ".org",
        "deb.debian" + ".org",
    ]
    pattern = re.compile(
        "|".join(map(re.escape, words)) + r"|(?<![\w./:-])/(?:ro" + "ot|wo" + "rk|tm" + r"p)(?=/)"
    )
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    guilty = []
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if not path.is_file():
            continue  # removed, and not yet committed
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        guilty += [f"{name}: {found[0]}" for found in pattern.finditer(text)]
    assert guilty == []


@pytest.mark.parametrize("name", ["demo", "dev", "test", "uv"])
def test_pins_have_hashes_and_no_addresses(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    assert "://" not in text
    assert "-index" not in text
    assert "find-links" not in text
    pins = [
        line for line in text.replace("\\\n", "").splitlines() if line and not line.lstrip().startswith("#")
    ]
    assert pins
    assert [pin for pin in pins if not re.search(r"==\S+.* --hash=sha256:[0-9a-f]{64}", pin)] == []
