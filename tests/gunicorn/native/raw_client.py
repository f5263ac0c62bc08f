"""A client in the clear that sends octets and reads frames, and knows no rule."""
from __future__ import annotations

import socket
import time
from collections.abc import Callable

from tests.support.frames import FrameReader, Sent


class RawClient:
    """One connection; a context manager that closes it.

    Args:
        port: Of a server on 127.0.0.1.
    """

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = FrameReader(2**24 - 1, 2**31)
        #: The frames that have come.
        self.sent: list[Sent] = []
        #: Whether the server has closed the connection.
        self.closed = False
        self._unread = b""

    def send(self, octets: bytes) -> None:
        """Send, unless the server has gone."""
        try:
            self.sock.sendall(octets)
        except (BrokenPipeError, ConnectionResetError):
            self.closed = True

    def wrote(self, kind: str, stream_id: int | None = None) -> list[Sent]:
        """The frames of one kind, on one stream if given."""
        return [sent for sent in self.sent if sent.kind == kind and stream_id in (None, sent.stream_id)]

    def read(self, until: Callable[[], bool], wait: float = 10.0) -> bool:
        """Read until a condition holds or the connection ends; whether it holds."""
        deadline = time.monotonic() + wait
        while not until():
            if self.closed or time.monotonic() > deadline:
                return False
            self.sock.settimeout(max(deadline - time.monotonic(), 0.01))
            try:
                octets = self.sock.recv(65536)
            except TimeoutError:
                return until()
            except ConnectionResetError:
                octets = b""
            if not octets:
                self.closed = True
                continue
            self._take(octets)
        return True

    def _take(self, octets: bytes) -> None:
        """Whole frames, and whole header blocks, go to the reader."""
        self._unread += octets
        at = whole = 0
        while len(self._unread) - at >= 9:
            end = at + 9 + int.from_bytes(self._unread[at:at + 3], "big")
            if end > len(self._unread):
                break
            kind, flags = self._unread[at + 3:at + 5]
            at = end
            if kind not in (1, 9) or flags & 4:
                whole = at
        ready, self._unread = self._unread[:whole], self._unread[whole:]
        self.sent += self.reader.read(ready)

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *exc: object) -> None:
        self.sock.close()
