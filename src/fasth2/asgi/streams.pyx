"""The streams of one connection's requests, what the exchanges do in the engine, and the connection's output."""
cimport cython
from libc.math cimport INFINITY
from libc.stdint cimport int64_t, uint16_t, uint32_t

from fasth2._engine.core cimport enter, find_stream, leave
from fasth2._engine.flow_control cimport return_connection_credit, return_stream_credit
from fasth2._engine.scheduler cimport pull
from fasth2._engine.send cimport (
    prepared_trailers,
    reset_stream,
    respond_converted,
    write_body,
    write_trailers,
)
from fasth2._engine.stream cimport H2Stream
from fasth2._priority cimport (
    PRIORITY_HAS_INCREMENTAL,
    PRIORITY_HAS_URGENCY,
    PRIORITY_INCREMENTAL,
    PRIORITY_PRESENT,
)
from fasth2.asgi.response_head cimport ResponseHead
from fasth2.asgi.service cimport Service
from fasth2.server._protocol cimport ServerProtocol
from fasth2.server.unsent cimport Unsent

__all__ = ["Streams"]

cdef enum:
    # Octets of one write, and number of them in one turn of the loop: some transports tell only later that they are full.
    BLOCK = 65280
    MOST_WRITES = 16
    # Responses after which the output of the only active connection is sent, so that its client works meanwhile.
    EARLY = 5
    # Octets of a response that wait before send() waits, while the connection or the process is above its bound.
    SHARE = 16384
    # Framed octets above which a client that takes no output is not read from.
    MOST_FRAMED = 262144


