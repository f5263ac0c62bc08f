"""HTTP/2 for a blocking server: a connection that returns complete requests."""
from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from fasth2.exceptions import NoSuchStreamError, ProtocolError
from fasth2.windows import AdaptiveWindows

from . import errors
from ._options import Options, options_of
from ._whole_requests import WholeRequests
from .errors import (
    HTTP2ConnectionError,
    HTTP2Error,
    HTTP2ErrorCode,
    HTTP2StreamClosed,
    HTTP2StreamError,
)
from .request import HTTP2Request
from .stream import HTTP2Stream, StreamState

__all__ = ["HTTP2ServerConnection"]

_OPEN = StreamState.OPEN
_HALF_CLOSED_REMOTE = StreamState.HALF_CLOSED_REMOTE
_HALF_CLOSED_LOCAL = StreamState.HALF_CLOSED_LOCAL
_CLOSED = StreamState.CLOSED

#: The initial size of windows (RFC 9113 section 6.9.2).
_DEFAULT_WINDOW = 65535

#: Shared by the connections of the process whose configuration has none.
_WINDOWS = AdaptiveWindows()


def outgoing(headers: Iterable[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Convert fields for sending: names in lower case, values to text unless they are bytes."""
    return [
        (name.lower(), value if type(value) is str or isinstance(value, bytes) else str(value))
        for name, value in headers
    ]


def outgoing_trailers(trailers: Iterable[tuple[Any, Any]], error: type[Exception]) -> list[tuple[Any, Any]]:
    """Convert trailers as `outgoing`; raises `error` for a pseudo-header field (RFC 9113 section 8.1)."""
    fields = outgoing(trailers)
    for name, _ in fields:
        if name[:1] in (":", b":"):
            raise error(f"Pseudo-header {name!r} not allowed in trailers")
    return fields


def plain_text(message: str | None) -> tuple[list[tuple[str, str]], bytes]:
    """Return fields and body of an error response; no body if `message` is ``None`` or empty."""
    body = message.encode() if message else b""
    headers = [("content-length", str(len(body)))]
    if body:
        headers.append(("content-type", "text/plain; charset=utf-8"))
    return headers, body


def windows_of(cfg: Any) -> AdaptiveWindows | None:
    """Return how far the windows of a connection may grow; ``None`` if they keep their size.

    Args:
        cfg: The configuration. Its ``adaptive_windows`` is an `AdaptiveWindows` or ``None``; without it one for the
            process is used. An initial window size other than the default is kept.

    Raises:
        TypeError: ``adaptive_windows`` has another type.
    """
    windows = getattr(cfg, "adaptive_windows", _WINDOWS)
    if isinstance(windows, (bool, int, float, str, bytes)):
        raise TypeError(f"adaptive_windows must be an AdaptiveWindows object or None, not {type(windows).__name__}")
    if windows is None or cfg.http2_initial_window_size != _DEFAULT_WINDOW:
        return None
    return windows if isinstance(windows, AdaptiveWindows) else _WINDOWS  # the configuration is a mock


class HTTP2ServerConnection(WholeRequests):
    """The server's end of an HTTP/2 connection over a blocking socket.

    ::

        connection = HTTP2ServerConnection(cfg, sock, addr)
        connection.initiate_connection()
        while not connection.is_closed:
            for request in connection.receive_data():
                stream_id = request.stream.stream_id
                connection.send_response(stream_id, 200, [("content-type", "text/plain")], b"Hello")
                connection.cleanup_stream(stream_id)

    A body is buffered until it is complete, up to `max_body` octets, and all
    bodies of a connection up to `max_bodies`. Attributes of ``cfg`` with these
    names set the limits; ``None`` disables one. Requests that exceed a limit are
    answered with 413. Receive windows grow with the link; ``cfg.adaptive_windows``
    sets how far (`fasth2.config.AdaptiveWindows`), and ``None`` keeps their size.

    For one thread at a time. `h2_conn` is the engine, an
    `fasth2.connection.H2Connection`; both share their state. The methods that
    send raise `HTTP2ConnectionError` when the socket fails or the connection
    is over.
    """

    #: The classes of the values of `streams` and of the results of `receive_data`.
    stream_class = HTTP2Stream
    request_class = HTTP2Request

    # True if the class does not override send_data.
    _own_send_data = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._own_send_data = cls.send_data is HTTP2ServerConnection.send_data

    def _make_options(self, cfg: Any) -> Options:
        return options_of(cfg, errors, _CLOSED, adaptive_windows=windows_of(cfg))

    # Receiving

    def receive_data(self, data: bytes | None = None) -> list[HTTP2Request]:
        """Process received octets and return the requests that are complete.

        Args:
            data: The octets read from the socket, empty at its end; ``None``
                to read once here.

        Returns:
            The requests whose last frame has arrived, in order. Requests that
            arrived while a response waited for window are returned first,
            without a read. Empty when the connection has ended, or when the
            read, or a time-out, completed none.

        Raises:
            HTTP2ProtocolError: The peer violated the protocol; GOAWAY was
                sent. Requests before the invalid frame are returned first, and
                the next call raises.
            HTTP2ConnectionError: The socket failed.
        """
        protocol = self.protocol
        if data is None:
            requests = protocol.take_pending()
            if requests:
                return requests
            if protocol.closed:
                protocol.raise_error()
                return []
            data = self._read()
            if data is None:
                return []
        elif protocol.closed:
            requests = protocol.take_pending()
            if not requests:
                protocol.raise_error()
            return requests
        if not data:
            self._connection_lost()
            return protocol.take_pending()
        requests = protocol.receive(data, self)
        if protocol.pending:
            requests = protocol.take_pending() + requests
        if protocol.closed:
            self._send_remaining()
            if not requests:
                protocol.raise_error()
        else:
            self._send_pending_data()
            if protocol.unread:
                protocol.end_unread(self)
        if len(requests) > 1:
            # The next poll between them is due a while after this read.
            self._polled_at = time.monotonic()
        return requests

    # Sending

    def send_informational(self, stream_id: int, status: int, headers: Iterable[tuple[Any, Any]]) -> None:
        """Send an interim response (1xx), before the final one.

        Args:
            stream_id: The stream.
            status: 100 to 199.
            headers: ``(name, value)`` pairs, as for `send_response`.

        Raises:
            HTTP2Error: Another status, an unknown stream, or the final
                response has begun.
        """
        if not 100 <= status <= 199:
            raise HTTP2Error(f"Invalid informational status: {status}")
        stream = self._stream(stream_id)
        if stream.response_headers_sent:
            raise HTTP2Error("Informational response after the final headers")
        fields = [(":status", str(status)), *outgoing(headers)]
        self._engine(stream, self.protocol.engine.send_headers, stream_id, fields)
        self._send_pending_data()

    def send_response(
        self, stream_id: int, status: int, headers: Iterable[tuple[Any, Any]], body: bytes | None = None
    ) -> None:
        """Send a complete response.

        Args:
            stream_id: The stream.
            status: The final status.
            headers: ``(name, value)`` pairs; names are lower-cased, values
                other than ``bytes`` are converted to text with ``str()``.
            body: The body; the response ends with the headers when it is
                ``None`` or empty.

        Raises:
            HTTP2Error: An unknown stream, a response that has begun, or
                fields that HTTP/2 does not allow.
            HTTP2StreamClosed: The peer has reset the stream.
            HTTP2StreamError: The peer did not accept the body in time.
        """
        protocol = self.protocol
        stream = protocol.streams.get(stream_id)
        if stream is None:
            raise self._unknown(stream_id)
        state = stream.state
        if state is not _HALF_CLOSED_REMOTE and state is not _OPEN:
            raise self._cannot_send(stream)
        if protocol.closed:
            raise self._over(stream_id)
        if body is None:
            body = b""
        elif type(body) is not bytes:
            body = bytes(body)
        # An overridden send_data gets the body.
        whole = not body or (self._own_send_data and "send_data" not in self.__dict__)
        try:
            there = self._respond(stream_id, status, headers, body if whole else b"", whole)
        except ProtocolError as exc:
            raise self._refused(stream, exc) from exc
        if not there:
            stream.close()
            raise HTTP2StreamClosed(f"Stream {stream_id} is closed")
        stream.response_started = True
        stream.response_headers_sent = True
        if not whole:
            # The headers are sent together with the first part of the body.
            self.send_data(stream_id, body, end_stream=True)
            return
        sent = self._drain(stream_id, len(body))
        if sent <= 0:
            self._not_sent(stream, sent)
        stream.state = _CLOSED if state is _HALF_CLOSED_REMOTE else _HALF_CLOSED_LOCAL
        stream.response_complete = True

    def _respond(self, stream_id: int, status: int, headers: Any, body: bytes, end_stream: bool) -> bool:
        respond: Callable[..., bool] = self.protocol.engine.respond
        if type(headers) is list:
            # The engine accepts text and bytes, and converts names to lower case.
            try:
                return respond(stream_id, status, headers, body, None, end_stream)
            except (AttributeError, TypeError):
                pass  # nothing was changed; a value has to be converted to text
        return respond(stream_id, status, outgoing(headers), body, None, end_stream)

    def send_data(self, stream_id: int, data: bytes, end_stream: bool = False) -> None:
        """Send a part of a response's body, waiting while the windows are exhausted.

        Requests that arrive meanwhile are kept for `receive_data`.

        Args:
            stream_id: The stream.
            data: The part; an empty one sends nothing, unless it ends the
                stream.
            end_stream: True if it is the last one.

        Raises:
            HTTP2Error: An unknown stream, or one whose headers were not sent.
            HTTP2StreamClosed: The stream has ended, or the peer has reset it.
            HTTP2StreamError: The peer did not accept the data within
                `stream_timeout`; the stream was reset with CANCEL.
            HTTP2ConnectionError: The connection ended.
        """
        stream = self._stream(stream_id)
        self._poll_input()
        state = stream.state
        if state is not _HALF_CLOSED_REMOTE and state is not _OPEN:
            raise self._cannot_send(stream)
        if not data and not end_stream:
            return
        if self.protocol.closed:
            raise self._over(stream_id)
        if type(data) is not bytes:
            data = bytes(data)
        try:
            left = self.protocol.engine.write(stream_id, data, end_stream)
        except ProtocolError as exc:
            raise self._refused(stream, exc) from exc
        sent = self._drain(stream_id, left)
        if sent <= 0:
            self._not_sent(stream, sent)
        if end_stream:
            stream.send_data(b"", True)

    def _not_sent(self, stream: Any, sent: int) -> None:
        stream_id = stream.stream_id
        if sent == 0:
            stream.reset(HTTP2ErrorCode.CANCEL)
            self.protocol.reset(stream_id, HTTP2ErrorCode.CANCEL)
            self._send_pending_data()
            raise HTTP2StreamError(stream_id, "the peer did not accept the response in time", HTTP2ErrorCode.CANCEL)
        if self.protocol.closed:
            raise HTTP2ConnectionError(f"Connection closed while stream {stream_id} was sending")
        raise HTTP2StreamClosed(f"Stream {stream_id} was reset while it was sending")

    def send_trailers(self, stream_id: int, trailers: Iterable[tuple[Any, Any]]) -> None:
        """Send trailers, which end the response.

        Args:
            stream_id: The stream; its headers must have been sent.
            trailers: ``(name, value)`` pairs, as for `send_response`.

        Raises:
            HTTP2Error: A pseudo-header field, an unknown stream, or headers
                that were not sent.
            HTTP2StreamClosed: The stream has ended, or the peer has reset it.
        """
        stream = self._stream(stream_id)
        fields = outgoing_trailers(trailers, HTTP2Error)
        if not stream.can_send:
            raise self._cannot_send(stream)
        self._engine(stream, self.protocol.engine.send_headers, stream_id, fields, end_stream=True)
        stream.send_trailers(fields)
        self._send_pending_data()

    def send_error(self, stream_id: int, status_code: int, message: str | None = None) -> None:
        """Send an error response.

        Args:
            stream_id: The stream.
            status_code: The status.
            message: The body, plain text; none when ``None`` or empty.

        Raises:
            HTTP2Error: As for `send_response`.
        """
        headers, body = plain_text(message)
        self.send_response(stream_id, status_code, headers, body)

    def reset_stream(self, stream_id: int, error_code: int = HTTP2ErrorCode.CANCEL) -> None:
        """Send RST_STREAM, unless the stream has ended already.

        Args:
            stream_id: The stream.
            error_code: An RFC 9113 section 7 code; CANCEL when not given.

        Raises:
            HTTP2Error: No such stream was ever opened.
        """
        try:
            self.protocol.engine.reset_stream(stream_id, error_code=error_code)
        except NoSuchStreamError as exc:
            if type(exc) is NoSuchStreamError and stream_id not in self.protocol.streams:
                raise HTTP2Error(f"Stream {stream_id} not found") from exc
        except ProtocolError:
            pass  # the connection is over
        stream = self.protocol.streams.get(stream_id)
        if stream is not None:
            complete = stream.request_complete
            stream.reset(error_code)
            if not complete:
                del self.protocol.streams[stream_id]
        self._send_pending_data()

    def _cut_off(self, stream: Any) -> bool:
        if super()._cut_off(stream):
            return True
        if not stream.request_complete:
            self.protocol.leave_unread(stream.stream_id)
        return False

    def _stream(self, stream_id: int) -> Any:
        stream = self.protocol.streams.get(stream_id)
        if stream is None:
            raise self._unknown(stream_id)
        return stream

    def _unknown(self, stream_id: int) -> HTTP2Error:
        return HTTP2Error(f"Stream {stream_id} not found")

    def _over(self, stream_id: int) -> HTTP2Error:
        return HTTP2ConnectionError(f"Connection closed; stream {stream_id} cannot continue")

    def _cannot_send(self, stream: Any) -> HTTP2Error:
        return HTTP2StreamClosed(f"Stream {stream.stream_id} is closed for sending")

    def _engine(self, stream: Any, call: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return call(*args, **kwargs)
        except ProtocolError as exc:
            raise self._refused(stream, exc) from exc

    def _refused(self, stream: Any, exc: ProtocolError) -> HTTP2Error:
        """Convert the engine's exception to one of this module's."""
        if self.protocol.closed:
            return HTTP2ConnectionError(f"Connection closed: {exc}")
        if isinstance(exc, NoSuchStreamError):
            stream.close()
            return HTTP2StreamClosed(f"Stream {stream.stream_id} is closed")
        return HTTP2Error(str(exc), int(exc.error_code))
