"""What the blocking connection classes share: the socket and its time-outs.

Knows no request class and no gunicorn; subclasses say what a request is,
when it is handed out and what a failed send looks like to the caller.
"""
from __future__ import annotations

import math
import time
from typing import Any

from fasth2.exceptions import ProtocolError

from ._progress import MIN_RATE, SendProgress
from ._protocol import Options, ServerProtocol, held, held_option

__all__ = ["BlockingConnection"]

#: Shortest wait handed to settimeout(), in seconds: 0 would make the socket
#: non-blocking.
_SHORTEST_WAIT = 0.001


class BlockingConnection:
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

    # The attributes of the protocol that hosts read, and assign.
    h2_conn: Any = held("engine")
    streams: dict[int, Any] = held("streams")
    pending_requests: list[Any] = held("pending_requests")
    initial_window_size: int = held_option("initial_window_size")
    max_concurrent_streams: int = held_option("max_concurrent_streams")
    max_frame_size: int = held_option("max_frame_size")
    max_header_list_size: int = held_option("max_header_list_size")
    stream_timeout: float | None = held_option("stream_timeout")
    idle_timeout: float | None = held_option("idle_timeout")
    unread_upload_octets: int = held_option("unread_upload_octets")
    unread_upload_seconds: float = held_option("unread_upload_seconds")
    draining: bool = held("draining")
    counters: dict[str, int] = held("counters", read_only=True)
    is_closed: bool = held("closed", read_only=True)
    _closed: bool = held("closed")
    errors: Any = held_option("errors")
    closed_state: Any = held_option("closed_state")
    _initialized: bool = held("initialized")

    #: The last stream id of the peer's GOAWAY, which speaks of streams that this side opened; ``None`` before.
    peer_last_stream_id: int | None = None

    #: What the connection is to the engine.
    protocol: ServerProtocol

    #: Octets one write is given at most, as far as frames allow.
    WRITE_BLOCK_SIZE = 65536

    #: Octets a second that a peer must take of a response it keeps waiting.
    #: A response that has waited for `stream_timeout` in all is cancelled when
    #: it was slower, so that a window opened an octet at a time does not hold
    #: a thread or a task for ever. 0 switches this off.
    MIN_SEND_RATE = MIN_RATE

    #: Octets a second that a peer must send of a request's body that a thread
    #: waits for, once that has taken `stream_timeout` in all. 0 switches this off.
    MIN_RECEIVE_RATE = MIN_RATE

    #: Octets one ``recv`` asks for.
    READ_BUFFER_SIZE = 65536

    #: Seconds of sending after which it looks for what the peer has
    #: sent, so that a peer whose window stays open can cancel a long response
    #: and has its PINGs answered meanwhile.
    POLL_INTERVAL = 0.1

    #: How often it reads then at most. Over TLS a read returns one record, and a
    #: reset may be behind others.
    POLL_READS = 64

    # The limit that ends the connection, for GOAWAY's debug data.
    _limit_crossed: bytes | None = None

    def __init__(self, cfg: Any, sock: Any, client_addr: Any) -> None:
        self.cfg = cfg
        self.client_addr = client_addr
        self.protocol = ServerProtocol(self._make_options(cfg))
        self.sock = sock
        # When the socket was last looked at while a response was being sent.
        self._polled_at = time.monotonic()

    def _make_options(self, cfg: Any) -> Options:
        raise NotImplementedError

    # What the protocol calls (`fasth2.server._protocol.Handler`)

    def _request_received(self, item: Any, requests: list[Any]) -> None:
        raise NotImplementedError

    def _large_request_received(self, item: Any, requests: list[Any]) -> None:
        raise NotImplementedError

    def _data_received(self, item: Any, requests: list[Any]) -> None:
        raise NotImplementedError

    def _trailers_received(self, item: Any, requests: list[Any]) -> None:
        raise NotImplementedError

    def _handed_out(self, stream: Any) -> bool:
        return True

    def _goaway_read(self, last_stream_id: int) -> None:
        self.peer_last_stream_id = last_stream_id

    def _connection_lost(self) -> None:
        self.protocol.closed = True

    def _close_quietly(self) -> None:
        self.close()

    def _send_quietly(self) -> None:
        if not self.protocol.closed:
            try:
                self._send_pending_data()
            except self.protocol.options.errors.HTTP2ConnectionError:
                pass  # the connection is marked closed

    def _process(self, data: bytes) -> list[Any]:
        return self.protocol.receive(data, self)

    def initiate_connection(self) -> None:
        """Send this side's SETTINGS; a second call does nothing.

        Raises:
            HTTP2ConnectionError: The socket failed.
        """
        if self.protocol.initialized:
            return
        self._advertise()
        self._send_pending_data()

    def _advertise(self) -> None:
        self.protocol.advertise()

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
        timeout = self.protocol.options.stream_timeout
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
            self.protocol.closed = True
            raise self.protocol.options.errors.HTTP2ConnectionError(f"Socket write error: {exc}") from exc

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
        pull = self.protocol.engine.pull
        data = pull(size)
        while data:
            self._write(data)
            if len(data) * 2 < size:
                return
            data = pull(size)

    # Sending

    def _poll_input(self) -> None:
        """Take in what the peer has sent, without waiting for it; at most once in `POLL_INTERVAL`.

        Requests that arrived go to ``pending_requests``. What the socket has
        to say of its own end is left to the write that follows.
        """
        now = time.monotonic()
        if now - self._polled_at < self.POLL_INTERVAL or self.protocol.closed:
            return
        self._polled_at = now
        self._on_poll()
        if getattr(self.sock, "settimeout", None) is None:
            return  # it could only wait
        for _ in range(self.POLL_READS):
            try:
                data = self._recv(_SHORTEST_WAIT)
            except TimeoutError:
                return
            except OSError:
                data = b""
            if not data:
                # The peer sends no more; it may still be reading.
                self._polled_at = math.inf
                return
            self.protocol.pending_requests.extend(self._process(data))
            if self.protocol.closed:
                self._send_remaining()
                return

    def _on_poll(self) -> None:
        """Called about every `POLL_INTERVAL` while a response is sent in parts."""

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
        h2 = self.protocol.engine
        size = self.WRITE_BLOCK_SIZE
        progress = None
        while True:
            data = h2.pull(size)
            if data:
                self._write(data)
            if not left:
                return 1
            left = h2.unsent(stream_id)
            if not left:
                return 1
            if len(data) * 2 >= size:
                continue
            deadline = None
            if (timeout := self.protocol.options.stream_timeout) is not None:
                now = time.monotonic()
                if progress is None:
                    progress = SendProgress(left, now)
                else:
                    progress.update(left, now)
                deadline = progress.deadline(timeout, self.MIN_SEND_RATE)
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
        h2 = self.protocol.engine
        while True:
            if self.protocol.closed or self.protocol.is_gone(stream_id):
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
            except (OSError, self.protocol.options.errors.HTTP2ConnectionError) as exc:
                if deadline is not None and isinstance(exc, TimeoutError):
                    continue
                data = b""
            if not data:
                self._connection_lost()
                return -1
            self.protocol.pending_requests.extend(self._process(data))
            if self.protocol.closed:
                # The GOAWAY that says why.
                self._send_remaining()

    def _send_remaining(self) -> None:
        """Send what is left once the connection is over, as far as that goes."""
        try:
            self._send_pending_data()
        except self.protocol.options.errors.HTTP2ConnectionError:
            pass

    # Ending

    def close(self, error_code: int = 0x0, last_stream_id: int | None = None) -> None:
        """Send GOAWAY, as far as the socket lets it, and mark the connection closed; once.

        Args:
            error_code: An RFC 9113 section 7 code.
            last_stream_id: The last stream that was or will be served; the
                last one that arrived when ``None``.
        """
        if self.protocol.closed:
            return
        self.protocol.end(error_code, last_stream_id, self._limit_crossed)
        self._send_remaining()
        self._connection_lost()

    def _cut_off(self, stream: Any) -> bool:
        """Reset a stream that is not over; return True if that was needed."""
        return self.protocol.cut_off(stream)

    def cleanup_stream(self, stream_id: int) -> None:
        """Forget a stream; the application is done with it.

        A response that was never finished is cut off with
        RST_STREAM(INTERNAL_ERROR), since nothing else could end it. After the
        peer's GOAWAY the last stream closes the connection.

        Args:
            stream_id: The stream; an unknown one is ignored.
        """
        protocol = self.protocol
        stream = protocol.streams.pop(stream_id, None)
        if stream is None:
            return
        if protocol.unreleased:
            protocol.unreleased.discard(stream_id)
        if stream.state is not protocol.options.closed_state and self._cut_off(stream):
            self._send_quietly()
        if protocol.streams:
            # A request that waits for its turn may have been reset meanwhile.
            self._poll_input()
        elif protocol.draining and not protocol.pending:
            self._close_quietly()

    def __repr__(self) -> str:
        return f"<HTTP2ServerConnection streams={len(self.protocol.streams)} closed={self.protocol.closed}>"
