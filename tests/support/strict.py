"""Programs under ``mypy --strict``, with the installed stubs."""
from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.modules import PACKAGE


def mypy(folder: Path, program: str) -> subprocess.CompletedProcess[str]:
    """Check a program, which is written into the folder."""
    path = folder / "program.py"
    path.write_text(program)
    return subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file", os.devnull, "--cache-dir", str(folder), str(path)],
        capture_output=True, text=True, timeout=300, check=False,
        env={**os.environ, **({} if "site-packages" in PACKAGE.parts else {"MYPYPATH": str(PACKAGE.parent)})})


def lines_with_errors(found: subprocess.CompletedProcess[str]) -> list[int]:
    """The numbers of the lines that mypy complains about."""
    return sorted({int(line) for line in re.findall(r"program\.py:(\d+): error:", found.stdout)})
