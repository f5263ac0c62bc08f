"""A relay on loopback that makes a link of two: it delays each direction, and limits the rate of each."""
from __future__ import annotations

import collections
import contextlib
import socket
import threading
import time
from typing import Any

#: Octets that one direction holds where its rate is not limited.
_HELD = 64 << 20

_BLOCK = 65536


class _Direction:
    """Moves octets from one socket to another, `delay` seconds later. Two threads: one reads, one writes."""

    def __init__(self, source: socket.socket, target: socket.socket, delay: float, rate: float | None) -> None:
        self.source = source
        self.target = target
        self.delay = delay
        self.rate = rate
        self.most = _HELD if rate is None else max(int(rate * delay), _BLOCK)
        self._parts: collections.deque[tuple[float, bytes]] = collections.deque()
        self._held = 0
        #: The most octets that have been on their way at a time.
        self.peak = 0
        self._changed = threading.Condition()
        for run in (self._read, self._write):
            threading.Thread(target=run, daemon=True).start()

    def _read(self) -> None:
        free_at = 0.0
        while True:
            with self._changed:
                while self._held >= self.most:
                    self._changed.wait()
            try:
                data = self.source.recv(min(_BLOCK, self.most))
            except OSError:
                data = b""
            now = time.monotonic()
            if self.rate is not None:
                free_at = max(free_at, now) + len(data) / self.rate
            with self._changed:
                self._parts.append((max(now, free_at) + self.delay, data))
                self._held += len(data)
                self.peak = max(self.peak, self._held)
                self._changed.notify_all()
            if not data:
                return

    def _write(self) -> None:
        while True:
            with self._changed:
                while not self._parts:
                    self._changed.wait()
                at, data = self._parts.popleft()
            time.sleep(max(at - time.monotonic(), 0.0))
            with contextlib.suppress(OSError):
                if not data:
                    self.target.shutdown(socket.SHUT_WR)
                else:
                    self.target.sendall(data)
            with self._changed:
                self._held -= len(data)
                self._changed.notify_all()
            if not data:
                return


class Relay:
    """Accepts connections on 127.0.0.1 and passes them on; a context manager.

    Args:
        port: Where to.
        delay: Seconds that each direction takes.
        rate: Octets a second, each direction and each connection; ``None`` for any. It holds no more than what is on
            its way then.
    """

    def __init__(self, port: int, delay: float, rate: float | None = None) -> None:
        self._target = port
        self.delay = delay
        self.rate = rate
        self._sockets: list[socket.socket] = []
        self._towards_server: list[_Direction] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        if rate is not None:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BLOCK)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            for sock in (client, server):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self.rate is not None:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BLOCK)
            self._sockets += client, server
            self._towards_server.append(_Direction(client, server, self.delay, self.rate))
            _Direction(server, client, self.delay, self.rate)

    @property
    def peak(self) -> int:
        """The most octets that have been on their way to the server at a time, on one connection."""
        return max((direction.peak for direction in self._towards_server), default=0)

    def __enter__(self) -> Relay:
        return self

    def __exit__(self, *exc: Any) -> None:
        self._listener.close()
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