@cython.final
cdef class Streams:
    """The streams of one connection's requests, and its output.

    Args:
        protocol: The connection's HTTP/2 protocol, whose fields are bytes.
        service: What the connections share.
        transport: Has ``write``, ``pause_reading`` and ``resume_reading`` as an asyncio transport.
    """

    def __init__(self, ServerProtocol protocol not None, Service service not None, transport):
        self.protocol = protocol
        self.core = protocol.core
        self.service = service
        self.transport = transport
        self.exchanges = {}
        self.tunnels = {}
        self.send_buffer = service.settings.send_buffer

    # Responses

    cdef bint respond(self, uint32_t stream_id, ResponseHead head, bytes data, bint ends, list trailers) except -1:
        """Queue a response's head and the first part of its body. Return False if the stream is gone.

        trailers: pairs that end the stream after the body; ``None``: none. Raises ProtocolError for invalid fields.
        """
        cdef Core c = self.core
        cdef list fields = head.fields
        cdef list prepared = None
        cdef Py_ssize_t i
        cdef Py_ssize_t n = len(fields)
        cdef object defaults = self.service.server_state.default_headers
        if self.protocol.closed or c.failed:
            return False
        enter(c)
        try:
            if trailers is not None:
                prepared = prepared_trailers(c, trailers)
            c.outgoing.convert_status(head.status, ())
            for field in defaults:
                if head.defaults is None or field[0] not in head.defaults:
                    c.outgoing._one(field[0], field[1], False)
            for i in range(0, n - 1, 2):
                c.outgoing._one(fields[i], fields[i + 1], False)
            return respond_converted(c, stream_id, head.status, data, False, prepared, ends or prepared is not None)
        finally:
            c.outgoing.clear()
            leave(c)

    cdef bint write(self, uint32_t stream_id, bytes data, bint ends, list trailers) except -1:
        """Queue a further part of a body, and trailers, which end the stream. Return False if it is gone."""
        cdef Core c = self.core
        cdef list prepared
        if self.protocol.closed or c.failed:
            return False
        enter(c)
        try:
            if find_stream(c, stream_id) is None:
                return False
            if trailers is not None:
                prepared = prepared_trailers(c, trailers)
                if data:
                    write_body(c, stream_id, data, False)
                write_trailers(c, stream_id, prepared)
            elif data or ends:
                write_body(c, stream_id, data, ends)
            return True
        finally:
            c.outgoing.clear()
            leave(c)

    cdef bint inform(self, uint32_t stream_id, int status, list fields) except -1:
        """Queue an interim response. Return False if the stream is gone. Raises ProtocolError after the response."""
        cdef Core c = self.core
        if self.protocol.closed or c.failed:
            return False
        enter(c)
        try:
            c.outgoing.convert_status(status, fields)
            return respond_converted(c, stream_id, status, b"", False, None, False)
        finally:
            c.outgoing.clear()
            leave(c)

    cdef int reset(self, uint32_t stream_id, uint32_t code) except -1:
        """Queue RST_STREAM, if the stream still exists."""
        enter(self.core)
        try:
            if not self.core.failed and find_stream(self.core, stream_id) is not None:
                reset_stream(self.core, stream_id, code)
        finally:
            leave(self.core)
        return self.output_due()

    cdef int prioritize(self, uint32_t stream_id, int urgency, bint incremental) except -1:
        """Set the priority of a response (RFC 9218 section 8)."""
        cdef uint16_t priority = PRIORITY_PRESENT | PRIORITY_HAS_URGENCY | PRIORITY_HAS_INCREMENTAL | <uint16_t>urgency
        cdef H2Stream s
        if incremental:
            priority |= PRIORITY_INCREMENTAL
        enter(self.core)
        try:
            s = find_stream(self.core, stream_id)
            if s is not None:
                self.core.set_priority(s, priority)
        finally:
            leave(self.core)
        return 0

    cdef bint has_stream(self, uint32_t stream_id) except -1:
        """Return True if the stream still exists."""
        return not self.protocol.closed and not self.core.failed and find_stream(self.core, stream_id) is not None

    cdef bint is_full(self, uint32_t stream_id) except -1:
        """Return True if so much of a response waits in the stream that its application should wait."""
        cdef void *found = self.core.table.find(stream_id)
        cdef int64_t queued
        if found == NULL:
            return False
        queued = (<H2Stream>found).queued
        return queued > self.send_buffer or (queued > SHARE and queued > self.buffer_size())

    cdef int64_t buffer_size(self) except -1:
        """Return the octets that may wait in a stream before its application waits."""
        cdef Unsent unsent = self.service.unsent
        if self.send_buffer > SHARE and (unsent.total > unsent.process_limit or unsent.is_crowded(self.core)):
            return SHARE
        return self.send_buffer

    cdef int count_unsent(self) except -1:
        """Report the octets that wait to the process's count; connections that it held back go on once there is room."""
        cdef Unsent unsent = self.service.unsent
        cdef int64_t octets = 0 if self.protocol.closed else self.core.unsent
        unsent.total += octets - self.counted
        self.counted = octets
        if unsent.held_back and unsent.total <= unsent.process_limit:
            for start_pending in list(unsent.held_back):
                self.service.loop.call_soon(start_pending)
            unsent.held_back.clear()
        return 0

    # Requests' bodies

    cdef int arrived(self, uint32_t stream_id, int64_t octets, int64_t padding) except -1:
        """Return credit for octets of DATA that have arrived: the connection's, and the stream's for its padding."""
        if self.protocol.closed or self.core.failed:
            return 0
        return_connection_credit(self.core, octets)
        if padding:
            return_stream_credit(self.core, stream_id, padding, False)
        return 0

    cdef int read(self, uint32_t stream_id, int64_t octets) except -1:
        """Return a stream's credit for octets of its body that the application has read."""
        if self.protocol.closed or self.core.failed:
            return 0
        return_stream_credit(self.core, stream_id, octets, True)
        return self.output_due()

    cdef int leave_unread(self, uint32_t stream_id) except -1:
        """Let the client continue for a while with a request whose response is complete (RFC 9113 section 8.1)."""
        cdef H2Stream s = find_stream(self.core, stream_id)
        if s is not None and not self.protocol.closed:
            self.protocol.add_unread(s, self.protocol.options.unread_upload_octets + 1, INFINITY)
        return 0

    # Waiting for room

    cdef object wait_for_room(self, uint32_t stream_id):
        """Return a future that is done when the stream has room, or is gone."""
        cdef object future = self.service.loop.create_future()
        if self.rooms is None:
            self.rooms = {}
        self.rooms.setdefault(stream_id, []).append(future)
        self.output_due()
        return future

    cdef int open_room(self, uint32_t stream_id) except -1:
        cdef list waiting = self.rooms.pop(stream_id, None)
        if waiting is not None:
            for future in waiting:
                if not future.done():
                    future.set_result(None)
        return 0

    cdef int open_rooms(self) except -1:
        """Wake the exchanges whose stream has room again, or is gone."""
        cdef H2Stream s
        cdef int64_t size = self.buffer_size()
        for stream_id in list(self.rooms):
            s = find_stream(self.core, stream_id)
            if s is None or self.protocol.closed or s.queued * 2 <= size:
                self.open_room(stream_id)
        return 0

    # Output

    cdef int response_ended(self) except -1:
        """Count a complete response; its output may be sent before the octets being processed end."""
        self.completed += 1
        if self.alone and self.receiving:
            self.answers += 1
            if self.answers >= EARLY:
                self.answers = 0
                self.write_output()
        return 0

    cdef int output_due(self) except -1:
        """Schedule a flush, unless one is due: everything of one turn of the loop goes out in one write."""
        if not self.scheduled and not self.receiving and self.transport is not None:
            self.scheduled = True
            self.service.loop.call_soon(self.flush)
        return 0

    cdef bytes take_output(self):
        enter(self.core)
        try:
            return pull(self.core, BLOCK)
        finally:
            leave(self.core)

    cdef int write_output(self) except -1:
        """Write as much as the transport takes."""
        cdef bytes data
        cdef int _writes
        for _writes in range(MOST_WRITES):
            if self.paused or self.transport is None:
                return 0
            data = self.take_output()
            if not data:
                return 0
            self.transport.write(data)
        if not self.scheduled:
            self.scheduled = True
            self.service.loop.call_soon(self.flush)
        return 0

    def flush(self):
        """Send the output, wake applications whose stream has room, and reset uploads that have continued for too long."""
        self.scheduled = False
        if self.transport is None:
            return
        self.tasks_made = 0
        self.write_output()
        if self.core.unsent != self.counted:
            self.count_unsent()
        if self.rooms:
            self.open_rooms()
        if self.completed:
            self.count_completed()
        if self.protocol.unread is not None:
            self.reset_unread()
        if self.paused and not self.reads_paused and self.core.out.length - self.core.out.start > MOST_FRAMED:
            self.reads_paused = True
            self.transport.pause_reading()
        if self.start_pending is not None:
            self.start_pending()
        if self.on_flushed is not None:
            self.on_flushed()

    def pause_writing(self):
        """Called by the host when the transport takes no more output."""
        self.paused = True

    def resume_writing(self):
        """Called by the host when the transport takes output again."""
        self.paused = False
        self.resumed += 1
        if self.reads_paused and self.transport is not None:
            self.reads_paused = False
            self.transport.resume_reading()
        self.flush()

    cdef int count_completed(self) except -1:
        server_state = self.service.server_state
        server_state.total_requests += self.completed
        self.completed = 0
        return 0

    cdef int reset_unread(self) except -1:
        """Reset uploads that continue for too long after their answer, in a write of their own.

        A client that reads the reset together with the end of the response may report an error instead of the response.
        """
        cdef list due = self.protocol.take_unread(self.protocol.clock())
        cdef double following = self.protocol.unread.next_deadline()
        if due:
            self.protocol.reset_unread(due)
            self.write_output()
        if following < INFINITY and self.timer is None:
            # A little more, since timers of a loop may be early.
            self.timer = self.service.loop.call_later(max(following - self.protocol.clock(), 0.0) + 0.01, self._unread_due)
        return 0

    def _unread_due(self):
        self.timer = None
        self.flush()

    # The end

    def close(self):
        """Release everything that waits, when the connection has ended."""
        self.transport = None
        self.start_pending = None
        self.count_unsent()
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        if self.rooms:
            for stream_id in list(self.rooms):
                self.open_room(stream_id)
        if self.completed:
            self.count_completed()
