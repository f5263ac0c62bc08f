"""The server's side of an HTTP/2 connection without input and output.

`ServerProtocol` is held by every connection class of a server. It knows no
socket, no request class and no host; the connection that holds it reads and
writes, and says what a request is and when it is handed out (`Handler`).
"""
from __future__ import annotations

import functools
import time
from collections.abc import Callable
from operator import attrgetter
from typing import Any, NamedTuple, Protocol

from fasth2._engine import ready as _ready
from fasth2.config import H2Configuration, Limits
from fasth2.connection import H2Connection
from fasth2.exceptions import ProtocolError, StreamsRefusedError
from fasth2.settings import SettingCodes

from ._refusals import Refusals
from ._unread_uploads import UnreadUploads
from .errors import HTTP2ErrorCode

__all__ = [
    "ANY_STREAM", "DRAINING_WAIT", "Handler", "Options", "ServerProtocol", "announced", "begin_upgraded", "held",
    "held_option", "options_of", "seconds", "shared_limits",
]  # fmt: skip

#: The setting that tells clients to use the priorities of RFC 9218 (section 2.1), which the engine sends by.
NO_RFC7540_PRIORITIES = 9

#: The last stream id of a GOAWAY that announces the end and names no stream yet (RFC 9113 section 6.8).
ANY_STREAM = 2**31 - 1

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


def held(name: str, read_only: bool = False) -> Any:
    """Return an attribute of a connection class that is one of the `ServerProtocol` that it holds.

    Args:
        name: The attribute's name there.
        read_only: Whether it cannot be assigned.
    """

    def assign(connection: Any, value: Any) -> None:
        setattr(connection.protocol, name, value)

    return property(attrgetter(f"protocol.{name}"), None if read_only else assign)


def held_option(name: str) -> Any:
    """Return an attribute of a connection class that is one of its protocol's `Options`; assigned, it is this connection's own.

    Args:
        name: The option's name.
    """

    def assign(connection: Any, value: Any) -> None:
        protocol = connection.protocol
        protocol.options = protocol.options._replace(**{name: value})

    return property(attrgetter(f"protocol.options.{name}"), assign)


class Options(NamedTuple):
    """What the protocols of a server have in common; one object for all of them (`options_of`)."""

    #: The module or class that has ``HTTP2ProtocolError``.
    errors: Any

    #: The member of the stream class's states that means "over".
    closed_state: Any

    #: The engine's limits.
    limits: Limits

    #: The settings that this side announces; octets, and a number of streams.
    initial_window_size: int
    max_concurrent_streams: int
    max_frame_size: int
    max_header_list_size: int

    #: Seconds a stream may wait without progress; ``None``: for ever.
    stream_timeout: float | None = None

    #: Seconds a connection may sit without a stream; ``None``: for ever.
    idle_timeout: float | None = None

    #: Octets that a client may go on sending of a request whose response is
    #: complete, before the stream is reset with NO_ERROR, and seconds for the same.
    unread_upload_octets: int = 65536
    unread_upload_seconds: float = 2.0

    #: What fields are decoded with; octets that it cannot decode are taken for latin-1.
    header_encoding: str = "utf-8"

    #: What a protocol's `engine` is.
    engine_class: type[H2Connection] = H2Connection

    #: Returns seconds; ``None`` for `time.monotonic`.
    clock: Callable[[], float] | None = None


# By what they are made of; what is not hashed fast goes by its identity, and the options keep it alive.
_shared_options: dict[Any, Options] = {}
_SHARED_OPTIONS = 64


