"""A client that sends octets and reads frames, and knows no rule."""
from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Callable

from .certificate import Certificate
from .frames import FrameReader, Sent


class RawClient:
    """One connection; a context manager that closes it.

    Args:
        port: Of a server on 127.0.0.1.
        certificate: Of a server over TLS; ``None`` for cleartext.
    """

    def __init__(self, port: int, certificate: Certificate | None = None) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if certificate is not None:
            context = ssl.create_default_context(cafile=str(certificate.authority))
            context.set_alpn_protocols(["h2"])
            self.sock = context.wrap_socket(self.sock, server_hostname="127.0.0.1")
            assert self.sock.selected_alpn_protocol() == "h2"
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
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.closed = True

    def flood(self, octets: bytes, wait: float = 30.0) -> None:
        """Send, and read whatever comes meanwhile, until all is sent or the server has closed the connection.

        Args:
            octets: What is sent.
            wait: Seconds it may take.

        Raises:
            AssertionError: It took longer.
        """
        view = memoryview(octets)
        deadline = time.monotonic() + wait
        while view and not self.closed:
            assert time.monotonic() < deadline, f"{len(view)} octets left"
            self.sock.setblocking(False)
            try:
                view = view[self.sock.send(view[:16384]):]
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                # Part of a TLS record may have been written: the same octets are given again.
                select.select([self.sock], [self.sock], [], 0.1)
            except (ConnectionError, ssl.SSLError):
                # What the server said before may still be there.
                self.read(lambda: False, 2.0)
                self.closed = True
            self._take_what_is_there()

    def _take_what_is_there(self) -> None:
        while not self.closed:
            try:
                octets = self.sock.recv(65536)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            except (ConnectionError, ssl.SSLError):
                octets = b""
            self.closed = not octets
            self._take(octets)

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
            except (ConnectionResetError, ssl.SSLError):
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
