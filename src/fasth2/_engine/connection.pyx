"""H2Connection, the public class. Each method converts its arguments, claims the connection, then acts."""
import enum

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint32_t

from fasth2._engine.core cimport C_CLOSED, C_IDLE, C_OPEN, Core, await_others, enter, find_opened, leave
from fasth2._cursor cimport store16
from fasth2._frames cimport *
from fasth2._frames cimport out_clear, out_reserve, put_ping, write_frame_header
from fasth2._engine.flow_control cimport acknowledge as acknowledge_credit
from fasth2._engine.flow_control cimport consume as consume_credit
from fasth2._engine.flow_control cimport increment_window
from fasth2._engine.limits cimport output_taken
from fasth2._engine.receive cimport receive
from fasth2._engine.request cimport send_priority, send_request, write_priority_of
from fasth2._engine.role cimport (
    HIGHEST_STREAM_ID,
    is_client,
    may_advertise,
    may_prioritize,
    next_outbound,
    opens_by_headers,
    sends_preface,
)
from fasth2._engine.scheduler cimport pull
from fasth2._engine.send cimport end_stream as end_with_data
from fasth2._engine.send cimport (
    Prefix,
    must_be_open,
    push_stream,
    reset_stream,
    respond,
    send_data,
    send_headers,
    write_body,
    write_settings,
)
from fasth2._engine.settings cimport SettingsBase
from fasth2._engine.stream cimport H2Stream
from fasth2._engine.stream_map cimport leave_out, map_of
from fasth2._engine.upgrade cimport upgrade, upgrade_as_client, upgrade_settings
from fasth2._window cimport MAX_WINDOW

from fasth2._engine.settings import SettingCodes, Settings
from fasth2._redaction import RedactedFields, reusable
from fasth2.exceptions import (
    FrameTooLargeError,
    H2Error,
    NoAvailableStreamIDError,
    NoSuchStreamError,
    ProtocolError,
    RFC1122Error,
    StreamClosedError,
)


cdef extern from "Python.h":
    long long PyLong_AsLongLongAndOverflow(object value, int *overflow) except? -1


cdef inline uint32_t number(object value, str what) except? 0xFFFFFFFF:
    """Convert an integer argument of 0 to 2**32 - 1."""
    cdef int overflow
    cdef long long n = PyLong_AsLongLongAndOverflow(value, &overflow)
    if overflow or n < 0 or n > 0xFFFFFFFF:
        raise ValueError(f"{what} {value} is not between 0 and 2**32 - 1")
    return <uint32_t>n


cdef inline uint32_t stream_number(object value) except? 0xFFFFFFFF:
    """Convert a stream's identifier. One that no stream can have raises h2's exceptions: those of `Core.stream_or_raise`."""
    cdef int overflow
    cdef long long n
    if value is None:
        raise NoSuchStreamError(-1)
    n = PyLong_AsLongLongAndOverflow(value, &overflow)
    if overflow < 0 or n < 0 and not overflow:
        raise StreamClosedError(value)
    if overflow or n > 0xFFFFFFFF:
        raise NoSuchStreamError(value)
    return <uint32_t>n


class ConnectionState(enum.Enum):
    """States of a connection, as h2 has them."""

    IDLE = 0
    CLIENT_OPEN = 1
    SERVER_OPEN = 2
    CLOSED = 3


@cython.final
cdef class ConnectionStateMachine:
    """The state of a connection, where h2 has it. Read only."""

    cdef H2Connection connection

    @property
    def state(self):
        """The connection's `ConnectionState`: IDLE before the first request, CLOSED after a GOAWAY of either side."""
        cdef H2Connection c = self.connection
        await_others(c)
        if c.phase == C_CLOSED:
            return ConnectionState.CLOSED
        if c.phase == C_OPEN:
            return ConnectionState.CLIENT_OPEN if is_client(&c.ids) else ConnectionState.SERVER_OPEN
        return ConnectionState.IDLE


