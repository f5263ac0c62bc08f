"""A connection's socket in a thread: it never blocks, and what waits has an end."""
from __future__ import annotations

import math
import select
import ssl
import time
from typing import Any

from gunicorn.http2.errors import HTTP2ConnectionError

from .batching import RECORD, WOULD_WAIT_FOR_INPUT, BatchingConnection

__all__ = ["PollingConnection"]

_WAIT_FOR_OUTPUT = (BlockingIOError, ssl.SSLWantWriteError)


class PollingConnection(BatchingConnection):
    """A connection over a socket that is polled, for workers with threads.

    Time-outs cost no system call, and no peer that sends or takes an octet
    now and then makes one longer.
    """

    def __init__(self, cfg: Any, sock: Any, client_addr: Any) -> None:
        super().__init__(cfg, sock, client_addr)
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        # Decrypted octets that the TLS layer holds; a poll does not see them.
        self._buffered = getattr(sock, "pending", int)
        sock.setblocking(False)

    def resume(self) -> None:
        """Go on after others have used the socket."""
        self.sock.setblocking(False)

    def _recv(self, timeout: float | None) -> Any:
        recv = self.sock.recv
        size = self.READ_BUFFER_SIZE
        if timeout is not None:
            timeout = max(timeout, 0.0)  # a poll takes less for no end
        deadline = time.monotonic() + timeout if timeout else None
        if not self._buffered() and not self._poll.poll(None if timeout is None else math.ceil(timeout * 1000)):
            raise TimeoutError
        while True:
            try:
                data = recv(size)
                return data if len(data) != RECORD else self._records(data)
            except WOULD_WAIT_FOR_INPUT:
                pass  # part of a TLS record
            if timeout is not None:
                timeout = 0 if deadline is None else deadline - time.monotonic()
                if timeout <= 0:
                    raise TimeoutError
            if not self._poll.poll(None if timeout is None else math.ceil(timeout * 1000)):
                raise TimeoutError

    def _write(self, data: bytes) -> None:
        if self._rest:
            data, self._rest = self._rest + data, b""
        try:
            sent = self.sock.send(data)
            if sent < len(data):
                self._write_rest(memoryview(data)[sent:])
        except _WAIT_FOR_OUTPUT:
            self._write_rest(memoryview(data))
        except OSError as exc:
            self._closed = True
            raise HTTP2ConnectionError(f"Socket write error: {exc}") from exc

    def _write_rest(self, data: memoryview) -> None:
        """Write what the socket did not take at once, within ``stream_timeout``."""
        send = self.sock.send
        timeout = self.stream_timeout
        deadline = None if timeout is None else time.monotonic() + timeout
        poll = None
        try:
            while data:
                try:
                    data = data[send(data) :]
                    continue
                except _WAIT_FOR_OUTPUT:
                    pass
                if poll is None:
                    poll = select.poll()
                    poll.register(self.sock, select.POLLOUT)
                if deadline is not None:
                    timeout = max(deadline - time.monotonic(), 0.0)
                # Not another try: a socket without room for a poll takes a little now and then all the same.
                if not poll.poll(None if timeout is None else math.ceil(timeout * 1000)):
                    raise TimeoutError("the peer takes nothing")
        except OSError as exc:
            self._closed = True
            raise HTTP2ConnectionError(f"Socket write error: {exc}") from exc
