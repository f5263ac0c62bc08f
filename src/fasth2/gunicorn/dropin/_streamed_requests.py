"""Requests dispatched on their headers; the body is read from the stream as it arrives (gunicorn 27)."""
from __future__ import annotations

import time
from typing import Any

from gunicorn.http.errors import ParseException
from gunicorn.http2.errors import HTTP2ConnectionError, HTTP2ErrorCode, HTTP2ProtocolError

from fasth2.server._blocking import BlockingConnection
from fasth2.server._lazy import lazy
from fasth2.server._progress import BodyWait

from .request import HTTP2Request, policy_of
from .stream import StreamedStream

__all__ = ["StreamedRequests"]


class StreamedRequests(BlockingConnection):
    """The receiving half of gunicorn's connection class, for versions that dispatch requests on their headers.

    The connection's window is credited when octets arrive, a stream's when
    the application has read them.
    """

    #: The lock of a connection that the application and its worker use at the same time; ``None`` without one.
    lock: Any = None

    stream_class = StreamedStream
    request_class = HTTP2Request

    # An upgraded connection's worker ignores what receive_data(bytes) returns.
    _keep_requests = False

    #: Number of reads of request bodies in progress; credit is sent at their end.
    body_reads = 0

    # Octets received and not yet credited to the connection.
    _arrived = 0

    # Octets of bodies received on all streams.
    _body_octets = 0

    def __init__(self, cfg: Any, sock: Any, client_addr: Any) -> None:
        super().__init__(cfg, sock, client_addr)
        # gunicorn's header policy for this peer.
        self._policy = policy_of(cfg, client_addr)

    @lazy
    def _waiting(self) -> BodyWait:
        # Waiting time for the body that is being read.
        return BodyWait()

    def receive_data(self, data: bytes | None = None) -> list[HTTP2Request]:
        """Process received octets and return the new requests.

        Args:
            data: The octets read from the socket; ``None`` to read once here,
                unless requests are pending; empty to return only the pending
                ones, as a stopping worker does.

        Returns:
            The requests whose headers have arrived. Empty when the connection
            has ended, or when nothing arrived for ``idle_timeout``, which ends a
            connection without streams.

        Raises:
            HTTP2ProtocolError: The peer violated the protocol; GOAWAY was sent.
            HTTP2ConnectionError: The socket failed.
        """
        if data is None:
            self._keep_requests = False
            if self.protocol.pending:
                return self.protocol.take_pending()
            if self.protocol.closed:
                self.protocol.raise_error()
                return []
            try:
                data = self._read(self.protocol.idle_limit())
            except TimeoutError:
                if not self.protocol.end_unread(self) and not self.protocol.unread and not self.protocol.streams:
                    self.close()
                return []
            if not data:
                self._connection_lost()
                return []
        elif not data:
            return self.protocol.take_pending()
        requests = self._received(data)
        if self.protocol.pending:
            requests = self.protocol.take_pending() + requests
        if self._keep_requests:
            self.protocol.pending_requests.extend(requests)
            return []
        return requests

    def pump(self, stream_id: int | None = None) -> None:
        """Read once from the socket for a request body that is being read.

        Requests that arrive go to ``pending_requests``.

        Args:
            stream_id: The stream whose body is read; it is reset with CANCEL
                when none of it arrived for ``stream_timeout``, or it arrives
                below `MIN_RECEIVE_RATE`.

        Raises:
            HTTP2ConnectionError: The socket or the connection failed.
        """
        stream = None if stream_id is None else self.protocol.streams.get(stream_id)
        size = 0 if stream is None else stream.body_size
        arrived = self._body_octets
        waiting = self._waiting
        if waiting.stream_id != stream_id:
            waiting = self._waiting = BodyWait(stream_id)
        timeout = self.protocol.options.stream_timeout
        limit = None
        if timeout is not None:
            rate = self.MIN_RECEIVE_RATE if stream is not None else 0
            # Only streams whose request is incomplete share the connection's rate.
            sharing = sum(not each.request_complete for each in self.protocol.streams.values()) if waiting.others else 1
            limit = waiting.left(timeout, rate, sharing)
        start = time.monotonic()
        try:
            data = self._read(limit)
        except TimeoutError:
            if stream_id is not None:
                self.protocol.count("slow_bodies")
                self.abort_stream(stream_id, HTTP2ErrorCode.CANCEL)
            return
        took = time.monotonic() - start
        if not data:
            self._connection_lost()
            return
        try:
            self.protocol.pending_requests.extend(self._received(data))
        except HTTP2ProtocolError as exc:
            # Not an error of the application that reads.
            raise HTTP2ConnectionError(str(exc)) from exc
        own = 0 if stream is None else stream.body_size - size
        waiting.add(took, own, self._body_octets - arrived - own)

    def abort_stream(self, stream_id: int, error_code: int) -> None:
        """Reset a stream; implemented by the sending half."""
        raise NotImplementedError

    def _read(self, timeout: float | None) -> Any:
        self._send_pending_data()
        try:
            return self._recv(timeout)
        except TimeoutError:
            raise
        except OSError as exc:
            raise HTTP2ConnectionError(f"Socket read error: {exc}") from exc

    def _received(self, data: bytes) -> list[HTTP2Request]:
        requests = self._process(data)
        if self.protocol.closed:
            # No response can be sent any more.
            self._send_remaining()
            self.protocol.raise_error()
            return []
        if not self.body_reads:
            self._send_pending_data()
        if self.protocol.unread:
            self.protocol.end_unread(self)
        return requests

    def _process(self, data: bytes) -> list[HTTP2Request]:
        requests = super()._process(data)
        arrived = self._arrived
        if arrived:
            self._arrived = 0
        if self.protocol.closed:
            self._connection_lost()
        elif arrived:
            # Credited at once, so that a stream that waits cannot starve the one
            # that is being served.
            self.protocol.credit_arrived(arrived)
        return requests

    def _request_received(self, item: Any, requests: list[Any]) -> None:
        stream_id = item.stream_id
        stream = self.stream_class(stream_id, self)
        if item.priority is not None:
            stream.update_priority(*item.priority)
        stream.receive_headers(item.headers)
        if item.end_stream:
            stream.end_request()
        try:
            request = self.request_class(stream, self.cfg, self.client_addr, self._policy)
        except (ParseException, ValueError) as exc:
            self._request_refused(stream, exc, requests)
            return
        self.protocol.streams[stream_id] = stream
        requests.append(request)

    def _request_refused(self, stream: Any, exc: Exception, requests: list[Any]) -> None:
        # A request that gunicorn rejects is malformed: a stream error (RFC 9113 section 8.1.1).
        self.protocol.reset(stream.stream_id, HTTP2ErrorCode.PROTOCOL_ERROR)

    def _data_received(self, item: Any, requests: list[Any]) -> None:
        length = item.flow_controlled_length
        self._arrived += length
        stream = self.protocol.streams.get(item.stream_id)
        if stream is None or not stream.can_receive:
            return
        data = item.data
        if data:
            self._body_octets += len(data)
            stream.receive_data(data)
        if item.end_stream:
            stream.end_request()
        elif length != len(data) and not stream.response_complete:
            # Padding is credited at once.
            self.protocol.credit_read(length - len(data), item.stream_id, False)

    def _trailers_received(self, item: Any, requests: list[Any]) -> None:
        stream = self.protocol.streams.get(item.stream_id)
        if stream is not None and stream.can_receive:
            stream.receive_trailers(item.headers)
            stream.end_request()

    def _connection_lost(self) -> None:
        super()._connection_lost()
        for stream in list(self.protocol.streams.values()):
            stream.signal_disconnect()

    def acknowledge_data(self, stream_id: int, size: int) -> None:
        """Credit a stream's window for octets that the application has read.

        Args:
            stream_id: The stream.
            size: Number of octets.

        Raises:
            HTTP2ConnectionError: The socket failed.
        """
        if size <= 0 or self.protocol.closed:
            return
        stream = self.protocol.streams.get(stream_id)
        if stream is not None and (stream.body_complete or stream.response_complete):
            return  # the credit would not be used
        self.protocol.credit_read(size, stream_id)
        if not self.body_reads:
            self._send_pending_data()

    def flush_credit(self) -> None:
        """Send the window credit of a finished read; a socket error is left to the next call."""
        self._send_quietly()