def options_of(cfg: Any, errors: Any, closed_state: Any, limits: Limits | None = None, **more: Any) -> Options:
    """Return the options that a configuration stands for, the same object for the same ones.

    Args:
        cfg: Provides ``http2_initial_window_size``,
            ``http2_max_concurrent_streams``, ``http2_max_frame_size``,
            ``http2_max_header_list_size`` (octets; 0: not advertised) and,
            where present, ``timeout`` and ``keepalive`` (seconds; 0: none).
        errors: As in `Options`.
        closed_state: As in `Options`.
        limits: The engine's; those of ``cfg`` when ``None``.
        **more: The options that have a default.
    """
    streams, header_list_size = cfg.http2_max_concurrent_streams, cfg.http2_max_header_list_size
    if limits is None:
        values = {"concurrent_streams": streams}
        if header_list_size:
            values["header_list_size"] = header_list_size
        limits = shared_limits(**values)
    window, frame_size = cfg.http2_initial_window_size, cfg.http2_max_frame_size
    timeout, keepalive = seconds(getattr(cfg, "timeout", None)), seconds(getattr(cfg, "keepalive", None))
    key = (
        id(errors), id(closed_state), id(limits), window, streams, frame_size, header_list_size, timeout, keepalive,
        *more.values(),
    )  # fmt: skip
    options = _shared_options.get(key)
    if options is None:
        options = Options(
            errors, closed_state, limits, window, streams, frame_size, header_list_size, timeout, keepalive, **more
        )
        if len(_shared_options) >= _SHARED_OPTIONS:
            _shared_options.clear()
        _shared_options[key] = options
    return options


class Handler(Protocol):
    """What a `ServerProtocol` calls: the methods of the connection that holds it.

    Items are the engine's slim objects (`fasth2.ready`). Requests to hand out
    are appended to the list that comes with an item. The names begin with an
    underscore since a connection's public ones are for its users.
    """

    def _request_received(self, item: Any, requests: list[Any]) -> None:
        """A request's fields have arrived."""

    def _large_request_received(self, item: Any, requests: list[Any]) -> None:
        """A request's fields are over a limit; only where the engine's ``answers_large_requests`` is set."""

    def _data_received(self, item: Any, requests: list[Any]) -> None:
        """A part of a request's body has arrived."""

    def _trailers_received(self, item: Any, requests: list[Any]) -> None:
        """A request's trailers have arrived, and with them its end."""

    def _handed_out(self, stream: Any) -> bool:
        """Return whether a stream's request was appended to a list of requests, unless it was reset before."""

    def _goaway_read(self, last_stream_id: int) -> None:
        """All is taken in of a read that held a GOAWAY(NO_ERROR) with that last stream id."""

    def _connection_lost(self) -> None:
        """The peer is gone, or has ended the connection with an error: mark it closed."""

    def _close_quietly(self) -> None:
        """The last stream has ended after a GOAWAY: close; never raises."""

    def _send_quietly(self) -> None:
        """Send what the engine has to send, unless the connection is over; never raises."""


