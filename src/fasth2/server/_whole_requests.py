"""Requests that are returned once their last frame has arrived."""
from __future__ import annotations

import time
from typing import Any

from fasth2.exceptions import ProtocolError

from ._blocking import BlockingConnection
from ._progress import rate_left
from .errors import HTTP2ErrorCode

__all__ = ["WholeRequests"]


def announced_length(headers: list[tuple[Any, Any]]) -> int:
    """Return a request's Content-Length, 0 without one; the engine has checked it."""
    for name, value in headers:
        if name == "content-length":
            return int(value) if value.isdigit() else 0
    return 0


def size_setting(cfg: Any, name: str, default: int | None) -> int | None:
    """Return a number of octets from the configuration.

    Args:
        cfg: The configuration; a value of ``None`` means no limit.
        name: The name of the setting.
        default: The result for a configuration without it.

    Raises:
        TypeError: The value has another type.
        ValueError: The value is negative.
    """
    value = getattr(cfg, name, default)
    if value is None or type(value) is int:
        if value is not None and value < 0:
            raise ValueError(f"{name} must be 0 octets or more, not {value}")
        return value
    if isinstance(value, (bool, float, str, bytes)):
        raise TypeError(f"{name} must be an int or None, not {type(value).__name__}")
    return default  # the configuration is a mock


