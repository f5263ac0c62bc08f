"""Sockets in memory that have time-outs, and peers on them."""
from __future__ import annotations

import time

from fasth2 import HTTP2ServerConnection

from .facade_peer import MemorySocket, Peer, config


class TimedSocket(MemorySocket):
    """A socket that records the time-outs it is given; a read of ``None`` takes as long as the time-out.

    Args:
        timeout: The time-out that it has before.
        clock: Turned by such a read; without one it sleeps.
    """

    def __init__(self, timeout=None, clock=None):
        super().__init__()
        self.timeout = timeout
        self.clock = clock
        self.set = []

    def gettimeout(self):
        return self.timeout

    def settimeout(self, timeout):
        self.timeout = timeout
        self.set.append(timeout)

    def recv(self, size):
        if self.reads and self.reads[0] is None:
            self.reads.popleft()
            assert self.timeout is not None, "waits for ever"
            if self.clock is None:
                time.sleep(self.timeout)
            else:
                self.clock.now += self.timeout
            raise TimeoutError("timed out")
        return super().recv(size)


class ClockedSocket(TimedSocket):
    """Reads that take as long as their first element says, or as the time-out allows."""

    def __init__(self, clock):
        super().__init__(clock=clock)

    def recv(self, size):
        took, octets = self.reads.popleft()
        if self.timeout is not None and took > self.timeout:
            self.clock.now += self.timeout
            self.reads.appendleft((took - self.timeout, octets))
            raise TimeoutError("timed out")
        self.clock.now += took
        return octets


def timed(settings=None, clock=None, **cfg):
    """A peer of a façade whose configuration has these values beside the four settings."""
    return Peer(HTTP2ServerConnection, config(**cfg), TimedSocket(clock=clock), settings)
