"""gunicorn's options and rules for `ServerProtocol`, shared by its blocking and its asyncio connection class."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gunicorn.http2 import errors as gunicorn_errors
from gunicorn.http2.errors import HTTP2Error, HTTP2ProtocolError
from gunicorn.http2.stream import StreamState

from fasth2.connection import H2Connection
from fasth2.exceptions import FlowControlError, FrameTooLargeError, ProtocolError
from fasth2.gunicorn.limits import adaptive_windows, connection_limits, widen_window
from fasth2.gunicorn.refusing import RefusedRequest, too_large
from fasth2.gunicorn.settings import Settings
from fasth2.server._options import Options, options_of
from fasth2.server._protocol import ServerProtocol
from fasth2.server.connection import outgoing

from .contract import installed

__all__ = ["CONTRACT", "advertise", "begin_upgrade", "end_with_peer", "options", "receive_large_request",
           "send_informational"]  # fmt: skip

CONTRACT = installed()


class _QueueingEngine(H2Connection):
    """The engine for gunicorn versions whose workers call it directly and send a body in one piece."""

    def send_data(self, stream_id: int, data: Any, end_stream: bool = False, pad_length: int | None = None) -> None:
        """Send data as one frame, or queue it if it exceeds the windows or the frame size.

        Args:
            stream_id: The stream's number.
            data: Any buffer of octets.
            end_stream: True to end the stream.
            pad_length: As for `H2Connection.send_data`; data with padding is not queued.
        """
        try:
            super().send_data(stream_id, data, end_stream, pad_length)
        except (FlowControlError, FrameTooLargeError):
            if pad_length is not None:
                raise
            self.write(stream_id, bytes(data), end_stream)


_ENGINE = H2Connection if CONTRACT.streams_responses else _QueueingEngine


def options(cfg: Any, chosen: Settings, header_encoding: str = "utf-8", adapts: bool = False) -> Options:
    """Return options with gunicorn's error classes, stream states and limits, and the operator's settings.

    Args:
        cfg: gunicorn's configuration.
        chosen: The operator's settings.
        header_encoding: As in `Options`.
        adapts: True if windows adapt to the link, unless the operator says otherwise.
    """
    limits = connection_limits(cfg.http2_max_concurrent_streams, cfg.http2_max_header_list_size, CONTRACT, chosen)
    return options_of(
        cfg, gunicorn_errors, StreamState.CLOSED, limits,
        unread_upload_octets=chosen.unread_upload_octets,
        unread_upload_seconds=chosen.unread_upload_seconds,
        header_encoding=header_encoding,
        engine_class=_ENGINE,
        adaptive_windows=adaptive_windows(cfg, chosen) if adapts else None,
        credits_on_arrival=True,
    )  # fmt: skip


def advertise(protocol: ServerProtocol) -> None:
    """Queue this side's SETTINGS, and the WINDOW_UPDATE for the operator's connection window.

    Args:
        protocol: The protocol of the connection.
    """
    protocol.advertise()
    widen_window(protocol.engine)


def begin_upgrade(protocol: ServerProtocol, settings_header: bytes) -> None:
    """Begin HTTP/2 after ``Upgrade: h2c`` (RFC 7540 section 3.2), and queue this side's SETTINGS.

    Args:
        protocol: The protocol of the connection.
        settings_header: The value of HTTP2-Settings, base64url.

    Raises:
        HTTP2ProtocolError: The settings are not valid.
    """
    try:
        protocol.begin_upgraded(settings_header)
    except (ProtocolError, ValueError) as exc:
        raise HTTP2ProtocolError(f"HTTP2-Settings not valid: {exc}") from exc
    advertise(protocol)


def receive_large_request(connection: Any, item: Any, requests: list[Any]) -> None:
    """Accept a request whose fields exceed a limit, to be answered with 431 or 414.

    Args:
        connection: The connection.
        item: The engine's `LargeRequest`.
        requests: The list of new requests; a `RefusedRequest` is appended.
    """
    stream_id = item.stream_id
    stream = connection.protocol.streams[stream_id] = connection.stream_class(stream_id, connection)
    stream.receive_headers(item.headers)
    if item.end_stream:
        stream.end_request()
    requests.append(RefusedRequest(stream, too_large(item.reason)))


def end_with_peer(connection: Any, last_stream_id: int) -> None:
    """Act on the peer's GOAWAY(NO_ERROR) as gunicorn's own classes do, which RFC 9113 section 6.8 does not require.

    A connection without streams ends. Otherwise later streams above the last id of that GOAWAY are refused.

    Args:
        connection: The connection.
        last_stream_id: The last stream id of the GOAWAY.
    """
    protocol = connection.protocol
    connection.peer_last_stream_id = protocol.engine.peer_goaway_last_stream_id = last_stream_id
    if not connection.ends_with_peer:
        return
    if protocol.streams:
        protocol.refused_above = last_stream_id
    else:
        protocol.draining = False
        connection._connection_lost()


def send_informational(protocol: ServerProtocol, stream_id: int, status: int, headers: Iterable[tuple[Any, Any]]) -> None:
    """Put an interim response (1xx) into the output (RFC 9113 section 8.1).

    Args:
        protocol: The connection's.
        stream_id: The stream.
        status: 100 to 199.
        headers: ``(name, value)`` pairs.

    Raises:
        HTTP2Error: Another status, an unknown stream, the final response has begun, or a field that HTTP/2 does not allow.
    """
    if not 100 <= status <= 199:
        raise HTTP2Error(f"Invalid informational status: {status}")
    stream = protocol.streams.get(stream_id)
    if stream is None:
        raise HTTP2Error(f"Stream {stream_id} not found")
    if stream.response_headers_sent:
        raise HTTP2Error("Informational response after the final headers")
    try:
        protocol.engine.send_headers(stream_id, [(":status", str(status)), *outgoing(headers)])
    except ProtocolError as exc:
        raise HTTP2Error(str(exc)) from exc
