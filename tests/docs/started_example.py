"""A server of examples/ that runs."""
from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys

from tests.support.paths import SOURCE


@contextlib.contextmanager
def started(path, *options):
    """Run an example; give the address in the line that it prints."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    command = [sys.executable, str(path), *options]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield re.fullmatch(r"curl --http2-prior-knowledge (http://127\.0\.0\.1:\d+/)\n", process.stdout.readline())[1]
    finally:
        process.terminate()
        rest = process.communicate(timeout=10)[0]
    assert rest == ""
