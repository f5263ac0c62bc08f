"""Lingering close: input is read and discarded for a while after the sending side was shut down.

Closing a socket with unread input would reset the connection, and the peer might
lose the GOAWAY, or a response (RFC 9112 section 9.6).
"""
from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

__all__ = ["ASYNCIO_CLOSING_WAIT", "CLOSING_SIZE", "CLOSING_WAIT", "Lingering", "end_tls", "linger"]

#: Limits of a lingering close, in seconds and in octets read.
CLOSING_WAIT = 2.0
#: The limit in seconds on an event loop, whose transport reads and discards by itself.
ASYNCIO_CLOSING_WAIT = 1.0
CLOSING_SIZE = 1048576

_READ_SIZE = 16384


class Lingering:
    """A lingering close on a non-blocking socket.

    Args:
        now: Its begin, in seconds.
    """

    __slots__ = ("deadline", "left")

    def __init__(self, now: float) -> None:
        #: Its deadline.
        self.deadline = now + CLOSING_WAIT
        #: Octets left to read.
        self.left = CLOSING_SIZE

    def read(self, sock: Any) -> bool:
        """Read once; return True if more input may arrive.

        Args:
            sock: The socket.
        """
        try:
            data = sock.recv(_READ_SIZE)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not data or self.left <= 0:
            return False
        self.left -= len(data)
        return True


def end_tls(sock: Any) -> None:
    """Send TLS close_notify, without waiting for the peer's.

    Args:
        sock: A non-blocking socket, with or without TLS.
    """
    unwrap = getattr(sock, "unwrap", None)
    if unwrap is not None:
        try:
            unwrap()
        except (OSError, ValueError):
            pass  # the peer's close_notify has not arrived, or the peer is gone


def linger(sock: Any, clock: Callable[[], float] = time.monotonic) -> None:
    """Shut down the sending side of a socket, and of its TLS, and wait for the peer's end; never raises.

    Args:
        sock: A socket with time-outs; its time-out is changed.
        clock: Returns the time in seconds.
    """
    deadline = clock() + CLOSING_WAIT
    left = CLOSING_SIZE
    try:
        sock.settimeout(0)
        end_tls(sock)
        sock.shutdown(socket.SHUT_WR)
        while left > 0 and (wait := deadline - clock()) > 0:
            sock.settimeout(wait)
            data = sock.recv(_READ_SIZE)
            if not data:
                break
            left -= len(data)
    except OSError:
        pass
