"""The settings of the ASGI server that its hosts do not have."""
from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ASGISettings"]


@dataclass(frozen=True)
class ASGISettings:
    """Settings of the ASGI server; every connection of a server has the same."""

    #: Octets of a request's body that a client may send before the application has read some.
    initial_window: int = 65535

    #: True if the windows of uploads adapt to the link.
    adaptive_windows: bool = True

    #: Octets of a response that may wait in a stream before ``send()`` waits for the client.
    send_buffer: int = 65536

    #: Octets of a connection's responses that wait for the client, without those of the largest one, above which it starts
    #: no further request and ``send()`` waits earlier.
    unsent_connection: int = 2 * 1024 * 1024

    #: The same for all connections of the process: above it only those without waiting octets start a request.
    unsent_process: int = 64 * 1024 * 1024

    #: Seconds that a connection may be idle; ``None``: no limit.
    keep_alive: float | None = 5.0

    #: True if PING frames keep an idle connection open, as requests do.
    keep_alive_pings: bool = False

    #: True to start an application's task at once where CPython can (3.12): it runs before other tasks until it waits.
    eager_tasks: bool = True

    #: True to cancel the application's task when the client resets the stream, or vanishes.
    cancel_on_reset: bool = False

    #: Seconds after the begin of a shutdown until ``receive()`` returns ``http.disconnect`` to applications that still
    #: respond, so that long streams end; ``None``: they are not told.
    disconnect_on_shutdown: float | None = None

    #: Seconds of a shutdown until GOAWAY is sent even while requests are open.
    goaway_after: float = 2.0

    #: Seconds after which a connection is ended, once its requests are answered; ``None``: no limit.
    max_age: float | None = None

    #: A random part of this fraction is added to ``max_age``, so that connections do not end together.
    max_age_jitter: float = 0.1

    #: Octets of a request's body; a longer one is answered with 413; ``None``: no limit.
    max_body: int | None = None

    #: Octets a second that a client must send of a body that the application waits for; 0: no minimum.
    min_body_rate: int = 0

    #: Seconds that a client may send nothing of such a body, and the time before the rate applies; ``None``: no limit.
    body_timeout: float | None = None

    #: Seconds that a client may take nothing of a response, or of what its connection holds, or less than 128 octets a
    #: second; ``None``: no limit.
    send_timeout: float | None = 60.0
