"""Graceful shutdown of a connection: two GOAWAYs, and requests that are on their way served in between."""
from __future__ import annotations

from typing import Any

__all__ = ["FIRST_REQUEST_WAIT", "GOAWAY_INTERVAL", "Shutdown"]

#: Seconds between the GOAWAY that names no stream and the one that names the last (RFC 9113 section 6.8).
GOAWAY_INTERVAL = 0.25

#: Seconds that a connection has for its first request: it was accepted, so it is served. As long as gunicorn keeps a
#: stopping worker's idle connections.
FIRST_REQUEST_WAIT = 2.0


class Shutdown:
    """The steps of one graceful shutdown.

    The peer is told that the end comes once no stream is open: some clients take the first GOAWAY for the end of all
    requests. One that always has a stream open is told when it is overdue.

    Args:
        began: When the connection began, in seconds.
        overdue_at: When the peer is told whatever is open.
        first_request_wait: Seconds that the connection has for its first request, from when it began.
    """

    __slots__ = ("_first_request_by", "_overdue_at", "_read", "announced_at")

    def __init__(self, began: float, overdue_at: float, first_request_wait: float = FIRST_REQUEST_WAIT) -> None:
        self._first_request_by = began + first_request_wait
        self._overdue_at = overdue_at
        #: When the peer was told; ``None`` before.
        self.announced_at: float | None = None
        # The time after that is over, and the holder reads once more.
        self._read = False

    def advance(self, protocol: Any, now: float, idle: bool) -> float | None:
        """Do what is due; see `ServerProtocol.advance_shutdown`.

        Args:
            protocol: The connection's `ServerProtocol`.
            now: Seconds.
            idle: No stream is open.
        """
        if self.announced_at is None:
            due = self._overdue_at
            if idle:
                first = 0.0 if protocol.engine.highest_inbound_stream_id else self._first_request_by
                due = min(due, first)
            if now < due:
                return due - now
            self.announced_at = now
            protocol.announce_end()
            return GOAWAY_INTERVAL
        if not self._read:
            wait = self.announced_at + GOAWAY_INTERVAL - now
            if wait > 0:
                return wait
            self._read = True
            return 0.0
        protocol.refuse_new_streams()
        return None
