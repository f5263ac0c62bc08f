"""What the blocking connection classes share: the socket and its time-outs.

Knows no request class and no gunicorn; subclasses say what a request is,
when it is handed out and what a failed send looks like to the caller.
"""
from __future__ import annotations

import math
import time
from typing import Any

from fasth2.exceptions import ProtocolError

from ._engine_turns import EngineTurns

__all__ = ["BlockingConnection"]

#: Shortest wait handed to settimeout(), in seconds: 0 would make the socket
#: non-blocking.
_SHORTEST_WAIT = 0.001


class BlockingConnection(EngineTurns):
    """A server's HTTP/2 connection over a blocking socket; one thread at a time.

    Args:
        cfg: Provides ``http2_initial_window_size``,
            ``http2_max_concurrent_streams``, ``http2_max_frame_size``,
            ``http2_max_header_list_size`` (octets; 0: not advertised) and,
            where present, ``timeout`` and ``keepalive`` (seconds; 0: none).
        sock: A connected socket: ``recv`` and ``sendall``, and ``settimeout``
            where time-outs are wanted.
        client_addr: The peer's address, kept.
    """

    looks_between_requests = True

    #: Octets one ``recv`` asks for.
    READ_BUFFER_SIZE = 65536

    #: Seconds of sending after which it looks for what the peer has
    #: sent, so that a peer whose window stays open can cancel a long response
    #: and has its PINGs answered meanwhile.
    GLANCE_INTERVAL = 0.1

    #: How often it reads then at most. Over TLS a read returns one record, and a
    #: reset may be behind others.
    GLANCE_READS = 64

    # The limit that ends the connection, for GOAWAY's debug data.
    _limit_crossed: bytes | None = None

    def __init__(self, cfg: Any, sock: Any, client_addr: Any) -> None:
        super().__init__(cfg, client_addr)
        self.sock = sock
        # When the socket was last looked at while a response was being sent.
        self._glanced = time.monotonic()

    def initiate_connection(self) -> None:
        """Send this side's SETTINGS; a second call does nothing.

        Raises:
            HTTP2ConnectionError: The socket failed.
        """
        if self._initialized:
            return
        self._advertise()
        self._initialized = True
        self._send_pending_data()

    # The socket

    def _recv(self, timeout: float | None) -> Any:
        """Read once. A wait longer than `timeout` seconds raises TimeoutError."""
        sock = self.sock
        set_timeout = getattr(sock, "settimeout", None)
        if timeout is None or set_timeout is None:
            return sock.recv(self.READ_BUFFER_SIZE)
        before = self._swap_timeout(sock, set_timeout, max(timeout, _SHORTEST_WAIT))
        try:
            return sock.recv(self.READ_BUFFER_SIZE)
        finally:
            self._restore_timeout(set_timeout, before)

    def _write(self, data: bytes) -> None:
        sock = self.sock
        timeout = self.stream_timeout
        set_timeout = getattr(sock, "settimeout", None)
        try:
            if timeout is None or set_timeout is None:
                sock.sendall(data)
                return
            before = self._swap_timeout(sock, set_timeout, timeout)
            try:
                sock.sendall(data)
            finally:
                self._restore_timeout(set_timeout, before)
        except OSError as exc:
            # Nobody knows how much went out.
            self._closed = True
            raise self.errors.HTTP2ConnectionError(f"Socket write error: {exc}") from exc

    @staticmethod
    def _swap_timeout(sock: Any, set_timeout: Any, timeout: float) -> float | None:
        get_timeout = getattr(sock, "gettimeout", None)
        before = None if get_timeout is None else get_timeout()
        set_timeout(timeout)
        return before

    @staticmethod
    def _restore_timeout(set_timeout: Any, before: float | None) -> None:
        try:
            set_timeout(before)
        except OSError:
            pass  # closed meanwhile; the call that failed for it says so

    def _send_pending_data(self) -> None:
        """Write what the engine has to send.

        Raises:
            HTTP2ConnectionError: The socket failed.
        """
        size = self.WRITE_BLOCK_SIZE
        pull = self.h2_conn.pull
        data = pull(size)
        while data:
            self._write(data)
            if len(data) * 2 < size:
                return
            data = pull(size)

    def _send_quietly(self) -> None:
        if not self._closed:
            try:
                self._send_pending_data()
            except self.errors.HTTP2ConnectionError:
                pass  # the connection is marked closed

    # Sending

    def _glance(self) -> None:
        """Take in what the peer has sent, without waiting for it; at most once in `GLANCE_INTERVAL`.

        Requests that arrived go to ``pending_requests``. What the socket has
        to say of its own end is left to the write that follows.
        """
        now = time.monotonic()
        if now - self._glanced < self.GLANCE_INTERVAL or self._closed:
            return
        self._glanced = now
        self._looked()
        if getattr(self.sock, "settimeout", None) is None:
            return  # it could only wait
        for _ in range(self.GLANCE_READS):
            try:
                data = self._recv(_SHORTEST_WAIT)
            except TimeoutError:
                return
            except OSError:
                data = b""
            if not data:
                # The peer sends no more; it may still be reading.
                self._glanced = math.inf
                return
            self.pending_requests.extend(self._process(data))
            if self._closed:
                self._last_words()
                return

    def _looked(self) -> None:
        """Called about every `GLANCE_INTERVAL` while a response is sent in parts."""

    def _drain(self, stream_id: int, left: int) -> int:
        """Send what is queued, waiting for window as long as it takes.

        Args:
            stream_id: The stream.
            left: Its unsent octets.

        Returns:
            1 when all was sent, 0 when the peer did not take it in time, -1
            when the stream or the connection is gone.

        Raises:
            HTTP2ConnectionError: The socket failed while writing.
        """
        h2 = self.h2_conn
        size = self.WRITE_BLOCK_SIZE
        started = progress = None
        first = left
        while True:
            data = h2.pull(size)
            if data:
                self._write(data)
            if not left:
                return 1
            before, left = left, h2.unsent(stream_id)
            if not left:
                return 1
            if len(data) * 2 >= size:
                continue
            deadline = None
            if self.stream_timeout is not None:
                now = time.monotonic()
                if started is None:
                    started = now
                    first = left
                if progress is None or left < before:
                    progress = now
                deadline = progress + self.stream_timeout
                if self.MIN_SEND_RATE:
                    deadline = min(deadline, started + self.stream_timeout + (first - left) / self.MIN_SEND_RATE)
            window = self._wait_for_flow_control_window(stream_id, deadline)
            if window <= 0:
                return window

    def _wait_for_flow_control_window(self, stream_id: int, deadline: float | None = None) -> int:
        """Read frames until the stream may send.

        Requests that arrive meanwhile go to ``pending_requests``.

        Args:
            stream_id: The stream.
            deadline: When to give up, as `time.monotonic` counts.

        Returns:
            The octets it may send; 0 after the deadline; -1 when the stream or
            the connection is gone.
        """
        h2 = self.h2_conn
        while True:
            if self._closed or self._gone(stream_id):
                return -1
            try:
                window = h2.local_flow_control_window(stream_id)
            except ProtocolError:
                return -1
            if window > 0:
                return window
            timeout = None
            if deadline is not None:
                timeout = deadline - time.monotonic()
                if timeout <= 0:
                    return 0
            try:
                self._send_pending_data()
                data = self._recv(timeout)
            except (OSError, self.errors.HTTP2ConnectionError) as exc:
                if deadline is not None and isinstance(exc, TimeoutError):
                    continue
                data = b""
            if not data:
                self._connection_lost()
                return -1
            self.pending_requests.extend(self._process(data))
            if self._closed:
                # The GOAWAY that says why.
                self._last_words()

    def _last_words(self) -> None:
        """Send what is left once the connection is over, as far as that goes."""
        try:
            self._send_pending_data()
        except self.errors.HTTP2ConnectionError:
            pass

    # Ending

    def close(self, error_code: int = 0x0, last_stream_id: int | None = None) -> None:
        """Send GOAWAY, as far as the socket lets it, and mark the connection closed; once.

        Args:
            error_code: An RFC 9113 section 7 code.
            last_stream_id: The last stream that was or will be served; the
                last one that arrived when ``None``.
        """
        if self._closed:
            return
        self._closed = True
        try:
            self.h2_conn.close_connection(
                error_code=error_code, additional_data=self._limit_crossed, last_stream_id=last_stream_id
            )
        except ProtocolError:
            pass  # the engine has ended the connection already
        self._last_words()
        self._connection_lost()

    def _close_quietly(self) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<HTTP2ServerConnection streams={len(self.streams)} closed={self._closed}>"
