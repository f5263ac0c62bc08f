"""The versions of gunicorn that ``make gunicorns`` has put into the tree."""
from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from .paths import ROOT, SOURCE

#: gunicorn's workers that serve HTTP/2.
WORKERS = ("gthread", "gevent", "asgi")

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
