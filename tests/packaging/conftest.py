"""A tree in which `setup.py` compiles one small module."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT


class Tree:
    """The files that say how fasth2 is built, and a module that is quickly compiled."""

    def __init__(self, path: Path) -> None:
        self.path = path
        package = path / "src" / "fasth2"
        package.mkdir(parents=True)
        for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE", "src/fasth2/__init__.py"):
            shutil.copy(ROOT / name, path / name)
        (package / "_one.pyx").write_text("def one():\n    return 1\n")

    def setup(self, *arguments: str, before: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `setup.py` in an interpreter of its own.

        Args:
            *arguments: Its arguments.
            before: Code to run first.
            **environment: More variables.
        """
        code = f"import runpy, sys\n{before}\nsys.argv = {['setup.py', *arguments]!r}\n" \
            "runpy.run_path('setup.py', run_name='__main__')"
        return subprocess.run(
            [sys.executable, "-c", code], cwd=self.path, capture_output=True, text=True, timeout=120, check=False,
            env={**os.environ, **environment},
        )


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path / "tree")
