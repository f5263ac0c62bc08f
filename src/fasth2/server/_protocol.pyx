"""The server's side of an HTTP/2 connection, sans-I/O.

Every connection of a server holds a `ServerProtocol`. It has no socket, request class or host: the connection reads and
writes, and defines what a request is and when it is dispatched.
"""
cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from libc.math cimport INFINITY
from libc.stdint cimport int64_t, uint8_t

from fasth2._engine.core cimport enter, find_stream, leave
from fasth2._engine.flow_control cimport (
    give_back_growth,
    return_connection_credit,
    return_stream_credit,
    stop_measuring,
)
from fasth2._engine.ready cimport Data, Goaway, LargeRequest, Request, Reset, Trailers
from fasth2._engine.receive cimport receive
from fasth2._engine.scheduler cimport waits_behind
from fasth2._engine.stream cimport S_CLOSED

import time

from fasth2.config import H2Configuration
from fasth2.exceptions import ProtocolError, StreamsRefusedError
from fasth2.server._options import NO_RFC7540_PRIORITIES, announced
from fasth2.server._progress import MIN_RATE, SendProgress
from fasth2.server._refusals import Refusals
from fasth2.server._shutdown import FIRST_REQUEST_WAIT, Shutdown
from fasth2.server.errors import HTTP2ErrorCode

__all__ = ["ANY_STREAM", "DRAINING_WAIT", "ServerProtocol"]

#: The last stream id of the first GOAWAY of a graceful shutdown (RFC 9113 section 6.8).
ANY_STREAM = 2**31 - 1

#: Seconds without a stream after which a connection is closed if its peer has sent GOAWAY.
DRAINING_WAIT = 2.0


# The options last used, and the configuration that their connections share.
cdef tuple last_used = (None, None)


cdef object configuration_of(object options):
    """Return the engine's configuration, the same object for consecutive connections with the same options."""
    global last_used
    cdef tuple found = last_used
    if found[0] is not options:
        found = last_used = (options, H2Configuration(
            client_side=False,
            header_encoding=options.header_encoding,
            header_fallback_encoding="latin-1",
            rfc_errors=True,
            limits=options.limits,
            adaptive_windows=options.adaptive_windows,
            clock=options.clock,
        ))
    return found[1]


