"""Programs run by a Python of their own, with and without ``python -m fasth2 run``."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import fasth2

RUN = ["-m", "fasth2", "run"]

#: The folder that has fasth2.
SOURCE = Path(fasth2.__file__).parent.parent

#: Print which h2 a process has.
ASK = """
import h2.connection, hpack
import fasth2
print(h2.connection.__name__, hpack.Encoder.__module__, bool(fasth2.alias_status()))
"""
OURS = "fasth2.connection fasth2.hpack.hpack True"


def python(*arguments: str, executable: str = sys.executable, cwd: Path | None = None,
           **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python to its end, without settings of fasth2 but those given."""
    settings = {key: value for key, value in os.environ.items() if not key.startswith("FASTH2_")}
    return subprocess.run([executable, *arguments], capture_output=True, text=True, timeout=60, check=False, cwd=cwd,
                          env={**settings, **environment})
