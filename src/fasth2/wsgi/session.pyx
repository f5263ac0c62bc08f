"""One HTTP/2 connection of a worker: octets in, calls that are run, octets out."""
cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_GET_SIZE
from libc.math cimport INFINITY
from libc.stdint cimport int64_t, uint8_t

from fasth2._engine.core cimport enter, find_stream, leave
from fasth2._engine.error_codes cimport CANCEL, REFUSED_STREAM
from fasth2._engine.flow_control cimport give_back_growth
from fasth2._engine.ready cimport Data, LargeRequest, Request, Reset, Trailers
from fasth2._engine.scheduler cimport pull
from fasth2._engine.stream cimport H2Stream
from fasth2.server._protocol cimport ServerProtocol
from fasth2.server._unread_uploads cimport UnreadUploads
from fasth2.wsgi.atomics cimport load_flag, store_flag
from fasth2.wsgi.call cimport Call
from fasth2.wsgi.call_streams cimport CallStreams
from fasth2.wsgi.dispatcher cimport Dispatcher
from fasth2.wsgi.environ cimport EnvironMaker
from fasth2.wsgi.input cimport Input
from fasth2.wsgi.request_bodies cimport body_arrived, find_slow_bodies
from fasth2.wsgi.uploads cimport UPLOAD_HELD_BACK, UPLOAD_STARTED, Upload, UploadQueue

cdef enum:
    # Calls after which the responses of the only active connection are sent.
    EARLY = 2