class WholeRequests(BlockingConnection):
    """The receiving half of a connection that returns complete requests.

    A body is buffered until it is complete, and its window is credited as it
    arrives. Subclasses define how callers read and which requests they get.
    """

    #: The class of streams, called with the stream's identifier and the connection.
    stream_class: Any

    #: Octets of a request's body that are buffered until it is complete; a larger
    #: one is answered with 413. ``None``: no limit.
    max_body: int | None = 64 << 20

    #: Octets of bodies that are buffered on the connection, including those of
    #: returned requests until `cleanup_stream`. ``None``: no limit.
    max_bodies: int | None = 128 << 20

    #: The class of requests, called with the stream, the configuration and the peer's address.
    request_class: Any

    # Total seconds of waiting for incomplete requests; total octets of bodies received; octets of buffered bodies, an
    # upper bound that may include those of ended streams.
    _waited_in_all = 0.0
    _body_octets = 0
    _held_octets = 0

    def __init__(self, cfg: Any, sock: Any, client_addr: Any) -> None:
        super().__init__(cfg, sock, client_addr)
        # Seconds waited since an incomplete request, or the acknowledgment of SETTINGS, last made progress.
        self._waited = 0.0
        self.max_body = size_setting(cfg, "max_body", self.max_body)
        self.max_bodies = size_setting(cfg, "max_bodies", self.max_bodies)
        # True if the peer has acknowledged this side's SETTINGS.
        self._settings_acknowledged = False

    def _read(self) -> Any:
        """Read once; ``None`` after a time-out, which is handled here."""
        streams = self.protocol.streams
        if not self._settings_acknowledged:
            self._settings_acknowledged = self.protocol.engine.settings_acknowledged
        under_way = not self._settings_acknowledged or (
            bool(streams) and any(not stream.request_complete for stream in streams.values())
        )
        limit: float | None = None
        start = 0.0
        if under_way and self.protocol.options.stream_timeout is not None:
            limit = self._time_left(self.protocol.options.stream_timeout)
            start = time.monotonic()
        elif not streams:
            limit = self.protocol.idle_limit()
        timeout = self.protocol.or_unread(limit) if self.protocol.unread else limit
        try:
            data = self._recv(timeout)
        except OSError as exc:
            if timeout is None or not isinstance(exc, TimeoutError):
                self.protocol.closed = True
                self.protocol.give_back_growth()
                raise self.protocol.options.errors.HTTP2ConnectionError(f"Socket read error: {exc}") from exc
            if start:
                self._count_wait(time.monotonic() - start)
            if self.protocol.end_unread(self):
                pass
            elif start:
                self._give_up()
            elif not self.protocol.unread:
                self.close()
            return None
        if start:
            self._count_wait(time.monotonic() - start)
        return data

    def _count_wait(self, seconds: float) -> None:
        self._waited += seconds
        self._waited_in_all += seconds

    def _time_left(self, timeout: float) -> float:
        """Return the seconds left to wait for incomplete requests; 0 if the time of any is over."""
        left = timeout - self._waited
        if self.MIN_RECEIVE_RATE:
            under_way = self._under_way()
            for stream in under_way.values():
                left = min(left, self._rate_left(stream, timeout, len(under_way)))
        return max(left, 0.0)

    def _under_way(self) -> dict[int, Any]:
        return {stream_id: stream for stream_id, stream in self.protocol.streams.items() if not stream.request_complete}

    def _rate_left(self, stream: Any, timeout: float, streams: int) -> float:
        others = self._body_octets - stream.octets_before - stream.body_size
        waited = self._waited_in_all - stream.waited_before
        return rate_left(waited, timeout, self.MIN_RECEIVE_RATE, stream.body_size, others, streams)

    def _give_up(self) -> None:
        """Reset the requests without progress for `stream_timeout`, or below the minimum rate."""
        if not self._settings_acknowledged:
            self._limit_crossed = b"settings_timeout"
            self.close(HTTP2ErrorCode.SETTINGS_TIMEOUT)
            return
        under_way = self._under_way()
        timeout = self.protocol.options.stream_timeout or 0.0
        stalled = self._waited >= timeout
        for stream_id, stream in under_way.items():
            if stalled or self._rate_left(stream, timeout, len(under_way)) <= 0:
                self.protocol.count("slow_bodies")
                stream.reset(HTTP2ErrorCode.CANCEL)
                self.protocol.reset(stream_id, HTTP2ErrorCode.CANCEL)
                del self.protocol.streams[stream_id]
        if stalled:
            self._waited = 0.0
        self._send_quietly()

    def _request_received(self, item: Any, requests: list[Any]) -> None:
        stream_id = item.stream_id
        stream = self.stream_class(stream_id, self)
        self.protocol.streams[stream_id] = stream
        if item.priority is not None:
            stream.update_priority(*item.priority)
        stream.receive_headers(item.headers, item.end_stream)
        self._waited = 0.0
        stream.waited_before = self._waited_in_all
        stream.octets_before = self._body_octets
        if item.end_stream:
            self._request_complete(stream, requests)
        elif self.max_body is not None and announced_length(item.headers) > self.max_body:
            self._refuse_body(stream, "max_body")

    def _data_received(self, item: Any, requests: list[Any]) -> None:
        stream_id = item.stream_id
        length = item.flow_controlled_length
        stream = self.protocol.streams.get(stream_id)
        if stream is None or not stream.can_receive:
            if length:
                self.protocol.credit(length)
            return
        data = item.data
        if data:
            self._waited = 0.0
            self._body_octets += len(data)
            size = stream.body_size = stream.body_size + len(data)
            self._held_octets += len(data)
            if self.max_body is not None and size > self.max_body:
                crossed = "max_body"
            elif self.max_bodies is not None and self._held_octets > self.max_bodies and self._hold_too_much():
                crossed = "max_bodies"
            else:
                crossed = ""
            if crossed:
                self.protocol.credit(length)
                self._refuse_body(stream, crossed)
                return
        # The request is buffered until it is complete, so its octets are credited
        # as they arrive; after the response, to the connection's window only.
        if length:
            if stream.response_complete:
                self.protocol.credit(length)
            else:
                self._arrived(stream_id, length)
        stream.receive_data(data, item.end_stream)
        if item.end_stream:
            self._request_complete(stream, requests)

    def _hold_too_much(self) -> bool:
        """Recompute the octets of buffered bodies. Return True if they exceed `max_bodies`."""
        self._held_octets = sum(stream.body_size for stream in self.protocol.streams.values())
        return self.max_bodies is not None and self._held_octets > self.max_bodies

    def _refuse_body(self, stream: Any, counter: str) -> None:
        """Answer a request with 413, drop its body and discard the rest of it (RFC 9110 section 15.5.14)."""
        self.protocol.count(counter)
        stream_id = stream.stream_id
        answered = stream.response_headers_sent
        complete = stream.response_complete
        stream.reset(HTTP2ErrorCode.NO_ERROR)
        stream.drop_body()
        del self.protocol.streams[stream_id]
        try:
            if not answered:
                complete = self.protocol.engine.respond(stream_id, 413, [("content-length", "0")], b"", None, True)
        except ProtocolError:
            complete = True  # the stream or the connection has ended
        if complete:
            self.protocol.leave_unread(stream_id)
        else:
            self.protocol.reset(stream_id, HTTP2ErrorCode.CANCEL)

    def _arrived(self, stream_id: int, octets: int) -> None:
        """Credit both windows; the engine delays WINDOW_UPDATE until a useful amount is due."""
        self.protocol.engine.consume(stream_id, octets)

    def _trailers_received(self, item: Any, requests: list[Any]) -> None:
        stream = self.protocol.streams.get(item.stream_id)
        if stream is None or not stream.can_receive:
            return
        stream.receive_trailers(item.headers)
        self._request_complete(stream, requests)

    def _request_complete(self, stream: Any, requests: list[Any]) -> None:
        requests.append(self.request_class(stream, self.cfg, self.client_addr))

    def _handed_out(self, stream: Any) -> bool:
        complete: bool = stream.request_complete
        return complete
