"""One request of a worker: the application's call (PEP 3333) and its response."""
cimport cython
from cpython.bytes cimport PyBytes_CheckExact, PyBytes_GET_SIZE

from functools import partial

from fasth2._engine.error_codes cimport CANCEL, INTERNAL_ERROR
from fasth2.wsgi.atomics cimport load_flag, store_flag
from fasth2.wsgi.dispatcher cimport OP_CONSUME, OP_INFORM, OP_RESET, OP_SEND, PART
from fasth2.wsgi.leader cimport Leadership, PyThread_get_thread_ident
from fasth2.wsgi.response_fields cimport FIELD_HOP, FieldName, check_value, field_name
from fasth2.wsgi.response_head cimport ResponseHead, response_head
from fasth2.wsgi.waiting cimport HIGH_WATER

from fasth2._memo import remember
from fasth2.server.errors import HTTP2StreamAborted

cdef enum:
    # Octets that a detached call reads before it returns credit to the client.
    CREDIT = 16384
    # Octets that an application may write() to a response without a body before the stream is aborted.
    DROPPED = 1048576
    # Block size in which a file is read.
    FILE_PART = 65536
    # Number of paths remembered as slow, and the longest of them, in characters.
    SLOW_PATHS = 1024
    LONGEST_PATH = 256

cdef object _END = object()


def read_part(read, size):
    """Read the next part of a file; `_END` at its end."""
    return read(size) or _END