cdef class H2Connection(Core):
    """One HTTP/2 connection without I/O: received octets are converted to events, and octets to send are returned.

    The class has h2's methods for both sides, and `ready_requests`, `respond`, `write`, `consume`, `pull` and
    `unsent`, by which servers need fewer calls for a request.

    A connection error queues GOAWAY and raises h2's exception, whose ``events`` are those of the frames before it;
    later input is ignored. A call that raises otherwise changes nothing.

    Several threads may use one connection, with the interpreter lock or without: calls are serialised. A call by the
    same thread from inside another call raises RuntimeError.

    Args:
        config: An `H2Configuration`; ``None`` for a client's with h2's defaults. A connection keeps its side when
            another configuration is assigned.
    """

    cdef int initialise(self, object config) except -1:
        """Make the connection; apply h2's class constants that a subclass has changed."""
        Core.initialise(self, config)
        if type(self) is not H2Connection:
            if self.MAX_CLOSED_STREAMS != H2Connection.MAX_CLOSED_STREAMS:
                self.table.closed_limit = self.MAX_CLOSED_STREAMS
            if self.DEFAULT_MAX_HEADER_LIST_SIZE != H2Connection.DEFAULT_MAX_HEADER_LIST_SIZE:
                self.local.assign(SettingCodes.MAX_HEADER_LIST_SIZE, self.DEFAULT_MAX_HEADER_LIST_SIZE)
                self.limit_header_list(self.DEFAULT_MAX_HEADER_LIST_SIZE)
        return 0

    # Input

    @cython.critical_section
    def receive_data(self, data):
        """Process octets from the peer (RFC 9113 section 3.4 and 4 to 8).

        Args:
            data: Any buffer of octets; frames may be split anywhere between calls.

        Returns:
            The list of events.

        Raises:
            ProtocolError: or a subclass, on a connection error; its ``events`` are those of the frames before.
            RuntimeError: The call came from inside another call on this connection.
        """
        return take(self, data, False)

    @cython.critical_section
    def ready_requests(self, data):
        """Process octets from the peer as `receive_data`, for servers: returns fewer and smaller objects than events.

        SETTINGS, PING and WINDOW_UPDATE are processed without an object, and unknown frames are skipped without a copy.
        Credit for body octets is returned by `consume`.

        Args:
            data: Any buffer of octets.

        Returns:
            A list of the objects of ``fasth2.ready``, in the order of the frames: Request, Data, Trailers,
            Reset, Goaway and Priority, distinguished by ``kind``. If ``answers_large_requests`` is true, also
            LargeRequest, for requests that the caller answers with 431 and that are reset otherwise.

        Raises:
            ProtocolError: As `receive_data`; ``events`` holds such objects.
            H2Error: The connection is a client's.
        """
        if is_client(&self.ids):
            raise H2Error("ready_requests is for servers; receive_data is for both sides")
        return take(self, data, True)

    # Output

    @cython.critical_section
    def data_to_send(self, amount=None):
        """Take the octets to send to the peer.

        Args:
            amount: Octets at most; ``None`` for all.

        Returns:
            bytes, empty when there is nothing to send.
        """
        cdef Py_ssize_t most = -1 if amount is None else amount
        enter(self)
        try:
            return pull(self, -1 if most < 0 else most)
        finally:
            leave(self)

    @cython.critical_section
    def pull(self, Py_ssize_t max_bytes=-1):
        """Take octets to send, at most ``max_bytes``: control frames and headers first, then queued bodies as far
        as both windows and the peer's SETTINGS_MAX_FRAME_SIZE allow (RFC 9113 section 5.2).

        Streams are sent round-robin, one frame each, or by the priorities from the client (RFC 9218 section 10). A
        server announces support for these in its first SETTINGS, with setting 9, SETTINGS_NO_RFC7540_PRIORITIES, set
        to 1 (section 2.1).

        Args:
            max_bytes: Octets at most; negative for all.

        Returns:
            bytes, empty when nothing can be sent now.
        """
        enter(self)
        try:
            return pull(self, max_bytes)
        finally:
            leave(self)

    @cython.critical_section
    def clear_outbound_data_buffer(self):
        """Drop the octets that are ready to send."""
        enter(self)
        try:
            out_clear(&self.out)
            output_taken(&self.limits, 0, 0)
        finally:
            leave(self)

    # Connection

    @cython.critical_section
    def initiate_connection(self):
        """Queue the connection preface (RFC 9113 section 3.4): a SETTINGS frame with `local_settings`, and a client's
        24 octets before it.

        Raises:
            ProtocolError: The connection is closed.
        """
        enter(self)
        try:
            must_be_open(self)
            self.prepare_local_settings()
            write_settings(self, dict(self.local), sends_preface(&self.ids))
        finally:
            leave(self)

    @cython.critical_section
    def initiate_upgrade_connection(self, settings_header=None):
        """Start a connection after an HTTP/1.1 request with ``Upgrade: h2c`` (RFC 7540 section 3.2).

        Stream 1 is that request, half closed by the client. `settings_header` is checked before anything changes.

        Args:
            settings_header: For servers: bytes or str, the value of the HTTP2-Settings field.

        Returns:
            For clients: bytes, the value of the HTTP2-Settings field. For servers ``None``.

        Raises:
            InvalidSettingsValueError: A setting is invalid (RFC 9113 section 6.5.2).
            StreamIDTooLowError: The connection has streams already.
            ProtocolError: The settings are not base64url, or truncated; or the connection is closed.
        """
        cdef bytes payload = b""
        if settings_header and not is_client(&self.ids):
            payload = upgrade_settings(settings_header)
        enter(self)
        try:
            if is_client(&self.ids):
                return upgrade_as_client(self)
            upgrade(self, payload)
        finally:
            leave(self)

    @cython.critical_section
    def update_settings(self, new_settings):
        """Queue a SETTINGS frame; the values take effect when the peer acknowledges it (RFC 9113 section 6.5.3).

        Args:
            new_settings: A mapping of `SettingCodes` or int to int.

        Raises:
            InvalidSettingsValueError: A value is not allowed.
            ProtocolError: The connection is closed.
        """
        cdef dict settings = dict(new_settings)
        cdef bint written = False
        # All are checked before any is applied.
        Settings(client=is_client(&self.ids), initial_values=settings)
        for key, value in settings.items():
            # RFC 9113 section 6.5.1: the sizes of the fields.
            if not 0 <= key <= 0xFFFF or not 0 <= value <= 0xFFFFFFFF:
                raise ValueError(f"setting {key} = {value} does not fit its 16 and 32 bits")
        enter(self)
        try:
            must_be_open(self)
            out_reserve(&self.out, FRAME_HEADER + 6 * <Py_ssize_t>len(settings))
            self.local.set_all(settings)
            try:
                write_settings(self, settings, False)
                written = True
            finally:
                # Not `except`, which allocates memory.
                if not written:
                    for key in settings:
                        self.local.take_back(key)
        finally:
            leave(self)

    @cython.critical_section
    def ping(self, opaque_data):
        """Queue a PING frame (RFC 9113 section 6.7).

        Args:
            opaque_data: bytes, eight octets.

        Raises:
            ValueError: Not eight octets of bytes.
            ProtocolError: The connection is closed.
        """
        if not isinstance(opaque_data, bytes) or len(opaque_data) != 8:
            raise ValueError(f"Invalid value for ping data: {opaque_data!r}")
        enter(self)
        try:
            must_be_open(self)
            out_reserve(&self.out, FRAME_HEADER + 8)
            put_ping(&self.out, <const uint8_t *>PyBytes_AS_STRING(opaque_data), 0)
            self.limits.pings_asked += 1
        finally:
            leave(self)

    @cython.critical_section
    def close_connection(self, error_code=0, additional_data=None, last_stream_id=None):
        """Queue GOAWAY (RFC 9113 section 6.8).

        Nothing can be sent or received after it; with ``rfc_errors`` and ``error_code`` 0 the streams up to
        ``last_stream_id`` continue. With ``rfc_errors`` and another code, queued bodies are dropped. A second GOAWAY
        never has a higher last stream id than the first. After that of a `StreamsRefusedError`, a GOAWAY without new
        information is not sent.

        Args:
            error_code: `ErrorCodes` or int.
            additional_data: bytes for the peer's log, or ``None``.
            last_stream_id: The last stream that was or will be served; by default the highest the peer opened.

        Raises:
            FrameTooLargeError: The data and 8 octets exceed the peer's SETTINGS_MAX_FRAME_SIZE.
        """
        cdef uint32_t code = number(error_code, "error code")
        cdef bytes debug = b""
        cdef uint32_t last
        if additional_data is not None:
            if not isinstance(additional_data, bytes):
                raise TypeError("additional_data must be bytes")
            debug = bytes(additional_data)
        enter(self)
        try:
            last = self.ids.highest_inbound if last_stream_id is None else number(last_stream_id, "stream")
            if len(debug) > <Py_ssize_t>self.max_out_frame - 8:
                raise FrameTooLargeError(f"{len(debug)} octets of debug data do not fit one frame")
            if not (self.refusal_goaway_sent and code == 0 and last >= self.goaway_limit):
                self.write_goaway(last, code, debug)
            self.phase = C_CLOSED
            if code and self.rfc_errors:
                self.failed = True
                self.drop_queues()
        finally:
            leave(self)

    # Streams

    @cython.critical_section
    def send_headers(self, stream_id, headers, end_stream=False, priority_weight=None, priority_depends_on=None,
                     priority_exclusive=None):
        """Send a client's request, which opens the stream, a server's response or informational (1xx) response, or
        trailers (RFC 9113 section 8.1).

        Args:
            stream_id: The stream's number; for a request see `get_next_available_stream_id`.
            headers: An iterable of (name, value), str (sent as UTF-8) or bytes; pseudo-header fields first, none
                in trailers. An element with a false ``indexable`` attribute is never indexed.
            end_stream: True to end the stream; required for trailers.
            priority_weight: For clients: 1 to 256, see `prioritize`.
            priority_depends_on: For clients: another stream, or 0.
            priority_exclusive: For clients: a bool.

        Raises:
            ProtocolError: The headers violate a rule, or the stream cannot send them.
            NoSuchStreamError: No such stream was opened.
            StreamClosedError: The stream is closed.
            StreamIDTooLowError: A client has opened a stream with a higher number.
            TooManyStreamsError: The peer's SETTINGS_MAX_CONCURRENT_STREAMS would be exceeded.
            RFC1122Error: A priority argument was passed for a server.
        """
        cdef uint32_t sid = stream_number(stream_id)
        cdef bint ends = end_stream
        cdef Prefix octets
        cdef Prefix *priority = NULL
        if priority_weight is not None or priority_depends_on is not None or priority_exclusive is not None:
            if not may_prioritize(&self.ids):
                raise RFC1122Error("Servers SHOULD NOT prioritize streams.")
            write_priority_of(&octets, sid, priority_weight, priority_depends_on, priority_exclusive)
            priority = &octets
        if self.logger is not None:
            headers = reusable(headers)
        enter(self)
        try:
            with cython.critical_section(self.encoder):
                if opens_by_headers(&self.ids) and self.table.find(sid) == NULL:
                    send_request(self, sid, headers, ends, priority)
                else:
                    send_headers(self, sid, headers, ends, priority)
        finally:
            self.outgoing.clear()
            leave(self)
        if self.logger is not None:
            log_fields(self.logger, "HEADERS", sid, headers)

    @cython.critical_section
    def send_data(self, stream_id, data, end_stream=False, pad_length=None):
        """Send one DATA frame (RFC 9113 section 6.1).

        Args:
            stream_id: The stream's number.
            data: Any buffer of octets, no more than `local_flow_control_window` and `max_outbound_frame_size`.
            end_stream: True if nothing follows.
            pad_length: Octets of padding, 0 to 255; ``None`` for a frame without padding.

        Raises:
            FlowControlError: A window is too small for it.
            FrameTooLargeError: It does not fit one frame.
            ProtocolError: The stream cannot send data.
            NoSuchStreamError: No such stream was opened.
            StreamClosedError: The stream is over.
        """
        cdef uint32_t sid = stream_number(stream_id)
        cdef bint ends = end_stream
        cdef int pad = -1
        cdef Py_buffer view
        if pad_length is not None:
            if not isinstance(pad_length, int):
                raise TypeError("pad_length must be an int")
            if not 0 <= pad_length <= 255:
                raise ValueError("pad_length must be within range: [0, 255]")
            pad = pad_length
        if PyBytes_CheckExact(data):
            enter(self)
            try:
                send_data(self, sid, <const uint8_t *>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), ends, pad)
            finally:
                leave(self)
        else:
            PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
            try:
                enter(self)
                try:
                    send_data(self, sid, <const uint8_t *>view.buf, view.len, ends, pad)
                finally:
                    leave(self)
            finally:
                PyBuffer_Release(&view)
        if self.logger is not None:
            log_sent(self.logger, "DATA", sid)

    @cython.critical_section
    def end_stream(self, stream_id):
        """End a stream with an empty DATA frame (RFC 9113 section 8.1).

        Args:
            stream_id: The stream's number.

        Raises:
            ProtocolError: The stream cannot send.
            NoSuchStreamError: No such stream was opened.
            StreamClosedError: The stream is over.
        """
        cdef uint32_t sid = stream_number(stream_id)
        enter(self)
        try:
            end_with_data(self, sid)
        finally:
            leave(self)

    @cython.critical_section
    def reset_stream(self, stream_id, error_code=0):
        """End a stream at once with RST_STREAM (RFC 9113 section 6.4); its queue is dropped.

        Args:
            stream_id: The stream's number.
            error_code: `ErrorCodes` or int.

        Raises:
            NoSuchStreamError: No such stream was opened.
            StreamClosedError: The stream is over.
        """
        cdef uint32_t sid = stream_number(stream_id)
        cdef uint32_t code = number(error_code, "error code")
        enter(self)
        try:
            reset_stream(self, sid, code)
        finally:
            leave(self)

    @cython.critical_section
    def push_stream(self, stream_id, promised_stream_id, request_headers):
        """Promise a response to a request that the client has not sent (RFC 9113 section 8.4).

        Args:
            stream_id: The client's stream with which the push is associated.
            promised_stream_id: The new stream, see `get_next_available_stream_id`.
            request_headers: The fields of the promised request, an iterable of (name, value).

        Raises:
            ProtocolError: The client refuses pushes, or the headers or a stream do not allow it.
        """
        cdef uint32_t sid = stream_number(stream_id)
        cdef uint32_t promised = stream_number(promised_stream_id)
        if self.logger is not None:
            request_headers = reusable(request_headers)
        enter(self)
        try:
            with cython.critical_section(self.encoder):
                push_stream(self, sid, promised, request_headers)
        finally:
            self.outgoing.clear()
            leave(self)
        if self.logger is not None:
            log_fields(self.logger, "PUSH_PROMISE", sid, request_headers)

    @cython.critical_section
    def respond(self, stream_id, int status, headers, body=b"", trailers=None, end_stream=True):
        """Send a complete response, or its first part (RFC 9113 section 8.1).

        HEADERS are written at once; octets of the body beyond the windows are queued in the stream.

        Args:
            stream_id: The stream's number.
            status: 100 to 999.
            headers: An iterable of (name, value), str or bytes, without ``:status``.
            body: bytes, held by reference until sent; any other buffer is copied.
            trailers: (name, value) pairs after the body, which end the stream, or ``None``.
            end_stream: False when more follows through `write`.

        Returns:
            True if the stream was still there.

        Raises:
            ProtocolError: The headers violate a rule, or the stream's headers were sent already.
            FlowControlError: A body that must be copied is over the ``unsent_body`` limit.
            NoSuchStreamError: No such stream was opened.
        """
        cdef uint32_t sid = stream_number(stream_id)
        cdef bint ends = end_stream
        cdef bint sent
        if self.logger is not None:
            headers = reusable(headers)
        enter(self)
        try:
            with cython.critical_section(self.encoder):
                sent = respond(self, sid, status, headers, body, trailers, ends)
        finally:
            self.outgoing.clear()
            leave(self)
        if self.logger is not None:
            log_fields(self.logger, "HEADERS", sid, headers)
        return sent

    @cython.critical_section
    def write(self, stream_id, data, end_stream=False):
        """Queue more of a response's body.

        Args:
            stream_id: The stream's number.
            data: bytes, held by reference until sent; any other buffer is copied.
            end_stream: True if nothing follows.

        Returns:
            Octets of the stream that are queued and not yet in the output.

        Raises:
            ProtocolError: The stream has no headers yet, or has ended.
            FlowControlError: Copied octets would pass the ``unsent_body`` limit.
            StreamClosedError: The stream is over.
            NoSuchStreamError: No such stream was opened.
        """
        cdef uint32_t sid = stream_number(stream_id)
        cdef bint ends = end_stream
        enter(self)
        try:
            return write_body(self, sid, data, ends)
        finally:
            leave(self)

    @cython.critical_section
    def unsent(self, stream_id):
        """Octets queued in a stream and not yet in the output; 0 for a stream that is gone.

        Raises:
            NoSuchStreamError: No such stream was opened.
        """
        cdef uint32_t sid = stream_number(stream_id)
        cdef H2Stream s
        enter(self)
        try:
            s = find_opened(self, sid)
            return 0 if s is None else s.queued
        finally:
            leave(self)

    # Flow control

    @cython.critical_section
    def acknowledge_received_data(self, acknowledged_size, stream_id):
        """Acknowledge processed octets of a stream, for which the peer gets credit in useful portions (RFC 9113
        section 6.9).

        Args:
            acknowledged_size: Octets, padding included (an event's ``flow_controlled_length``).
            stream_id: Their stream, which may be closed.

        Raises:
            ValueError: A negative size, or not a stream.
            NoSuchStreamError: No such stream was opened.
        """
        cdef uint32_t sid
        cdef int64_t size
        if stream_id <= 0:
            raise ValueError(f"Stream ID {stream_id} is not valid for acknowledge_received_data")
        if acknowledged_size < 0:
            raise ValueError("Cannot acknowledge negative data")
        sid = stream_number(stream_id)
        size = number(acknowledged_size, "size")
        enter(self)
        try:
            acknowledge_credit(self, size, sid)
        finally:
            leave(self)

    @cython.critical_section
    def consume(self, stream_id, n, merge=True):
        """Return credit for n octets that the application has read (RFC 9113 section 6.9).

        Args:
            stream_id: Their stream, which may be closed.
            n: Octets, padding included.
            merge: False for WINDOW_UPDATE frames of exactly n octets at once, instead of useful portions.

        Raises:
            ValueError: n is negative.
            NoSuchStreamError: No such stream was opened.
            FlowControlError: Without ``merge``, the connection's window would exceed 2**31 - 1.
        """
        cdef uint32_t sid = stream_number(stream_id)
        cdef int64_t size = number(n, "size")
        cdef bint merged = merge
        enter(self)
        try:
            consume_credit(self, sid, size, merged)
        finally:
            leave(self)

    @cython.critical_section
    def increment_flow_control_window(self, increment, stream_id=None):
        """Increase the window of the peer (WINDOW_UPDATE, RFC 9113 section 6.9).

        Args:
            increment: Octets, 1 to 2**31 - 1.
            stream_id: The stream; ``None`` for the connection.

        Raises:
            ValueError: The increment is out of range.
            FlowControlError: The window would exceed 2**31 - 1.
            NoSuchStreamError: No such stream was opened.
            StreamClosedError: The stream is over.
        """
        cdef int64_t size, largest
        cdef uint32_t sid = 0 if stream_id is None else stream_number(stream_id)
        largest = constant(self, "MAX_WINDOW_INCREMENT", MAX_WINDOW)
        if not 1 <= increment <= largest:
            raise ValueError(f"Flow control increment must be between 1 and {largest}")
        size = increment
        enter(self)
        try:
            must_be_open(self)
            increment_window(self, None if stream_id is None else self.stream_or_raise(sid), size)
        finally:
            leave(self)

    @cython.critical_section
    def local_flow_control_window(self, stream_id):
        """Octets of DATA that can be sent on a stream now; negative after a smaller SETTINGS_INITIAL_WINDOW_SIZE.

        Raises:
            NoSuchStreamError: No such stream was opened.
            StreamClosedError: The stream is over.
        """
        cdef uint32_t sid = stream_number(stream_id)
        cdef H2Stream s
        enter(self)
        try:
            s = self.stream_or_raise(sid)
            return min(self.out_window, s.out_window)
        finally:
            leave(self)

    @cython.critical_section
    def remote_flow_control_window(self, stream_id):
        """Octets of DATA that the peer can send on a stream now.

        Raises:
            NoSuchStreamError: No such stream was opened.
            StreamClosedError: The stream is over.
        """
        cdef uint32_t sid = stream_number(stream_id)
        cdef H2Stream s
        enter(self)
        try:
            s = self.stream_or_raise(sid)
            return min(self.window.current, s.window.current)
        finally:
            leave(self)

    @cython.critical_section
    def _get_stream_by_id(self, stream_id):
        # h2's name; its tests and others reach for it.
        enter(self)
        try:
            return self.stream_or_raise(stream_number(stream_id))
        finally:
            leave(self)

    # The rest of h2's methods

    @cython.critical_section
    def get_next_available_stream_id(self):
        """Return the identifier of a client's next request, or of a server's next pushed stream (RFC 9113 section
        5.1.1).

        Raises:
            NoAvailableStreamIDError: All identifiers are used.
        """
        cdef uint32_t following
        enter(self)
        try:
            following = next_outbound(&self.ids)
            if following == 0 or following > constant(self, "HIGHEST_ALLOWED_STREAM_ID", HIGHEST_STREAM_ID):
                raise NoAvailableStreamIDError("Exhausted allowed stream IDs")
            return following
        finally:
            leave(self)

    @cython.critical_section
    def prioritize(self, stream_id, weight=None, depends_on=None, exclusive=None):
        """Tell the server the priority of a stream (PRIORITY, RFC 7540 section 5.3). For clients.

        Args:
            stream_id: The stream, in any state.
            weight: 1 to 256; ``None``: 16.
            depends_on: Another stream, or 0; ``None``: 0.
            exclusive: A bool; ``None``: False.

        Raises:
            RFC1122Error: The connection is a server's.
            ProtocolError: The arguments are out of range, or the connection is closed.
        """
        cdef Prefix priority
        cdef uint32_t sid
        if not may_prioritize(&self.ids):
            raise RFC1122Error("Servers SHOULD NOT prioritize streams.")
        sid = stream_number(stream_id)
        write_priority_of(&priority, sid, weight, depends_on, exclusive)
        enter(self)
        try:
            send_priority(self, sid, &priority)
        finally:
            leave(self)

    @cython.critical_section
    def advertise_alternative_service(self, field_value, origin=None, stream_id=None):
        """Queue ALTSVC (RFC 7838 section 4).

        Args:
            field_value: bytes, the Alt-Svc field's value.
            origin: bytes, the origin it is for; not together with ``stream_id``.
            stream_id: A stream whose request was received and whose response headers were not sent yet.

        Raises:
            ValueError: The arguments contradict each other.
            FrameTooLargeError: They exceed the peer's SETTINGS_MAX_FRAME_SIZE.
            ProtocolError: The response headers of the stream were sent, the connection is closed, or it is a client's.
        """
        cdef uint32_t sid = 0
        cdef bytes where = b""
        cdef bytes value
        cdef H2Stream s
        cdef uint8_t *p
        cdef Py_ssize_t n
        if not isinstance(field_value, bytes):
            raise ValueError("Field must be bytestring.")
        if origin is not None and stream_id is not None:
            raise ValueError("Must not provide both origin and stream_id")
        value = bytes(field_value)
        if origin is not None:
            where = bytes(memoryview(origin))
            if len(where) > 0xFFFF:
                raise ValueError("origin is longer than 65,535 octets")
        else:
            sid = number(stream_id or 0, "stream")
        n = 2 + len(where) + len(value)
        enter(self)
        try:
            must_be_open(self)
            if not may_advertise(&self.ids):
                raise ProtocolError("clients do not send ALTSVC")
            if origin is None:
                s = self.stream_or_raise(sid)
                if s.headers_sent:
                    raise ProtocolError("Cannot send ALTSVC after sending response headers.")
            if n > <Py_ssize_t>self.max_out_frame:
                raise FrameTooLargeError(f"{n} octets do not fit one frame")
            out_reserve(&self.out, FRAME_HEADER + n)
            p = write_frame_header(self.out.data + self.out.length, <uint32_t>n, FRAME_ALTSVC, 0, sid)
            store16(p, <uint32_t>len(where))
            copy_octets(p + 2, where)
            copy_octets(p + 2 + len(where), value)
            self.out.length += FRAME_HEADER + n
            if self.phase == C_IDLE:
                self.phase = C_OPEN
        finally:
            leave(self)

    # Attributes

    @property
    def state_machine(self):
        """An object whose ``state`` is the connection's `ConnectionState`, as in h2."""
        cdef ConnectionStateMachine machine = ConnectionStateMachine.__new__(ConnectionStateMachine)
        machine.connection = self
        return machine

    @property
    @cython.critical_section
    def config(self):
        """The connection's `H2Configuration`. The connection follows when it or one of its options is assigned."""
        return self._config

    @config.setter
    @cython.critical_section
    def config(self, value):
        enter(self)
        try:
            self.configure(value)
        finally:
            leave(self)

    @property
    @cython.critical_section
    def local_settings(self):
        """This side's `Settings`. Another object may be assigned before `initiate_connection`, which sends it; limits
        of `Limits` for streams and header lists that it omits are added. The object must not be shared between
        connections: it holds the changes that wait for this peer's acknowledgment."""
        return self.local

    @local_settings.setter
    @cython.critical_section
    def local_settings(self, SettingsBase value not None):
        enter(self)
        try:
            self.local = value
            self.local_replaced = True
        finally:
            leave(self)

    @property
    @cython.critical_section
    def remote_settings(self):
        """The peer's `Settings`."""
        return self.remote

    @remote_settings.setter
    @cython.critical_section
    def remote_settings(self, SettingsBase value not None):
        enter(self)
        try:
            self.remote = value
        finally:
            leave(self)

    @property
    def streams(self):
        """The existing streams, a mapping of identifier to `H2Stream` that follows the connection. Streams that are deleted
        from it, or that an assigned mapping leaves out, are dropped without a frame, as if they had been reset."""
        return map_of(self)

    @streams.setter
    @cython.critical_section
    def streams(self, value):
        leave_out(self, dict(value))

    @property
    @cython.critical_section
    def settings_acknowledged(self):
        """True if the peer has acknowledged every SETTINGS frame sent (RFC 9113 section 6.5.3)."""
        await_others(self)
        return self.acks_expected == 0

    @property
    @cython.critical_section
    def open_inbound_streams(self):
        """Number of the peer's streams that count against our SETTINGS_MAX_CONCURRENT_STREAMS."""
        await_others(self)
        return self.ids.open_inbound

    @property
    @cython.critical_section
    def open_outbound_streams(self):
        """Number of our streams, requests or pushes, that count against the peer's SETTINGS_MAX_CONCURRENT_STREAMS."""
        await_others(self)
        return self.ids.open_outbound

    @property
    @cython.critical_section
    def inbound_flow_control_window(self):
        """Octets of DATA that the peer can send on the connection now."""
        await_others(self)
        return self.window.current

    @property
    @cython.critical_section
    def outbound_flow_control_window(self):
        """Octets of DATA that can be sent on the connection now."""
        await_others(self)
        return self.out_window

    @outbound_flow_control_window.setter
    @cython.critical_section
    def outbound_flow_control_window(self, int64_t value):
        if value > MAX_WINDOW:
            raise ValueError("a window cannot pass 2**31 - 1")
        await_others(self)
        self.out_window = value

    @property
    @cython.critical_section
    def max_outbound_frame_size(self):
        """The peer's SETTINGS_MAX_FRAME_SIZE: octets of payload of one frame that we send."""
        await_others(self)
        return self.max_out_frame

    @max_outbound_frame_size.setter
    @cython.critical_section
    def max_outbound_frame_size(self, value):
        if not 1 <= value <= 0xFFFFFF:
            raise ValueError("a frame's payload is 1 to 2**24 - 1 octets")
        await_others(self)
        self.max_out_frame = value

    @property
    @cython.critical_section
    def max_inbound_frame_size(self):
        """Our SETTINGS_MAX_FRAME_SIZE: octets of payload of one frame that the peer sends."""
        await_others(self)
        return self.max_in_frame

    @max_inbound_frame_size.setter
    @cython.critical_section
    def max_inbound_frame_size(self, value):
        if not 0 <= value <= 0xFFFFFF:
            raise ValueError("a frame's payload is at most 2**24 - 1 octets")
        await_others(self)
        self.max_in_frame = value

    @property
    @cython.critical_section
    def highest_inbound_stream_id(self):
        """The highest stream that the peer has opened, 0 for none. May be assigned: identifiers up to it are then used,
        those above it free."""
        await_others(self)
        return self.ids.highest_inbound

    @highest_inbound_stream_id.setter
    @cython.critical_section
    def highest_inbound_stream_id(self, value):
        cdef uint32_t sid = identifier(value)
        enter(self)
        self.ids.highest_inbound = sid
        leave(self)

    @property
    @cython.critical_section
    def highest_outbound_stream_id(self):
        """The highest stream that we have opened or promised, 0 for none. May be assigned: identifiers up to it are then
        used, those above it free."""
        await_others(self)
        return self.ids.highest_outbound

    @highest_outbound_stream_id.setter
    @cython.critical_section
    def highest_outbound_stream_id(self, value):
        cdef uint32_t sid = identifier(value)
        enter(self)
        self.ids.highest_outbound = sid
        leave(self)

    @property
    @cython.critical_section
    def counters(self):
        """How often each limit was exceeded and each kind of fault occurred: a dict of token to count."""
        await_others(self)
        return {} if self.counts is None else dict(self.counts)

    @cython.critical_section
    def __repr__(self):
        await_others(self)
        return f"<H2Connection streams={0 if self.table is None else self.table.count} closed={self.phase == C_CLOSED}>"

    # h2's class constants. A subclass may have others.
    DEFAULT_MAX_OUTBOUND_FRAME_SIZE = 65535
    DEFAULT_MAX_INBOUND_FRAME_SIZE = 2**24
    HIGHEST_ALLOWED_STREAM_ID = 2**31 - 1
    MAX_WINDOW_INCREMENT = 2**31 - 1
    DEFAULT_MAX_HEADER_LIST_SIZE = 2**16
    MAX_CLOSED_STREAMS = 1000


