"""Run the tests that need no server against the fasth2 that is installed, not against the tree's.

usage: python tools/test_installed.py [--everything] [pytest's arguments]

What cibuildwheel runs for each wheel: the packages of requirements/test-pure.txt are enough. --everything runs every
test; that takes requirements/test.txt, the clients of tools/install_test_packages.sh and ``make gunicorns``.
"""
import importlib.util
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

#: Folders of tests that work wherever fasth2 does; the worker's loop is for systems that gunicorn runs on, and failing
#: allocations need one of CPython's own test modules.
FOLDERS = ("engine", "hpack", "oracle", "server", "asgi", *(("wsgi",) if os.name == "posix" else ()),
           *(("allocation_failures",) if importlib.util.find_spec("_testcapi") else ()))

#: What asks for something that is not everywhere: mypy, gunicorn's workers, the sources.
ELSEWHERE = (
    "engine/surface/test_package.py::test_stubs_say_what_the_modules_have",
    "engine/surface/test_imports.py",
    "engine/surface/test_layers.py",
    "engine/surface/test_types.py",
    "hpack/test_generated_tables.py",
    "hpack/test_types.py",
)


def main(arguments: list[str]) -> int:
    """Run them; return pytest's exit code."""
    found = importlib.util.find_spec("fasth2")
    if found is None or found.origin is None or ROOT / "src" in Path(found.origin).resolve().parents:
        raise SystemExit("no installed fasth2 is found, or the tree's")
    # Tests start interpreters that import their helpers from here; the sources are a folder below.
    os.chdir(ROOT)
    if "--everything" in arguments:
        arguments.remove("--everything")
        chosen = ["tests"]
    else:
        chosen = [f"--deselect=tests/{name}" for name in ELSEWHERE] + [f"tests/{name}" for name in FOLDERS]
    return pytest.main(["-p", "no:cacheprovider", f"--rootdir={ROOT}", *arguments, *chosen])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
