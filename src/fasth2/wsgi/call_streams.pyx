"""The streams of one connection's calls: what a call, or the leader for it, does in the engine."""
cimport cython
from libc.math cimport INFINITY
from libc.stdint cimport int64_t, uint32_t

from fasth2._engine.core cimport Core, enter, find_stream, leave
from fasth2._engine.flow_control cimport return_body_credit, return_stream_credit
from fasth2._engine.send cimport prepared_trailers, reset_stream, respond_converted, write_body, write_trailers
from fasth2._engine.stream cimport H2Stream
from fasth2.server._protocol cimport ServerProtocol
from fasth2.wsgi.atomics cimport load_flag, store_flag, store_number
from fasth2.wsgi.call_state cimport CallState
from fasth2.wsgi.dispatcher cimport Dispatcher
from fasth2.wsgi.request_bodies cimport lend_window
from fasth2.wsgi.response_head cimport ResponseHead
from fasth2.server.unsent cimport Unsent
from fasth2.wsgi.uploads cimport UPLOAD_HELD_BACK, UPLOAD_STARTED


@cython.final
cdef class CallStreams:
    """The streams of one connection's calls. Used by the leader only.

    Args:
        protocol: The connection's HTTP/2 protocol.
        dispatcher: The worker's dispatcher.
        client: The client; its ``flush`` is called to send output.
    """

    def __init__(self, ServerProtocol protocol not None, Dispatcher dispatcher not None, client):
        self.protocol = protocol
        self.core = protocol.core
        self.dispatcher = dispatcher
        self.client = client
        self.ready = []
        self.calls = {}

    # Calls that are to be started

    cdef bint has_stream(self, CallState call) except -1:
        """Return True if the call's stream still exists."""
        return not self.protocol.closed and not self.core.failed and find_stream(self.core, call.stream_id) is not None

    cdef bint may_start(self) except -1:
        """Return True if a call may be started. Otherwise the loop resumes this connection once it may."""
        cdef str bound
        self.count_unsent()
        bound = self.dispatcher.unsent.refuses(self.core)
        if bound is None:
            return True
        if not self.held_back and not self.protocol.closed:
            self.dispatcher.unsent.held_back[self] = None
            self.held_back_at = self.core.unsent
            self.held_back_by = bound
            self.held_back = True
            self.core.count(bound)
        return False

    def resumes(self):
        """Return true if calls may be started again after `may_start` returned false."""
        cdef Unsent unsent = self.dispatcher.unsent
        self.count_unsent()
        if not self.protocol.closed:
            if self.core.unsent == self.held_back_at and (
                    self.held_back_by == "unsent_connection" or unsent.total > unsent.process_limit):
                # Nothing has changed.
                return False
            self.held_back_at = self.core.unsent
            self.held_back_by = unsent.refuses(self.core)
            if self.held_back_by is not None:
                return False
        self.held_back = False
        return True

    cdef int put_back(self, CallState call) except -1:
        """Queue a call again that may not be started."""
        self.ready.append(call)
        return 0

    cdef int drop(self, CallState call) except -1:
        """Discard a call whose stream is gone before it ran."""
        cdef int64_t octets = call.input.discard()
        if call.upload is not None:
            if call.upload.state == UPLOAD_HELD_BACK and call in self.ready:
                self.ready.remove(call)
            self.dispatcher.start_upload(call)
        call.finished = True
        store_flag(&call.over, True)
        self.calls.pop(call.stream_id, None)
        call.environ = None
        call.input.end()
        return self.consume(call, octets)

    cdef int mark_reset(self, CallState call) except -1:
        """Mark a call whose stream was reset, and which was removed from the lists of this connection."""
        if call.upload is not None and call.upload.state != UPLOAD_STARTED:
            return self.drop(call)
        return call.mark_gone()

    # The response

    cdef int adopt(self, CallState call) except -1:
        """Register a call that has lost the lead, or is about to."""
        if self.protocol.closed or self.core.failed:
            # No later event would release its thread.
            return call.mark_gone()
        self.calls[call.stream_id] = call
        return 0

    cdef int64_t send(self, CallState call, bytes data, bint ends) except -2:
        """Queue a part of a response, its head first. Return the stream's unsent octets; -1: the stream is gone."""
        cdef Core c = self.core
        cdef uint32_t sid = call.stream_id
        cdef H2Stream s
        cdef ResponseHead head
        cdef list fields
        cdef list trailers = None
        cdef Py_ssize_t i, n
        if self.protocol.closed or c.failed:
            return -1
        enter(c)
        try:
            s = find_stream(c, sid)
            if s is None:
                return -1
            if ends:
                trailers = call.take_trailers()
                if trailers is not None:
                    trailers = prepared_trailers(c, trailers)
            if not s.headers_sent:
                head = call.begun_response()
                fields = head.fields
                n = len(fields)
                c.outgoing.convert_status(head.code, ())
                for i in range(0, n - 1, 2):
                    c.outgoing._one(fields[i], fields[i + 1], False)
                if not head.has_server and self.dispatcher.server:
                    c.outgoing._one("server", self.dispatcher.server, False)
                if not head.has_date:
                    c.outgoing._one("date", self.dispatcher.now(), False)
                if not respond_converted(c, sid, head.code, data, False, trailers,
                                         ends or trailers is not None):
                    return -1
            else:
                if data or (ends and trailers is None):
                    write_body(c, sid, data, ends and trailers is None)
                if trailers is not None:
                    write_trailers(c, sid, trailers)
            return s.queued
        finally:
            c.outgoing.clear()
            leave(c)

    cdef int64_t unsent(self, CallState call) except -1:
        """Return the stream's unsent octets."""
        cdef H2Stream s = find_stream(self.core, call.stream_id)
        return 0 if s is None else s.queued

    cdef bint inform(self, CallState call, int status, list fields) except -1:
        """Queue an interim response, unless the response has begun. Return True if it was queued."""
        cdef Core c = self.core
        cdef H2Stream s
        cdef Py_ssize_t i
        enter(c)
        try:
            s = find_stream(c, call.stream_id)
            # Not `call.headers_sent`: a detached call may have submitted its response since.
            if s is None or s.headers_sent:
                return False
            c.outgoing.convert_status(status, ())
            for i in range(0, len(fields) - 1, 2):
                c.outgoing._one(fields[i], fields[i + 1], False)
            return respond_converted(c, call.stream_id, status, b"", False, None, False)
        finally:
            c.outgoing.clear()
            leave(c)

    cdef int reset(self, CallState call, uint32_t code) except -1:
        """Queue RST_STREAM, if the stream still exists."""
        enter(self.core)
        try:
            if find_stream(self.core, call.stream_id) is not None and not self.core.failed:
                reset_stream(self.core, call.stream_id, code)
        finally:
            leave(self.core)
        return 0

    cdef int done(self, CallState call) except -1:
        """Release a call that has ended, and leave the rest of its body unread."""
        cdef int64_t octets
        cdef H2Stream s
        call.finished = True
        # The environment holds methods of the call: break the reference cycle.
        call.environ = None
        call.input.end()
        # Threads of the application may still wait.
        call.notify()
        if self.protocol.closed:
            self.calls.pop(call.stream_id, None)
            return self.consume(call, call.input.discard())
        if call.input.complete or load_flag(&call.gone):
            if self.calls:
                self.calls.pop(call.stream_id, None)
            if call.upload is not None:
                octets = call.take_credit(0)
                if call.input.parts is not None:
                    octets += call.input.discard()
                self.consume(call, octets)
            return 0
        # The rest of the body will not be read: the stream is reset after the response (RFC 9113 section 8.1).
        octets = call.input.discard() + call.take_credit(0)
        self.consume(call, octets)
        self.calls.pop(call.stream_id, None)
        s = find_stream(self.core, call.stream_id)
        if s is not None:
            self.protocol.add_unread(s, self.protocol.options.unread_upload_octets + 1, INFINITY)
        return 0

    # The request's body

    cdef int credit(self, uint32_t stream_id, int64_t octets) except -1:
        """Return credit for octets of a stream (RFC 9113 section 6.9), padding included.

        After the response only the connection's window is credited: the rest of the request is not read, and some
        clients fail on a WINDOW_UPDATE of a stream after its END_STREAM.
        """
        if not self.protocol.closed and not self.core.failed:
            return_body_credit(self.core, stream_id, octets, True)
        return 0

    cdef int drop_octets(self, uint32_t stream_id, int64_t octets) except -1:
        """The same for octets that nobody reads: the windows do not grow for them."""
        if not self.protocol.closed and not self.core.failed:
            return_body_credit(self.core, stream_id, octets, False)
        return 0

    cdef int consume(self, CallState call, int64_t octets) except -1:
        """Return credit for octets of a body that were read or dropped, as far as it was not returned before."""
        cdef int64_t owed = octets
        if call.upload is not None:
            owed = self.dispatcher.uploads.read(call.upload, octets)
            if call.finished:
                self.dispatcher.uploads.release(call.upload)
            if owed < octets and not call.input.complete and not self.protocol.closed and not self.core.failed:
                return_stream_credit(self.core, call.stream_id, octets - owed, True)
        if not owed:
            return 0
        if call.finished:
            return self.drop_octets(call.stream_id, owed)
        return self.credit(call.stream_id, owed)

    cdef int extend_window(self, CallState starved) except -1:
        """Extend the connection's window for a call that waits for more of its request."""
        if self.protocol.closed or self.core.failed:
            return 0
        return lend_window(self.core, self.calls, self.dispatcher.uploads, starved)

    # The connection

    cpdef int update_calls(self) except -1:
        """Update the detached calls after octets were sent or received, which may release their threads."""
        cdef CallState call
        cdef H2Stream s
        for call in list(self.calls.values()):
            if not call.detached:
                continue
            s = find_stream(self.core, call.stream_id)
            if s is None and not load_flag(&call.ended) and not call.finished:
                call.mark_gone()
            if call.update_queued(0 if s is None else s.queued):
                # The client has received some.
                store_number(&self.dispatcher.taken, self.dispatcher.taken + 1)
            if call.is_starved():
                self.extend_window(call)
        return 0

    def on_flushed(self):
        """Called after operations of detached calls: update the calls and send the output."""
        self.update_calls()
        self.flush()

    cdef int flush(self) except -1:
        """Send the connection's output, as far as the socket accepts it."""
        if self.client is not None:
            self.client.flush()
        return 0

    cdef int count_unsent(self) except -1:
        """Report the connection's unsent octets to the process's count."""
        cdef int64_t unsent = 0 if self.protocol.closed else self.core.unsent
        self.dispatcher.unsent.total += unsent - self.counted
        self.counted = unsent
        return 0
