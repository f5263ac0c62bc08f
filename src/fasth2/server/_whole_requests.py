"""Requests that are handed out once their last frame has arrived."""
from __future__ import annotations

import time
from typing import Any

from ._blocking import BlockingConnection
from .errors import HTTP2ErrorCode
from .request import MEANINGLESS_TRAILERS

__all__ = ["WholeRequests"]


class WholeRequests(BlockingConnection):
    """The receiving half of a connection that hands out whole requests.

    A body is held until it is complete, so its window opens as it arrives.
    Subclasses say how a caller reads, and what it is given.
    """

    #: What `streams` holds, called with the stream's number and the connection.
    stream_class: Any

    #: What a request is, called with its stream, the configuration and the peer's address.
    request_class: Any

    def __init__(self, cfg: Any, sock: Any, client_addr: Any) -> None:
        super().__init__(cfg, sock, client_addr)
        # Seconds waited since a request under way, or the settings, last made progress.
        self._waited = 0.0
        # Whether the peer has acknowledged this side's SETTINGS.
        self._settled = False

    def _read(self) -> Any:
        """Read once; ``None`` after a time-out, which has then been acted on."""
        streams = self.streams
        if not self._settled:
            self._settled = self.h2_conn.settings_acknowledged
        under_way = not self._settled or (
            bool(streams) and any(not stream.request_complete for stream in streams.values())
        )
        timeout = None
        start = 0.0
        if under_way and self.stream_timeout is not None:
            timeout = self.stream_timeout - self._waited
            start = time.monotonic()
        elif not streams:
            timeout = self._idle_limit()
        try:
            data = self._recv(timeout)
        except OSError as exc:
            if timeout is None or not isinstance(exc, TimeoutError):
                self._closed = True
                raise self.errors.HTTP2ConnectionError(f"Socket read error: {exc}") from exc
            if start:
                self._give_up()
            else:
                self.close()
            return None
        if start:
            self._waited += time.monotonic() - start
        return data

    def _give_up(self) -> None:
        """The peer made no progress for `stream_timeout`."""
        if not self._settled:
            self.close(HTTP2ErrorCode.SETTINGS_TIMEOUT)
            return
        for stream_id, stream in list(self.streams.items()):
            if not stream.request_complete:
                stream.reset(HTTP2ErrorCode.CANCEL)
                self._reset_quietly(stream_id, HTTP2ErrorCode.CANCEL)
                del self.streams[stream_id]
        self._waited = 0.0
        self._send_quietly()

    def _request_received(self, item: Any, requests: list[Any]) -> None:
        stream_id = item.stream_id
        if (self._unreleased or self._refused_above is not None) and self._refuse(stream_id):
            return
        stream = self.stream_class(stream_id, self)
        self.streams[stream_id] = stream
        if item.priority is not None:
            stream.update_priority(*item.priority)
        stream.receive_headers(item.headers, item.end_stream)
        self._waited = 0.0
        if item.end_stream:
            self._request_complete(stream, requests)

    def _data_received(self, item: Any, requests: list[Any]) -> None:
        stream_id = item.stream_id
        # The whole request is kept until it is complete, so its window opens
        # as it arrives.
        if item.flow_controlled_length:
            self._arrived(stream_id, item.flow_controlled_length)
        stream = self.streams.get(stream_id)
        if stream is None or not stream.can_receive:
            return
        if item.data:
            self._waited = 0.0
        stream.receive_data(item.data, item.end_stream)
        if item.end_stream:
            self._request_complete(stream, requests)

    def _arrived(self, stream_id: int, octets: int) -> None:
        """Open both windows again; the engine waits until a useful part can be returned."""
        self.h2_conn.consume(stream_id, octets)

    def _trailers_received(self, item: Any, requests: list[Any]) -> None:
        stream = self.streams.get(item.stream_id)
        if stream is None or not stream.can_receive:
            return
        stream.receive_trailers([field for field in item.headers if field[0] not in MEANINGLESS_TRAILERS])
        self._request_complete(stream, requests)

    def _request_complete(self, stream: Any, requests: list[Any]) -> None:
        requests.append(self.request_class(stream, self.cfg, self.client_addr))

    def _handed_out(self, stream: Any) -> bool:
        complete: bool = stream.request_complete
        return complete
