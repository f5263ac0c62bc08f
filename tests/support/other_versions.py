"""Tests run again, in a process of their own, under another version of gunicorn."""
from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from .gunicorn_versions import Version
from .paths import ROOT

__all__ = ["run"]


def run(version: Version, folder: Path, *files: str, **env: str) -> dict[str, set[str]]:
    """Run files with a version of gunicorn; return the tests' names by outcome.

    Args:
        version: The version.
        folder: Where the files are.
        files: Their names, with options of pytest among them.
        env: Changes to the environment.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-rpfEs", "-p", "no:cacheprovider", "-p", "no:randomly",
               "--tb=short", *(str(folder / file) if file.endswith(".py") else file for file in files)]
    done = subprocess.run(command, cwd=ROOT, env={**version.environment(), **env}, capture_output=True, text=True,
                          timeout=300)
    print(done.stdout[-20000:], done.stderr)
    found: dict[str, set[str]] = {}
    for outcome, name in re.findall(r"^(PASSED|FAILED|ERROR) \S*::(\S+)", done.stdout, re.M):
        found.setdefault(outcome, set()).add(name)
    return found
