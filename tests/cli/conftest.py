"""Programs and environments to run."""
from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest


@pytest.fixture
def program(tmp_path):
    """Write a program; return the folder, from which it runs as a script and as a module."""
    def write(code: str) -> Path:
        (tmp_path / "program.py").write_text(code)
        return tmp_path
    return write


@pytest.fixture
def bare(tmp_path):
    """A Python without h2, and without fasth2 until a .pth file is written; its folder of packages."""
    folder = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    scheme = {"base": str(folder), "platbase": str(folder)}
    scripts = Path(sysconfig.get_path("scripts", "venv" if os.name == "nt" else "posix_prefix", scheme))
    packages = Path(sysconfig.get_path("purelib", "nt" if os.name == "nt" else "posix_prefix", scheme))
    return str(scripts / Path(sys.executable).name), packages
