"""The connection class of gunicorn's asyncio worker."""
from __future__ import annotations

import asyncio
import collections
from collections.abc import Iterable
from typing import Any

from gunicorn.http.errors import ParseException
from gunicorn.http2.errors import HTTP2ConnectionError, HTTP2Error, HTTP2ErrorCode
from gunicorn.http2.request import HTTP2Request
from gunicorn.http2.stream import StreamState

from fasth2.exceptions import NoSuchStreamError, ProtocolError
from fasth2.gunicorn.settings import current
from fasth2.server._asyncio import AsyncConnection
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
from .async_stream import AsyncHTTP2Stream
from .push_input import push_input
from .request_path import decode_path
from .upgrade import upgraded_fields

__all__ = ["AsyncHTTP2Connection"]

_CLOSED = StreamState.CLOSED

#: Octets up to which the last part of a body may wait for the responses of other
#: streams in the same iteration of the event loop, to share a write with them.
_SMALL = 16384


class AsyncHTTP2Connection(AsyncConnection):
    """gunicorn's ``AsyncHTTP2Connection`` on fasth2, for every gunicorn version that has one.

    Under gunicorn's ``ASGIProtocol`` frames take effect when they arrive, even
    while `receive_data` is not awaited: a RST_STREAM or WINDOW_UPDATE reaches a
    response while it is sent. Methods that send return ``False`` for a stream
    that is gone, and raise gunicorn's `HTTP2ConnectionError` when the connection
    fails.

    Args:
        cfg: gunicorn's configuration.
        reader: The connection's `asyncio.StreamReader`.
        writer: Its `asyncio.StreamWriter`.
        client_addr: The client's address.
    """

    stream_class: type[AsyncHTTP2Stream] = AsyncHTTP2Stream

    #: As in `fasth2.gunicorn.dropin.connection`.
    contract = CONTRACT
    ends_with_peer = True

    #: True if requests are dispatched once their headers have arrived.
    dispatches_on_headers: bool = CONTRACT.dispatches_on_headers

    #: True if receive windows adapt to the link. gunicorn's classes credit each octet exactly.
    adapts_windows = False

    #: True if a request's path is percent-decoded text, with the octets in ``raw_path``.
    decodes_paths: bool = CONTRACT.takes_raw_path

    def __init__(self, cfg: Any, reader: Any, writer: Any, client_addr: Any) -> None:
        super().__init__(cfg, reader, writer, client_addr)
        self.protocol.record = Record(self.protocol.engine)
        # Octets to credit at the end of a read: to the connection, and to streams.
        self._arrived_octets = 0
        self._stream_credit: dict[int, int] = {}
        # gunicorn's names: a lock for writes, and an event for tasks that wait for window.
        self._write_lock: asyncio.Lock | None = None
        self._window_event: asyncio.Event | None = None
        # When the last stream ended; None while there are streams.
        self._idle_since: float | None = None

    def _make_options(self, cfg: Any) -> Options:
        chosen = current()
        if chosen.min_body_rate != self.MIN_RECEIVE_RATE:
            self.MIN_RECEIVE_RATE = chosen.min_body_rate
        # gunicorn encodes a scope's fields as latin-1.
        return options(cfg, chosen, "latin-1", self.adapts_windows)

    def _large_request_received(self, item: Any, requests: list[Any]) -> None:
        receive_large_request(self, item, requests)

    def _goaway_read(self, last_stream_id: int) -> None:
        end_with_peer(self, last_stream_id)

    @lazy
    def _deferred_events(self) -> collections.deque[Any]:
        # gunicorn's name for deferred frames; here all have taken effect already.
        return collections.deque()

    @property
    def draining(self) -> bool:
        """True after a GOAWAY, once every request before it was dispatched."""
        # A worker without open requests stops reading a draining connection.
        return self.protocol.draining and not self.protocol.pending

    @draining.setter
    def draining(self, draining: bool) -> None:
        self.protocol.draining = draining

    async def initiate_connection(self) -> None:
        """Send this side's SETTINGS; a second call does nothing.

        Raises:
            HTTP2ConnectionError: The connection failed.
        """
        if self.protocol.initialized:
            return
        advertise(self.protocol)
        await self._start()

    async def _start(self) -> None:
        self._flush()
        if not push_input(self):
            await self._drain()

    async def initiate_upgrade(self, settings_header: bytes, http1_req: Any, body: bytes = b"") -> HTTP2Request:
        """Continue in HTTP/2 after ``Upgrade: h2c`` (RFC 7540 section 3.2).

        Args:
            settings_header: The value of HTTP2-Settings, base64url.
            http1_req: gunicorn's HTTP/1.1 request.
            body: Its body.

        Returns:
            The request, on stream 1.

        Raises:
            HTTP2ProtocolError: The settings are not valid.
        """
        begin_upgrade(self.protocol, settings_header)
        stream = self.stream_class(1, self)
        stream.receive_headers(upgraded_fields(http1_req), end_stream=False)
        if body:
            stream.receive_data(body)
            # Received over HTTP/1.1: no window was used.
            stream.acked_size = stream.body_size
        stream.end_request()
        stream.join_body()
        self.protocol.streams[1] = stream
        request = self._build_request(stream)
        await self._start()
        return request

    # Receiving

    async def receive_data(self, timeout: float | None = None) -> list[HTTP2Request]:
        """Wait for input and return the new requests.

        Args:
            timeout: Seconds to wait; ``None``: no limit.

        Returns:
            The requests that have arrived. Empty when the connection has ended.

        Raises:
            asyncio.TimeoutError: Nothing arrived in time.
            HTTP2ProtocolError: The peer violated the protocol; GOAWAY was sent.
            HTTP2ConnectionError: The connection failed.
        """
        if self._transport is not None:
            if not self.protocol.pending and not self.protocol.closed:
                try:
                    await self._wait_for_arrival(timeout)
                except asyncio.TimeoutError:
                    if self._idle_too_long():
                        self._close_quietly()
                        return []
                    raise
        elif not self.protocol.pending and not self.protocol.closed:
            try:
                data = await self._read(timeout)
            except asyncio.TimeoutError:
                # A subclass of OSError from CPython 3.11 on.
                raise
            except OSError as exc:
                raise HTTP2ConnectionError(f"Socket read error: {exc}") from exc
            if not data:
                self._connection_lost()
                return []
            await self._take_in(data)
        self.protocol.raise_error()
        return self.protocol.take_pending()

    async def _take_in(self, data: bytes) -> None:
        """Process octets read by a task; new requests go to ``pending_requests``."""
        requests = self._process(data)
        async with self._lock():
            self._send_quietly()
            # Not awaited: a peer that does not read must not stop the reading.
            self._undrained = False
        self._signal_window()
        if self.protocol.closed:
            self._connection_lost()
            if self.protocol.error is not None:
                self.writer.close()
            return
        # Some may have been reset by a later frame of the same read.
        self.protocol.pending_requests.extend(requests)

    def _idle_too_long(self) -> bool:
        """Return True if no stream was open for ``idle_timeout``; for workers that do not check that themselves."""
        if self.dispatches_on_headers or self.protocol.options.idle_timeout is None or self.protocol.streams:
            self._idle_since = None
            return False
        now: float = self._loop.time()
        if self._idle_since is None:
            self._idle_since = now
        return now - self._idle_since >= self.protocol.options.idle_timeout

    def _process(self, data: bytes) -> list[HTTP2Request]:
        requests = super()._process(data)
        if self._arrived_octets:
            self._credit_arrived()
        if self._stream_credit:
            for stream_id, size in self._stream_credit.items():
                # Of a body that is dispatched complete; otherwise padding, which nobody reads.
                self.protocol.credit_read(size, stream_id, not self.dispatches_on_headers)
            self._stream_credit.clear()
        return requests

    def _credit_arrived(self) -> None:
        # Credited at once, so that one stream cannot starve the others.
        arrived, self._arrived_octets = self._arrived_octets, 0
        self.protocol.credit_arrived(arrived)

    def _request_received(self, item: Any, requests: list[Any]) -> None:
        stream_id = item.stream_id
        stream = self.stream_class(stream_id, self)
        if item.priority is not None:
            stream.update_priority(*item.priority)
        stream.receive_headers(item.headers)
        self.protocol.streams[stream_id] = stream
        if item.end_stream:
            stream.end_request()
        else:
            stream.expect_continue = any(
                name == "expect" and value.strip().lower() == "100-continue" for name, value in item.headers
            )
            if not self.dispatches_on_headers:
                if stream.expect_continue:
                    # The request is dispatched with its body, and the client waits for 100 before it sends that.
                    try:
                        self.protocol.engine.send_headers(stream_id, [(":status", "100")])
                    except ProtocolError:
                        pass  # the peer has reset the stream since
                return
        self._hand_out(stream, requests)

    def _build_request(self, stream: AsyncHTTP2Stream) -> HTTP2Request:
        request = HTTP2Request(stream, self.cfg, self.client_addr)
        if self.decodes_paths:
            decode_path(request)
        return request

    def _hand_out(self, stream: AsyncHTTP2Stream, requests: list[Any]) -> None:
        try:
            requests.append(self._build_request(stream))
        except (ParseException, ValueError):
            # A request that gunicorn rejects is malformed: a stream error (RFC 9113 section 8.1.1).
            self.protocol.streams.pop(stream.stream_id, None)
            self.protocol.reset(stream.stream_id, HTTP2ErrorCode.PROTOCOL_ERROR)

    def _data_received(self, item: Any, requests: list[Any]) -> None:
        length = item.flow_controlled_length
        self._arrived_octets += length
        stream = self.protocol.streams.get(item.stream_id)
        if stream is None or not stream.can_receive:
            return
        data = item.data
        if data:
            stream.receive_data(data)
        if item.end_stream:
            stream.end_request()
            if not self.dispatches_on_headers:
                stream.join_body()
                self._hand_out(stream, requests)
            return
        # Padding is credited at once, and so is a body that is dispatched complete.
        credit = length - len(data) if self.dispatches_on_headers else length
        if credit and not stream.response_complete:
            self._stream_credit[item.stream_id] = self._stream_credit.get(item.stream_id, 0) + credit

    def _trailers_received(self, item: Any, requests: list[Any]) -> None:
        stream = self.protocol.streams.get(item.stream_id)
        if stream is None or not stream.can_receive:
            return
        stream.receive_trailers(item.headers)
        stream.end_request()
        if not self.dispatches_on_headers:
            stream.join_body()
            self._hand_out(stream, requests)

    def _handed_out(self, stream: Any) -> bool:
        return self.dispatches_on_headers or bool(stream.request_complete)

    def _connection_lost(self) -> None:
        super()._connection_lost()
        self._signal_window()
        for stream in list(self.protocol.streams.values()):
            stream.signal_disconnect()

    def abort_streams_nowait(self) -> None:
        """Signal the disconnect to every stream; called when the transport is lost."""
        self._connection_lost()

    # Window credit

    def acknowledge_data(self, stream_id: int, size: int) -> None:
        """Credit a stream's window for octets that the application has read.

        Args:
            stream_id: The stream.
            size: Number of octets.
        """
        if size <= 0 or self.protocol.closed:
            return
        stream = self.protocol.streams.get(stream_id)
        if stream is not None and (stream.request_complete or stream.response_complete):
            return  # the credit would not be used
        self.protocol.credit_read(size, stream_id)
        if self._transport is not None:
            self._flush_soon()
        else:
            self._send_quietly()

    # Sending

    async def send_informational(self, stream_id: int, status: int, headers: Iterable[tuple[Any, Any]]) -> None:
        """Send an interim response (1xx).

        Args:
            stream_id: The stream.
            status: 100 to 199.
            headers: ``(name, value)`` pairs.

        Raises:
            HTTP2Error: Another status, an unknown stream, or the final
                response has begun.
        """
        async with self._lock():
            send_informational(self.protocol, stream_id, status, headers)
            self._flush()
        await self._drain()

    async def send_response_headers(
        self, stream_id: int, headers: Iterable[tuple[Any, Any]], end_stream: bool = False
    ) -> bool:
        """Send a response's headers.

        Args:
            stream_id: The stream.
            headers: ``(name, value)`` pairs, ``:status`` first.
            end_stream: True if the response has no body.

        Returns:
            True if the stream was there and had no headers yet.

        Raises:
            HTTP2Error: Fields that HTTP/2 does not allow.
        """
        stream = self.protocol.streams.get(stream_id)
        if stream is None or stream.state is _CLOSED or stream.response_headers_sent:
            return False
        async with self._lock():
            if not self._send_headers(stream, outgoing(headers), end_stream):
                return False
            stream.send_headers(headers, end_stream=end_stream)
            if self._transport is None or end_stream:
                self._flush()
            else:
                # The first part of the body usually follows at once.
                self._flush_soon()
        await self._drain()
        return True

    def _send_headers(self, stream: Any, fields: list[tuple[Any, Any]], end_stream: bool) -> bool:
        try:
            self.protocol.engine.send_headers(stream.stream_id, fields, end_stream=end_stream)
        except NoSuchStreamError:
            stream.close()
            self.cleanup_stream(stream.stream_id)
            return False
        except ProtocolError as exc:
            raise HTTP2Error(str(exc)) from exc
        return True

    async def send_response(
        self, stream_id: int, status: int, headers: Iterable[tuple[Any, Any]], body: bytes | None = None
    ) -> bool:
        """Send a complete response.

        Args:
            stream_id: The stream.
            status: The final status.
            headers: ``(name, value)`` pairs; names are lower-cased, values
                other than ``bytes`` are converted to text.
            body: The body; none when ``None`` or empty.

        Returns:
            True if all of it was sent.
        """
        fields = [(":status", str(status)), *headers]
        if not await self.send_response_headers(stream_id, fields, end_stream=not body):
            return False
        return not body or await self.send_data(stream_id, body, end_stream=True)

    async def send_data(self, stream_id: int, data: bytes, end_stream: bool = False) -> bool:
        """Send a part of a response's body, waiting while the windows are exhausted.

        Args:
            stream_id: The stream.
            data: The part; an empty one sends nothing, unless it ends the
                stream.
            end_stream: True if it is the last one.

        Returns:
            True if it was sent; ``False`` if the stream is gone or the peer
            did not accept it within ``stream_timeout``.
        """
        stream = self.protocol.streams.get(stream_id)
        if stream is None:
            return False
        if stream.omits_body:
            data = b""
        if not data and not end_stream:
            await self.yield_to_others(0)
            return True
        if type(data) is not bytes:
            data = bytes(data)
        # A stream with an incomplete request is reset after its response, which would discard deferred output.
        soon = (
            end_stream and stream.request_complete and len(self.protocol.streams) > 1 and len(data) <= _SMALL
            and self._transport is not None and self._fits(stream_id, len(data))
        )  # fmt: skip
        async with self._lock():
            try:
                if data:
                    self.protocol.engine.write(stream_id, data, end_stream)
                else:
                    self.protocol.engine.send_data(stream_id, b"", end_stream=True)
            except ProtocolError:
                stream.close()
                self.cleanup_stream(stream_id)
                return False
            if soon:
                self._deferred += len(data)
                self._flush_soon()
            else:
                self._flush()
        if not soon:
            sent = await self._all_sent(stream_id)
            if sent == 0:
                # The peer is connected and does not read.
                await self.abort_stream(stream_id, HTTP2ErrorCode.CANCEL)
                return False
            if sent < 0 or stream.state is _CLOSED:
                self.cleanup_stream(stream_id)
                return False
            await self._drain()
        if end_stream and stream.can_send:
            stream.send_data(b"", end_stream=True)
        if not end_stream:
            await self.yield_to_others(len(data))
        return True

    async def send_trailers(self, stream_id: int, trailers: Iterable[tuple[Any, Any]]) -> bool:
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
        # Data that was queued directly in the engine is sent first.
        if self.protocol.engine.unsent(stream_id) and await self._all_sent(stream_id) <= 0:
            await self.abort_stream(stream_id, HTTP2ErrorCode.CANCEL)
            return False
        async with self._lock():
            if not self._send_headers(stream, fields, True):
                return False
            stream.send_trailers(fields)
            self._flush()
        await self._drain()
        return True

    async def send_error(self, stream_id: int, status_code: int, message: str | None = None) -> None:
        """Send an error response, or reset the stream with INTERNAL_ERROR if headers were sent already.

        Args:
            stream_id: The stream.
            status_code: The status.
            message: The body, plain text.
        """
        stream = self.protocol.streams.get(stream_id)
        if stream is None or stream.response_headers_sent:
            await self.abort_stream(stream_id, HTTP2ErrorCode.INTERNAL_ERROR)
            return
        headers, body = plain_text(message)
        await self.send_response(stream_id, status_code, headers, body)

    async def reset_stream(self, stream_id: int, error_code: int = HTTP2ErrorCode.CANCEL) -> None:
        """Send RST_STREAM and drop the stream; never raises.

        Args:
            stream_id: The stream.
            error_code: An RFC 9113 section 7 code; CANCEL when not given.
        """
        await self.abort_stream(stream_id, error_code)

    async def abort_stream(self, stream_id: int, error_code: int) -> None:
        """Reset a stream, drop it and send RST_STREAM; never raises.

        Args:
            stream_id: The stream.
            error_code: An RFC 9113 section 7 code.
        """
        stream = self.protocol.streams.get(stream_id)
        if stream is not None:
            stream.reset(error_code)
        async with self._lock():
            self.protocol.reset(stream_id, error_code)
            self._send_quietly()
        if stream is not None:
            self.cleanup_stream(stream_id)
        try:
            await self._drain()
        except HTTP2ConnectionError:
            pass  # the connection is marked closed

    def cleanup_stream(self, stream_id: int) -> None:
        """Release a stream at the end of its request.

        A stream with an incomplete response is reset with INTERNAL_ERROR; one
        whose request body was not read to its end with NO_ERROR. After the
        peer's GOAWAY the last stream closes the connection.

        Args:
            stream_id: The stream; an unknown one is ignored.
        """
        stream = self.protocol.release(stream_id, self)
        if stream is not None:
            stream.signal_disconnect()

    def _cut_off(self, stream: Any) -> bool:
        if super()._cut_off(stream):
            return True
        if stream.request_complete:
            return False
        # The response is complete; NO_ERROR asks the peer to stop sending (RFC 9113 section 8.1). In a write of its
        # own: some clients lose the response otherwise.
        self._send_quietly()
        stream.reset(HTTP2ErrorCode.NO_ERROR)
        self.protocol.reset(stream.stream_id, HTTP2ErrorCode.NO_ERROR)
        return True

    # Used by gunicorn's own tests and its older workers

    def _lock(self) -> asyncio.Lock:
        """The lock that serialises writes. Nothing here awaits while holding it."""
        if self._write_lock is None:
            self._write_lock = asyncio.Lock()
        return self._write_lock

    def _signal_window(self) -> None:
        """Wake the tasks that wait for window; also for callers that change the engine directly."""
        if self._window_event is not None:
            self._window_event.set()

    async def _all_sent(self, stream_id: int) -> int:
        if self._transport is not None:
            return await super()._all_sent(stream_id)
        while not self.protocol.closed and not self.protocol.is_gone(stream_id):
            if not self.protocol.engine.unsent(stream_id):
                return 1
            window = await self._wait_for_flow_control_window(stream_id)
            if window == 0:
                return 0
            async with self._lock():
                self._flush()
            await self._drain()
        return -1

    async def _wait_for_flow_control_window(self, stream_id: int) -> int:
        """Wait until a stream may send; for connections that read from a stream reader.

        Returns:
            The octets it may send; 0 if the window stayed exhausted for
            ``stream_timeout``; -1 if the stream or the connection is gone.
        """
        loop = asyncio.get_running_loop()
        deadline = None if self.protocol.options.stream_timeout is None else loop.time() + self.protocol.options.stream_timeout
        if self._window_event is None:
            self._window_event = asyncio.Event()
        while True:
            if self.protocol.closed or self.protocol.is_gone(stream_id):
                return -1
            try:
                window: int = self.protocol.engine.local_flow_control_window(stream_id)
            except ProtocolError:
                return -1
            if window > 0:
                return window
            left = None if deadline is None else deadline - loop.time()
            if left is not None and left <= 0:
                return 0
            self._window_event.clear()
            try:
                if self.dispatches_on_headers:
                    # The worker's own loop reads meanwhile.
                    await asyncio.wait_for(self._window_event.wait(), left)
                else:
                    await self._read_meanwhile(left)
            except asyncio.TimeoutError:
                return 0

    async def _read_meanwhile(self, timeout: float | None) -> None:
        try:
            data = await self._read(timeout)
        except asyncio.TimeoutError:
            raise
        except OSError:
            data = b""
        if data:
            await self._take_in(data)
        else:
            self._connection_lost()

    # Ending

    async def close(self, error_code: int = 0x0, last_stream_id: int | None = None) -> None:
        """Send GOAWAY if the transport still works, and close; once.

        A connection that an error has ended already stays open for up to a
        second, so that its peer reads what was queued (RFC 9112 section 9.6).

        Args:
            error_code: An RFC 9113 section 7 code.
            last_stream_id: The last stream that was or will be served; the
                last one that arrived when ``None``.
        """
        if self.protocol.closed:
            await self.peer_left(self.LINGER)
            return
        self._end(error_code, last_stream_id)
        try:
            self.writer.close()
        except Exception:  # the transport is closed already
            pass

    def __repr__(self) -> str:
        return f"<AsyncHTTP2Connection streams={len(self.protocol.streams)} closed={self.protocol.closed}>"
