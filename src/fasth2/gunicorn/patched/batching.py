"""Complete responses, and responses to the requests of one read, share writes."""
from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from gunicorn.http2.errors import HTTP2ConnectionError, HTTP2ErrorCode
from gunicorn.http2.stream import StreamState

from fasth2.exceptions import NoSuchStreamError, ProtocolError
from fasth2.gunicorn.dropin import connection
from fasth2.gunicorn.refusing import RefusedRequest, is_malformed, refusal_for
from fasth2.server._protocol import ANY_STREAM

from .sockets import WOULD_WAIT_FOR_INPUT, BatchingSocket

__all__ = ["BatchingConnection"]

_CLOSED = StreamState.CLOSED


class BatchingConnection(connection.HTTP2ServerConnection):
    """A connection whose worker tells when a response is complete and whether another request is pending.

    A complete response is held in the engine while `more_waiting` is set, that
    is, while another request is served next. It is sent with the next write, or by
    `flush`. Nothing else is held.

    Args:
        cfg: gunicorn's configuration.
        sock: The client's socket.
        client_addr: The client's address.
        socket_class: The class that reads and writes the socket.
    """

    ends_with_peer = False
    waits_for_uploads = True
    adapts_windows = True
    #: The worker lingers.
    lingers = False

    #: Largest number of octets of held responses.
    HELD_SIZE = 16384

    #: Least number of seconds between two PING probes of a peer that has closed its sending side.
    PROBE_INTERVAL = 1.0

    def __init__(
        self, cfg: Any, sock: Any, client_addr: Any, socket_class: type[BatchingSocket] = BatchingSocket
    ) -> None:
        super().__init__(cfg, sock, client_addr)
        self.io = socket_class(sock, self.protocol)
        # Instance attributes, to save a call for each read and write.
        self._recv = self.io.recv  # type: ignore[method-assign]
        self._write = self.io.write  # type: ignore[method-assign]
        #: True if another pending request is served next.
        self.more_waiting = False
        #: Time at which the oldest held response was complete, as `time.monotonic`; 0 for none.
        self.held_since = 0.0
        #: The last stream whose response was aborted after its head was sent.
        self.last_cut_off = 0
        #: True to return requests that gunicorn's rules refuse, as `RefusedRequest`.
        self.hands_out_refused = False
        #: Called with the exception of each malformed request, whose stream is reset.
        self.on_malformed: Callable[[Exception], None] | None = None
        # Time of the last PING probe, as `time.monotonic`.
        self._probed = 0.0
        # True if `process_input` has seen the end of the input.
        self._has_ended = False
        #: Called at intervals while a response is sent in parts.
        self.on_poll: Callable[[], None] | None = None
        # Octets of held bodies.
        self._held_size = 0

    @property
    def sock(self) -> Any:
        """The socket that is read and written."""
        return self.io.sock

    @sock.setter
    def sock(self, sock: Any) -> None:
        io = self.__dict__.get("io")
        # The base class assigns it before `io` exists.
        if io is not None:
            io.sock = sock

    def send_whole(self, stream_id: int, status: int, fields: list[tuple[str, str]], body: bytes) -> bool:
        """Send a complete response in one write, or hold it.

        Args:
            stream_id: The stream.
            status: The final status.
            fields: ``(name, value)`` pairs, names in lower case.
            body: The body, possibly empty.

        Returns:
            True if the stream was there and the peer accepted all in time.

        Raises:
            HTTP2Error: Fields that HTTP/2 does not allow; nothing was sent.
            HTTP2ConnectionError: The socket failed.
        """
        stream = self.protocol.streams.get(stream_id)
        if stream is None or stream.state is _CLOSED or stream.response_headers_sent:
            return False
        if self._held is not None:
            self._release()
        size = len(body)
        hold = False
        # A stream with an incomplete request is reset after its response, which
        # would discard held output.
        if self.more_waiting and stream.request_complete and size + self._held_size <= self.HELD_SIZE:
            hold = self._fits(stream_id, size)
        if not self._respond(stream, status, fields, body, True):
            return False
        if hold:
            self._held_size += size
            if not self.held_since:
                self.held_since = time.monotonic()
        elif size:
            self.held_since = 0.0
            self._held_size = 0
            sent = self._drain(stream_id, size)
            if sent <= 0:
                self.last_cut_off = stream_id
            if sent == 0:
                stream.response_started = stream.response_headers_sent = True
                self.abort_stream(stream_id, HTTP2ErrorCode.CANCEL)
                return False
            if sent < 0:
                self.cleanup_stream(stream_id)
                return False
        else:
            self._send_pending_data()
        stream.end_response()
        return True

    def _fits(self, stream_id: int, size: int) -> bool:
        """Return True if the windows allow a body in addition to the held ones."""
        try:
            return bool(self.protocol.engine.local_flow_control_window(stream_id) >= self._held_size + size)
        except (NoSuchStreamError, ProtocolError):
            return False

    def cleanup_stream(self, stream_id: int) -> None:
        """Release a stream at the end of its request; `Serving` polls the input between requests.

        Args:
            stream_id: The stream; an unknown one is ignored.
        """
        if self._held is not None:
            self._drop_held(stream_id)
        self.protocol.release(stream_id, self)

    def poll_input(self) -> None:
        """Process available input without waiting; at most once in `POLL_INTERVAL`, which each read begins anew."""
        self._poll_input()

    def is_awaited(self, stream_id: int) -> bool:
        """Return True unless the stream was reset or the connection is gone; polls the input.

        Args:
            stream_id: The stream.
        """
        self._poll_input()
        if self._polled_at == math.inf:
            self._probe()
        stream = self.protocol.streams.get(stream_id)
        return not self.protocol.closed and stream is not None and stream.state is not _CLOSED

    def _probe(self) -> None:
        """Probe with a PING whether a peer that has closed its sending side still reads: writing to a dead one fails.

        At most once in `PROBE_INTERVAL`.
        """
        now = time.monotonic()
        if self.protocol.closed or now - self._probed < self.PROBE_INTERVAL:
            return
        self._probed = now
        try:
            self.protocol.engine.ping(b"present?")
            self._send_pending_data()
        except (HTTP2ConnectionError, ProtocolError):
            self._connection_lost()

    def _request_refused(self, stream: Any, exc: Exception, requests: list[Any]) -> None:
        if self.hands_out_refused and not is_malformed(exc):
            self.protocol.streams[stream.stream_id] = stream
            requests.append(RefusedRequest(stream, refusal_for(exc)))
        else:
            if self.on_malformed is not None:
                self.on_malformed(exc)
            super()._request_refused(stream, exc, requests)

    def send_queued(self) -> None:
        """Write the engine's output.

        Raises:
            HTTP2ConnectionError: The socket failed.
        """
        self._send_pending_data()

    # While the application runs

    def process_input(self) -> bool:
        """Process available input, so that PINGs and SETTINGS are answered; never waits.

        For another thread or greenlet than the one that serves the connection,
        while the application runs. The caller holds the lock. Requests go to
        ``pending_requests``.

        Returns:
            True if there was input.
        """
        found = False
        for _ in range(self.POLL_READS):
            if self.protocol.closed or self._has_ended:
                break
            try:
                data = self.io.recv_now()
            except WOULD_WAIT_FOR_INPUT:
                break
            except OSError:
                data = b""
            if not data:
                # The peer may still read. Errors are left to the thread that serves the connection.
                self._has_ended = True
                break
            found = True
            self.protocol.pending_requests.extend(self._process(data))
        self.io.write_now()
        return found

    def has_input(self) -> bool:
        """Return True if there is input that a poll of the socket does not report."""
        pending = getattr(self.sock, "pending", None)
        return bool(self.protocol.pending or self.protocol.error or (pending is not None and pending()))

    def _on_poll(self) -> None:
        if self.on_poll is not None:
            self.on_poll()

    def close(self, error_code: int = 0x0, last_stream_id: int | None = None) -> None:
        """Send GOAWAY if the socket still works, and mark the connection closed; once.

        Args:
            error_code: An RFC 9113 section 7 code.
            last_stream_id: The last stream that was or will be served; the last one that arrived when ``None``.
        """
        named = self.protocol.refused_above
        if named is not None and named != ANY_STREAM:
            # RFC 9113 section 6.8: a later GOAWAY must not name a later stream.
            last_stream_id = named if last_stream_id is None else min(named, last_stream_id)
        super().close(error_code, last_stream_id)

    def receive_within(self, wait: float | None) -> list[Any] | None:
        """Wait for input and return the new requests.

        Args:
            wait: Seconds; ``None``: no limit.

        Returns:
            The result of `receive_data`, or ``None`` if nothing arrived in time.

        Raises:
            HTTP2ProtocolError: As `receive_data`.
            HTTP2ConnectionError: As `receive_data`.
        """
        protocol = self.protocol
        if protocol.pending or protocol.closed:
            return self.receive_data()
        self._keep_requests = False
        self._send_pending_data()
        try:
            data = self._recv(wait)
        except TimeoutError:
            return None
        except OSError as exc:
            self._connection_lost()
            raise HTTP2ConnectionError(f"Socket read error: {exc}") from exc
        if not data:
            self._connection_lost()
            return []
        # A poll soon after a read would find a part of what the peer sends next, whose responses would then be sent in
        # two writes from there on.
        self._polled_at = time.monotonic()
        return self.receive_data(data)

    def take_waiting(self) -> list[Any]:
        """Take the pending requests."""
        return self.protocol.take_pending()

    def next_deadline_from(self, idle_since: float) -> float:
        """Return the time at which to call `give_up`, or `close` if that finds nothing; `math.inf`: never.

        Args:
            idle_since: Time of the last relevant input, as `time.monotonic`.
        """
        limit = self.protocol.options.stream_timeout if self.incomplete() else self.protocol.own_idle_limit()
        end = math.inf if limit is None else idle_since + limit
        upload = self.protocol.unread_deadline()
        return end if upload is None else min(end, upload)

    def give_up(self) -> bool:
        """Reset the streams whose request is incomplete, answered or not; return True if there were any.

        Raises:
            HTTP2ConnectionError: The socket failed.
        """
        incomplete = self.incomplete()
        for stream_id in incomplete:
            self.abort_stream(stream_id, HTTP2ErrorCode.CANCEL)
        return self.protocol.end_unread(self) or bool(incomplete)

    def incomplete(self) -> list[int]:
        """Return the streams whose request is incomplete.

        Under gunicorn versions that dispatch requests on their headers, there are
        none once the dispatched ones are served.
        """
        return [stream_id for stream_id, stream in self.protocol.streams.items() if not stream.request_complete]

    def flush(self) -> None:
        """Write held responses.

        Raises:
            HTTP2ConnectionError: The socket failed.
        """
        if self.held_since:
            self._send_pending_data()

    def _send_pending_data(self) -> None:
        self.held_since = 0.0
        self._held_size = 0
        io = self.io
        if io.rest:
            rest, io.rest = io.rest, b""
            self._write(rest)
        super()._send_pending_data()

    def _drain(self, stream_id: int, left: int) -> int:
        if self.io.rest:
            self._send_pending_data()
        return super()._drain(stream_id, left)
