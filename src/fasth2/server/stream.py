"""A stream of `HTTP2ServerConnection`: one request and its response."""
from __future__ import annotations

import io
from collections.abc import Iterable
from enum import Enum, auto
from typing import Any

from ._lazy import lazy
from .errors import HTTP2ErrorCode, HTTP2StreamError

__all__ = ["HTTP2Stream", "StreamState"]

Field = tuple[Any, Any]

#: Parts of a body are joined up to this size in octets, so that a body in
#: small frames does not take an object for each frame.
_SMALL = 1024


class StreamState(Enum):
    """The states of RFC 9113 section 5.1."""

    IDLE = auto()
    RESERVED_LOCAL = auto()
    RESERVED_REMOTE = auto()
    OPEN = auto()
    HALF_CLOSED_LOCAL = auto()
    HALF_CLOSED_REMOTE = auto()
    CLOSED = auto()


# Module globals: access to a member of an Enum class is slow.
_IDLE = StreamState.IDLE
_OPEN = StreamState.OPEN
_HALF_CLOSED_LOCAL = StreamState.HALF_CLOSED_LOCAL
_HALF_CLOSED_REMOTE = StreamState.HALF_CLOSED_REMOTE
_CLOSED = StreamState.CLOSED


def append_part(parts: list[bytes], data: bytes) -> None:
    """Append `data` to a list of parts, joining small ones."""
    if parts and len(parts[-1]) + len(data) <= _SMALL:
        parts[-1] += data
    else:
        parts.append(data)