@cython.final
cdef class Session:
    """One connection's requests. Used by the leader only.

    Args:
        protocol: The connection's HTTP/2 protocol, which decodes fields as latin-1 and raises the engine's errors.
        dispatcher: The worker's dispatcher.
        maker: Makes the environments.
        fallback: Called with ``client`` and the request's ``(name, value)`` list for requests that the maker declines.
            Returns an environment and ``None``, or ``None`` and an answer ``(code, reason, message)``. Its third
            argument names the limit that a header list exceeds; the list then has only the fields within the limit,
            and an answer is required.
        client: The client. Its ``flush`` is called to send output, ``end_after_answers`` with the reason when the
            connection ends after the answers to its requests.
    """

    def __init__(self, ServerProtocol protocol not None, Dispatcher dispatcher not None, EnvironMaker maker not None,
                 fallback, client):
        self.protocol = protocol
        self.core = protocol.core
        self.core.maker = maker
        self.core.answers_large_requests = True
        self.dispatcher = dispatcher
        self.maker = maker
        self.fallback = fallback
        self.streams = CallStreams(protocol, dispatcher, client)
        self.ready = self.streams.ready
        self.calls = self.streams.calls

    @property
    def connection(self):
        """The engine."""
        return self.core

    @property
    def error(self):
        """What has ended the connection, or ``None``."""
        return self.protocol.error if self.protocol.closed else None

    @property
    def pings(self):
        """Number of PING frames received."""
        return self.core.pings_received

    @property
    def waiting(self):
        """True if there are calls to run."""
        return bool(self.ready)

    @property
    def idle(self):
        """True if no request is open and no call is left."""
        return self.core.ids.open_inbound == 0 and not self.calls and not self.ready

    # Input

    def feed(self, data):
        """Process octets from the client. After a connection error ``error`` is set, and GOAWAY is queued.

        Args:
            data: Any buffer.
        """
        cdef Py_buffer view
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            self.feed_octets(<const uint8_t *>view.buf, view.len)
        finally:
            PyBuffer_Release(&view)

    cdef int feed_octets(self, const uint8_t *p, Py_ssize_t n) except -1:
        cdef ServerProtocol protocol = self.protocol
        cdef object before = protocol.error
        cdef object events = protocol.receive_octets(p, n)
        if protocol.closed:
            self.end_calls()
            return 0
        if events:
            self.take(events)
        if self.calls:
            self.streams.update_calls()
        if self.core.unsent != self.streams.counted:
            self.streams.count_unsent()
        if protocol.error is not before:
            self.streams.client.end_after_answers(protocol.error)
        return 0

    cdef int take(self, object events) except -1:
        cdef object event
        cdef Call call
        cdef Data data
        cdef int64_t padding
        for event in events:
            kind = type(event)
            if kind is Request:
                self.take_request(event)
            elif kind is Data:
                data = event
                call = self.calls.get(data.stream_id)
                if call is None or call.finished or call.upload is None:
                    self.streams.drop_octets(data.stream_id, data.flow_controlled_length)
                else:
                    padding = <int64_t>data.flow_controlled_length - PyBytes_GET_SIZE(<bytes>data.data)
                    if padding:
                        self.streams.drop_octets(data.stream_id, padding)
                    if PyBytes_GET_SIZE(<bytes>data.data):
                        call.input.add(data.data)
                        body_arrived(self.core, self.dispatcher, call, PyBytes_GET_SIZE(<bytes>data.data))
                    if not data.end_stream:
                        call.notify()
                if data.end_stream:
                    self.body_complete(data.stream_id, None)
            elif kind is Trailers:
                self.body_complete((<Trailers>event).stream_id, (<Trailers>event).headers)
            elif kind is Reset:
                call = self.calls.pop((<Reset>event).stream_id, None)
                if call is not None:
                    self.streams.mark_reset(call)
                elif self.streams.held_back:
                    # Removed at once: more such requests may follow while calls are held back.
                    for call in self.ready:
                        if call.stream_id == (<Reset>event).stream_id:
                            self.ready.remove(call)
                            self.streams.drop(call)
                            break
            elif kind is LargeRequest:
                self.refuse_large(event)
        return 0

    def body_complete(self, stream_id, trailers):
        """Complete a request's body.

        Args:
            stream_id: The request's stream.
            trailers: A list of ``(name, value)``, or ``None``.
        """
        cdef Call call = self.calls.get(stream_id)
        if call is None:
            return
        call.input.finish(trailers)
        call.notify()
        if call.finished or not call.detached:
            del self.calls[stream_id]
        if not call.finished and call.upload is not None and call.upload.state != UPLOAD_STARTED:
            if call.upload.state != UPLOAD_HELD_BACK:
                self.ready.append(call)
            self.dispatcher.start_upload(call)

    cdef int take_request(self, Request request) except -1:
        cdef object made = request.headers
        cdef object pairs = None
        cdef object answer = None
        cdef Call call
        cdef H2Stream s
        cdef dict environ = None
        if type(made) is dict:
            environ = made
        elif type(made) is tuple:
            environ, pairs = made
        else:
            pairs = made
            environ, answer = self.fallback(self.streams.client, made)
        if answer is not None:
            return self.refuse(request.stream_id, pairs, answer, request.end_stream)
        if request.priority is not None:
            environ["gunicorn.http2.priority_weight"] = request.priority[0]
            environ["gunicorn.http2.priority_depends_on"] = request.priority[1]
        call = self.new_call(request.stream_id, environ, request.end_stream)
        call.fields_received = pairs
        self.begun += 1
        if request.end_stream:
            self.ready.append(call)
        else:
            expect = environ.get("HTTP_EXPECT")
            call.wants_continue = expect is not None and expect.strip().lower() == "100-continue"
            s = find_stream(self.core, call.stream_id)
            if (call.input.follow_messages(environ.get("CONTENT_TYPE")) or call.wants_continue
                    or self.dispatcher.uploads.streams(-1 if s is None else s.expected)):
                self.dispatcher.queue_upload(call)
            else:
                self.dispatcher.uploads.gather(call, call.upload)
        return 0

    cdef int refuse_large(self, LargeRequest request) except -1:
        cdef object answer = self.fallback(self.streams.client, request.headers, request.reason)[1]
        return self.refuse(request.stream_id, request.headers, answer, request.end_stream)

    cdef int refuse(self, object stream_id, list pairs, tuple answer, bint complete) except -1:
        """Answer a request that the host refuses with an error response."""
        cdef dict environ
        cdef dict fields
        cdef Call call
        if find_stream(self.core, stream_id) is None:
            # Reset by a later frame of the same input.
            return 0
        environ = dict(self.maker.template)
        fields = dict(pairs)
        environ["REQUEST_METHOD"] = fields.get(":method", "-")
        environ["RAW_URI"] = fields.get(":path") or fields.get(":authority") or "-"
        environ["PATH_INFO"], _, environ["QUERY_STRING"] = environ["RAW_URI"].partition("?")
        call = self.new_call(stream_id, environ, complete)
        call.fields_received = pairs
        self.begun += 1
        call.answer_error(answer[0], answer[1], answer[2])
        if self.dispatcher.observer is not None:
            try:
                self.dispatcher.observer.refused(call)
            except Exception as error:
                self.dispatcher.report_error(call, error)
        return call.finish()

    cdef Call new_call(self, object stream_id, dict environ, bint complete):
        cdef Call call = Call.__new__(Call)
        cdef Input body = Input.__new__(Input)
        cdef object method = environ.get("REQUEST_METHOD")
        call.dispatcher = self.dispatcher
        call.streams = self.streams
        call.stream_id = stream_id
        call.environ = environ
        call.input = body
        call.path = environ.get("PATH_INFO")
        call.is_head = method is not None and len(<str>method) == 4 and method == "HEAD"
        if complete:
            body.complete = True
        else:
            body.source = call
            call.upload = Upload.__new__(Upload)
            call.upload.state = UPLOAD_STARTED
            if self.queue is None:
                self.queue = UploadQueue.__new__(UploadQueue)
            call.upload.queue = self.queue
            self.calls[stream_id] = call
        environ["wsgi.input"] = body
        environ["wsgi.early_hints"] = call.send_early_hints
        send_trailers = call.send_trailers
        environ["gunicorn.http2.send_trailers"] = send_trailers
        environ["wsgi.ext.http.send_trailers"] = send_trailers
        return call

    def begin_upgraded(self, list pairs not None, bytes body not None):
        """Take the request of an HTTP/1.1 ``Upgrade: h2c``, which is stream 1 (RFC 7540 section 3.2).

        Args:
            pairs: Its ``(name, value)`` fields, converted to HTTP/2.
            body: Its body.
        """
        cdef Call call
        environ, answer = self.fallback(self.streams.client, pairs)
        if answer is not None:
            self.refuse(1, pairs, answer, True)
            return
        call = self.new_call(1, environ, True)
        call.input.chunk = body
        call.fields_received = pairs
        self.begun += 1
        self.ready.append(call)

    # Running

    def run(self, bint alone=False):
        """Run the calls whose request is complete.

        Args:
            alone: True if no other connection has events; responses are sent earlier then.

        Returns:
            True if the thread still leads; if not, it must not touch the connection any more.
        """
        return self.run_from(self.ready, alone)

    cdef bint run_from(self, list queue, bint alone) except -1:
        cdef Call call
        cdef unsigned long tick = self.dispatcher.leadership.now()
        cdef int held = 0
        while queue:
            if not self.streams.may_start():
                return True
            call = queue.pop(0)
            if find_stream(self.core, call.stream_id) is None:
                # Reset meanwhile.
                self.streams.drop(call)
                continue
            if call.upload is not None and call.upload.state == UPLOAD_HELD_BACK:
                self.dispatcher.queue_upload(call)
                continue
            if self.dispatcher.slow and self.dispatcher.defer_if_slow(call):
                continue
            if not call.run():
                return False
            if not queue:
                break
            held += 1
            if (alone and held >= EARLY) or self.dispatcher.leadership.now() != tick:
                # Finished responses do not wait for a slow call.
                self.streams.flush()
                tick = self.dispatcher.leadership.now()
                held = 0
        return True

    def end_input(self):
        """Process the end of the client's input: reset incomplete requests.

        Returns:
            True if complete requests are still being served.
        """
        cdef Call call
        for call in list(self.calls.values()):
            # A complete response is still sent.
            if not call.input.complete and not call.finished and not call.complete:
                del self.calls[call.stream_id]
                self.streams.reset(call, CANCEL)
                self.streams.mark_reset(call)
        return not self.protocol.closed and not self.core.failed and not self.idle

    def end_responses(self):
        """Reset the streams of detached calls whose response has begun; their applications get an error."""
        cdef Call call
        for call in list(self.calls.values()):
            if call.detached and not call.finished and call.begun_response() is not None and not load_flag(&call.ended):
                del self.calls[call.stream_id]
                call.mark_gone()
                self.streams.reset(call, CANCEL)

    cdef bint end_unread(self, double now) except -1:
        """Queue resets for uploads that continue too long after their answer; return true if there were any.

        A reset must not share a write with the end of the response: clients that read both at once report an error and
        discard the response.
        """
        cdef list due
        cdef double following
        cdef UnreadUploads unread = self.protocol.unread
        if unread is None:
            return False
        due = self.protocol.take_unread(now)
        following = unread.next_deadline()
        self.protocol.reset_unread(due)
        if following < INFINITY:
            self.streams.client.reset_later(following)
        return bool(due)

    def reset_stuck(self, double now, double timeout):
        """Reset the streams whose response the client reads slower than the minimum rate.

        Args:
            now: Seconds.
            timeout: Seconds that a stream may stand still.
        """
        cdef Call call
        for stream_id in self.protocol.stuck_streams(now, timeout):
            call = self.calls.pop(stream_id, None)
            if call is not None:
                call.mark_gone()
            self.protocol.reset(stream_id, CANCEL)

    def reset_slow_bodies(self, double now, double timeout):
        """Reset the streams whose client sends the body too slowly, or that have waited too long for a thread.

        Args:
            now: Seconds of a monotonic clock.
            timeout: Seconds; see `Uploads.is_slow`.

        Returns:
            True if there were any.
        """
        cdef Call call
        cdef list slow = []
        cdef list late = []
        find_slow_bodies(self.core, self.calls, self.dispatcher.uploads, now, timeout, slow, late)
        for call in slow:
            self.core.count("slow_bodies")
            store_flag(&call.too_slow, True)
            self.calls.pop(call.stream_id, None)
            self.streams.reset(call, CANCEL)
            self.streams.mark_reset(call)
        for call in late:
            # The application was not called: the client may retry (RFC 9113 section 8.7).
            self.core.count("waiting_uploads")
            self.calls.pop(call.stream_id, None)
            self.streams.reset(call, REFUSED_STREAM)
            self.streams.mark_reset(call)
        return bool(slow) or bool(late)

    # Output

    def pull(self, Py_ssize_t most):
        """Take octets to send.

        Args:
            most: Largest number of octets.

        Returns:
            bytes, empty if there is nothing to send now.
        """
        return self.take_output(most)

    cdef bytes take_output(self, Py_ssize_t most):
        cdef bytes data = self.pull_octets(most)
        if not data and self.calls:
            self.streams.update_calls()
            if self.core.out.length > self.core.out.start:
                return self.take_output(most)
        if self.core.unsent != self.streams.counted:
            self.streams.count_unsent()
        return data

    cdef bytes pull_octets(self, Py_ssize_t most):
        enter(self.core)
        try:
            return pull(self.core, most)
        finally:
            leave(self.core)

    cdef bint has_output(self) noexcept:
        """Return True if another pull may return output."""
        return self.core.out.length > self.core.out.start or self.core.ring is not None

    @property
    def framed(self):
        """Octets of output that are framed already: responses of which nothing waits for a window."""
        return self.core.out.length - self.core.out.start

    # The end

    cdef int end_calls(self) except -1:
        cdef Call call
        while self.ready:
            self.streams.drop(self.ready.pop(0))
        for call in list(self.calls.values()):
            self.streams.mark_reset(call)
        self.calls.clear()
        self.protocol.unread = None
        return 0

    def close(self):
        """End the connection's calls, when the connection has ended."""
        self.protocol.closed = True
        give_back_growth(self.core)
        self.end_calls()
        self.streams.count_unsent()
        self.dispatcher.unsent.held_back.pop(self.streams, None)
        # Break the reference cycle.
        self.streams.client = None
        self.fallback = None