class ServerProtocol:
    """The server's side of an HTTP/2 connection: octets in, requests out, octets out.

    Octets go in by `receive`; what goes out is taken from `engine` by its
    ``pull``. A handler is passed to the calls that need it and is not kept, so
    that no reference cycle delays the end of a connection. For one thread at a time.

    Args:
        options: What it has in common with others.
    """

    __slots__ = (
        "closed", "counts", "draining", "engine", "error", "initialized", "options", "pending", "record", "refusals",
        "refused_above", "streams", "unread", "unreleased",
    )  # fmt: skip

    def __init__(self, options: Options) -> None:
        self.options = options
        #: Stream id to stream.
        self.streams: dict[int, Any] = {}
        #: Requests that arrived while something else was waited for; mostly there are none.
        self.pending: list[Any] | None = None
        #: Whether this side's SETTINGS were sent.
        self.initialized = False
        #: Whether the peer sent GOAWAY(NO_ERROR): its streams are served to their end,
        #: and the connection is closed when it is idle.
        self.draining = False
        #: Whether the connection is over.
        self.closed = False
        #: Raised by `raise_error`, once the requests before it are out.
        self.error: Exception | None = None
        #: The last stream that is served, once the peer was told; `ANY_STREAM` while it was told no more than that the end comes.
        self.refused_above: int | None = None
        #: Uploads that go on though they were answered.
        self.unread: UnreadUploads | None = None
        #: Streams that the peer reset while the application works on them.
        self.unreleased: set[int] | None = None
        #: Streams that were refused.
        self.refusals: Refusals | None = None
        #: What is counted here and not by the engine, under its counters' names.
        self.counts: dict[str, int] | None = None
        #: Told of `counts` when they begin, by ``add``; or ``None``.
        self.record: Any = None
        #: The `fasth2.connection.H2Connection`; its state is this connection's.
        self.engine = options.engine_class(
            H2Configuration(
                client_side=False,
                header_encoding=options.header_encoding,
                header_fallback_encoding="latin-1",
                rfc_errors=True,
                limits=options.limits,
            )
        )

    @property
    def pending_requests(self) -> list[Any]:
        """Requests that arrived while something else was waited for; `pending` is the same, or ``None`` before the first."""
        if self.pending is None:
            self.pending = []
        return self.pending

    @pending_requests.setter
    def pending_requests(self, requests: list[Any]) -> None:
        self.pending = requests

    def clock(self) -> float:
        """Return the time in seconds."""
        clock = self.options.clock
        return time.monotonic() if clock is None else clock()

    def advertise(self) -> None:
        """Put this side's SETTINGS into the output."""
        # Pending until the peer acknowledges them, as RFC 9113 section 6.5.3
        # has it: a peer that sends at once may still count on the defaults.
        # The limits on streams and header lists hold from the start.
        options = self.options
        self.engine.update_settings(
            announced(
                options.max_concurrent_streams, options.initial_window_size, options.max_frame_size,
                options.max_header_list_size,
            )
        )  # fmt: skip
        self.initialized = True

    # Counters

    @property
    def counters(self) -> dict[str, int]:
        """How often each limit or fault was met, the engine's counts and this class's."""
        return {**self.engine.counters, **(self.counts or {})}

    def count(self, name: str) -> None:
        """Count something once more.

        Args:
            name: The counter.
        """
        if self.counts is None:
            self.counts = {}
            if self.record is not None:
                self.record.add(self.counts)
        self.counts[name] = self.counts.get(name, 0) + 1

    # Receiving

    def receive(self, data: bytes, handler: Handler) -> list[Any]:
        """Take in what was read and return the requests to hand out.

        A connection error is kept in ``error``; its GOAWAY is in the output.
        After one for streams that were refused, the others are answered
        before the connection is closed.

        Args:
            data: Octets from the peer.
            handler: The connection that holds this object.
        """
        items: Any
        parted = False
        try:
            items = self.engine.ready_requests(data)
        except ProtocolError as exc:
            items = exc.events
            self.error = self.options.errors.HTTP2ProtocolError(str(exc), int(exc.error_code))
            self.error.__cause__ = exc
            if isinstance(exc, StreamsRefusedError):
                self.draining = parted = True
            else:
                self.closed = True
        requests: list[Any] = []
        last_stream_id: int | None = None
        for item in items:
            kind = item.kind
            if kind == _REQUEST:
                handler._request_received(item, requests)
            elif kind == _DATA:
                handler._data_received(item, requests)
            elif kind == _TRAILERS:
                handler._trailers_received(item, requests)
            elif kind == _RESET:
                self._reset_received(item, requests, handler)
            elif kind == _GOAWAY:
                if item.error_code:
                    handler._connection_lost()
                else:
                    # RFC 9113 section 6.8: the receiver opens no more streams; the sender may, and what is open goes on.
                    self.draining = True
                last_stream_id = item.last_stream_id
            elif kind == _LARGE_REQUEST:
                handler._large_request_received(item, requests)
            else:
                stream = self.streams.get(item.stream_id)
                if stream is not None:
                    stream.update_priority(
                        weight=item.weight, depends_on=item.depends_on, exclusive=item.exclusive
                    )
        if last_stream_id is not None and not self.closed:
            handler._goaway_read(last_stream_id)
        if parted and not self.streams and not requests and not self.closed:
            handler._close_quietly()
        return requests

    def take_pending(self) -> list[Any]:
        """Return the requests of ``pending_requests``, and forget them."""
        pending = self.pending
        if not pending:
            return []
        requests = list(pending)
        pending.clear()
        return requests

    def raise_error(self) -> None:
        """Raise what has ended the connection, once."""
        if not self.closed:
            return  # after GOAWAY for refused streams the others are answered first
        error, self.error = self.error, None
        if error is not None:
            raise error

    def _reset_received(self, item: Any, requests: list[Any], handler: Handler) -> None:
        stream_id = item.stream_id
        stream = self.streams.get(stream_id)
        if stream is None:
            return
        handed_out = handler._handed_out(stream)
        stream.reset(item.error_code)
        for queue in (requests, self.pending or []):
            for request in queue:
                if request.stream is stream:
                    queue.remove(request)
                    handed_out = False
                    break
        if not handed_out:
            del self.streams[stream_id]
        elif self.options.limits.unreleased_requests:
            if self.unreleased is None:
                self.unreleased = set()
            self.unreleased.add(stream_id)

    # Refusing streams

    def refuse(self, stream_id: int) -> bool:
        """Return whether a new stream may not be served; RST_STREAM is then in the output.

        Refused are those that exceed the limit when counted together with
        requests that the peer reset and the application still works on:
        resetting must not buy a peer more of the application than waiting
        would. So are those above `refused_above`.

        Args:
            stream_id: The stream.
        """
        if self.refused_above is not None and stream_id > self.refused_above:
            self.reset(stream_id, HTTP2ErrorCode.REFUSED_STREAM)
            return True
        if not self.unreleased:
            return False
        unreleased = self.unreleased
        closed = self.options.closed_state
        count = sum(number in unreleased or stream.state is not closed for number, stream in self.streams.items())
        if count < self.options.max_concurrent_streams:
            return False
        self.count("unreleased_requests")
        self.reset(stream_id, HTTP2ErrorCode.REFUSED_STREAM)
        if self._refused_too_often():
            # The engine counts the resets that it provokes itself.
            self._fail("streams refused", HTTP2ErrorCode.ENHANCE_YOUR_CALM, b"unreleased_requests")
        return True

    def _refused_too_often(self) -> bool:
        """Count a refusal of this class's own against the limit of resets; return whether it is crossed."""
        limits = self.options.limits
        burst, rate = limits.reset_burst, limits.reset_rate
        if burst is None or rate is None:
            return False
        now = self.clock()
        if self.refusals is None:
            self.refusals = Refusals(now, burst, rate, limits.early_refusals)
        return self.refusals.add(now, self.engine.settings_acknowledged)

    def _fail(self, message: str, error_code: int, limit: bytes) -> None:
        """End the connection for a limit that the peer has crossed; `raise_error` raises it."""
        if self.error is None:
            self.error = self.options.errors.HTTP2ProtocolError(message, error_code)
        self.end(error_code, limit=limit)

    # Time-outs

    def idle_limit(self) -> float | None:
        """Return the seconds that the connection may sit without a stream, or less where an upload's time is over before."""
        return self.or_unread(self.own_idle_limit())

    def own_idle_limit(self) -> float | None:
        """Return the seconds that the connection may sit without a stream; ``None``: for ever."""
        limit = self.options.idle_timeout
        if self.draining:
            limit = DRAINING_WAIT if limit is None else min(limit, DRAINING_WAIT)
        return limit

    # Uploads that were answered without being read

    def leave_unread(self, stream_id: int) -> None:
        """Let the client go on for a while with a request whose response is complete (RFC 9113 section 8.1).

        Args:
            stream_id: The stream.
        """
        stream = self.engine.streams.get(stream_id)
        if stream is not None and not stream.closed:
            if self.unread is None:
                self.unread = UnreadUploads()
            deadline = self.clock() + self.options.unread_upload_seconds
            self.unread.add(stream_id, stream, self.options.unread_upload_octets, deadline)

    def or_unread(self, limit: float | None) -> float | None:
        """Return the seconds to wait for the peer: `limit`, or less where an upload's time is over before.

        Args:
            limit: Seconds; ``None``: for ever.
        """
        deadline = self.unread.next_deadline() if self.unread else None
        if deadline is None:
            return limit
        wait = max(deadline - self.clock(), 0.0)
        return wait if limit is None else min(limit, wait)

    def end_unread(self, handler: Handler) -> bool:
        """Reset the uploads that went on for too long, in a write of its own; return whether there were any.

        Args:
            handler: The connection that holds this object.
        """
        due = self.unread.take_due(self.clock()) if self.unread else None
        if not due or self.closed:
            return False
        handler._send_quietly()
        for stream_id in due:
            self.count("unread_uploads")
            self.reset(stream_id, HTTP2ErrorCode.NO_ERROR)
        handler._send_quietly()
        return True

    # Window credit

    def credit(self, octets: int, stream_id: int | None = None) -> None:
        """Open a window again.

        Args:
            octets: How far.
            stream_id: The stream; ``None``: the connection, as for octets of a stream that gets no more window.
        """
        try:
            self.engine.increment_flow_control_window(octets, stream_id=stream_id)
        except (ProtocolError, ValueError):
            pass  # the stream is gone, or the connection

    # Ending

    def is_gone(self, stream_id: int) -> bool:
        """Return whether a stream can no longer send, whatever its window.

        Args:
            stream_id: The stream.
        """
        stream = self.streams.get(stream_id)
        return stream is not None and stream.state is self.options.closed_state

    def reset(self, stream_id: int, error_code: int) -> None:
        """Put RST_STREAM into the output unless the stream is over.

        Args:
            stream_id: The stream.
            error_code: An RFC 9113 section 7 code.
        """
        try:
            self.engine.reset_stream(stream_id, error_code=error_code)
        except ProtocolError:
            pass

    def cut_off(self, stream: Any) -> bool:
        """Reset a stream whose response is not complete with INTERNAL_ERROR; return whether that was needed.

        Args:
            stream: The stream; nothing else could end it.
        """
        if stream.response_complete:
            return False
        stream.reset(HTTP2ErrorCode.INTERNAL_ERROR)
        self.reset(stream.stream_id, HTTP2ErrorCode.INTERNAL_ERROR)
        return True

    def announce_end(self) -> None:
        """Put a GOAWAY that names no stream yet into the output: what is on its way is served (RFC 9113 section 6.8); once."""
        if not self.closed and self.refused_above is None:
            self._name_last_stream(ANY_STREAM)

    def refuse_new_streams(self) -> None:
        """Put GOAWAY into the output that names the last stream that has arrived; those up to it go on; once."""
        if not self.closed and self.refused_above in (None, ANY_STREAM):
            self._name_last_stream(self.engine.highest_inbound_stream_id)

    def _name_last_stream(self, last_stream_id: int) -> None:
        self.refused_above = last_stream_id
        try:
            self.engine.close_connection(error_code=0, last_stream_id=last_stream_id)
        except ProtocolError:
            pass  # the engine has ended the connection already

    def end(self, error_code: int = 0, last_stream_id: int | None = None, limit: bytes | None = None) -> None:
        """Mark the connection closed, and put GOAWAY into the output.

        Args:
            error_code: An RFC 9113 section 7 code.
            last_stream_id: The last stream that was or will be served; the
                last one that arrived when ``None``.
            limit: The limit that the peer has crossed, as debug data.
        """
        self.closed = True
        try:
            self.engine.close_connection(error_code=error_code, additional_data=limit, last_stream_id=last_stream_id)
        except ProtocolError:
            pass  # the engine has ended the connection already
