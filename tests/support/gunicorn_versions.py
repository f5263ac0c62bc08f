"""The versions of gunicorn that ``make gunicorns`` has put into the tree."""
from __future__ import annotations

import functools
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import fasth2

SOURCE = Path(fasth2.__file__).parent.parent
ROOT = Path(__file__).parent.parent.parent
NAMES = ("25.0.3", "25.3.0", "26.2.0", "27.0.1")


@dataclass(frozen=True)
class Version:
    """One version of gunicorn."""

    #: Its number.
    name: str

    @property
    def site(self) -> Path:
        """The folder that has to be on ``sys.path`` before the environment's."""
        return self._folder("site")

    @property
    def src(self) -> Path:
        """The source distribution, unpacked; it has gunicorn's tests."""
        return self._folder("src")

    def _folder(self, name: str) -> Path:
        path = ROOT / ".work" / "gunicorn" / self.name / name
        if not path.is_dir():
            raise RuntimeError(f"{path} is missing: run make gunicorns")
        return path

    @property
    def has_control_socket(self) -> bool:
        """Whether it opens one that a test has to keep it from."""
        return "--no-control-socket" in (self.site / "gunicorn" / "config.py").read_text()

    def environment(self, *paths: Path) -> dict[str, str]:
        """An environment in which Python finds this gunicorn, fasth2, and some folders more.

        Args:
            *paths: Folders that come first.
        """
        found = [*paths, self.site, SOURCE, *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
        return {**os.environ, "PYTHONPATH": os.pathsep.join(str(path) for path in found if str(path))}

    def __str__(self) -> str:
        return self.name


VERSIONS = tuple(Version(name) for name in NAMES)
NEWEST = VERSIONS[-1]

#: Run with a version on its path: what fasth2 serves of it.
_PROBE = """\
import fasth2.gunicorn
workers = []
try:
    fasth2.gunicorn.install()
except RuntimeError:
    pass
else:
    import gunicorn.http2.async_connection
    workers.append("gthread")
    if "GeventWorker" in fasth2.gunicorn.__all__:
        workers.append("gevent")
    if gunicorn.http2.async_connection.AsyncHTTP2Connection.__module__.startswith("fasth2."):
        workers.append("asgi")
print(*workers)
"""


@functools.cache
def workers_served(version: Version) -> tuple[str, ...]:
    """gunicorn's names of the workers that fasth2 serves under a version."""
    done = subprocess.run([sys.executable, "-c", _PROBE], env=version.environment(), capture_output=True, text=True,
                          check=True, timeout=60)
    return tuple(done.stdout.split())


#: The versions that fasth2 serves.
SERVED = tuple(version for version in VERSIONS if workers_served(version))
