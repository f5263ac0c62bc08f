"""Reading and writing of a connection's socket; a `BatchingConnection` holds one of these classes."""
from __future__ import annotations

import math
import select
import ssl
import time
from typing import Any

from gunicorn.http2.errors import HTTP2ConnectionError

from fasth2.gunicorn.dropin.connection import set_timeout
from fasth2.server._protocol import ServerProtocol

__all__ = ["RECORD", "WOULD_WAIT_FOR_INPUT", "BatchingSocket", "PolledSocket"]

#: Octets of a full TLS record (RFC 8446 section 5.1). A read returns one record at most.
RECORD = 16384

#: Bytes of one read.
READ_SIZE = 65536

#: Largest number of writes of one `BatchingSocket.write_now`.
_WRITES = 64

#: Exceptions of a non-blocking read without input.
WOULD_WAIT_FOR_INPUT = (BlockingIOError, ssl.SSLWantReadError)

_WAIT_FOR_OUTPUT = (BlockingIOError, ssl.SSLWantWriteError)


class BatchingSocket:
    """A socket with time-outs that reads all available TLS records.

    Args:
        sock: The client's socket.
        protocol: The protocol of the connection, closed when a write fails.
    """

    __slots__ = ("protocol", "rest", "sock")

    def __init__(self, sock: Any, protocol: ServerProtocol) -> None:
        self.sock = sock
        self.protocol = protocol
        #: Octets that the socket did not accept, to be written before any others.
        self.rest = b""

    def recv(self, timeout: float | None) -> Any:
        """Read once; after a full record read on without waiting.

        Args:
            timeout: Seconds to wait; ``None``: no limit.

        Raises:
            OSError: The socket failed; `TimeoutError` if nothing arrived in time.
        """
        set_timeout(self.sock, None if timeout is None else max(timeout, 0.001))
        data = self.sock.recv(READ_SIZE)
        if len(data) == RECORD:
            set_timeout(self.sock, 0.0)
            return self.read_records(data)
        return data

    def recv_now(self) -> Any:
        """Read once without waiting.

        Raises:
            OSError: The socket failed; one of `WOULD_WAIT_FOR_INPUT` if no input is available.
        """
        set_timeout(self.sock, 0.0)
        return self.sock.recv(READ_SIZE)

    def read_records(self, data: bytes) -> bytes:
        """Read on after a full record, without waiting: more are likely available, and one write credits them all.

        Args:
            data: The record.
        """
        parts = [data]
        size = len(data)
        recv = self.sock.recv
        try:
            while size < READ_SIZE:
                part = recv(RECORD)
                parts.append(part)
                size += len(part)
                if len(part) < RECORD:
                    break
        except WOULD_WAIT_FOR_INPUT:
            pass
        except OSError:
            pass  # reported by the next read, after these octets are processed
        return b"".join(parts)

    def write(self, data: bytes) -> None:
        """Write all octets, with ``stream_timeout`` as the time-out.

        Args:
            data: The octets.

        Raises:
            HTTP2ConnectionError: The socket failed.
        """
        set_timeout(self.sock, self.protocol.options.stream_timeout)
        try:
            self.sock.sendall(data)
        except OSError as exc:
            self.protocol.closed = True
            raise HTTP2ConnectionError(f"Socket write error: {exc}") from exc

    def write_now(self) -> None:
        """Write the engine's output, as far as the socket accepts it without waiting."""
        for _ in range(_WRITES):
            data = self.rest or self.protocol.engine.pull(RECORD)
            if not data:
                return
            try:
                set_timeout(self.sock, 0.0)
                sent = self.sock.send(data)
            except OSError:
                # The socket's buffer is full, or the peer is gone, which the next write reports.
                sent = 0
            self.rest = bytes(data[sent:])
            if self.rest:
                return


class PolledSocket(BatchingSocket):
    """A non-blocking socket that is polled, for workers with threads.

    Time-outs cost no system call, and are not extended by a peer that sends or
    accepts single octets.
    """

    __slots__ = ("_buffered", "_poll")

    def __init__(self, sock: Any, protocol: ServerProtocol) -> None:
        super().__init__(sock, protocol)
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        # Decrypted octets that the TLS layer holds; a poll does not see them.
        self._buffered = getattr(sock, "pending", int)
        sock.setblocking(False)

    def resume(self) -> None:
        """Make the socket non-blocking again after other code has used it."""
        self.sock.setblocking(False)

    def recv(self, timeout: float | None) -> Any:
        """Read once; see `BatchingSocket.recv`."""
        recv = self.sock.recv
        if timeout is not None:
            timeout = max(timeout, 0.0)  # poll() treats a negative time-out as infinite
        deadline = time.monotonic() + timeout if timeout else None
        if not self._buffered() and not self._poll.poll(None if timeout is None else math.ceil(timeout * 1000)):
            raise TimeoutError
        while True:
            try:
                data = recv(READ_SIZE)
                return data if len(data) != RECORD else self.read_records(data)
            except WOULD_WAIT_FOR_INPUT:
                pass  # part of a TLS record
            if timeout is not None:
                timeout = 0 if deadline is None else deadline - time.monotonic()
                if timeout <= 0:
                    raise TimeoutError
            if not self._poll.poll(None if timeout is None else math.ceil(timeout * 1000)):
                raise TimeoutError

    def write(self, data: bytes) -> None:
        """Write all octets, within ``stream_timeout``; see `BatchingSocket.write`."""
        if self.rest:
            data, self.rest = self.rest + data, b""
        try:
            sent = self.sock.send(data)
            if sent < len(data):
                self._write_rest(memoryview(data)[sent:])
        except _WAIT_FOR_OUTPUT:
            self._write_rest(memoryview(data))
        except OSError as exc:
            self.protocol.closed = True
            raise HTTP2ConnectionError(f"Socket write error: {exc}") from exc

    def _write_rest(self, data: memoryview) -> None:
        """Write the octets that the socket did not accept at once, within ``stream_timeout``."""
        send = self.sock.send
        timeout = self.protocol.options.stream_timeout
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
                # No further send() after the time-out: a full socket may still accept a few octets.
                if not poll.poll(None if timeout is None else math.ceil(timeout * 1000)):
                    raise TimeoutError("the peer does not read")
        except OSError as exc:
            self.protocol.closed = True
            raise HTTP2ConnectionError(f"Socket write error: {exc}") from exc
