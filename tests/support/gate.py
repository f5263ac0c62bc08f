"""A call of a server's application that lasts until the test ends it, instead of for a time."""
from __future__ import annotations

import os
import time
from pathlib import Path

from .waiting import wait_until

#: Seconds after which a call whose test has failed ends.
_LONGEST = 60.0


class Gate:
    """The test's side: it waits until calls have begun, and lets them go on.

    Args:
        file: A path at which there is nothing yet; the application's processes can reach it.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        #: The target to ask for, of applications that serve ``/gated``.
        self.target = f"/gated?{file}"

    def wait_for_calls(self, count: int = 1) -> None:
        """Wait until so many calls wait at the gate."""
        begun = Path(f"{self._file}.begun")
        wait_until(lambda: begun.exists() and begun.stat().st_size >= count)

    def open(self) -> None:
        """Let all calls go on, those to come too."""
        self._file.touch()


def wait_at_gate(file: str) -> None:
    """The application's side: tell the test that a call has begun; wait until it opens the gate.

    Args:
        file: The gate's file, which is the query of `Gate.target`.
    """
    begun = os.open(file + ".begun", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(begun, b".")
    os.close(begun)
    deadline = time.monotonic() + _LONGEST
    while not os.path.exists(file) and time.monotonic() < deadline:
        time.sleep(0.005)