@cython.final
cdef class Call(CallState):
    """A request and its response; also the response object of gunicorn's log and hooks."""

    chunked = False
    upgrade = False
    must_close = False

    # The application's interface

    def start_response(self, status, headers, exc_info=None):
        """PEP 3333's ``start_response``.

        Args:
            status: Code and reason, ``"200 OK"``.
            headers: A list of ``(name, value)``, both str.
            exc_info: As from `sys.exc_info`, where an error response replaces one that has begun.

        Returns:
            The ``write`` callable.

        Raises:
            AssertionError: It was called before, and ``exc_info`` was not passed.
            TypeError: The status, a header name or a header value is not a str.
            ValueError: The status, a header name or a header value is invalid.
        """
        if exc_info:
            try:
                # A part that the application has yielded counts as sent.
                if self.has_begun() or not self.begin_response(status, headers, True):
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        elif self.response is not None or not self.begin_response(status, headers, False):
            raise AssertionError("Response headers already set!")
        return self.write

    cdef bint begin_response(self, object status, object headers, bint replaces) except -1:
        """Store a response head. Return False if one is sent already, or set and not to be replaced."""
        cdef ResponseHead head = response_head(status, headers, self.is_head)
        # Iterating the headers may have run other threads of the application.
        with cython.critical_section(self):
            if self.headers_sent or self.held is not None or (self.response is not None and not replaces):
                return False
            self.response = head
        return True

    cdef bint has_begun(self) except -1:
        """Return True if a part of the response is sent, or held for sending."""
        with cython.critical_section(self):
            return self.headers_sent or self.held is not None

    def write(self, data):
        """PEP 3333's ``write``: send a part of the body.

        Args:
            data: bytes.

        Raises:
            HTTP2StreamError: The client ended the stream, or accepted nothing in time.
        """
        cdef bytes octets = self.part(data)
        cdef ResponseHead head = self.begun_response()
        cdef bint leading
        if head is None:
            raise AssertionError("write() before start_response()")
        if load_flag(&self.over) or (load_flag(&self.ended) and not head.omits_body):
            raise ValueError("write() after the end of the response")
        leading = self.dispatcher.leadership.enter_io(self)
        if not leading and not load_flag(&self.detached):
            # The response has ended meanwhile, or the worker stops: only the leader may use the connection.
            raise ValueError("write() after the end of the response")
        try:
            if octets:
                self.put(octets, False)
        finally:
            if leading:
                self.dispatcher.leadership.leave_io(self)

    def send_early_hints(self, headers):
        """``wsgi.early_hints``: send 103 (Early Hints) with these fields (RFC 8297), unless the response has begun.

        Args:
            headers: ``(name, value)`` pairs, str or latin-1 bytes.
        """
        cdef list fields = []
        cdef bint leading
        for name, value in headers:
            name = name.decode("latin-1") if isinstance(name, bytes) else name
            value = value.decode("latin-1") if isinstance(value, bytes) else value
            if not isinstance(value, str):
                raise TypeError(f"header values are str, not {type(value).__name__}")
            known = field_name(name)
            check_value(value, name)
            if (<FieldName>known).kind != FIELD_HOP:
                fields.append((<FieldName>known).lower)
                fields.append(value.strip(" \t").encode("latin-1"))
        if self.has_begun() or load_flag(&self.gone) or load_flag(&self.over):
            return
        leading = self.dispatcher.leadership.enter_io(self)
        if not leading:
            # Ignored if the response has ended meanwhile.
            self.dispatcher.submit(self, OP_INFORM, (103, fields), False)
            return
        try:
            self.streams.inform(self, 103, fields)
            self.streams.flush()
        finally:
            self.dispatcher.leadership.leave_io(self)

    def send_trailers(self, trailers):
        """``wsgi.ext.http.send_trailers``: end the response with these fields (RFC 9113 section 8.1).

        ``gunicorn.http2.send_trailers`` is the same. Both are called before the application's iterable ends.

        Args:
            trailers: ``(name, value)`` pairs.
        """
        cdef list kept = []
        for name, value in trailers:
            name = name.decode("latin-1") if isinstance(name, bytes) else str(name)
            value = value if isinstance(value, bytes) else str(value).encode("latin-1")
            kept.append((name.lower(), value))
        with cython.critical_section(self):
            self.trailers = kept

    # What log and hooks look at

    @property
    def status(self):
        """Code and reason, ``"200 OK"``; 499 if the client was gone before the head; ``None`` before it is set."""
        cdef ResponseHead head = self.begun_response()
        if load_flag(&self.gone) and not self.headers_sent:
            return "499 Client Closed Request"
        return None if head is None else head.status

    @property
    def status_code(self):
        """The status code; 0 before `start_response`, 499 if the client was gone before the head was sent."""
        cdef ResponseHead head = self.begun_response()
        if load_flag(&self.gone) and not self.headers_sent:
            return 499
        return 0 if head is None else head.code

    @property
    def headers(self):
        """The response's fields, a list of ``(name, value)``."""
        cdef ResponseHead head = self.begun_response()
        if head is None:
            return []
        return [(head.fields[i], value if isinstance(value := head.fields[i + 1], str) else value.decode("latin-1"))
                for i in range(0, len(head.fields), 2)]

    @property
    def response_length(self):
        """The Content-Length, or ``None``."""
        cdef ResponseHead head = self.begun_response()
        return None if head is None or head.length < 0 else head.length

    @property
    def version(self):
        """The Server field of responses without one."""
        return self.dispatcher.server

    def is_chunked(self):
        """Return False: HTTP/2 has no chunked coding."""
        return False

    def should_close(self):
        """Return False: an HTTP/2 connection outlives a response."""
        return False

    def force_close(self):
        """Do nothing: other requests share the connection."""

    # Running

    cdef bint run(self) except -1:
        """Run the application and end the response in every case. Return True if the thread still leads."""
        cdef Dispatcher dispatcher = self.dispatcher
        cdef bint limited
        dispatcher.served += 1
        dispatcher.open_calls += 1
        limited = dispatcher.served >= dispatcher.limit
        self.thread = PyThread_get_thread_ident()
        self.begun = dispatcher.leadership.now()
        try:
            if dispatcher.slow and self.path in dispatcher.slow:
                self.streams.adopt(self)
                self.predicted = dispatcher.leadership.hand_over(self)
            if limited:
                dispatcher.on_limit()
            if dispatcher.observer is not None:
                self.call_observer(dispatcher.observer.begin)
            self.serve()
        except BaseException as error:
            self.handle_error(error)
        if self.detached:
            self.remember_speed()
        else:
            dispatcher.fast_tick = dispatcher.leadership.now()
        if dispatcher.observer is not None:
            try:
                self.call_observer(dispatcher.observer.end)
            except BaseException as error:
                dispatcher.report_error(self, error)
        store_flag(&self.over, True)
        if not self.detached:
            dispatcher.open_calls -= 1
        self.finish()
        return not self.detached

    cdef int remember_speed(self) except -1:
        """Record whether requests to this path are slow."""
        cdef Dispatcher dispatcher = self.dispatcher
        cdef str path = self.path
        if self.predicted:
            if dispatcher.leadership.now() - self.begun <= 1:
                dispatcher.slow.pop(path, None)
        elif len(path) <= LONGEST_PATH and path not in dispatcher.slow:
            try:
                remember(dispatcher.slow, path, True, SLOW_PATHS)
            except MemoryError:
                pass  # the next such call will be recorded
        return 0

    cdef int call_observer(self, object hook) except -1:
        """Call an observer's hook, which may take as long as the application."""
        self.dispatcher.leadership.begin(self)
        try:
            hook(self)
        finally:
            self.dispatcher.leadership.end(self)
        return 0

    cdef int serve(self) except -1:
        cdef Leadership leadership = self.dispatcher.leadership
        cdef object result
        cdef Py_ssize_t i, n
        leadership.begin(self)
        try:
            result = self.dispatcher.application(self.environ, self.start_response)
        finally:
            leadership.end(self)
        if type(result) is list or type(result) is tuple:
            # The body is complete, and there is no close().
            n = len(result)
            if n == 1:
                self.put(self.part(result[0]), True)
                return 0
            for i in range(n - 1):
                self.put(self.part(result[i]), False)
            self.put(self.part(result[n - 1]) if n else b"", True)
            return 0
        try:
            self.serve_parts(result)
        finally:
            if hasattr(result, "close"):
                leadership.begin(self)
                try:
                    result.close()
                finally:
                    leadership.end(self)
        return 0

    cdef int serve_parts(self, object result) except -1:
        """Send the parts of an iterable: each before the next is produced, or meanwhile by another thread."""
        cdef object part
        cdef bytes data, before
        cdef object step = None
        if self.dispatcher.file_wrapper is not None and type(result) is self.dispatcher.file_wrapper:
            step = partial(read_part, result.filelike.read, max(result.blksize, FILE_PART))
        else:
            self.dispatcher.leadership.begin(self)
            try:
                step = iter(result).__next__
            finally:
                self.dispatcher.leadership.end(self)
        while not self.omits_body():
            part = self.next_part(step)
            if part is _END:
                break
            if load_flag(&self.gone):
                raise HTTP2StreamAborted(self.stream_id, "the stream was closed before the response was complete")
            data = self.part(part)
            if not data:
                continue
            if self.response is None:
                raise AssertionError("the application returned a body before start_response()")
            before = self.take_held()
            if before is not None:
                self.put(before, False)
            if self.detached:
                self.put(data, False)
            else:
                self.held = data
        before = self.take_held()
        self.put(b"" if before is None else before, True)
        return 0

    cdef bint omits_body(self) except -1:
        """Return True if the response has begun and has no body (HEAD, 204, 304)."""
        cdef ResponseHead head = self.begun_response()
        return head is not None and head.omits_body

    cdef object next_part(self, object step):
        # Many quick parts together may exceed a tick: other requests do not wait for all of them.
        self.dispatcher.leadership.leave_io(self)
        try:
            return step()
        except StopIteration:
            return _END
        finally:
            self.dispatcher.leadership.end(self)

    cdef bytes part(self, object data):
        if PyBytes_CheckExact(data):
            return data
        if isinstance(data, bytes):
            return bytes(data)
        raise TypeError(f"parts of a body are bytes, not {type(data).__name__}")

    # The response

    cdef bytes take_held(self):
        """Take the held part, for the caller to send."""
        cdef bytes held
        with cython.critical_section(self):
            held = self.held
            self.held = None
        return held

    cdef int flush_held(self) except -1:
        """As the leader that took over from this call: send the held part."""
        cdef bytes held
        if not self.detached:
            return 0
        # The call's thread may run meanwhile; the operations that it submits come after this one.
        with cython.critical_section(self):
            held = self.held
            self.held = None
            if held is None or self.gone:
                return 0
            held = self.counted(held)
            self.headers_sent = True
        if self.streams.send(self, held, False) < 0:
            store_flag(&self.gone, True)
        return 0

    cdef bytes counted(self, bytes data):
        """Cut a part to what remains of the Content-Length; empty for a response without a body."""
        cdef ResponseHead head = self.response
        cdef int64_t left
        if head.omits_body:
            return b""
        if head.length >= 0:
            left = max(head.length - self.sent, 0)
            if PyBytes_GET_SIZE(data) > left:
                data = data[:<Py_ssize_t>left]
        self.sent += PyBytes_GET_SIZE(data)
        return data

    cdef int put(self, bytes data, bint ends) except -1:
        """Send a part of the body. Called by the call's thread, outside the application."""
        cdef ResponseHead head
        cdef int64_t queued, sent
        cdef bint begun, lacks
        if load_flag(&self.gone):
            raise HTTP2StreamAborted(self.stream_id, "the stream was closed before the response was complete")
        # Other threads of the application may replace the head, so it is read inside this section only.
        with cython.critical_section(self):
            head = self.response
            if head is None:
                raise AssertionError("the application returned without a call of start_response()")
            if head.omits_body:
                if load_flag(&self.ended):
                    self.dropped += PyBytes_GET_SIZE(data)
                    if self.dropped > DROPPED:
                        raise HTTP2StreamAborted(self.stream_id, "too many octets for a response without a body")
                    return 0
                # HEADERS alone, with END_STREAM; further parts are dropped.
                ends = True
            data = self.counted(data)
            sent = self.sent
            begun = self.headers_sent
            lacks = ends and head.length > sent and not head.omits_body
            if self.detached and not lacks:
                self.headers_sent = True
        if lacks:
            raise ValueError(f"the body has {sent} octets and Content-Length says {head.length}")
        if not ends and not data and begun:
            return 0
        if self.detached:
            with cython.critical_section(self):
                store_flag(&self.ended, ends)
                self.asked += PyBytes_GET_SIZE(data) + PART
            self.dispatcher.submit(self, OP_SEND, data, ends)
            if not ends:
                self.await_client(True)
            return 0
        queued = self.streams.send(self, data, ends)
        self.headers_sent = True
        store_flag(&self.ended, ends)
        if queued < 0:
            store_flag(&self.gone, True)
            raise HTTP2StreamAborted(self.stream_id, "the stream was closed before the response was complete")
        if queued > HIGH_WATER and not ends:
            self.make_room()
        return 0

    cdef int make_room(self) except -1:
        """As the leader: flush a connection with too much unsent, and hand over the lead if that has to wait."""
        self.streams.flush()
        self.queued = self.streams.unsent(self)
        if self.queued > HIGH_WATER:
            self.streams.adopt(self)
            if self.dispatcher.leadership.hand_over(self):
                self.await_client(True)
        return 0

    cdef int await_client(self, bint room) except -1:
        """Wait for the client as `wait_for` does; reset the stream and raise after the time-out."""
        cdef double timeout = self.dispatcher.timeout
        if not self.wait_for(room, timeout):
            self.dispatcher.submit(self, OP_RESET, CANCEL, False)
            raise HTTP2StreamAborted(self.stream_id, f"the client has {'received' if room else 'sent'} nothing "
                                                     f"for {timeout:g} seconds")
        return 0

    cdef int wait_for_data(self) except -1:
        """Wait until more of the request's body arrives. Called when the application reads past what has arrived."""
        cdef Leadership leadership = self.dispatcher.leadership
        cdef bint leading
        if load_flag(&self.over):
            raise HTTP2StreamAborted(self.stream_id, "the request has been answered")
        leading = leadership.enter_io(self)
        if load_flag(&self.gone) or load_flag(&self.over):
            if leading:
                leadership.leave_io(self)
            raise self.abort_error("the stream was closed before its body was complete")
        # Before the leader is asked for window: input that it processes afterwards must find a reader that waits.
        self.add_readers(1)
        try:
            if leading:
                self.hand_over_to_read()
            else:
                if self.wants_continue and not self.headers_sent:
                    self.dispatcher.submit(self, OP_INFORM, (100, []), False)
                self.dispatcher.submit(self, OP_CONSUME, self.take_credit(0), True)
            self.wants_continue = False
            return self.await_client(False)
        finally:
            self.add_readers(-1)

    cdef int hand_over_to_read(self) except -1:
        """As the leader: extend the window, and hand over the lead, so that the body can arrive."""
        cdef Leadership leadership = self.dispatcher.leadership
        try:
            if self.wants_continue and not self.headers_sent:
                self.streams.inform(self, 100, [])
            self.streams.extend_window(self)
            self.streams.flush()
            self.streams.adopt(self)
        finally:
            while not leadership.hand_over(self):
                if leadership.stops():
                    leadership.begin(self)
                    raise HTTP2StreamAborted(self.stream_id, "the worker stops")
                leadership.pause()
        return 0

    cdef int count_read(self, int64_t octets) except -1:
        with cython.critical_section(self):
            self.credit += octets
        if load_flag(&self.over):
            return self.dispatcher.submit(self, OP_CONSUME, self.take_credit(0), False)
        if self.dispatcher.leadership.enter_io(self):
            try:
                self.streams.consume(self, self.take_credit(0))
            finally:
                self.dispatcher.leadership.leave_io(self)
        else:
            octets = self.take_credit(CREDIT)
            if octets:
                self.dispatcher.submit(self, OP_CONSUME, octets, False)
        return 0

    # The end

    cdef int handle_error(self, object error) except -1:
        """Report an error of the application or of its response, and send 500 if nothing was sent."""
        self.take_held()
        self.dispatcher.report_error(self, error)
        if load_flag(&self.gone) or load_flag(&self.ended):
            return 0
        try:
            if not self.headers_sent and self.answer_error(500, "Internal Server Error", "Internal Server Error"):
                return 0
        except Exception as another:
            self.dispatcher.report_error(self, another)
        store_flag(&self.ended, True)
        self.broken = True
        return 0

    cdef bint answer_error(self, int code, str reason, str message) except -1:
        """Send an error response instead of the application's. Return False if the head was sent already."""
        cdef bytes body = message.encode("latin-1", "replace")
        if not self.begin_response(f"{code} {reason}", [("content-type", "text/plain; charset=utf-8"),
                                                        ("content-length", str(len(body)))], True):
            return False
        self.take_trailers()
        self.sent = 0
        self.put(body, True)
        return True

    cdef int finish(self) except -1:
        """End the call; a detached one is handed to the leader, without allocating memory."""
        if self.detached:
            return self.dispatcher.submit_end(self)
        return self.release()

    cdef int release(self) except -1:
        """As the leader: release a call that has ended."""
        try:
            if self.broken:
                self.streams.reset(self, INTERNAL_ERROR)
        finally:
            self.streams.done(self)
        return 0
