"""Graceful shutdown of a connection: two GOAWAYs, between which requests in transit are served."""
from __future__ import annotations

from typing import Any

__all__ = ["FIRST_REQUEST_WAIT", "GOAWAY_INTERVAL", "PING_ACK_WAIT", "SHORTEST_INTERVAL", "Shutdown"]

#: Seconds between the first GOAWAY and the final one with the last stream (RFC 9113 section 6.8). A proxy that does not
#: read from idle connections finds the first one when it uses a connection again.
GOAWAY_INTERVAL = 1.0

#: The same where the time of the shutdown is nearly over.
SHORTEST_INTERVAL = 0.25

#: Seconds that an accepted connection has for its first request: as long as gunicorn keeps a stopping worker's idle
#: connections.
FIRST_REQUEST_WAIT = 2.0


#: Seconds that the first GOAWAY of an idle connection waits for the ACK of a PING under way: a client that reads both
#: at once has the ACK to send after the GOAWAY, and mod_proxy_http2 of Apache takes such a connection for a usable one.
PING_ACK_WAIT = 0.25
_PING_ACK_LOOK = 0.02


class Shutdown:
    """The state of one graceful shutdown.

    The first GOAWAY is sent once no stream is open, since some clients abort open requests at it; to a peer that
    always has a stream open it is sent when that is overdue.

    Args:
        began: Time at which the connection began, in seconds.
        overdue_at: Time at which GOAWAY is sent even while streams are open.
        first_request_wait: Time for the first request, in seconds from the beginning of the connection.
    """

    __slots__ = ("_final_at", "_first_request_by", "_overdue_at", "_ping_ack_by", "_read", "announced_at")

    def __init__(self, began: float, overdue_at: float, first_request_wait: float = FIRST_REQUEST_WAIT) -> None:
        self._first_request_by = began + first_request_wait
        self._overdue_at = overdue_at
        #: Time of the first GOAWAY; ``None`` before.
        self.announced_at: float | None = None
        # Time until which the first GOAWAY waits for the ACK of a PING; None: it was not due yet.
        self._ping_ack_by: float | None = None
        # Time of the final GOAWAY.
        self._final_at = 0.0
        # The final GOAWAY is due, and the holder reads once more before it.
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
            if now < self._overdue_at and protocol.is_ping_under_way():
                if self._ping_ack_by is None:
                    self._ping_ack_by = now + PING_ACK_WAIT
                if now < self._ping_ack_by:
                    return min(self._ping_ack_by - now, _PING_ACK_LOOK)
            self.announced_at = now
            interval = min(GOAWAY_INTERVAL, max(SHORTEST_INTERVAL, (self._overdue_at - now) / 2))
            self._final_at = now + interval
            protocol.announce_end()
            return interval
        if not self._read:
            wait = self._final_at - now
            if wait > 0:
                return wait
            self._read = True
            return 0.0
        protocol.refuse_new_streams()
        return None
