"""Limits on the request bodies and responses that a WSGI worker holds for its clients."""
from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FULL_WINDOW_WAIT", "WorkerLimits"]


#: Seconds between a response and the reset of an upload whose client has no window to go on with.
FULL_WINDOW_WAIT = 0.05


@dataclass(frozen=True)
class WorkerLimits:
    """Limits of a worker's loop, for all its connections."""

    #: Octets a second that a client must send of a body that the worker waits for; 0: no minimum.
    min_body_rate: int = 128

    #: Octets of a request's body that are buffered before the application is called; 0: none.
    gathered_body: int = 65536

    #: Octets of buffered bodies that the process holds. Above it, requests start before their body is complete.
    gathered_bodies: int = 64 * 1024 * 1024

    #: Seconds without an octet after which a request starts before its body is complete.
    gather_pause: float = 1.0

    #: Unsent octets of a connection's responses, without the largest one, above which it starts no further request.
    unsent_connection: int = 2 * 1024 * 1024

    #: Unsent octets of all connections, above which a connection with unsent octets starts no further request.
    unsent_process: int = 64 * 1024 * 1024
