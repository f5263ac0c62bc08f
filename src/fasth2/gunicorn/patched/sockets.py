"""A connection's socket, as the workers read and write it; a `BatchingConnection` holds one."""
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

#: Octets of a full TLS record. A read returns one record at most.
RECORD = 16384

#: Octets that one read asks for.
READ_SIZE = 65536

#: How often `BatchingSocket.write_now` writes at most.
_WRITES = 64

#: What a read raises that finds nothing and may not wait.
WOULD_WAIT_FOR_INPUT = (BlockingIOError, ssl.SSLWantReadError)

_WAIT_FOR_OUTPUT = (BlockingIOError, ssl.SSLWantWriteError)


class BatchingSocket:
    """A socket with time-outs that reads all records that are there.

    Args:
        sock: The client's socket.
        protocol: The connection's; a write that fails closes it.
    """

    __slots__ = ("protocol", "rest", "sock")

    def __init__(self, sock: Any, protocol: ServerProtocol) -> None:
        self.sock = sock
        self.protocol = protocol
        #: What was to be written while the socket took nothing, and goes before all else.
        self.rest = b""

    def recv(self, timeout: float | None) -> Any:
        """Read once, and on after a full record.

        Args:
            timeout: Seconds to wait; ``None``: as long as it takes.

        Raises:
            OSError: The socket failed; `TimeoutError` where nothing came in time.
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
            OSError: The socket failed; one of `WOULD_WAIT_FOR_INPUT` where nothing is there.
        """
        set_timeout(self.sock, 0.0)
        return self.sock.recv(READ_SIZE)

    def read_records(self, data: bytes) -> bytes:
        """Read on after a full record, without waiting: more are likely there, and one write credits them all.

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
            pass  # the next read says so, when these have been served
        return b"".join(parts)

    def write(self, data: bytes) -> None:
        """Write all, for ``stream_timeout`` at most, whatever the last read's time-out was.

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
        """Write what the engine has to send, as far as the socket takes it at once."""
        for _ in range(_WRITES):
            data = self.rest or self.protocol.engine.pull(RECORD)
            if not data:
                return
            try:
                set_timeout(self.sock, 0.0)
                sent = self.sock.send(data)
            except OSError:
                # No room, or the peer is gone, as the next write finds out.
                sent = 0
            self.rest = bytes(data[sent:])
            if self.rest:
                return


class PolledSocket(BatchingSocket):
    """A socket that never blocks and is polled, for workers with threads.

    Time-outs cost no system call, and no peer that sends or takes an octet
    now and then makes one longer.
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
        """Go on after others have used the socket."""
        self.sock.setblocking(False)

    def recv(self, timeout: float | None) -> Any:
        """Read once, and on after a full record; as `BatchingSocket.recv`."""
        recv = self.sock.recv
        if timeout is not None:
            timeout = max(timeout, 0.0)  # a poll takes less for no end
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
        """Write all, for ``stream_timeout`` at most; as `BatchingSocket.write`."""
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
        """Write what the socket did not take at once, within ``stream_timeout``."""
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
                # Not another try: a socket without room for a poll takes a little now and then all the same.
                if not poll.poll(None if timeout is None else math.ceil(timeout * 1000)):
                    raise TimeoutError("the peer takes nothing")
        except OSError as exc:
            self.protocol.closed = True
            raise HTTP2ConnectionError(f"Socket write error: {exc}") from exc
