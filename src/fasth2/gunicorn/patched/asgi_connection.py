"""The connection class of `fasth2.gunicorn.asgi`: it dispatches requests as they arrive and shares writes."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gunicorn.http.errors import ParseException
from gunicorn.http2.errors import HTTP2Error, HTTP2ErrorCode
from gunicorn.http2.stream import StreamState

from fasth2.exceptions import NoSuchStreamError, ProtocolError
from fasth2.gunicorn.dropin.async_connection import AsyncHTTP2Connection
from fasth2.gunicorn.dropin.request import HTTP2Request, policy_of
from fasth2.gunicorn.dropin.request_path import decode_path
from fasth2.gunicorn.refusing import RefusedRequest, is_malformed, refusal_for
from fasth2.gunicorn.settings import current
from fasth2.server._tcp import limit_unsent

__all__ = ["ASGIConnection"]

_CLOSED = StreamState.CLOSED

#: Least number of seconds between two checks of an idle connection.
_MIN_CHECK_INTERVAL = 0.01

#: Seconds in which the event loop reads what has been sent, before the last stream is named.
INPUT_WAIT = 0.05

#: Octets below which credit is delayed, while the peer still has window.
_PORTION = 16384


class ASGIConnection(AsyncHTTP2Connection):
    """A connection that calls a function for each request, and whose end can be awaited.

    Requests are dispatched once their headers have arrived, also under gunicorn
    versions whose own worker waits for the body.

    Args:
        cfg: gunicorn's configuration.
        reader: The reader of gunicorn's protocol.
        transport: The loop's transport.
        client_addr: The client's address.
        serve: Called with each request.
    """

    dispatches_on_headers = True
    ends_with_peer = False
    decodes_paths = True
    adapts_windows = True

    def __init__(
        self, cfg: Any, reader: Any, transport: Any, client_addr: Any, serve: Callable[[Any], None]
    ) -> None:
        super().__init__(cfg, reader, transport, client_addr)
        self._serve = serve
        self._adapts = self.protocol.options.adaptive_windows is not None
        if current().keepalive_pings:
            self.data_received = self._data_with_pings  # type: ignore[method-assign]
        self._policy = policy_of(cfg, client_addr)
        self.protocol.engine.answers_large_requests = True
        #: Called with the exception of each malformed request, whose stream is reset.
        self.on_malformed: Callable[[Exception], None] | None = None
        self._over: Any = None
        self._idle_timer: Any = None
        # State of the graceful shutdown.
        self._stopping = False
        self._shutdown_timer: Any = None
        self._unread_timer: Any = None

    def attach(self, transport: Any) -> None:
        """Take input by calls of the transport from now on.

        Args:
            transport: The loop's transport; output goes to it.
        """
        super().attach(transport)
        sock = transport.get_extra_info("socket")
        if sock is not None:
            limit_unsent(sock)
        self._over = self._loop.create_future()
        self._idle_since = self._loop.time()
        if self.protocol.options.idle_timeout is not None:
            self._idle_timer = self._loop.call_later(self.protocol.options.idle_timeout, self._check_idle)

    async def ended(self) -> None:
        """Wait until the connection has ended.

        Raises:
            HTTP2ProtocolError: The peer violated the protocol; GOAWAY was sent.
            HTTP2ConnectionError: The peer stopped reading.
        """
        await self._over
        self.protocol.raise_error()

    def _data_with_pings(self, data: bytes) -> None:
        """`data_received` for ``keepalive_pings``."""
        before = self.protocol.engine.pings_received
        AsyncHTTP2Connection.data_received(self, data)
        if self.protocol.engine.pings_received != before:
            self._idle_since = self._loop.time()

    def abort_streams_nowait(self) -> None:
        """Signal the disconnect to every stream; called when the transport is lost."""
        if not self.protocol.closed:
            self._connection_lost()

    # Requests

    def _requests_arrived(self, requests: list[Any]) -> None:
        for request in requests:
            self._serve(request)

    def _build_request(self, stream: Any) -> Any:
        if self._policy is None:
            return super()._build_request(stream)
        request = HTTP2Request(stream, self.cfg, self.client_addr, self._policy)
        decode_path(request)
        return request

    def _hand_out(self, stream: Any, requests: list[Any]) -> None:
        try:
            requests.append(self._build_request(stream))
        except (ParseException, ValueError) as exc:
            if is_malformed(exc):
                if self.on_malformed is not None:
                    self.on_malformed(exc)
                self.protocol.streams.pop(stream.stream_id, None)
                self.protocol.reset(stream.stream_id, HTTP2ErrorCode.PROTOCOL_ERROR)
            else:
                # Exceeds one of gunicorn's limits: answered as over HTTP/1.1.
                requests.append(RefusedRequest(stream, refusal_for(exc)))

    def _credit_arrived(self) -> None:
        # In useful portions, while the rest of the window is open. The engine does that where windows adapt.
        if self._adapts or self._arrived_octets >= _PORTION:
            super()._credit_arrived()

    # Request bodies

    def take_body(self, stream: Any) -> bytes:
        """Take the buffered part of a request's body; its window is credited in useful portions.

        Args:
            stream: The stream.
        """
        body: bytes = stream.take_body()
        if not stream.request_complete and stream.acked_size < stream.body_size and not stream.response_complete:
            owed = stream.body_size - stream.acked_size
            # A nearly exhausted window would stop the peer.
            if self._adapts or owed >= _PORTION or owed * 4 >= self.protocol.options.initial_window_size:
                stream.acked_size += owed
                self.protocol.credit_read(owed, stream.stream_id)
                self._flush_soon()
        return body

    # Responses

    async def send_part(
        self, stream: Any, status: int, fields: Any, body: bytes, end_stream: bool
    ) -> bool:
        """Send headers, a part of a body, or both together.

        Args:
            stream: The stream.
            status: The final status.
            fields: The response's fields, ``None`` where they were sent.
            body: The part, possibly empty.
            end_stream: True if this is the end of the response.

        Returns:
            True if it was sent; false if the stream is gone or the peer
            did not take it within ``stream_timeout``.

        Raises:
            HTTP2Error: Fields that HTTP/2 does not allow.
        """
        stream_id = stream.stream_id
        h2 = self.protocol.engine
        if type(body) is not bytes:
            body = bytes(body)
        size = len(body)
        # The tasks of other streams may add to the same write, except for a stream whose request
        # has not ended: its reset after the response discards queued data.
        soon = (
            end_stream and stream.request_complete and size <= _PORTION and len(self.protocol.streams) > 1
            and self._fits(stream_id, size)
        )  # fmt: skip
        try:
            if fields is not None:
                if not h2.respond(stream_id, status, fields, body, None, end_stream):
                    return self._stream_gone(stream)
                stream.response_started = stream.response_headers_sent = True
            elif size:
                h2.write(stream_id, body, end_stream)
            elif end_stream:
                h2.send_data(stream_id, b"", end_stream=True)
        except NoSuchStreamError:
            return self._stream_gone(stream)
        except ProtocolError as exc:
            if fields is None or self.protocol.closed or stream.state is _CLOSED:
                return self._stream_gone(stream)
            raise HTTP2Error(str(exc)) from exc
        if soon:
            self._deferred += size
            self._flush_soon()
        else:
            self._flush()
            if size and h2.unsent(stream_id):
                sent = await self._all_sent(stream_id)
                if sent == 0:
                    await self.abort_stream(stream_id, HTTP2ErrorCode.CANCEL)
                    return False
                if sent < 0:
                    return self._stream_gone(stream)
        if stream.state is _CLOSED:
            return self._stream_gone(stream)
        if end_stream:
            stream.end_response()
        return True

    def _stream_gone(self, stream: Any) -> bool:
        stream.close()
        stream.signal_disconnect()
        return False

    def cleanup_stream(self, stream_id: int) -> None:
        """Forget a stream that the application is done with.

        Args:
            stream_id: The stream; an unknown one is ignored.
        """
        super().cleanup_stream(stream_id)
        protocol = self.protocol
        if not protocol.streams:
            self._idle_since = self._loop.time()
            if self._stopping and protocol.shutdown.announced_at is None:  # type: ignore[union-attr]
                self._advance_shutdown()

    # Uploads that were answered without being read

    def _cut_off(self, stream: Any) -> bool:
        if not stream.response_complete or stream.request_complete:
            return super()._cut_off(stream)
        # The client may go on for a while (RFC 9113 section 8.1).
        self.protocol.leave_unread(stream.stream_id)
        if self._unread_timer is None:
            self._watch_uploads()
        return False

    def _watch_uploads(self) -> None:
        self._unread_timer = None
        self.protocol.end_unread(self)
        wait = self.protocol.or_unread(None)
        if wait is not None:
            # A little more, since a loop's timers may be early by what its clock does not tell apart.
            self._unread_timer = self._loop.call_later(wait + 0.01, self._watch_uploads)
        elif self.protocol.draining and not self.protocol.streams:
            self._close_quietly()

    def _waits_for_uploads(self) -> bool:
        return self.protocol.unread_deadline() is not None

    # Ending

    def _check_idle(self) -> None:
        """Close a connection that had nothing open for ``keepalive`` seconds."""
        wait = self.protocol.idle_limit() or 0
        if not self.protocol.streams and not self._waits_for_uploads():
            wait += (self._idle_since or 0) - self._loop.time()
            if wait <= 0:
                self._close_quietly()
                return
        # An upload whose time is over may be reset by a timer that is due in this turn of the loop, after this one.
        self._idle_timer = self._loop.call_later(max(wait, _MIN_CHECK_INTERVAL), self._check_idle)

    def _goaway_read(self, last_stream_id: int) -> None:
        super()._goaway_read(last_stream_id)
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        self._idle_timer = self._loop.call_later(self.protocol.idle_limit() or 0, self._check_idle)

    def stop(self) -> None:
        """End when those requests that are open have been answered.

        The peer is told once none is open, since there are clients that take
        GOAWAY for the end of all of them; requests that it sends until then,
        or that are on their way when it is told, are served. A peer that has
        always one open is told after half of ``graceful_timeout``.
        """
        if self.protocol.closed or self._stopping:
            return
        self._stopping = True
        self.protocol.begin_shutdown(self.protocol.clock() + self.cfg.graceful_timeout / 2)
        self._advance_shutdown()

    def _advance_shutdown(self) -> None:
        """Take the step of the graceful shutdown that is due, and come back for the next one."""
        if self.protocol.closed:
            return
        if self._shutdown_timer is not None:
            self._shutdown_timer.cancel()
        wait = self.protocol.advance_shutdown(self.protocol.clock(), not self.protocol.streams)
        if wait is None:
            self.refuse_new_streams()
            return
        self._send_quietly()
        self._shutdown_timer = self._loop.call_later(wait or INPUT_WAIT, self._advance_shutdown)

    def refuse_new_streams(self) -> None:
        """Tell the peer which stream is the last (RFC 9113 section 6.8); end once none is open."""
        if self.protocol.closed:
            return
        self.protocol.refuse_new_streams()
        self._send_quietly()
        self.protocol.draining = True
        if not self.protocol.streams:
            self._close_quietly()

    def _close_quietly(self) -> None:
        # The transport stays open until the peer has read that.
        if not self.protocol.closed and not self._waits_for_uploads():
            self._end(0, None)

    def _connection_lost(self) -> None:
        super()._connection_lost()
        for timer in (self._idle_timer, self._shutdown_timer, self._unread_timer):
            if timer is not None:
                timer.cancel()
        if self._over is not None and not self._over.done():
            self._over.set_result(None)
