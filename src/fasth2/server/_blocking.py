"""The common base of blocking connection classes: the socket and its time-outs.

Subclasses define the request class, when requests are returned, and how a
failed send is reported to the caller.
"""
from __future__ import annotations

import math
import socket
import time
from typing import Any

from fasth2.exceptions import ProtocolError

from ._closing import linger
from ._holder import HolderAttributes, holds_protocol
from ._progress import MIN_RATE, SendProgress
from ._protocol import ServerProtocol

__all__ = ["BlockingConnection"]

#: Shortest time-out passed to settimeout(), in seconds: 0 would make the
#: socket non-blocking.
_SHORTEST_WAIT = 0.001


@holds_protocol
class BlockingConnection(HolderAttributes):
    """A server's HTTP/2 connection over a blocking socket; one thread at a time.

    Args:
        cfg: Provides ``http2_initial_window_size``,
            ``http2_max_concurrent_streams``, ``http2_max_frame_size``,
            ``http2_max_header_list_size`` (octets; 0: not advertised) and,
            if present, ``timeout`` and ``keepalive`` (seconds; 0: none).
            sock: A connected socket: ``recv`` and ``sendall``, and ``settimeout``
            for time-outs.
        client_addr: The peer's address, kept.
    """

    #: Largest number of octets of one write, up to the end of a frame.
    WRITE_BLOCK_SIZE = 65536

    #: Octets a second that a peer must accept of a response. A response that
    #: has waited for `stream_timeout` in all is cancelled if it was slower, so
    #: that a window opened by single octets does not hold a thread or a task for
    #: ever. 0: no minimum.
    MIN_SEND_RATE = MIN_RATE

    #: Octets a second that a peer must send of a request's body, once a thread
    #: has waited `stream_timeout` for it in all. 0: no minimum.
    MIN_RECEIVE_RATE = MIN_RATE

    #: Bytes of one ``recv``.
    READ_BUFFER_SIZE = 65536

    #: Seconds of sending after which the input is polled, so that a peer whose
    #: window stays open can cancel a long response, and has its PINGs answered.
    POLL_INTERVAL = 0.1

    #: Largest number of reads of one poll. Over TLS a read returns one record, and
    #: a RST_STREAM may follow other records.
    POLL_READS = 64

    #: True if the socket is read on for a while after an error (lingering close); False if the caller does that.
    lingers = True

    # Name of the limit that ends the connection, for GOAWAY's debug data.
    _limit_crossed: bytes | None = None

    def __init__(self, cfg: Any, sock: Any, client_addr: Any) -> None:
        self.cfg = cfg
        self.client_addr = client_addr
        self.protocol = ServerProtocol(self._make_options(cfg))
        self.sock = sock
        # Time of the last poll, or of a later read that makes it needless; `math.inf` at the end of the input.
        self._polled_at = time.monotonic()

    # Called by the protocol (`fasth2.server._handler.Handler`)

    def _connection_lost(self) -> None:
        self.protocol.closed = True
        self.protocol.give_back_growth()

    def _close_quietly(self) -> None:
        self.close()

    def _send_quietly(self) -> None:
        if not self.protocol.closed:
            try:
                self._send_pending_data()
            except self.protocol.options.errors.HTTP2ConnectionError:
                pass  # the connection is marked closed

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
        """Read once. Raises TimeoutError after `timeout` seconds."""
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
        protocol = self.protocol
        timeout = protocol.options.stream_timeout
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
            # It is unknown how much was sent.
            protocol.closed = True
            protocol.give_back_growth()
            raise protocol.options.errors.HTTP2ConnectionError(f"Socket write error: {exc}") from exc

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
            pass  # the socket is closed, which the failed call reports

    def _send_pending_data(self) -> None:
        """Write the engine's output.

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
        """Process available input without waiting; at most once in `POLL_INTERVAL`.

        New requests go to ``pending_requests``. Errors of the socket are left to
        the next write.
        """
        now = time.monotonic()
        if now - self._polled_at < self.POLL_INTERVAL or self.protocol.closed:
            return
        self._polled_at = now
        self._on_poll()
        if getattr(self.sock, "settimeout", None) is None:
            return  # a read would block
        for _ in range(self.POLL_READS):
            try:
                data = self._recv(_SHORTEST_WAIT)
            except TimeoutError:
                return
            except OSError:
                data = b""
            if not data:
                # The peer sends no more; it may still read.
                self._polled_at = math.inf
                return
            self.protocol.pending_requests.extend(self._process(data))
            if self.protocol.closed:
                self._send_remaining()
                return

    def _on_poll(self) -> None:
        """Called at each poll while a response is sent in parts."""

    def _drain(self, stream_id: int, left: int) -> int:
        """Send a stream's queued body, waiting for window.

        Args:
            stream_id: The stream.
            left: Its unsent octets.

        Returns:
            1 if all was sent, 0 if the peer did not accept it in time, -1 if
            the stream or the connection is gone.

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
        """Read frames until the stream's window opens.

        Requests that arrive meanwhile go to ``pending_requests``.

        Args:
            stream_id: The stream.
            deadline: Time at which to give up, as `time.monotonic`.

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
                # The GOAWAY with the error.
                self._send_remaining()

    def _send_remaining(self, error_code: int = 0x0) -> None:
        """Send the remaining output of a closed connection, ignoring socket errors.

        Args:
            error_code: The error that ends the connection, if the protocol has none.
        """
        try:
            self._send_pending_data()
        except self.protocol.options.errors.HTTP2ConnectionError:
            return
        # The peer did not expect this end, and may be sending; other objects in a socket's place have no kernel.
        if self.lingers and (error_code or self.protocol.error is not None) and isinstance(self.sock, socket.socket):
            linger(self.sock)

    # Ending

    def close(self, error_code: int = 0x0, last_stream_id: int | None = None) -> None:
        """Send GOAWAY if the socket still works, and mark the connection closed; once.

        After an error the socket's sending side is shut down, and input is read
        and discarded until the peer ends its side, for at most two seconds and
        one mebibyte; otherwise the peer could lose what was queued for it
        (RFC 9112 section 9.6). The socket itself is left open.

        Args:
            error_code: An RFC 9113 section 7 code.
            last_stream_id: The last stream that was or will be served; the
                last one that arrived when ``None``.
        """
        if self.protocol.closed:
            return
        self.protocol.end(error_code, last_stream_id, self._limit_crossed)
        self._send_remaining(error_code)
        self._connection_lost()

    def cleanup_stream(self, stream_id: int) -> None:
        """Release a stream at the end of its request.

        A stream with an incomplete response is reset with INTERNAL_ERROR. After
        the peer's GOAWAY the last stream closes the connection.

        Args:
            stream_id: The stream; an unknown one is ignored.
        """
        protocol = self.protocol
        if (
            protocol.release(stream_id, self) is not None and protocol.streams
            and time.monotonic() - self._polled_at >= self.POLL_INTERVAL
        ):
            # A pending request may have been reset meanwhile. The time is looked at here to save a call.
            self._poll_input()

    def __repr__(self) -> str:
        return f"<HTTP2ServerConnection streams={len(self.protocol.streams)} closed={self.protocol.closed}>"
