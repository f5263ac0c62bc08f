"""What gunicorn's blocking and asyncio connection classes do alike with the engine."""
from __future__ import annotations

import collections
from typing import Any

from gunicorn.http2 import errors as gunicorn_errors
from gunicorn.http2.errors import HTTP2ProtocolError
from gunicorn.http2.stream import StreamState

from fasth2.config import Limits
from fasth2.connection import H2Connection
from fasth2.exceptions import FlowControlError, FrameTooLargeError, ProtocolError
from fasth2.gunicorn.counting import Record
from fasth2.gunicorn.limits import connection_limits, widen_window
from fasth2.gunicorn.refusing import RefusedRequest, too_large
from fasth2.gunicorn.settings import current
from fasth2.server._engine_turns import EngineTurns, begin_upgraded
from fasth2.server._lazy import lazy

from .contract import installed

__all__ = ["GunicornTurns"]

_CONTRACT = installed()


class _QueueingEngine(H2Connection):
    """The engine where workers reach past the connection class and send a body in one piece."""

    def send_data(self, stream_id: int, data: Any, end_stream: bool = False, pad_length: int | None = None) -> None:
        """Send data, or queue what the windows or the frame size do not let through as one frame.

        Args:
            stream_id: The stream's number.
            data: Any buffer of octets.
            end_stream: Whether nothing follows.
            pad_length: As for `H2Connection.send_data`; data with padding is not queued.
        """
        try:
            super().send_data(stream_id, data, end_stream, pad_length)
        except (FlowControlError, FrameTooLargeError):
            if pad_length is not None:
                raise
            self.write(stream_id, bytes(data), end_stream)


class GunicornTurns(EngineTurns):
    """`EngineTurns` with gunicorn's errors and states, its limits and its counters.

    Args:
        cfg: gunicorn's configuration.
        client_addr: The client's address.
    """

    errors = gunicorn_errors
    closed_state = StreamState.CLOSED
    contract = _CONTRACT

    #: What `streams` holds, called with the stream's number and the connection.
    stream_class: Any

    engine_class = H2Connection if _CONTRACT.streams_responses else _QueueingEngine

    #: Whether the peer's GOAWAY ends a connection without streams, and later
    #: streams above its last id are refused. gunicorn's own tests want both of
    #: its classes; RFC 9113 section 6.8 asks for neither.
    ends_with_peer = True

    #: Whether the reset of an upload that was answered without being read waits for its client (`UnreadUploads`).
    #: gunicorn's classes reset it when the worker is done with it.
    waits_for_uploads = False

    def __init__(self, cfg: Any, client_addr: Any) -> None:
        chosen = current()
        if chosen.unread_upload_octets != self.unread_upload_octets:
            self.unread_upload_octets = chosen.unread_upload_octets
        if chosen.unread_upload_seconds != self.unread_upload_seconds:
            self.unread_upload_seconds = chosen.unread_upload_seconds
        if chosen.min_body_rate != self.MIN_RECEIVE_RATE:
            self.MIN_RECEIVE_RATE = chosen.min_body_rate
        super().__init__(cfg, client_addr)
        self._record = Record(self.h2_conn)

    @lazy
    def _deferred_events(self) -> collections.deque[Any]:
        # gunicorn's name for frames set aside; here they have taken effect already.
        return collections.deque()

    def _make_limits(self) -> Limits:
        return connection_limits(self.max_concurrent_streams, self.max_header_list_size, self.contract)

    def _count(self, name: str) -> int:
        self._record.add(self._counts)
        return super()._count(name)

    def _advertise(self) -> None:
        super()._advertise()
        widen_window(self.h2_conn)

    def _upgrade(self, settings_header: bytes) -> None:
        """Begin in HTTP/2 after ``Upgrade: h2c``; this side's SETTINGS are in the output then.

        Raises:
            HTTP2ProtocolError: The settings are not valid.
        """
        try:
            begin_upgraded(self.h2_conn, settings_header)
        except (ProtocolError, ValueError) as exc:
            raise HTTP2ProtocolError(f"HTTP2-Settings not valid: {exc}") from exc
        self._advertise()
        self._initialized = True

    def _large_request_received(self, item: Any, requests: list[Any]) -> None:
        stream_id = item.stream_id
        if (self._unreleased or self._refused_above is not None) and self._refuse(stream_id):
            return
        stream = self.streams[stream_id] = self.stream_class(stream_id, self)
        stream.receive_headers(item.headers)
        if item.end_stream:
            stream.end_request()
        requests.append(RefusedRequest(stream, too_large(item.reason)))

    def _goaway_received(self, item: Any) -> None:
        super()._goaway_received(item)
        if self.draining:
            self.h2_conn.peer_goaway_last_stream_id = item.last_stream_id

    def _goaway_read(self) -> None:
        if not self.ends_with_peer:
            return
        if self.streams:
            self._refused_above = self.peer_last_stream_id
        else:
            self.draining = False
            self._connection_lost()
