"""The connection class of gunicorn's blocking workers."""
from __future__ import annotations

import collections
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from gunicorn.http2.errors import HTTP2ConnectionError, HTTP2Error, HTTP2ErrorCode
from gunicorn.http2.stream import StreamState

from fasth2.exceptions import NoSuchStreamError, ProtocolError
from fasth2.gunicorn.settings import current
from fasth2.server._lazy import lazy
from fasth2.server._options import Options
from fasth2.server.connection import outgoing, outgoing_trailers, plain_text
from fasth2.server.counting import Record

from ._protocol import (
    CONTRACT,
    advertise,
    begin_upgrade,
    end_with_peer,
    options,
    receive_large_request,
    send_informational,
)
from ._streamed_requests import StreamedRequests
from ._whole_requests import WholeRequests
from .upgrade import upgraded_fields

__all__ = ["HTTP2ServerConnection", "set_timeout"]

_CLOSED = StreamState.CLOSED

#: Statuses whose responses have no body (RFC 9110 section 6.4.1).
_BODILESS = frozenset((204, 304))

if TYPE_CHECKING or CONTRACT.dispatches_on_headers:
    _Requests = StreamedRequests
else:
    _Requests = WholeRequests


class HTTP2ServerConnection(_Requests):
    """gunicorn's ``HTTP2ServerConnection`` on fasth2, as the installed gunicorn uses it.

    Requests are returned when their headers have arrived, or when they are
    complete, as in that gunicorn's own class (`fasth2.gunicorn.dropin.contract`).
    Methods that send return ``False`` for a stream that is gone, and raise
    gunicorn's `HTTP2ConnectionError` when the socket fails.

    Headers sent without the end of the stream are held until the next output
    of the connection, so that they share a write with the first part of the
    body, as PEP 3333 requires. They never wait for the peer.

    Args:
        cfg: gunicorn's configuration.
        sock: The client's socket.
        client_addr: The client's address.
    """

    contract = CONTRACT

    #: True if the peer's GOAWAY ends a connection without streams, and later
    #: streams above its last id are refused. gunicorn's own tests require both;
    #: RFC 9113 section 6.8 requires neither.
    ends_with_peer = True

    #: True if an upload that was answered without being read is reset only after a while (`UnreadUploads`).
    #: gunicorn's classes reset it when the worker has answered it.
    waits_for_uploads = False

    #: True if receive windows adapt to the link. gunicorn's classes credit each octet exactly.
    adapts_windows = False

    def __init__(self, cfg: Any, sock: Any, client_addr: Any) -> None:
        super().__init__(cfg, sock, client_addr)
        self.protocol.record = Record(self.protocol.engine)
        # Response headers not passed to the engine yet: stream id, status, fields.
        self._held: tuple[int, int, list[tuple[Any, Any]]] | None = None

    def _make_options(self, cfg: Any) -> Options:
        chosen = current()
        if chosen.min_body_rate != self.MIN_RECEIVE_RATE:
            self.MIN_RECEIVE_RATE = chosen.min_body_rate
        return options(cfg, chosen, adapts=self.adapts_windows)

    def _advertise(self) -> None:
        advertise(self.protocol)

    def _large_request_received(self, item: Any, requests: list[Any]) -> None:
        receive_large_request(self, item, requests)

    def _goaway_read(self, last_stream_id: int) -> None:
        end_with_peer(self, last_stream_id)

    @lazy
    def _deferred_events(self) -> collections.deque[Any]:
        # gunicorn's name for deferred frames; here all have taken effect already.
        return collections.deque()

    def initiate_upgrade(self, settings_header: bytes, http1_req: Any, body: bytes | None = None) -> Any:
        """Continue in HTTP/2 after ``Upgrade: h2c`` (RFC 7540 section 3.2).

        Args:
            settings_header: The value of HTTP2-Settings, base64url.
            http1_req: gunicorn's HTTP/1.1 request.
            body: Its body; read from the request when ``None``.

        Returns:
            The request, on stream 1.

        Raises:
            HTTP2ProtocolError: The settings are not valid.
        """
        begin_upgrade(self.protocol, settings_header)
        self._keep_requests = True
        self._send_pending_data()
        if body is None:
            source = http1_req.body
            body = b"" if source is None else source.read() or b""
        stream = self.stream_class(1, self)
        stream.receive_headers(upgraded_fields(http1_req), end_stream=not body)
        if body:
            stream.receive_data(body, end_stream=True)
            # Received over HTTP/1.1: no window was used.
            stream.no_credit_due()
        self.protocol.streams[1] = stream
        return self.request_class(stream, self.cfg, self.client_addr)

    # Responses

    def send_informational(self, stream_id: int, status: int, headers: Iterable[tuple[Any, Any]]) -> None:
        """Send an interim response (1xx).

        Args:
            stream_id: The stream.
            status: 100 to 199.
            headers: ``(name, value)`` pairs.

        Raises:
            HTTP2Error: Another status, an unknown stream, or the final
                response has begun.
        """
        send_informational(self.protocol, stream_id, status, headers)
        self._send_pending_data()

    def send_response_headers(
        self, stream_id: int, status: int, headers: Iterable[tuple[Any, Any]], end_stream: bool = False
    ) -> bool:
        """Send a response's headers.

        Args:
            stream_id: The stream.
            status: The final status.
            headers: ``(name, value)`` pairs; names are lower-cased, values
                other than ``bytes`` are converted to text.
                end_stream: True if the response has no body.

        Returns:
            True if the stream was there and had no headers yet.

        Raises:
            HTTP2Error: Fields that HTTP/2 does not allow; without
                ``end_stream``, raised by the later call that sends them.
        """
        stream = self.protocol.streams.get(stream_id)
        if stream is None or stream.state is _CLOSED or stream.response_headers_sent:
            return False
        fields = outgoing(headers)
        if self._held is not None:
            self._release()
        if not end_stream:
            stream.send_headers(fields)
            self._held = (stream_id, status, fields)
            return True
        if not self._respond(stream, status, fields, b"", True):
            return False
        stream.send_headers(fields, end_stream=True)
        self._send_pending_data()
        return True

    def send_response(
        self, stream_id: int, status: int, headers: Iterable[tuple[Any, Any]], body: bytes | None = None
    ) -> bool:
        """Send a complete response.

        Args:
            stream_id: The stream.
            status: The final status.
            headers: As for `send_response_headers`.
            body: The body; none when ``None`` or empty.

        Returns:
            True if all of it was sent.
        """
        if body and not self.contract.streams_responses and self._bodiless(stream_id, status):
            # Later versions of gunicorn omit the body themselves.
            body = None
        if not self.send_response_headers(stream_id, status, headers, end_stream=not body):
            return False
        return not body or self.send_data(stream_id, body, end_stream=True)

    def _bodiless(self, stream_id: int, status: int) -> bool:
        if status in _BODILESS:
            return True
        stream = self.protocol.streams.get(stream_id)
        return stream is not None and (":method", "HEAD") in stream.request_headers[:5]

    def send_data(self, stream_id: int, data: bytes, end_stream: bool = False) -> bool:
        """Send a part of a response's body, waiting while the windows are exhausted.

        Args:
            stream_id: The stream.
            data: The part; an empty one sends nothing, unless it ends the
                stream.
            end_stream: True if it is the last one.

        Returns:
            True if it was sent; ``False`` if the stream is gone or the peer
            did not accept it within ``stream_timeout``.

        Raises:
            HTTP2Error: The response's headers are not allowed in HTTP/2.
        """
        stream = self.protocol.streams.get(stream_id)
        if stream is None:
            return False
        if not data and not end_stream:
            return True
        if self._held is None:
            self._poll_input()
        held = self._held
        if held is not None and held[0] != stream_id:
            self._release()
            held = None
        h2 = self.protocol.engine
        if type(data) is not bytes:
            data = bytes(data)
        try:
            if held is not None:
                self._held = None
                if not self._respond(stream, held[1], held[2], data, end_stream):
                    return False
                left = len(data)
            elif data:
                left = h2.write(stream_id, data, end_stream)
            else:
                h2.send_data(stream_id, b"", end_stream=True)
                left = 0
        except ProtocolError:
            stream.close()
            self.cleanup_stream(stream_id)
            return False
        if left:
            if not self._drained(stream_id, left):
                return False
        else:
            self._send_pending_data()
        if end_stream:
            stream.send_data(b"", end_stream=True)
        return True

    def end_stream(self, stream_id: int, trailers: Iterable[tuple[Any, Any]] | None = None) -> bool:
        """End a response.

        Args:
            stream_id: The stream.
            trailers: ``(name, value)`` pairs to end it with.

        Returns:
            True if the stream was there.
        """
        if self.protocol.streams.get(stream_id) is None:
            return False
        if trailers:
            return bool(self.send_trailers(stream_id, trailers))
        return self.send_data(stream_id, b"", end_stream=True)

    def send_trailers(self, stream_id: int, trailers: Iterable[tuple[Any, Any]]) -> bool:
        """Send trailers, which end the response.

        Args:
            stream_id: The stream.
            trailers: ``(name, value)`` pairs.

        Returns:
            ``False`` when the stream is gone or its headers were not sent.

        Raises:
            HTTP2Error: A pseudo-header field.
        """
        stream = self.protocol.streams.get(stream_id)
        if stream is None or not stream.response_headers_sent:
            return False
        fields = outgoing_trailers(trailers, HTTP2Error)
        if self._held is not None:
            self._release()
        if not self._send_rest(stream_id):
            return False
        try:
            self.protocol.engine.send_headers(stream_id, fields, end_stream=True)
        except NoSuchStreamError:
            stream.close()
            self.cleanup_stream(stream_id)
            return False
        except ProtocolError as exc:
            raise HTTP2Error(str(exc)) from exc
        stream.send_trailers(fields)
        self._send_pending_data()
        return True

    def _send_rest(self, stream_id: int) -> bool:
        """Send the queued rest of a stream's body. Return False if the stream is gone or the peer does not read."""
        try:
            left = self.protocol.engine.unsent(stream_id)
        except ProtocolError:
            return True  # the next call reports the error
        return not left or self._drained(stream_id, left)

    def _drained(self, stream_id: int, left: int) -> bool:
        sent = self._drain(stream_id, left)
        if sent == 0:
            # The peer is connected and does not read.
            self.abort_stream(stream_id, HTTP2ErrorCode.CANCEL)
        elif sent < 0:
            self.cleanup_stream(stream_id)
        return sent > 0

    def send_error(self, stream_id: int, status_code: int, message: str | None = None) -> None:
        """Send an error response, or reset the stream with INTERNAL_ERROR if headers were sent already.

        Args:
            stream_id: The stream.
            status_code: The status.
            message: The body, plain text.
        """
        stream = self.protocol.streams.get(stream_id)
        if stream is None or stream.response_headers_sent:
            self.abort_stream(stream_id, HTTP2ErrorCode.INTERNAL_ERROR)
            return
        headers, body = plain_text(message)
        self.send_response(stream_id, status_code, headers, None if self._bodiless(stream_id, status_code) else body)

    def reset_stream(self, stream_id: int, error_code: int = HTTP2ErrorCode.CANCEL) -> None:
        """Send RST_STREAM and drop the stream; never raises.

        Args:
            stream_id: The stream.
            error_code: An RFC 9113 section 7 code; CANCEL when not given.
        """
        self.abort_stream(stream_id, error_code)

    def abort_stream(self, stream_id: int, error_code: int) -> None:
        """Reset a stream, drop it and send RST_STREAM; never raises.

        Args:
            stream_id: The stream.
            error_code: An RFC 9113 section 7 code.
        """
        self._drop_held(stream_id)
        stream = self.protocol.streams.get(stream_id)
        if stream is not None:
            stream.reset(error_code)
        self.protocol.reset(stream_id, error_code)
        if stream is not None:
            self.cleanup_stream(stream_id)
        self._send_quietly()

    def cleanup_stream(self, stream_id: int) -> None:
        """Release a stream at the end of its request.

        A stream with an incomplete response is reset with INTERNAL_ERROR; one
        whose request body was not read to its end with NO_ERROR. After the
        peer's GOAWAY the last stream closes the connection.

        Args:
            stream_id: The stream; an unknown one is ignored.
        """
        if self._held is not None:
            self._drop_held(stream_id)
        super().cleanup_stream(stream_id)

    def _cut_off(self, stream: Any) -> bool:
        if super()._cut_off(stream):
            return True
        if stream.body_complete:
            return False
        # The response is complete; NO_ERROR asks the peer to stop sending (RFC 9113 section 8.1).
        stream.reset(HTTP2ErrorCode.NO_ERROR)
        if self.waits_for_uploads:
            self.protocol.leave_unread(stream.stream_id)
            return False
        # In a write of its own: some clients lose the response otherwise.
        self._send_quietly()
        self.protocol.reset(stream.stream_id, HTTP2ErrorCode.NO_ERROR)
        return True

    # Held headers

    def _respond(self, stream: Any, status: int, fields: list[Any], data: bytes, end_stream: bool) -> bool:
        """Pass the beginning of a response to the engine. Return False if the stream is gone."""
        try:
            there = self.protocol.engine.respond(stream.stream_id, status, fields, data, None, end_stream)
        except NoSuchStreamError:
            there = False
        except ProtocolError as exc:
            # An error of the application: nothing was sent, so a 500 is still possible.
            stream.response_started = stream.response_headers_sent = False
            raise HTTP2Error(str(exc)) from exc
        if not there:
            stream.close()
            self.cleanup_stream(stream.stream_id)
        return there

    def _release(self) -> None:
        """Pass the held headers to the engine."""
        held, self._held = self._held, None
        if held is not None:
            stream = self.protocol.streams.get(held[0])
            if stream is not None:
                self._respond(stream, held[1], held[2], b"", False)

    def _drop_held(self, stream_id: int) -> None:
        if self._held is not None and self._held[0] == stream_id:
            self._held = None

    def _send_pending_data(self) -> None:
        if self._held is not None:
            self._release()
        super()._send_pending_data()

    # The socket

    def _recv(self, timeout: float | None) -> Any:
        set_timeout(self.sock, None if timeout is None else max(timeout, 0.001))
        return self.sock.recv(self.READ_BUFFER_SIZE)

    def _write(self, data: bytes) -> None:
        # Writes use ``stream_timeout``, not the last read's time-out.
        set_timeout(self.sock, self.protocol.options.stream_timeout)
        try:
            self.sock.sendall(data)
        except OSError as exc:
            self.protocol.closed = True
            raise HTTP2ConnectionError(f"Socket write error: {exc}") from exc


def set_timeout(sock: Any, timeout: float | None) -> None:
    """Set a socket's time-out.

    The worker owns the socket and sets its own time-out before it uses it,
    so nothing is restored. A change costs a system call.

    Args:
        sock: The socket.
        timeout: Seconds; ``None``: none.
    """
    try:
        if sock.gettimeout() == timeout:
            return
    except AttributeError:
        pass
    try:
        sock.settimeout(timeout)
    except (AttributeError, OSError):
        pass
