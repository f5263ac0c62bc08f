"""Runs gunicorn's own tests in a pytest of their own, and says what came out."""
from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support.gunicorn_versions import Version

HERE = Path(__file__).parent
FILES = ("test_http2_*.py", "test_asgi_http2_response.py", "test_early_hints.py")
LIVE = "test_http2_live.py"


@dataclass
class Result:
    """What a run of gunicorn's tests gave."""

    #: The version that the tests imported.
    gunicorn: str

    #: Each test's id: its outcome, and why it failed or was skipped.
    tests: dict[str, tuple[str, str]]

    #: The two connection classes' names, before the tests and after.
    classes: list[list[str]]

    #: The logs of the servers that tests started.
    logs: list[str]

    #: pytest's output.
    output: str

    def with_outcome(self, outcome: str) -> set[str]:
        """The ids of the tests with one outcome."""
        return {test for test, (found, _why) in self.tests.items() if found == outcome}


def run(version: Version, directory: Path, config: str = "install_fasth2", live: bool | None = None) -> Result:
    """Run a version's HTTP/2 tests on fasth2's classes.

    Args:
        version: gunicorn's version.
        directory: For the files it makes.
        config: The configuration module of the servers that tests start, one of ``inside/``.
        live: Only the tests that start gunicorn as a process, or only the others; ``None`` for all.
    """
    folder = version.src / "tests"
    files = sorted({path for pattern in FILES for path in folder.glob(pattern)})
    if live is not None:
        files = [path for path in files if (path.name == LIVE) == live]
    report = directory / "report.json"
    servers = directory / "servers"
    environment = {
        **version.environment(HERE / "inside"),
        "FASTH2_REPORT": str(report),
        "GUNICORN_CMD_ARGS": f"-c python:{config} --worker-tmp-dir {directory}",
        "PYTHONDONTWRITEBYTECODE": "1",
        # A test sends thousands of WINDOW_UPDATE frames that nobody needs, which is a flood for fasth2.
        "FASTH2_LIMITS": "window_updates=none",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "fasth2_in_gunicorns_tests", "-p", "no:cacheprovider",
               "-p", "no:randomly", "-o", "addopts=", "-o", "asyncio_default_fixture_loop_scope=function",
               "--basetemp", str(servers), "--rootdir", str(version.src), *map(str, files)]
    done = subprocess.run(command, cwd=version.src, env=environment, capture_output=True, text=True, timeout=600)
    if not report.exists():
        raise RuntimeError(done.stdout + done.stderr)
    found = json.loads(report.read_text())
    logs = [path.read_text(errors="replace") for path in sorted(servers.rglob("gunicorn-h2-*.log"))]
    return Result(logs=logs, output=done.stdout + done.stderr, **found)


def deselected(version: Version) -> dict[str, str]:
    """The tests of a version that cannot apply, and why."""
    tests = {}
    for line in (HERE / "deselected.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            versions, test, why = (part.strip() for part in line.split("|"))
            if version.name in versions.split():
                tests[test] = why
    return tests


def recorded(version: Version) -> dict[str, object]:
    """What a version's tests give on gunicorn's own classes: ``tests``, and ``skipped`` by reason."""
    return json.loads((HERE / "counts.json").read_text())[version.name]