@cython.final
cdef class ServerProtocol:
    """The server's side of an HTTP/2 connection: octets in, requests out, octets out.

    Input is passed to `receive`; output is taken from `engine` by its ``pull``. The handler is passed to the calls that
    need it and is not stored, to avoid a reference cycle. For one thread at a time.

    Args:
        options: The shared options (`fasth2.server._options.Options`).
    """

    def __cinit__(self, options not None):
        self.options = options
        self.streams = {}
        self.core = options.engine_class(configuration_of(options))
        if self.core is None:
            raise TypeError("engine_class made no engine")
        self.engine = self.core
        self.core.by_stream = 1 if options.credits_on_arrival else 0
        self.began = self.clock()

    @property
    def pending_requests(self):
        """Requests that arrived during another wait; `pending` is the same list, or ``None`` before the first."""
        if self.pending is None:
            self.pending = []
        return self.pending

    @pending_requests.setter
    def pending_requests(self, list requests):
        self.pending = requests

    def clock(self):
        """Return the time in seconds."""
        clock = self.options.clock
        return time.monotonic() if clock is None else clock()

    def advertise(self):
        """Queue this side's SETTINGS."""
        # Pending until the peer acknowledges them (RFC 9113 section 6.5.3): a
        # peer that sends at once may still use the defaults. The limits on
        # streams and header lists apply from the start.
        options = self.options
        self.engine.update_settings(
            announced(
                options.max_concurrent_streams, options.initial_window_size, options.max_frame_size,
                options.max_header_list_size, options.connect_protocol,
            )
        )
        self.initialized = True

    def begin_upgraded(self, settings_header):
        """Continue in HTTP/2 after ``Upgrade: h2c``, and queue this side's SETTINGS (RFC 7540 section 3.2).

        Args:
            settings_header: The value of the request's HTTP2-Settings field.

        Raises:
            ProtocolError: The settings are not valid.
            ValueError: They are not base64url.
        """
        local = self.engine.local_settings
        # NO_RFC7540_PRIORITIES has to be in the first SETTINGS frame.
        local[NO_RFC7540_PRIORITIES] = 1
        local.acknowledge()
        self.engine.initiate_upgrade_connection(settings_header=settings_header)

    # Counters

    @property
    def counters(self):
        """How often each limit was exceeded and each kind of fault occurred."""
        return self.engine.counters

    def count(self, str name not None):
        """Increment a counter.

        Args:
            name: The counter.
        """
        self.core.count(name)

    # Receiving

    cdef object receive_octets(self, const uint8_t *p, Py_ssize_t n):
        """Process octets and return the slim objects. A connection error is stored in `error`, with its GOAWAY queued.

        The error sets `closed`, except after too many refused streams: then the open streams are answered first.
        """
        cdef H2Connection c = self.core
        cdef object error
        enter(c)
        try:
            with cython.critical_section(c.decoder):
                return receive(c, p, n, True)
        except ProtocolError as exc:
            error = exc
        finally:
            leave(c)
        return self.keep_error(error)

    cdef object keep_error(self, object error):
        """Store the engine's exception, and return the slim objects before it."""
        if not isinstance(error, ProtocolError):
            # There was no memory to catch it.
            raise error
        if isinstance(error, StreamsRefusedError):
            self.draining = True
        else:
            self.closed = True
        errors = self.options.errors
        if errors is None:
            self.error = error
        else:
            self.error = errors.HTTP2ProtocolError(str(error), int(error.error_code))
            self.error.__cause__ = error
        # The garbage collector does not look into slim objects, which may lead back to the holder.
        events = error.events
        error.events = ()
        return events

    def receive(self, data, handler):
        """Process octets and return the new requests.

        A connection error is stored in ``error``, with its GOAWAY queued. After too many refused streams, the open
        streams are answered before the connection is closed.

        Args:
            data: Octets from the peer, any buffer.
            handler: The connection that holds this object (`fasth2.server._handler.Handler`).
        """
        cdef object before = self.error
        cdef object items, item, stream
        cdef object last_stream_id = None
        cdef list requests = []
        cdef bint parted
        cdef Py_buffer view
        if self.engine is self.core:
            PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
            try:
                items = self.receive_octets(<const uint8_t *>view.buf, view.len)
            finally:
                PyBuffer_Release(&view)
        else:
            # A host has replaced the engine.
            try:
                items = self.engine.ready_requests(data)
            except ProtocolError as exc:
                items = self.keep_error(exc)
        parted = self.error is not before and not self.closed
        for item in items:
            kind = type(item)
            if kind is Request:
                if not self.refuse((<Request>item).stream_id):
                    handler._request_received(item, requests)
            elif kind is Data:
                handler._data_received(item, requests)
            elif kind is Trailers:
                handler._trailers_received(item, requests)
            elif kind is Reset:
                self.receive_reset(item, requests, handler)
            elif kind is Goaway:
                if item.error_code:
                    handler._connection_lost()
                else:
                    # RFC 9113 section 6.8: the receiver opens no more streams; the sender may.
                    self.draining = True
                last_stream_id = item.last_stream_id
            elif kind is LargeRequest:
                if not self.refuse((<LargeRequest>item).stream_id):
                    handler._large_request_received(item, requests)
            else:
                stream = self.streams.get(item.stream_id)
                if stream is not None:
                    stream.update_priority(weight=item.weight, depends_on=item.depends_on, exclusive=item.exclusive)
        if last_stream_id is not None and not self.closed:
            handler._goaway_read(last_stream_id)
        if parted and not self.streams and not requests and not self.closed:
            handler._close_quietly()
        return requests

    def take_pending(self):
        """Take the requests of ``pending_requests``."""
        if not self.pending:
            return []
        requests = list(self.pending)
        self.pending.clear()
        return requests

    def raise_error(self):
        """Raise the error that has ended the connection, once."""
        if not self.closed:
            return  # after GOAWAY for refused streams the open ones are answered first
        error, self.error = self.error, None
        if error is not None:
            raise error

    cdef int receive_reset(self, object item, list requests, object handler) except -1:
        stream_id = item.stream_id
        stream = self.streams.get(stream_id)
        if stream is None:
            return 0
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
        return 0

    # Refusing streams

    cpdef bint refuse(self, object stream_id) except -1:
        """Return True if a new stream is refused, with RST_STREAM queued.

        A stream is refused if it exceeds the limit counted together with requests that the peer has reset and the
        application still works on, so that resets do not give a peer more of the application than waiting would; or if
        it is above `refused_above`.

        Args:
            stream_id: The stream.
        """
        if self.refused_above is not None and stream_id > self.refused_above:
            self.reset(stream_id, HTTP2ErrorCode.REFUSED_STREAM)
            return True
        unreleased = self.unreleased
        if not unreleased:
            return False
        over = self.options.closed_state
        count = 0
        for number, stream in self.streams.items():
            if number in unreleased or stream.state is not over:
                count += 1
        if count < self.options.max_concurrent_streams:
            return False
        self.refuse_unreleased(stream_id)
        return True

    cdef int refuse_unreleased(self, object stream_id) except -1:
        """Refuse a stream that would be one too many with those that the peer has reset and the application works on."""
        self.core.count("unreleased_requests")
        self.reset(stream_id, HTTP2ErrorCode.REFUSED_STREAM)
        if self.refused_too_often():
            # The engine counts its own refusals.
            if self.error is None:
                self.error = (ProtocolError("streams refused") if self.options.errors is None else
                              self.options.errors.HTTP2ProtocolError("streams refused", HTTP2ErrorCode.ENHANCE_YOUR_CALM))
            self.end(HTTP2ErrorCode.ENHANCE_YOUR_CALM, limit=b"unreleased_requests")
        return 0

    cdef bint refused_too_often(self) except -1:
        """Count a refusal by this class against the limit of resets. Return True if it is exceeded."""
        limits = self.options.limits
        burst, rate = limits.reset_burst, limits.reset_rate
        if burst is None or rate is None:
            return False
        now = self.clock()
        if self.refusals is None:
            self.refusals = Refusals(now, burst, rate, limits.early_refusals)
        return self.refusals.add(now, self.engine.settings_acknowledged)

    # Time-outs

    def idle_limit(self):
        """Return the seconds that the connection may be idle, or less if an unread upload is due before."""
        return self.or_unread(self.own_idle_limit())

    def own_idle_limit(self):
        """Return the seconds that the connection may be idle; ``None``: no limit."""
        limit = self.options.idle_timeout
        if self.draining:
            limit = DRAINING_WAIT if limit is None else min(limit, DRAINING_WAIT)
        return limit

    cdef list stuck_streams(self, double now, double timeout):
        """Return the ids of streams of which the peer accepts nothing, or less than the minimum rate, and forget them.

        Called at intervals: each call compares the unsent octets with those of the previous call.
        """
        cdef H2Stream s
        cdef H2Connection c = self.core
        cdef dict before = self.sending
        cdef dict found = {}
        cdef list stuck = []
        for s in c.table.all():
            if s.queued <= 0:
                continue
            progress = None if before is None else before.get(s.stream_id)
            if progress is None:
                progress = SendProgress(s.queued, now)
            else:
                progress.update(s.queued, now)
                if now >= progress.deadline(timeout, MIN_RATE):
                    if not waits_behind(c, s):
                        stuck.append(s.stream_id)
                        continue
                    # Streams that precede it by priority are checked themselves.
                    progress.restart(s.queued, now)
            found[s.stream_id] = progress
        self.sending = found or None
        return stuck

    # Uploads that were answered without being read

    def leave_unread(self, stream_id):
        """Let the client continue for a while with a request whose response is complete (RFC 9113 section 8.1).

        Args:
            stream_id: The stream.
        """
        cdef H2Stream stream = find_stream(self.core, stream_id)
        if stream is not None and stream.phase != S_CLOSED:
            options = self.options
            self.add_unread(stream, options.unread_upload_octets, self.clock() + options.unread_upload_seconds)

    cdef int add_unread(self, H2Stream stream, int64_t octets, double deadline) except -1:
        """See `leave_unread`. octets, deadline: see `UnreadUploads.add`."""
        if self.unread is None:
            self.unread = UnreadUploads()
        return self.unread.add(stream, octets, deadline)

    cdef list take_unread(self, double now):
        """Return the ids of uploads that have continued for too long, and forget them."""
        if self.unread is None or not self.unread.uploads:
            return []
        options = self.options
        return self.unread.take_due(now, options.unread_upload_seconds, options.full_window_wait)

    cdef int reset_unread(self, list stream_ids) except -1:
        """Queue the resets of these uploads, to be sent in a separate write."""
        for stream_id in stream_ids:
            self.core.count("unread_uploads")
            self.reset(stream_id, HTTP2ErrorCode.NO_ERROR)
        return 0

    def unread_deadline(self):
        """Return the deadline of the next unread upload; ``None`` without one."""
        cdef double deadline = INFINITY if self.unread is None else self.unread.next_deadline()
        return None if deadline == INFINITY else deadline

    def or_unread(self, limit):
        """Return the seconds to wait for the peer: `limit`, or less if an unread upload is due before.

        Args:
            limit: Seconds; ``None``: no limit.
        """
        deadline = self.unread_deadline()
        if deadline is None:
            return limit
        wait = max(deadline - self.clock(), 0.0)
        return wait if limit is None else min(limit, wait)

    def end_unread(self, handler):
        """Reset the uploads that have continued for too long, in a separate write; return True if there were any.

        Args:
            handler: The connection that holds this object.
        """
        cdef list due
        if self.unread is None or not self.unread.uploads:
            return False
        due = self.take_unread(self.clock())
        if not due or self.closed:
            return False
        handler._send_quietly()
        self.reset_unread(due)
        handler._send_quietly()
        return True

    # Window credit

    def credit(self, octets, stream_id=None):
        """Credit a window.

        Args:
            octets: The increment.
            stream_id: The stream; ``None``: the connection, also for octets of a stream that gets no more window.
        """
        try:
            self.engine.increment_flow_control_window(octets, stream_id=stream_id)
        except (ProtocolError, ValueError):
            pass  # the stream is gone, or the connection

    def credit_arrived(self, int64_t octets):
        """Credit the connection's window for octets of bodies that have arrived.

        Args:
            octets: Number of octets; credited at once unless windows adapt.
        """
        if self.core.growth is None or self.engine is not self.core:
            self.credit(octets)
        elif not self.core.failed:
            return_connection_credit(self.core, octets)

    def credit_read(self, int64_t octets, stream_id, bint is_read=True):
        """Credit a stream's window for octets of its body that the application has read.

        Args:
            octets: Number of octets; credited at once unless windows adapt.
            stream_id: The stream.
            is_read: False for padding, which the application never gets: it makes no window grow.
        """
        if self.core.growth is None or self.engine is not self.core:
            self.credit(octets, stream_id)
        elif not self.core.failed:
            return_stream_credit(self.core, stream_id, octets, is_read)

    def give_back_growth(self):
        """Give back what the connection's windows have grown by, at its end: other connections may have it."""
        give_back_growth(self.core)

    # Ending

    def is_gone(self, stream_id):
        """Return True if a stream can no longer send, independent of its window.

        Args:
            stream_id: The stream.
        """
        stream = self.streams.get(stream_id)
        return stream is not None and stream.state is self.options.closed_state

    def reset(self, stream_id, error_code):
        """Queue RST_STREAM unless the stream has ended.

        Args:
            stream_id: The stream.
            error_code: An RFC 9113 section 7 code.
        """
        try:
            self.engine.reset_stream(stream_id, error_code=error_code)
        except ProtocolError:
            pass

    def release(self, stream_id, handler):
        """Release a stream at the end of its request; return it, or ``None`` for an unknown one.

        The handler cuts off a stream that has not ended. After the peer's GOAWAY the last stream closes the connection.

        Args:
            stream_id: The stream.
            handler: The connection that holds this object.
        """
        stream = self.streams.pop(stream_id, None)
        if stream is None:
            return None
        if self.unreleased is not None:
            self.unreleased.discard(stream_id)
        if stream.state is not self.options.closed_state and handler._cut_off(stream):
            handler._send_quietly()
        if self.draining and not self.streams and not self.pending:
            handler._close_quietly()
        return stream

    def cut_off(self, stream):
        """Reset a stream with an incomplete response with INTERNAL_ERROR; return True if that was needed.

        Args:
            stream: The stream, whose response nothing else could end.
        """
        if stream.response_complete:
            return False
        stream.reset(HTTP2ErrorCode.INTERNAL_ERROR)
        self.reset(stream.stream_id, HTTP2ErrorCode.INTERNAL_ERROR)
        return True

    def begin_shutdown(self, double overdue_at, double first_request_wait=FIRST_REQUEST_WAIT):
        """Begin a graceful shutdown, which `advance_shutdown` continues. Further calls have no effect.

        Args:
            overdue_at: The time at which GOAWAY is sent even if streams are open, in seconds.
            first_request_wait: The time for the first request, in seconds from the beginning of the connection.
        """
        if self.shutdown is None:
            self.shutdown = Shutdown(self.began, overdue_at, first_request_wait)
            stop_measuring(self.core)

    def is_ping_under_way(self):
        """Return True if the PING that measures the round trip was not acknowledged yet."""
        return self.core.growth is not None and self.core.growth.waiting

    def advance_shutdown(self, double now, bint idle):
        """Advance a graceful shutdown if its next step is due, which queues a GOAWAY (RFC 9113 section 6.8).

        The first GOAWAY is sent once no stream is open, after the first request or the time for it and the ACK of a PING
        under way, or when that is overdue. Requests in transit are served, and a later step sends the final GOAWAY with the last stream.

        Args:
            now: The time, in seconds.
            idle: True if no stream is open and no output is queued.

        Returns:
            The seconds until the next step. 0: the holder has to read available input, and then to call this again.
            ``None``: the final GOAWAY is queued; the connection ends when it is idle.
        """
        if self.shutdown is None:
            raise ValueError("no shutdown has begun")
        return self.shutdown.advance(self, now, idle)

    def announce_end(self):
        """Queue the first GOAWAY, with last stream id 2**31-1: requests in transit are served (RFC 9113 6.8); once."""
        if not self.closed and self.refused_above is None:
            self.name_last_stream(ANY_STREAM)

    def refuse_new_streams(self):
        """Queue the final GOAWAY, with the last stream received; streams up to it continue; once."""
        if not self.closed and (self.refused_above is None or self.refused_above == ANY_STREAM):
            self.name_last_stream(self.engine.highest_inbound_stream_id)

    cdef int name_last_stream(self, object last_stream_id) except -1:
        self.refused_above = last_stream_id
        try:
            self.engine.close_connection(error_code=0, last_stream_id=last_stream_id)
        except ProtocolError:
            pass  # the engine has ended the connection already
        return 0

    def end(self, error_code=0, last_stream_id=None, limit=None):
        """Mark the connection closed, and queue GOAWAY.

        Args:
            error_code: An RFC 9113 section 7 code.
            last_stream_id: The last stream that was or will be served; ``None``: the last one received.
            limit: The limit that the peer has exceeded, as debug data.
        """
        self.closed = True
        try:
            self.engine.close_connection(error_code=error_code, additional_data=limit, last_stream_id=last_stream_id)
        except ProtocolError:
            pass  # the engine has ended the connection already
