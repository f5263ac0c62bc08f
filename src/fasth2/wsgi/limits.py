"""How much of its clients' requests and answers a WSGI worker holds, and for how long."""
from __future__ import annotations

from dataclasses import dataclass

__all__ = ["WorkerLimits"]


@dataclass(frozen=True)
class WorkerLimits:
    """Limits of a worker's loop, for all its connections."""

    #: Octets a second that a client has to send of a body that the worker waits for; 0: any number.
    min_body_rate: int = 128

    #: Octets of a request's body that are gathered before the application is called; 0: none.
    gathered_body: int = 65536

    #: Octets of gathered bodies that the process holds. Over it, requests start before their body is whole.
    gathered_bodies: int = 64 * 1024 * 1024

    #: Seconds without an octet after which a request starts before its body is whole.
    gather_pause: float = 1.0

    #: Octets of answers that wait on a connection, the largest of them not counted, over which it has no further
    #: request started.
    unsent_connection: int = 2 * 1024 * 1024

    #: Octets of answers that wait on all connections, over which one that has an answer waiting has no further request
    #: started.
    unsent_process: int = 64 * 1024 * 1024
