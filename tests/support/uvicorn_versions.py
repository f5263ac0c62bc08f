"""The versions of uvicorn that ``make uvicorns`` has put into the tree."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .paths import ROOT

#: The oldest first. 0.36 is the first whose ``--http`` takes a class, 0.47 the first with ``ssl_context_factory``, 0.54
#: the newest, which makes the offer of HTTP/2 in TLS itself, as 0.53 does.
NAMES = ("0.23.0", "0.36.0", "0.47.0", "0.54.0")


@dataclass(frozen=True)
class Version:
    """One version of uvicorn."""

    #: Its number.
    name: str

    @property
    def site(self) -> Path:
        """The folder that has to be on ``sys.path`` before the environment's."""
        path = ROOT / ".work" / "uvicorn" / self.name
        if not path.is_dir():
            raise RuntimeError(f"{path} is missing: run make uvicorns")
        return path

    @property
    def number(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.name.split("."))


VERSIONS = {name: Version(name) for name in NAMES}
OLDEST, NEWEST = VERSIONS[NAMES[0]], VERSIONS[NAMES[-1]]
