"""What every connection class of a server does with the engine, whatever carries its octets.

Knows no socket, no request class and no gunicorn; subclasses read and write,
and say what a request is and when it is handed out.
"""
from __future__ import annotations

import functools
import time
from types import ModuleType
from typing import Any

from fasth2._engine import ready as _ready
from fasth2.config import H2Configuration, Limits
from fasth2.connection import H2Connection
from fasth2.exceptions import ProtocolError, StreamsRefusedError
from fasth2.settings import SettingCodes

from ._lazy import lazy
from ._refusals import Refusals
from ._unread_uploads import UnreadUploads
from .errors import HTTP2ErrorCode

__all__ = ["CLOSING_SIZE", "CLOSING_WAIT", "DRAINING_WAIT", "EngineTurns", "announced", "begin_upgraded", "seconds", "shared_limits"]

#: The setting that tells clients to use the priorities of RFC 9218 (section 2.1), which the engine sends by.
NO_RFC7540_PRIORITIES = 9

#: Seconds, and octets, that a closed connection is read on for, so that the
#: peer gets to read the last words (RFC 9112 section 9.6).
CLOSING_WAIT = 2.0
CLOSING_SIZE = 65536

#: Seconds without a stream after which a connection is closed whose peer has sent GOAWAY.
DRAINING_WAIT = 2.0

_REQUEST = _ready.REQUEST
_DATA = _ready.DATA
_TRAILERS = _ready.TRAILERS
_RESET = _ready.RESET
_GOAWAY = _ready.GOAWAY
_LARGE_REQUEST = _ready.LARGE_REQUEST


def seconds(value: Any) -> float | None:
    """A time-out of a configuration, ``None`` where it is absent, 0 or no number."""
    return value if value and isinstance(value, (int, float)) else None


@functools.lru_cache(maxsize=64, typed=True)
def shared_limits(**values: Any) -> Limits:
    """``Limits`` of these values, which never change: one object for all connections of a server."""
    return Limits(**values)


def announced(streams: int, window: int, frame_size: int, header_list_size: int) -> dict[SettingCodes | int, int]:
    """Return the settings that this side begins with (RFC 9113 section 6.5.2, RFC 9218 section 2.1).

    Args:
        streams: Concurrent streams of the peer.
        window: Octets of a stream's window.
        frame_size: Octets of a frame.
        header_list_size: Octets of a header list, 0 for any.
    """
    values: dict[SettingCodes | int, int] = {
        SettingCodes.MAX_CONCURRENT_STREAMS: streams,
        SettingCodes.INITIAL_WINDOW_SIZE: window,
        SettingCodes.MAX_FRAME_SIZE: frame_size,
        NO_RFC7540_PRIORITIES: 1,
    }
    if header_list_size:
        values[SettingCodes.MAX_HEADER_LIST_SIZE] = header_list_size
    return values


def begin_upgraded(engine: H2Connection, settings_header: bytes) -> None:
    """Go on in HTTP/2 after ``Upgrade: h2c``; this side's SETTINGS are in the output then (RFC 7540 section 3.2).

    Args:
        engine: The connection's, new.
        settings_header: The request's HTTP2-Settings.

    Raises:
        ProtocolError: The settings are not valid.
        ValueError: They are not base64url.
    """
    # These SETTINGS are the first, which have to say it.
    engine.local_settings[NO_RFC7540_PRIORITIES] = 1
    engine.local_settings.acknowledge()
    engine.initiate_upgrade_connection(settings_header=settings_header)


