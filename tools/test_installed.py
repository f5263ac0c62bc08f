"""Run the tests that need no server against the fasth2 that is installed, not against the tree's.

usage: python tools/test_installed.py [pytest's arguments]

What cibuildwheel runs for each wheel: the packages of requirements/test-pure.txt are enough.
"""
import importlib.util
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

#: Folders of tests that work wherever fasth2 does.
FOLDERS = ("rfc9113", "hpack", "limits", "contract_d", "facade", "oracle", "regressions", "hazards", "surface")

#: What asks for a tool or a module that not every interpreter has: mypy, CPython's own test modules, gunicorn's workers.
ELSEWHERE = (
    "surface/test_package.py::test_stubs_say_what_the_modules_have",
    "surface/test_imports.py",
    "hazards/test_allocation_failure.py",
    "hpack/test_out_of_memory.py",
)


def main() -> int:
    """Run them; return pytest's exit code."""
    found = importlib.util.find_spec("fasth2")
    if found is None or found.origin is None or ROOT / "src" in Path(found.origin).resolve().parents:
        raise SystemExit("no installed fasth2 is found, or the tree's")
    # Tests start interpreters that import their helpers from here; the sources are a folder below.
    os.chdir(ROOT)
    tests = ROOT / "tests"
    return pytest.main([
        "-p", "no:cacheprovider", f"--rootdir={ROOT}",
        *(f"--deselect=tests/{name}" for name in ELSEWHERE),
        *sys.argv[1:],
        *(str(tests / name) for name in FOLDERS),
    ])  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
