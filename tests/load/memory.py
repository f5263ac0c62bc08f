"""A worker's memory, as the kernel has it."""
from __future__ import annotations

import re
from pathlib import Path

from tests.support.gunicorn_server import Gunicorn


class Peak:
    """How much memory a server's only worker has come to hold since this was made.

    Args:
        server: The server.
    """

    def __init__(self, server: Gunicorn) -> None:
        self._process = Path("/proc", str(server.workers[-1]))
        # proc(5): sets the peak back to what is held now.
        (self._process / "clear_refs").write_text("5")
        self._before = self._held("VmRSS")

    def growth(self) -> int:
        """The octets."""
        return self._held("VmHWM") - self._before

    def _held(self, name: str) -> int:
        [kibibytes] = re.findall(rf"^{name}:\s+(\d+) kB$", (self._process / "status").read_text(), re.M)
        return int(kibibytes) << 10