class EngineTurns:
    """A server's HTTP/2 connection but for its input and output.

    Args:
        cfg: Provides ``http2_initial_window_size``,
            ``http2_max_concurrent_streams``, ``http2_max_frame_size``,
            ``http2_max_header_list_size`` (octets; 0: not advertised) and,
            where present, ``timeout`` and ``keepalive`` (seconds; 0: none).
        client_addr: The peer's address, kept.
    """

    #: Octets one write is given at most, as far as frames allow.
    WRITE_BLOCK_SIZE = 65536

    #: Octets a second that a peer must take of a response it keeps waiting.
    #: A response that has waited for `stream_timeout` in all is cancelled when
    #: it was slower, so that a window opened an octet at a time does not hold
    #: a thread or a task for ever. 0 switches this off.
    MIN_SEND_RATE = 128

    #: Octets a second that a peer must send of a request's body that a thread
    #: waits for, once that has taken `stream_timeout` in all. 0 switches this off.
    MIN_RECEIVE_RATE = 128

    #: Octets that a client may go on sending of a request whose response is
    #: complete, before the stream is reset with NO_ERROR.
    unread_upload_octets = 65536

    #: Seconds for the same.
    unread_upload_seconds = 2.0

    #: Whether `cleanup_stream` looks, now and then, for what the peer has sent: a
    #: request that waits for its turn may have been reset meanwhile.
    looks_between_requests = False

    #: What `h2_conn` is.
    engine_class: type[H2Connection] = H2Connection

    #: The module or class that holds the exceptions raised.
    errors: ModuleType | Any

    #: The member of the stream class's states that means "over".
    closed_state: Any

    #: What fields are decoded with, and what those octets are that it cannot decode.
    header_encoding = "utf-8"

    # Few connections have one of these, and an instance with many attributes takes more memory for each.

    #: Whether it is over.
    _closed = False

    #: Raised by the next receive_data(), once the requests before it are out.
    _error: Exception | None = None

    #: Uploads that go on though they were answered.
    _unread: UnreadUploads | None = None

    #: Streams that the peer reset while the application works on them.
    _unreleased: set[int] | None = None

    #: Streams that were refused.
    _refusals: Refusals | None = None

    #: The last stream that is served, once the peer was told.
    _refused_above: int | None = None

    #: The last stream id of the peer's GOAWAY, which speaks of streams that this side opened; ``None`` before.
    peer_last_stream_id: Any = None

    def __init__(self, cfg: Any, client_addr: Any) -> None:
        self.cfg = cfg
        self.client_addr = client_addr
        self.initial_window_size = cfg.http2_initial_window_size
        self.max_concurrent_streams = cfg.http2_max_concurrent_streams
        self.max_frame_size = cfg.http2_max_frame_size
        self.max_header_list_size = cfg.http2_max_header_list_size
        #: Seconds a stream may wait without progress; ``None``: for ever.
        self.stream_timeout = seconds(getattr(cfg, "timeout", None))
        #: Seconds a connection may sit without a stream; ``None``: for ever.
        self.idle_timeout = seconds(getattr(cfg, "keepalive", None))
        #: Stream id to stream.
        self.streams: dict[int, Any] = {}
        #: Requests that arrived while something else was waited for.
        self.pending_requests: list[Any] = []
        #: The peer sent GOAWAY(NO_ERROR): its streams are served to their end,
        #: and the connection is closed when it is idle.
        self.draining = False
        #: The engine; its state is this connection's.
        self._limits = self._make_limits()
        self.h2_conn = self._make_engine()
        self._initialized = False

    def _make_limits(self) -> Limits:
        values = {"concurrent_streams": self.max_concurrent_streams}
        if self.max_header_list_size:
            values["header_list_size"] = self.max_header_list_size
        return shared_limits(**values)

    def _make_engine(self) -> H2Connection:
        return self.engine_class(
            H2Configuration(
                client_side=False,
                header_encoding=self.header_encoding,
                header_fallback_encoding="latin-1",
                rfc_errors=True,
                limits=self._limits,
            )
        )

    def _advertise(self) -> None:
        # Pending until the peer acknowledges them, as RFC 9113 section 6.5.3
        # has it: a peer that sends at once may still count on the defaults.
        # The limits on streams and header lists hold from the start.
        self.h2_conn.update_settings(
            announced(
                self.max_concurrent_streams, self.initial_window_size, self.max_frame_size, self.max_header_list_size
            )
        )

    @property
    def counters(self) -> dict[str, int]:
        """How often each limit or fault was met, the engine's counts and this class's."""
        return {**self.h2_conn.counters, **self.__dict__.get("_counts", {})}

    @lazy
    def _counts(self) -> dict[str, int]:
        # What is counted here and not by the engine, under its counters' names.
        return {}

    def _count(self, name: str) -> int:
        """Count something once more; return how often that is."""
        count = self._counts[name] = self._counts.get(name, 0) + 1
        return count

    @property
    def is_closed(self) -> bool:
        """Whether the connection is over, for this side or for both."""
        return self._closed

    # What a subclass decides. Each gets a slim object of the engine.

    def _request_received(self, item: Any, requests: list[Any]) -> None:
        raise NotImplementedError

    def _large_request_received(self, item: Any, requests: list[Any]) -> None:
        """Only where the engine's ``answers_large_requests`` is set."""
        raise NotImplementedError

    def _data_received(self, item: Any, requests: list[Any]) -> None:
        raise NotImplementedError

    def _trailers_received(self, item: Any, requests: list[Any]) -> None:
        raise NotImplementedError

    def _process(self, data: bytes) -> list[Any]:
        """Give the engine what was read and return the requests to hand out.

        A connection error is kept in ``_error``; its GOAWAY is in the output.
        After one for streams that were refused, the others are answered
        before the connection is closed.
        """
        items: Any
        parted = False
        try:
            items = self.h2_conn.ready_requests(data)
        except ProtocolError as exc:
            items = exc.events
            self._error = self.errors.HTTP2ProtocolError(str(exc), int(exc.error_code))
            self._error.__cause__ = exc
            if isinstance(exc, StreamsRefusedError):
                self.draining = parted = True
            else:
                self._closed = True
        requests: list[Any] = []
        told = False
        for item in items:
            kind = item.kind
            if kind == _REQUEST:
                self._request_received(item, requests)
            elif kind == _DATA:
                self._data_received(item, requests)
            elif kind == _TRAILERS:
                self._trailers_received(item, requests)
            elif kind == _RESET:
                self._reset_received(item, requests)
            elif kind == _GOAWAY:
                self._goaway_received(item)
                told = True
            elif kind == _LARGE_REQUEST:
                self._large_request_received(item, requests)
            else:
                stream = self.streams.get(item.stream_id)
                if stream is not None:
                    stream.update_priority(
                        weight=item.weight, depends_on=item.depends_on, exclusive=item.exclusive
                    )
        if told and not self._closed:
            self._goaway_read()
        if parted and not self.streams and not requests and not self._closed:
            self._close_quietly()
        return requests

    def _take_pending(self) -> list[Any]:
        requests = list(self.pending_requests)
        self.pending_requests.clear()
        return requests

    def _raise_error(self) -> None:
        if not self._closed:
            return  # after GOAWAY for refused streams the others are answered first
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _refuse(self, stream_id: int) -> bool:
        """Whether a new stream may not be served; RST_STREAM is then in the output.

        Refused are those that exceed the limit when counted together with
        requests that the peer reset and the application still works on:
        resetting must not buy a peer more of the application than waiting
        would. So are those above `_refused_above`.
        """
        if self._refused_above is not None and stream_id > self._refused_above:
            self._reset_quietly(stream_id, HTTP2ErrorCode.REFUSED_STREAM)
            return True
        if self._unreleased:
            held = self._unreleased
            closed = self.closed_state
            count = sum(number in held or stream.state is not closed for number, stream in self.streams.items())
            refused: bool = count >= self.max_concurrent_streams
        else:
            return False
        if refused:
            self._count("unreleased_requests")
            self._reset_quietly(stream_id, HTTP2ErrorCode.REFUSED_STREAM)
            if self._refused_too_often():
                # The engine counts the resets that it provokes itself.
                self._fail("streams refused", HTTP2ErrorCode.ENHANCE_YOUR_CALM, b"unreleased_requests")
        return refused

    def _refused_too_often(self) -> bool:
        """Count a refusal of this class's own against the limit of resets; return whether it is crossed."""
        limits = self._limits
        burst, rate = limits.reset_burst, limits.reset_rate
        if burst is None or rate is None:
            return False
        now = time.monotonic()
        if self._refusals is None:
            self._refusals = Refusals(now, burst, rate, limits.early_refusals)
        return self._refusals.add(now, self.h2_conn.settings_acknowledged)

    def _fail(self, message: str, error_code: int, limit: bytes) -> None:
        """End the connection for a limit that the peer has crossed; receive_data() raises it."""
        if self._error is None:
            self._error = self.errors.HTTP2ProtocolError(message, error_code)
        try:
            self.h2_conn.close_connection(error_code=error_code, additional_data=limit)
        except ProtocolError:
            pass  # the engine has ended it already
        self._closed = True

    def _reset_received(self, item: Any, requests: list[Any]) -> None:
        stream_id = item.stream_id
        stream = self.streams.get(stream_id)
        if stream is None:
            return
        handed_out = self._handed_out(stream)
        stream.reset(item.error_code)
        for queue in (requests, self.pending_requests):
            for request in queue:
                if request.stream is stream:
                    queue.remove(request)
                    handed_out = False
                    break
        if not handed_out:
            del self.streams[stream_id]
        elif self._limits.unreleased_requests:
            if self._unreleased is None:
                self._unreleased = set()
            self._unreleased.add(stream_id)

    def _handed_out(self, stream: Any) -> bool:
        # Whether the stream's request is one that could have been handed out.
        return True

    def _goaway_received(self, item: Any) -> None:
        if item.error_code:
            self._connection_lost()
        else:
            # RFC 9113 section 6.8: the receiver opens no more streams; the sender may, and what is open goes on.
            self.draining = True
            self.peer_last_stream_id = item.last_stream_id

    def _goaway_read(self) -> None:
        """All is taken in of a read that held a GOAWAY(NO_ERROR)."""

    def _idle_limit(self) -> float | None:
        """Return the seconds that the connection may sit without a stream, or less where an upload's time is over before."""
        return self._or_unread(self._own_idle_limit())

    def _own_idle_limit(self) -> float | None:
        """Return the seconds that the connection may sit without a stream; ``None``: for ever."""
        limit = self.idle_timeout
        if self.draining:
            limit = DRAINING_WAIT if limit is None else min(limit, DRAINING_WAIT)
        return limit

    # Uploads that were answered without being read

    def _leave_unread(self, stream_id: int) -> None:
        """Let the client go on for a while with a request whose response is complete."""
        stream = self.h2_conn.streams.get(stream_id)
        if stream is not None and not stream.closed:
            if self._unread is None:
                self._unread = UnreadUploads()
            deadline = time.monotonic() + self.unread_upload_seconds
            self._unread.add(stream_id, stream, self.unread_upload_octets, deadline)

    def _or_unread(self, limit: float | None) -> float | None:
        """Return the seconds to wait for the peer: `limit`, or less where an upload's time is over before."""
        deadline = self._unread.next_deadline() if self._unread else None
        if deadline is None:
            return limit
        wait = max(deadline - time.monotonic(), 0.0)
        return wait if limit is None else min(limit, wait)

    def _end_unread(self) -> bool:
        """Reset the uploads that went on for too long, in a write of its own; return whether there were any."""
        due = self._unread.take_due(time.monotonic()) if self._unread else None
        if not due or self._closed:
            return False
        self._send_quietly()
        for stream_id in due:
            self._count("unread_uploads")
            self._reset_quietly(stream_id, HTTP2ErrorCode.NO_ERROR)
        self._send_quietly()
        return True

    def _credit_connection(self, octets: int) -> None:
        """Open the connection's window again for octets of a stream that gets no more window."""
        try:
            self.h2_conn.increment_flow_control_window(octets)
        except (ProtocolError, ValueError):
            pass  # the connection is over

    def _connection_lost(self) -> None:
        """The peer is gone, or said so."""
        self._closed = True

    # What a subclass does with the output.

    def _send_quietly(self) -> None:
        """Send what the engine has to send, unless the connection is over; never raises."""
        raise NotImplementedError

    def _glance(self) -> None:
        """Take in what the peer has sent, without waiting for it."""
        raise NotImplementedError

    def _close_quietly(self) -> None:
        """Close a connection whose last stream has ended; never raises."""
        raise NotImplementedError

    # Ending

    def _gone(self, stream_id: int) -> bool:
        """Whether a stream can no longer send, whatever its window."""
        stream = self.streams.get(stream_id)
        return stream is not None and stream.state is self.closed_state

    def _reset_quietly(self, stream_id: int, error_code: int) -> None:
        """Put RST_STREAM into the output unless the stream is over."""
        try:
            self.h2_conn.reset_stream(stream_id, error_code=error_code)
        except ProtocolError:
            pass

    def cleanup_stream(self, stream_id: int) -> None:
        """Forget a stream; the application is done with it.

        A response that was never finished is cut off with
        RST_STREAM(INTERNAL_ERROR), since nothing else could end it. After the
        peer's GOAWAY the last stream closes the connection.

        Args:
            stream_id: The stream; an unknown one is ignored.
        """
        stream = self.streams.pop(stream_id, None)
        if stream is None:
            return
        if self._unreleased:
            self._unreleased.discard(stream_id)
        if stream.state is not self.closed_state and self._cut_off(stream):
            self._send_quietly()
        if self.streams:
            if self.looks_between_requests:
                self._glance()
        elif self.draining and not self.pending_requests:
            self._close_quietly()

    def _cut_off(self, stream: Any) -> bool:
        """Reset a stream that is not over; return whether that was needed."""
        if stream.response_complete:
            return False
        stream.reset(HTTP2ErrorCode.INTERNAL_ERROR)
        self._reset_quietly(stream.stream_id, HTTP2ErrorCode.INTERNAL_ERROR)
        return True
