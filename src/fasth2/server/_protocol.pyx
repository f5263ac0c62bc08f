"""The server's side of an HTTP/2 connection without input and output.

`ServerProtocol` is held by every connection of a server. It knows no socket, no request class and no host; the connection
that holds it reads and writes, and says what a request is and when it is handed out.
"""
cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from libc.math cimport INFINITY
from libc.stdint cimport int64_t, uint8_t

from fasth2._engine.core cimport enter, find_stream, leave
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
from fasth2.server._shutdown import Shutdown
from fasth2.server.errors import HTTP2ErrorCode

__all__ = ["ANY_STREAM", "DRAINING_WAIT", "ServerProtocol"]

#: The last stream id of a GOAWAY that announces the end and names no stream yet (RFC 9113 section 6.8).
ANY_STREAM = 2**31 - 1

#: Seconds without a stream after which a connection is closed whose peer has sent GOAWAY.
DRAINING_WAIT = 2.0


@cython.final
cdef class ServerProtocol:
    """The server's side of an HTTP/2 connection: octets in, requests out, octets out.

    Octets go in by `receive`; what goes out is taken from `engine` by its ``pull``. A handler is passed to the calls that
    need it and is not kept, so that no reference cycle delays the end of a connection. For one thread at a time.

    Args:
        options: What it has in common with others (`fasth2.server._options.Options`).
    """

    def __cinit__(self, options not None):
        self.options = options
        self.streams = {}
        self.core = options.engine_class(
            H2Configuration(
                client_side=False,
                header_encoding=options.header_encoding,
                header_fallback_encoding="latin-1",
                rfc_errors=True,
                limits=options.limits,
            )
        )
        if self.core is None:
            raise TypeError("engine_class made no engine")
        self.engine = self.core
        self.began = self.clock()

    @property
    def pending_requests(self):
        """Requests that arrived while something else was waited for; `pending` is the same, or ``None`` before the first."""
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
        )
        self.initialized = True

    def begin_upgraded(self, settings_header):
        """Go on in HTTP/2 after ``Upgrade: h2c``, and put this side's SETTINGS into the output (RFC 7540 section 3.2).

        Args:
            settings_header: The value of the request's HTTP2-Settings.

        Raises:
            ProtocolError: The settings are not valid.
            ValueError: They are not base64url.
        """
        local = self.engine.local_settings
        # These SETTINGS are the first, which have to say it.
        local[NO_RFC7540_PRIORITIES] = 1
        local.acknowledge()
        self.engine.initiate_upgrade_connection(settings_header=settings_header)

    # Counters

    @property
    def counters(self):
        """How often each limit or fault was met."""
        return self.engine.counters

    def count(self, str name not None):
        """Count something once more.

        Args:
            name: The counter.
        """
        self.core.count(name)

    # Receiving

    cdef object receive_octets(self, const uint8_t *p, Py_ssize_t n):
        """Return the slim objects of what was read. A connection error is kept in `error`; its GOAWAY is in the output.

        The connection is `closed` by it, unless it is for streams that were refused: then the others are answered first.
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
        """Keep what the engine has raised, and return the slim objects that came before it."""
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
        return error.events

    def receive(self, data, handler):
        """Take in what was read and return the requests to hand out.

        A connection error is kept in ``error``; its GOAWAY is in the output. After one for streams that were refused, the
        others are answered before the connection is closed.

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
            # A host has put another in its place.
            try:
                items = self.engine.ready_requests(data)
            except ProtocolError as exc:
                items = self.keep_error(exc)
        parted = self.error is not before and not self.closed
        for item in items:
            kind = type(item)
            if kind is Request:
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
                    # RFC 9113 section 6.8: the receiver opens no more streams; the sender may, and what is open goes on.
                    self.draining = True
                last_stream_id = item.last_stream_id
            elif kind is LargeRequest:
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
        """Return the requests of ``pending_requests``, and forget them."""
        if not self.pending:
            return []
        requests = list(self.pending)
        self.pending.clear()
        return requests

    def raise_error(self):
        """Raise what has ended the connection, once."""
        if not self.closed:
            return  # after GOAWAY for refused streams the others are answered first
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

    def refuse(self, stream_id):
        """Return whether a new stream may not be served; RST_STREAM is then in the output.

        Refused are those that exceed the limit when counted together with requests that the peer reset and the
        application still works on: resetting must not buy a peer more of the application than waiting would. So are
        those above `refused_above`.

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
        self.core.count("unreleased_requests")
        self.reset(stream_id, HTTP2ErrorCode.REFUSED_STREAM)
        if self.refused_too_often():
            # The engine counts the resets that it provokes itself.
            if self.error is None:
                self.error = self.options.errors.HTTP2ProtocolError(
                    "streams refused", HTTP2ErrorCode.ENHANCE_YOUR_CALM)
            self.end(HTTP2ErrorCode.ENHANCE_YOUR_CALM, limit=b"unreleased_requests")
        return True

    cdef bint refused_too_often(self) except -1:
        """Count a refusal of this class's own against the limit of resets; return whether it is crossed."""
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
        """Return the seconds that the connection may sit without a stream, or less where an upload's time is over before."""
        return self.or_unread(self.own_idle_limit())

    def own_idle_limit(self):
        """Return the seconds that the connection may sit without a stream; ``None``: for ever."""
        limit = self.options.idle_timeout
        if self.draining:
            limit = DRAINING_WAIT if limit is None else min(limit, DRAINING_WAIT)
        return limit

    cdef list stuck_streams(self, double now, double timeout):
        """Return the ids of streams of which the peer takes nothing, or less than a slow one would, and forget them.

        To be called now and then: each call compares what is unsent with what the one before found.
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
                    # What goes before it by priority is looked at itself.
                    progress.restart(s.queued, now)
            found[s.stream_id] = progress
        self.sending = found or None
        return stuck

    # Uploads that were answered without being read

    def leave_unread(self, stream_id):
        """Let the client go on for a while with a request whose response is complete (RFC 9113 section 8.1).

        Args:
            stream_id: The stream.
        """
        cdef H2Stream stream = find_stream(self.core, stream_id)
        if stream is not None and stream.phase != S_CLOSED:
            options = self.options
            self.add_unread(stream, options.unread_upload_octets, self.clock() + options.unread_upload_seconds)

    cdef int add_unread(self, H2Stream stream, int64_t octets, double deadline) except -1:
        """As `leave_unread`. octets, deadline: as for `UnreadUploads.add`."""
        if self.unread is None:
            self.unread = UnreadUploads()
        return self.unread.add(stream, octets, deadline)

    cdef list take_unread(self, double now):
        """Return the ids of uploads that went on for too long, and forget them."""
        if self.unread is None or not self.unread.uploads:
            return []
        options = self.options
        return self.unread.take_due(now, options.unread_upload_seconds, options.full_window_wait)

    cdef int reset_unread(self, list stream_ids) except -1:
        """Put the resets of these uploads into the output, to be sent in a write of their own."""
        for stream_id in stream_ids:
            self.core.count("unread_uploads")
            self.reset(stream_id, HTTP2ErrorCode.NO_ERROR)
        return 0

    def unread_deadline(self):
        """Return when the next upload's time is over; ``None`` without one."""
        cdef double deadline = INFINITY if self.unread is None else self.unread.next_deadline()
        return None if deadline == INFINITY else deadline

    def or_unread(self, limit):
        """Return the seconds to wait for the peer: `limit`, or less where an upload's time is over before.

        Args:
            limit: Seconds; ``None``: for ever.
        """
        deadline = self.unread_deadline()
        if deadline is None:
            return limit
        wait = max(deadline - self.clock(), 0.0)
        return wait if limit is None else min(limit, wait)

    def end_unread(self, handler):
        """Reset the uploads that went on for too long, in a write of its own; return whether there were any.

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

    def is_gone(self, stream_id):
        """Return whether a stream can no longer send, whatever its window.

        Args:
            stream_id: The stream.
        """
        stream = self.streams.get(stream_id)
        return stream is not None and stream.state is self.options.closed_state

    def reset(self, stream_id, error_code):
        """Put RST_STREAM into the output unless the stream is over.

        Args:
            stream_id: The stream.
            error_code: An RFC 9113 section 7 code.
        """
        try:
            self.engine.reset_stream(stream_id, error_code=error_code)
        except ProtocolError:
            pass

    def cut_off(self, stream):
        """Reset a stream whose response is not complete with INTERNAL_ERROR; return whether that was needed.

        Args:
            stream: The stream; nothing else could end it.
        """
        if stream.response_complete:
            return False
        stream.reset(HTTP2ErrorCode.INTERNAL_ERROR)
        self.reset(stream.stream_id, HTTP2ErrorCode.INTERNAL_ERROR)
        return True

    def begin_shutdown(self, double overdue_at):
        """Begin a graceful shutdown, whose steps `shutdown_step` takes; once.

        Args:
            overdue_at: The time at which the peer is told whatever is open, in seconds.
        """
        if self.shutdown is None:
            self.shutdown = Shutdown(self.began, overdue_at)

    def shutdown_step(self, double now, bint idle):
        """Take the step of a graceful shutdown that is due (RFC 9113 section 6.8); GOAWAY is in the output then.

        The peer is told that the end comes once no stream is open, if it has had a request or the time for one, or once
        that is overdue. Requests that are on their way then are served, and the last stream is named by a later step.

        Args:
            now: The time, in seconds.
            idle: Whether no stream is open and nothing is left to send.

        Returns:
            The seconds until the next step. 0: the holder has to read what the peer has sent, and then to call this
            again. ``None``: the last stream is named; the connection ends when it is idle.
        """
        if self.shutdown is None:
            raise ValueError("no shutdown has begun")
        return self.shutdown.step(self, now, idle)

    def announce_end(self):
        """Put a GOAWAY that names no stream yet into the output: what is on its way is served (RFC 9113 section 6.8); once."""
        if not self.closed and self.refused_above is None:
            self.name_last_stream(ANY_STREAM)

    def refuse_new_streams(self):
        """Put GOAWAY into the output that names the last stream that has arrived; those up to it go on; once."""
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
        """Mark the connection closed, and put GOAWAY into the output.

        Args:
            error_code: An RFC 9113 section 7 code.
            last_stream_id: The last stream that was or will be served; the last one that arrived when ``None``.
            limit: The limit that the peer has crossed, as debug data.
        """
        self.closed = True
        try:
            self.engine.close_connection(error_code=error_code, additional_data=limit, last_stream_id=last_stream_id)
        except ProtocolError:
            pass  # the engine has ended the connection already
