"""The connection class that gunicorn's blocking workers talk to."""
from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from gunicorn.http.errors import ParseException
from gunicorn.http2 import errors as gunicorn_errors
from gunicorn.http2.errors import (
    HTTP2ConnectionError,
    HTTP2Error,
    HTTP2ErrorCode,
    HTTP2ProtocolError,
)
from gunicorn.http2.stream import StreamState

from fasth2.config import Limits
from fasth2.exceptions import NoSuchStreamError, ProtocolError
from fasth2.server._blocking import BlockingConnection, shared_limits
from fasth2.server.connection import outgoing

from .contract import installed
from .request import HTTP2Request, policy_of
from .stream import HTTP2Stream

__all__ = ["HTTP2ServerConnection"]

_CLOSED = StreamState.CLOSED

#: Fields of an HTTP/1.1 request that speak of its connection or its framing.
_HTTP1_ONLY = frozenset(
    ("CONNECTION", "HTTP2-SETTINGS", "KEEP-ALIVE", "PROXY-CONNECTION", "TRANSFER-ENCODING", "UPGRADE")
)


class HTTP2ServerConnection(BlockingConnection):
    """gunicorn's ``HTTP2ServerConnection`` on fasth2.

    Requests are handed out as soon as their headers are in; their bodies are
    read from the stream. Window credit for the connection goes back when
    octets arrive, for a stream when the application has read them. Methods
    that send return ``False`` for a stream that is gone, and raise gunicorn's
    `HTTP2ConnectionError` when the socket fails.

    Headers sent without the end of the stream wait for what comes next on
    the connection, so that they share a write with the first of the body;
    PEP 3333 asks no less of a server, and they never wait for the peer.

    Args:
        cfg: gunicorn's configuration.
        sock: The client's socket.
        client_addr: The client's address.
    """

    errors = gunicorn_errors
    closed_state = _CLOSED
    contract = installed()

    def __init__(self, cfg: Any, sock: Any, client_addr: Any) -> None:
        super().__init__(cfg, sock, client_addr)
        #: How many reads of request bodies are under way; credit waits for their end.
        self.body_reads = 0
        # Response headers not given to the engine yet: stream id, status, fields.
        self._held: tuple[int, int, list[tuple[Any, Any]]] | None = None
        # Octets that arrived and were not credited to the connection yet.
        self._arrived = 0
        # The stream whose body was last waited for, its size then, and for how long.
        self._body_wait: tuple[int | None, int, float] = (None, 0, 0.0)
        # gunicorn's name for frames set aside; here they have taken effect already.
        self._deferred_events: list[Any] = []
        # An upgraded connection's worker ignores what receive_data(bytes) returns.
        self._keep_requests = False
        # What gunicorn's header policy says of fields from this peer.
        self._policy = policy_of(cfg, client_addr)

    def _make_limits(self) -> Limits:
        contract = self.contract
        values = {
            "concurrent_streams": self.max_concurrent_streams,
            "reset_burst": contract.reset_limit,
            "reset_rate": max(1, int(contract.reset_limit / contract.reset_seconds)),
            "suspicious_burst": contract.control_limit,
            "suspicious_rate": max(1, int(contract.control_limit / contract.control_seconds)),
        }
        if self.max_header_list_size:
            values["header_list_size"] = self.max_header_list_size
        return shared_limits(**values)

    def initiate_upgrade(self, settings_header: bytes, http1_req: Any, body: bytes | None = None) -> HTTP2Request:
        """Go on in HTTP/2 after ``Upgrade: h2c`` (RFC 7540 section 3.2).

        Args:
            settings_header: The value of HTTP2-Settings, base64url.
            http1_req: gunicorn's HTTP/1.1 request.
            body: Its body; read from the request when ``None``.

        Returns:
            The request as that of stream 1.

        Raises:
            HTTP2ProtocolError: The settings are not valid.
        """
        try:
            self.h2_conn.initiate_upgrade_connection(settings_header=settings_header)
        except (ProtocolError, ValueError) as exc:
            raise HTTP2ProtocolError(f"HTTP2-Settings not valid: {exc}") from exc
        self._advertise()
        self._initialized = True
        self._keep_requests = True
        self._send_pending_data()
        fields = [(":method", http1_req.method), (":path", http1_req.uri), (":scheme", http1_req.scheme)]
        regular = []
        authority = None
        for name, value in http1_req.headers:
            if name == "HOST" and authority is None:
                authority = value
            if name not in _HTTP1_ONLY:
                regular.append((name.lower(), value))
        if authority:
            fields.append((":authority", authority))
        if body is None:
            source = http1_req.body
            body = b"" if source is None else source.read() or b""
        stream = HTTP2Stream(1, self)
        stream.receive_headers(fields + regular, end_stream=not body)
        if body:
            stream.receive_data(body, end_stream=True)
            # It came over HTTP/1.1: no window was used.
            stream.acked_size = stream.body_size
        self.streams[1] = stream
        return HTTP2Request(stream, self.cfg, self.client_addr)

    # Receiving

    def receive_data(self, data: bytes | None = None) -> list[HTTP2Request]:
        """Take in what the peer sent and return the new requests.

        Args:
            data: What was read from the socket; ``None`` to read once here,
                unless requests are waiting; empty to ask only for those that
                wait, as a stopping worker does.

        Returns:
            The requests whose headers have arrived. Empty when the connection
            has ended, or when nothing came for ``idle_timeout``, which ends a
            connection without streams.

        Raises:
            HTTP2ProtocolError: The peer broke the protocol; GOAWAY has gone out.
            HTTP2ConnectionError: The socket failed.
        """
        if data is None:
            self._keep_requests = False
            if self.pending_requests:
                return self._take_pending()
            if self._closed:
                self._raise_error()
                return []
            try:
                data = self._read(self.idle_timeout)
            except TimeoutError:
                if not self.streams:
                    self.close()
                return []
            if not data:
                self._connection_lost()
                return []
        elif not data:
            return self._take_pending()
        requests = self._received(data)
        if self.pending_requests:
            requests = self._take_pending() + requests
        if self._keep_requests:
            self.pending_requests.extend(requests)
            return []
        return requests

    def pump(self, stream_id: int | None = None) -> None:
        """Read once from the socket for a request body that is being read.

        Requests that arrive go to ``pending_requests``.

        Args:
            stream_id: The stream whose body is read; it is reset with CANCEL
                when nothing of it came for ``stream_timeout``.

        Raises:
            HTTP2ConnectionError: The socket or the connection failed.
        """
        stream = None if stream_id is None else self.streams.get(stream_id)
        size = 0 if stream is None else stream.body_size
        waited = self._body_wait[2] if self._body_wait[:2] == (stream_id, size) else 0.0
        timeout = self.stream_timeout
        start = time.monotonic() if timeout is not None else 0.0
        try:
            data = self._read(None if timeout is None else timeout - waited)
        except TimeoutError:
            if stream_id is not None:
                self.abort_stream(stream_id, HTTP2ErrorCode.CANCEL)
            return
        if timeout is not None:
            self._body_wait = (stream_id, size, waited + time.monotonic() - start)
        if not data:
            self._connection_lost()
            return
        try:
            self.pending_requests.extend(self._received(data))
        except HTTP2ProtocolError as exc:
            # The application that reads has done nothing wrong.
            raise HTTP2ConnectionError(str(exc)) from exc

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
        if self._closed:
            # Nothing could be answered any more.
            self._last_words()
            self._raise_error()
            return []
        if not self.body_reads:
            self._send_pending_data()
        return requests

    def _raise_error(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _take_pending(self) -> list[HTTP2Request]:
        requests = list(self.pending_requests)
        self.pending_requests.clear()
        return requests

    def _process(self, data: bytes) -> list[HTTP2Request]:
        requests = super()._process(data)
        arrived, self._arrived = self._arrived, 0
        if self._closed:
            self._connection_lost()
        elif arrived:
            # Straight back, so that a stream that waits for its turn cannot
            # starve the one being served.
            self._credit(arrived, None)
        return requests

    def _request_received(self, item: Any, requests: list[Any]) -> None:
        stream_id = item.stream_id
        if (self.draining or self._unreleased) and self._refuse(stream_id):
            return
        stream = HTTP2Stream(stream_id, self)
        if item.priority is not None:
            stream.update_priority(*item.priority)
        stream.receive_headers(item.headers)
        if item.end_stream:
            stream.end_request()
        try:
            request = HTTP2Request(stream, self.cfg, self.client_addr, self._policy)
        except (ParseException, ValueError):
            # What gunicorn refuses is a fault of the stream (RFC 9113 section 8.1.1).
            self._reset_quietly(stream_id, HTTP2ErrorCode.PROTOCOL_ERROR)
            return
        self.streams[stream_id] = stream
        requests.append(request)

    def _data_received(self, item: Any, requests: list[Any]) -> None:
        length = item.flow_controlled_length
        self._arrived += length
        stream = self.streams.get(item.stream_id)
        if stream is None or not stream.can_receive:
            return
        data = item.data
        if data:
            stream.receive_data(data)
        if item.end_stream:
            stream.end_request()
        elif length != len(data):
            # Padding is never held.
            self._credit(length - len(data), item.stream_id)

    def _trailers_received(self, item: Any, requests: list[Any]) -> None:
        stream = self.streams.get(item.stream_id)
        if stream is not None and stream.can_receive:
            stream.receive_trailers(item.headers)
            stream.end_request()

    def _goaway_received(self, item: Any) -> None:
        super()._goaway_received(item)
        if self.draining:
            self.h2_conn.peer_goaway_last_stream_id = item.last_stream_id

    def _connection_lost(self) -> None:
        super()._connection_lost()
        for stream in list(self.streams.values()):
            stream.signal_disconnect()

    # Window credit

    def acknowledge_data(self, stream_id: int, size: int) -> None:
        """Give a stream window back for octets the application has taken.

        Args:
            stream_id: The stream.
            size: The octets.

        Raises:
            HTTP2ConnectionError: The socket failed.
        """
        if size <= 0 or self._closed:
            return
        stream = self.streams.get(stream_id)
        if stream is not None and stream.body_complete:
            return  # nobody will use it
        self._credit(size, stream_id)
        if not self.body_reads:
            self._send_pending_data()

    def flush_credit(self) -> None:
        """Send the window credit of a read that is over; a dead socket is left to the next call."""
        self._send_quietly()

    def _credit(self, size: int, stream_id: int | None) -> None:
        try:
            self.h2_conn.increment_flow_control_window(size, stream_id=stream_id)
        except (ProtocolError, ValueError):
            pass  # the stream is gone

    # Sending

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
        if not 100 <= status <= 199:
            raise HTTP2Error(f"Invalid informational status: {status}")
        stream = self.streams.get(stream_id)
        if stream is None:
            raise HTTP2Error(f"Stream {stream_id} not found")
        if stream.response_headers_sent:
            raise HTTP2Error("Informational response after the final headers")
        try:
            self.h2_conn.send_headers(stream_id, [(":status", str(status)), *outgoing(headers)])
        except ProtocolError as exc:
            raise HTTP2Error(str(exc)) from exc
        self._send_pending_data()

    def send_response_headers(
        self, stream_id: int, status: int, headers: Iterable[tuple[Any, Any]], end_stream: bool = False
    ) -> bool:
        """Send a response's headers.

        Args:
            stream_id: The stream.
            status: The final status.
            headers: ``(name, value)`` pairs; names are lower-cased, values
                other than ``bytes`` are turned into text.
            end_stream: Whether the response has no body.

        Returns:
            Whether the stream was there and had no headers yet.

        Raises:
            HTTP2Error: Fields that HTTP/2 does not allow; without
                ``end_stream`` from the call that sends them.
        """
        stream = self.streams.get(stream_id)
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
        """Send a whole response.

        Args:
            stream_id: The stream.
            status: The final status.
            headers: As for `send_response_headers`.
            body: The body; none when ``None`` or empty.

        Returns:
            Whether all of it was sent.
        """
        if not self.send_response_headers(stream_id, status, headers, end_stream=not body):
            return False
        return not body or self.send_data(stream_id, body, end_stream=True)

    def send_data(self, stream_id: int, data: bytes, end_stream: bool = False) -> bool:
        """Send a part of a response's body, waiting for window where there is none.

        Args:
            stream_id: The stream.
            data: The part; where it is empty nothing goes out, unless it ends
                the stream.
            end_stream: Whether it is the last one.

        Returns:
            Whether it was sent; ``False`` when the stream is gone or the peer
            did not take it within ``stream_timeout``.

        Raises:
            HTTP2Error: The response's headers are not allowed in HTTP/2.
        """
        stream = self.streams.get(stream_id)
        if stream is None:
            return False
        if not data and not end_stream:
            return True
        if self._held is None:
            self._glance()
        held = self._held
        if held is not None and held[0] != stream_id:
            self._release()
            held = None
        h2 = self.h2_conn
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
            sent = self._drain(stream_id, left)
            if sent == 0:
                # The peer is there and takes nothing.
                self.abort_stream(stream_id, HTTP2ErrorCode.CANCEL)
                return False
            if sent < 0:
                self.cleanup_stream(stream_id)
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
            Whether the stream was there.
        """
        if self.streams.get(stream_id) is None:
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
        stream = self.streams.get(stream_id)
        if stream is None or not stream.response_headers_sent:
            return False
        fields = outgoing(trailers)
        for name, _ in fields:
            if name[:1] in (":", b":"):
                raise HTTP2Error(f"Pseudo-header '{name}' not allowed in trailers")
        if self._held is not None:
            self._release()
        try:
            self.h2_conn.send_headers(stream_id, fields, end_stream=True)
        except NoSuchStreamError:
            stream.close()
            self.cleanup_stream(stream_id)
            return False
        except ProtocolError as exc:
            raise HTTP2Error(str(exc)) from exc
        stream.send_trailers(fields)
        self._send_pending_data()
        return True

    def send_error(self, stream_id: int, status_code: int, message: str | None = None) -> None:
        """Answer with an error, or reset the stream with INTERNAL_ERROR where headers went out already.

        Args:
            stream_id: The stream.
            status_code: The status.
            message: The body, plain text.
        """
        stream = self.streams.get(stream_id)
        if stream is None or stream.response_headers_sent:
            self.abort_stream(stream_id, HTTP2ErrorCode.INTERNAL_ERROR)
            return
        body = message.encode() if message else b""
        headers = [("content-length", str(len(body)))]
        if body:
            headers.append(("content-type", "text/plain; charset=utf-8"))
        self.send_response(stream_id, status_code, headers, body)

    def reset_stream(self, stream_id: int, error_code: int = 0x8) -> None:
        """Send RST_STREAM and drop the stream; never raises.

        Args:
            stream_id: The stream.
            error_code: An RFC 9113 section 7 code; CANCEL when not given.
        """
        self.abort_stream(stream_id, error_code)

    def abort_stream(self, stream_id: int, error_code: int) -> None:
        """Reset a stream, drop it and tell the peer; never raises.

        Args:
            stream_id: The stream.
            error_code: An RFC 9113 section 7 code.
        """
        self._drop_held(stream_id)
        stream = self.streams.get(stream_id)
        if stream is not None:
            stream.reset(error_code)
        self._reset_quietly(stream_id, error_code)
        if stream is not None:
            self.cleanup_stream(stream_id)
        self._send_quietly()

    def cleanup_stream(self, stream_id: int) -> None:
        """Forget a stream that the worker is done with.

        An unfinished response is cut off with INTERNAL_ERROR; a body that
        was not read to its end with NO_ERROR. After the peer's GOAWAY the
        last stream closes the connection.

        Args:
            stream_id: The stream; an unknown one is ignored.
        """
        self._drop_held(stream_id)
        super().cleanup_stream(stream_id)

    def _cut_off(self, stream: Any) -> bool:
        if super()._cut_off(stream):
            return True
        if stream.body_complete:
            return False
        # The response is complete; the peer is asked to stop sending (RFC 9113 section 8.1).
        stream.reset(HTTP2ErrorCode.NO_ERROR)
        self._reset_quietly(stream.stream_id, HTTP2ErrorCode.NO_ERROR)
        return True

    # Held headers

    def _respond(self, stream: Any, status: int, fields: list[Any], data: bytes, end_stream: bool) -> bool:
        """Give the engine the beginning of a response; False when the stream is gone."""
        try:
            there = self.h2_conn.respond(stream.stream_id, status, fields, data, None, end_stream)
        except NoSuchStreamError:
            there = False
        except ProtocolError as exc:
            # The application's fault: nothing was sent and a 500 still can be.
            stream.response_started = stream.response_headers_sent = False
            raise HTTP2Error(str(exc)) from exc
        if not there:
            stream.close()
            self.cleanup_stream(stream.stream_id)
        return there

    def _release(self) -> None:
        """Give the engine the headers that wait."""
        held, self._held = self._held, None
        if held is not None:
            stream = self.streams.get(held[0])
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
        self._set_timeout(None if timeout is None else max(timeout, 0.001))
        return self.sock.recv(self.READ_BUFFER_SIZE)

    def _write(self, data: bytes) -> None:
        # Writes wait as long as a stream may, whatever the last read's time-out.
        self._set_timeout(self.stream_timeout)
        try:
            self.sock.sendall(data)
        except OSError as exc:
            self._closed = True
            raise HTTP2ConnectionError(f"Socket write error: {exc}") from exc

    def _set_timeout(self, timeout: float | None) -> None:
        # The worker owns the socket and sets its own time-out before it goes
        # on with it, so nothing is restored; a change costs a system call.
        sock = self.sock
        try:
            if sock.gettimeout() == timeout:
                return
        except AttributeError:
            pass
        try:
            sock.settimeout(timeout)
        except (AttributeError, OSError):
            pass
