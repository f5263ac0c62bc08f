"""One stream's progress in sending its body, seen by whoever looks for clients that take too little."""
from __future__ import annotations

__all__ = ["SendProgress"]


class SendProgress:
    """What was unsent of a stream, and when; kept from one look to the next.

    Args:
        queued: Octets that are unsent.
        now: Seconds.
    """

    __slots__ = ("first", "last", "moved", "since")

    def __init__(self, queued: int, now: float) -> None:
        self.restart(queued, now)

    def restart(self, queued: int, now: float) -> None:
        """Measure from here.

        Args:
            queued: Octets that are unsent.
            now: Seconds.
        """
        #: Octets that were unsent when the measuring began, and when that was.
        self.first = queued
        self.since = now
        #: Octets that were unsent at the last look, and when that number changed last.
        self.last = queued
        self.moved = now

    def update(self, queued: int, now: float) -> None:
        """Take in what another look has found.

        Args:
            queued: Octets that are unsent.
            now: Seconds.
        """
        if queued > self.last:
            # The application has added to it.
            self.restart(queued, now)
        elif queued != self.last:
            self.last = queued
            self.moved = now

    def deadline(self, timeout: float, rate: float) -> float:
        """Return the time at which the client has taken too little for too long.

        Args:
            timeout: Seconds that a stream may stand still.
            rate: Octets a second that a client has to take in the long run.
        """
        return min(self.moved, self.since + (self.first - self.last) / rate) + timeout
