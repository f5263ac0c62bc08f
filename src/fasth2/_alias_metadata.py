"""The metadata of h2 and hpack where they are not installed and fasth2 has their place."""
from __future__ import annotations

import os
from importlib.metadata import Distribution
from pathlib import Path


class AliasDistribution(Distribution):
    """A distribution that consists of a name and a version.

    Args:
        name: Its name.
        version: Its version.
    """

    def __init__(self, name: str, version: str) -> None:
        self._text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: {name}'s API by fasth2\n"

    def read_text(self, filename: str | os.PathLike[str]) -> str | None:
        """Return the metadata; there are no other files."""
        return self._text if str(filename) == "METADATA" else None

    def locate_file(self, path: str | os.PathLike[str]) -> Path:
        """Return where the file would be: in fasth2."""
        return Path(__file__).parent / path