class HTTP2Stream:
    """The state of one request and its response.

    `HTTP2ServerConnection` makes and updates it; the methods record events and
    send nothing.

    Args:
        stream_id: The stream's identifier.
        connection: The connection, whose ``initial_window_size`` is used.
    """

    state = _IDLE
    request_complete = False
    response_started = False
    response_headers_sent = False
    response_complete = False
    trailers: list[Field] | None = None
    response_trailers: list[Field] | None = None
    priority_weight = 16
    priority_depends_on = 0
    priority_exclusive = False

    #: Octets of the request's body that have arrived.
    body_size = 0

    # The connection's total seconds of waiting for bodies, and octets of bodies received, before this request.
    waited_before = 0.0
    octets_before = 0

    def __init__(self, stream_id: int, connection: Any) -> None:
        self.stream_id = stream_id
        self.connection = connection

    @lazy
    def request_headers(self) -> list[Field]:
        """The request's fields in order, pseudo-header fields first."""
        return []

    @lazy
    def window_size(self) -> int:
        """The stream's initial receive window, in octets."""
        size: int = self.connection.initial_window_size
        return size

    @lazy
    def request_body(self) -> io.BytesIO:
        """The received part of the body, positioned at its end; later parts are appended."""
        body = io.BytesIO(b"".join(self._parts))
        self._parts.clear()
        body.seek(0, io.SEEK_END)
        return body

    @lazy
    def _parts(self) -> list[bytes]:
        # The body until the first use of request_body.
        return []

    @property
    def is_client_stream(self) -> bool:
        """True if the client opened the stream (odd numbers)."""
        return self.stream_id % 2 == 1

    @property
    def is_server_stream(self) -> bool:
        """True if the server opened the stream (even numbers)."""
        return self.stream_id % 2 == 0

    @property
    def can_receive(self) -> bool:
        """True if the peer may still send on the stream."""
        return self.state is _OPEN or self.state is _HALF_CLOSED_LOCAL

    @property
    def can_send(self) -> bool:
        """True if this side may still send on the stream."""
        return self.state is _HALF_CLOSED_REMOTE or self.state is _OPEN

    def receive_headers(self, headers: list[Field], end_stream: bool = False) -> None:
        """Record the request's fields.

        Args:
            headers: ``(name, value)`` pairs.
            end_stream: True if the request has no body.

        Raises:
            HTTP2StreamError: The stream's state allows no fields.
        """
        if self.state is _IDLE:
            self.state = _OPEN
            self.request_headers = headers if type(headers) is list else list(headers)
        elif self.can_receive:
            self.request_headers = [*self.request_headers, *headers]
        else:
            raise self._refused("receive headers")
        if end_stream:
            self._end_request()

    def receive_data(self, data: bytes, end_stream: bool = False) -> None:
        """Record a part of the request's body.

        Args:
            data: The part, possibly empty.
            end_stream: True if it is the last one.

        Raises:
            HTTP2StreamError: The stream's state allows no body.
        """
        if not self.can_receive:
            raise self._refused("receive data")
        if data:
            body = self.__dict__.get("request_body")
            if body is None:
                append_part(self._parts, data)
            else:
                body.write(data)
        if end_stream:
            self._end_request()

    def receive_trailers(self, trailers: Iterable[Field]) -> None:
        """Record the request's trailers, which end it.

        Args:
            trailers: ``(name, value)`` pairs.

        Raises:
            HTTP2StreamError: The stream's state allows no trailers.
        """
        if not self.can_receive:
            raise self._refused("receive trailers")
        self.trailers = list(trailers)
        self._end_request()

    def send_headers(self, headers: Iterable[Field], end_stream: bool = False) -> None:
        """Record that the response's fields were sent.

        Args:
            headers: ``(name, value)`` pairs.
            end_stream: True if the response has no body.

        Raises:
            HTTP2StreamError: The stream's state allows no response.
        """
        if not self.can_send:
            raise self._refused("send headers")
        self.response_started = True
        self.response_headers_sent = True
        if end_stream:
            self._end_response()

    def send_data(self, data: bytes, end_stream: bool = False) -> None:
        """Record that a part of the response's body was sent.

        Args:
            data: The part.
            end_stream: True if it was the last one.

        Raises:
            HTTP2StreamError: The stream's state allows no body.
        """
        if not self.can_send:
            raise self._refused("send data")
        if end_stream:
            self._end_response()

    def send_trailers(self, trailers: list[Field]) -> None:
        """Record that the response's trailers were sent, which ends it.

        Args:
            trailers: ``(name, value)`` pairs.

        Raises:
            HTTP2StreamError: The stream's state allows no trailers.
        """
        if not self.can_send:
            raise self._refused("send trailers")
        self.response_trailers = trailers
        self._end_response()

    def reset(self, error_code: int = HTTP2ErrorCode.CANCEL) -> None:
        """Record that the stream was reset, by either side.

        Args:
            error_code: The code of the RST_STREAM.
        """
        self.close()

    def close(self) -> None:
        """Record that the stream has ended."""
        self.state = _CLOSED
        self.response_complete = True
        self.request_complete = True

    def update_priority(
        self, weight: int | None = None, depends_on: int | None = None, exclusive: bool | None = None
    ) -> None:
        """Record a priority (RFC 7540 section 5.3); ``None`` leaves a value unchanged.

        Args:
            weight: 1 to 256; other values are clamped.
            depends_on: The stream on which this one depends.
            exclusive: True for an exclusive dependency.
        """
        if weight is not None:
            self.priority_weight = max(1, min(256, weight))
        if depends_on is not None:
            self.priority_depends_on = depends_on
        if exclusive is not None:
            self.priority_exclusive = exclusive

    def get_request_body(self) -> bytes:
        """Return the received part of the request's body."""
        if "request_body" in self.__dict__:
            return self.request_body.getvalue()
        if "_parts" not in self.__dict__:
            return b""
        parts = self._parts
        if len(parts) != 1:
            parts[:] = [b"".join(parts)]
        return parts[0]

    def drop_body(self) -> None:
        """Drop the received part of the request's body."""
        self.__dict__.pop("request_body", None)
        self.__dict__.pop("_parts", None)

    def get_pseudo_headers(self) -> dict[str, str]:
        """Return the pseudo-header fields, by name."""
        return {name: value for name, value in self.request_headers if name[:1] == ":"}

    def get_regular_headers(self) -> list[Field]:
        """Return the fields other than pseudo-header fields, in order."""
        return [(name, value) for name, value in self.request_headers if name[:1] != ":"]

    def _end_request(self) -> None:
        if self.state is _HALF_CLOSED_LOCAL:
            self.state = _CLOSED
        elif self.state is _OPEN:
            self.state = _HALF_CLOSED_REMOTE
        else:
            raise self._refused("half-close remote")
        self.request_complete = True

    def _end_response(self) -> None:
        if self.state is _HALF_CLOSED_REMOTE:
            self.state = _CLOSED
        elif self.state is _OPEN:
            self.state = _HALF_CLOSED_LOCAL
        else:
            raise self._refused("half-close local")
        self.response_complete = True

    def _refused(self, what: str) -> HTTP2StreamError:
        return HTTP2StreamError(self.stream_id, f"Cannot {what} in state {self.state.name}")

    def __repr__(self) -> str:
        return (
            f"<HTTP2Stream id={self.stream_id} state={self.state.name} "
            f"req_complete={self.request_complete} resp_complete={self.response_complete}>"
        )
