"""Lingering close: a closed connection is read on for a while, so that its peer gets to read the last octets.

Unread octets at the end of a socket would reset the connection, and the peer
might lose the GOAWAY, or a response (RFC 9112 section 9.6).
"""
from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

__all__ = ["CLOSING_SIZE", "CLOSING_WAIT", "Lingering", "linger"]

#: Seconds, and octets, that a closed connection is read on for.
CLOSING_WAIT = 2.0
CLOSING_SIZE = 65536

_READ_SIZE = 4096


class Lingering:
    """One lingering close over a socket that does not block.

    Args:
        now: When it begins, in seconds.
    """

    __slots__ = ("deadline", "left")

    def __init__(self, now: float) -> None:
        #: When it ends at the latest.
        self.deadline = now + CLOSING_WAIT
        #: Octets that are read on at most.
        self.left = CLOSING_SIZE

    def read(self, sock: Any) -> bool:
        """Read once; return whether more may come.

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


def linger(sock: Any, clock: Callable[[], float] = time.monotonic) -> None:
    """End this side of a socket and wait for the peer to end its own; never raises.

    Args:
        sock: A socket that blocks, with time-outs.
        clock: Returns seconds.
    """
    deadline = clock() + CLOSING_WAIT
    left = CLOSING_SIZE
    try:
        sock.shutdown(socket.SHUT_WR)
        while left > 0 and (wait := deadline - clock()) > 0:
            sock.settimeout(wait)
            data = sock.recv(_READ_SIZE)
            if not data:
                break
            left -= len(data)
    except OSError:
        pass
