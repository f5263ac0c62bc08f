"""Runs clients that are programs of their own."""
from __future__ import annotations

import os
import shutil
import subprocess

import pytest


def tool(name: str) -> str:
    """Return where a program is; the test fails where it is not installed."""
    path = shutil.which(name)
    if path is None:
        pytest.fail(f"{name} is not installed; tools/install_test_packages.sh installs what the tests need")
    return path


def run(name: str, *args: str, data: bytes | None = None, wait: float = 30.0) -> subprocess.CompletedProcess[bytes]:
    """Run a client to its end.

    Args:
        name: The program.
        *args: Its arguments.
        data: What it reads from standard input.
        wait: Seconds it may take.

    Returns:
        What it wrote; a status other than 0 fails the test.
    """
    # A sanitizer that is loaded into Python is not for them.
    environment = {key: value for key, value in os.environ.items() if key != "LD_PRELOAD"}
    done = subprocess.run([tool(name), *args], input=data or b"", capture_output=True, timeout=wait, env=environment)
    print(f"--- standard error of {name}\n{done.stderr[-4000:].decode(errors='replace')}")
    assert done.returncode == 0, f"{name} ended with {done.returncode}"
    return done