cdef uint32_t identifier(object value) except? 0xFFFFFFFF:
    """Convert a stream's identifier, or 0 for none (RFC 9113 section 5.1.1)."""
    cdef uint32_t sid = number(value, "stream")
    if sid > <uint32_t>HIGHEST_STREAM_ID:
        raise ValueError(f"stream {sid} does not fit 31 bits")
    return sid


cdef int64_t constant(H2Connection c, str name, int64_t largest) except? -1:
    """Return a constant that a subclass or an object may have lowered."""
    if type(c) is H2Connection and not vars(c):
        return largest
    return min(<int64_t>getattr(c, name), largest)


cdef int log_sent(object logger, str frame, uint32_t stream_id) except -1:
    logger.debug("sent %s on stream %d", frame, stream_id)
    return 0


cdef int log_fields(object logger, str frame, uint32_t stream_id, object headers) except -1:
    logger.debug("sent %s on stream %d: %s", frame, stream_id, RedactedFields(headers))
    return 0


cdef list take(H2Connection c, object data, bint slim):
    cdef Py_buffer view
    if PyBytes_CheckExact(data):
        enter(c)
        try:
            with cython.critical_section(c.decoder):
                return receive(c, <const uint8_t *>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), slim)
        finally:
            leave(c)
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    try:
        enter(c)
        try:
            with cython.critical_section(c.decoder):
                return receive(c, <const uint8_t *>view.buf, view.len, slim)
        finally:
            leave(c)
    finally:
        PyBuffer_Release(&view)


cdef int copy_octets(uint8_t *to, bytes octets) except -1:
    cdef Py_ssize_t i
    for i in range(PyBytes_GET_SIZE(octets)):
        to[i] = <uint8_t>PyBytes_AS_STRING(octets)[i]
    return 0
