"""One request of a worker: the application's call (PEP 3333), its response, and the hand-over of what is slow."""
cimport cython
from cpython.bytes cimport PyBytes_CheckExact, PyBytes_GET_SIZE
from libc.time cimport time as c_time

from collections import deque
from email.utils import formatdate
from functools import partial

from fasth2._engine.error_codes cimport CANCEL, INTERNAL_ERROR
from fasth2.wsgi.atomics cimport load_flag, load_number, store_flag, store_number
from fasth2.wsgi.leader cimport PyThread_get_thread_ident
from fasth2.wsgi.response_fields cimport FIELD_HOP, FieldName, check_value, field_name
from fasth2.wsgi.response_head cimport ResponseHead, response_head
from fasth2.wsgi.unsent cimport Unsent
from fasth2.wsgi.uploads cimport UPLOAD_WAITS, Uploads
from fasth2.wsgi.waiting cimport HIGH_WATER

from fasth2.server.errors import HTTP2StreamAborted
from fasth2.wsgi.limits import WorkerLimits

cdef enum:
    # Octets read after which a detached call gives the client credit.
    CREDIT = 16384
    # What a part counts for beside its octets.
    PART = 256
    # Octets of a body that an application may write() where none is sent, until it is told that nobody listens.
    DROPPED = 1048576
    # Octets that a file is read by.
    FILE_PART = 65536
    # Paths that are remembered as slow, and the longest of them, in characters.
    SLOW_PATHS = 1024
    LONGEST_PATH = 256
    # Ticks after a fast call within which the last free thread is kept for others like it.
    FAST_LATELY = 20

cdef object _END = object()


def read_part(read, size):
    """The next part of a file."""
    return read(size) or _END


@cython.final
cdef class Dispatcher:
    """What all requests of a worker share.

    Args:
        application: The WSGI application.
        leadership: Who runs the loop.
        wake: Called to end the leader's wait for events.
        report: Called with a call and the exception that ended it.
        server: The Server field of responses that have none; empty for none.
        timeout: Seconds that a client may take to send more of a body or to take more of a response.
        limits: A `WorkerLimits`; ``None`` for its defaults.
    """

    def __init__(self, application, Leadership leadership not None, wake, report, *, str server="", timeout=None,
                 limits=None):
        self.application = application
        self.leadership = leadership
        self.wake = wake
        self.report = report
        self.server = server
        self.timeout = -1.0 if timeout is None else timeout
        self.limit = 0x7FFFFFFFFFFFFFFF
        self.unread_octets = 65536
        self.unread_seconds = 2.0
        self.requests = deque()
        self.deferred = deque()
        limits = WorkerLimits() if limits is None else limits
        self.uploads = Uploads(limits)
        self.unsent = Unsent(limits)
        self.threads = 1
        self.slow = {}
        self.date = ""

    cdef int submit(self, Call call, int what, object value, bint flag) except -1:
        """Have the leader do something on a call's connection."""
        cdef bint polling
        with cython.critical_section(self):
            self.requests.append((call, what, value, flag))
            store_number(&self.asked, self.asked + 1)
            polling = self.polling
        if polling:
            self.wake()
        return 0

    cdef int submit_end(self, Call call) except -1:
        """Have the leader end a detached call, after all that was asked for it. Takes no memory."""
        cdef bint polling
        with cython.critical_section(self):
            call.next_ended = self.ended_calls
            self.ended_calls = call
            store_number(&self.asked, self.asked + 1)
            polling = self.polling
        if polling:
            self.wake()
        return 0

    cdef str now(self):
        """The Date field's value, made once a second."""
        cdef long second = <long>c_time(NULL)
        if second != self.second or not self.date:
            self.date = formatdate(second, usegmt=True)
            self.second = second
        return self.date

    @property
    def progress(self):
        """A number that changes when the application is called or does something, or a client takes its answer."""
        return load_number(&self.leadership.calls) + load_number(&self.asked) + load_number(&self.taken)

    def before_poll(self):
        """Say that the leader is about to wait for events.

        Returns:
            Whether it may: nothing was asked for.
        """
        with cython.critical_section(self):
            self.polling = True
            return not self.requests and self.ended_calls is None and self.ending is None

    def after_poll(self):
        """Say that it waits no more."""
        with cython.critical_section(self):
            self.polling = False

    def do_requests(self):
        """Do what detached calls have asked for.

        Returns:
            The channels that have something to send.
        """
        cdef Call call
        cdef list touched = []
        if self.ending is None:
            # Before the requests are looked at: theirs are among those then.
            with cython.critical_section(self):
                self.ending = self.ended_calls
                self.ended_calls = None
        while self.requests:
            call, what, value, flag = self.requests.popleft()
            channel = call.channel
            if channel not in touched:
                touched.append(channel)
            try:
                self.do_request(call, what, value, flag)
            except Exception as error:
                self.abort_call(call, error)
        while self.ending is not None:
            call = self.ending
            self.ending = call.next_ended
            call.next_ended = None
            self.open_calls -= 1
            try:
                call.release()
            except Exception as error:
                self.abort_call(call, error)
            if call.channel not in touched:
                touched.append(call.channel)
        return touched

    cdef int abort_call(self, Call call, object error) except -1:
        """The call's answer is none; its thread may have gone on."""
        self.report_error(call, error)
        call.mark_gone()
        return call.channel.reset(call, INTERNAL_ERROR)

    cdef int do_request(self, Call call, int what, object value, bint flag) except -1:
        if what == OP_SEND:
            with cython.critical_section(call):
                call.asked -= PyBytes_GET_SIZE(<bytes>value) + PART
            if call.complete:
                # Another thread's write(), that came too late.
                return 0
            call.complete = flag
            if call.channel.send(call, <bytes>value, flag) < 0:
                call.mark_gone()
        elif what == OP_CONSUME:
            if value:
                call.channel.consume(call, value)
            if flag:
                call.channel.extend_window(call)
        elif what == OP_INFORM:
            call.channel.inform(call, value[0], value[1])
        else:
            call.channel.reset(call, value)
        return 0

    cdef int report_error(self, Call call, object error) except -1:
        """Report an error, whatever comes of that."""
        try:
            self.report(call, error)
        except BaseException:
            pass  # not even the log can be written
        return 0

    cdef bint defer_if_slow(self, Call call) except -1:
        """Whether a call has to wait: it is slow, as far as is known, and fast ones want the only thread left."""
        if self.leadership.idle or self.leadership.now() - self.fast_tick > FAST_LATELY:
            return False
        if call.path not in self.slow:
            return False
        self.deferred.append(call)
        store_flag(&self.leadership.calls_waiting, True)
        return True

    cdef int update_calls_waiting(self) except -1:
        """Say whether calls wait for a thread: one that sits down wakes the leader for nothing otherwise."""
        store_flag(&self.leadership.calls_waiting, bool(self.uploads.waiting) or bool(self.deferred))
        return 0

    def run_deferred(self):
        """Run the slow calls that wait, as far as there are threads for them.

        Returns:
            False when the thread has lost the lead.
        """
        cdef Call call
        while self.deferred:
            if not self.leadership.idle and self.leadership.now() - self.fast_tick <= FAST_LATELY:
                return True
            call = self.deferred.popleft()
            # Now: while it runs the lead may be lost.
            self.update_calls_waiting()
            if not call.channel.has_stream(call):
                call.channel.drop(call)
                continue
            if not call.channel.may_start():
                call.channel.put_back(call)
                continue
            if not call.run():
                return False
            call.channel.flush()
        return True

    cdef int queue_upload(self, Call call) except -1:
        """Have a call that is to read its body while that arrives wait for a thread."""
        self.uploads.wait(call, call.upload)
        store_flag(&self.leadership.calls_waiting, True)
        return 0

    cdef int start_upload(self, Call call) except -1:
        """A call's body is whole, or nobody will read it: the call does not wait for a thread of its own any more."""
        cdef bint waited = call.upload.state == UPLOAD_WAITS
        self.uploads.start(call, call.upload)
        if waited:
            self.update_calls_waiting()
        return 0

    cdef bint may_run_upload(self) except -1:
        """Whether there is a thread for such a call. The last free one is kept for requests that are whole."""
        if self.threads > 1:
            return bool(self.leadership.idle)
        return not self.deferred

    def queue_paused(self, double now):
        """Have the calls whose body has paused wait for a thread.

        Args:
            now: Seconds.
        """
        if self.uploads.queue_paused(now):
            store_flag(&self.leadership.calls_waiting, True)

    def run_uploads(self):
        """Run the calls that are to read their body while it arrives, as far as there are threads for them.

        Returns:
            False when the thread has lost the lead.
        """
        cdef Call call
        while self.uploads.waiting and self.may_run_upload():
            call = self.uploads.first()
            self.update_calls_waiting()
            if not call.channel.has_stream(call):
                call.channel.drop(call)
                continue
            if not call.channel.may_start():
                self.uploads.hold_back(call.upload)
                call.channel.put_back(call)
                continue
            if not call.run():
                return False
            call.channel.flush()
            if self.threads == 1:
                # Whole requests go first.
                break
        return True

    @property
    def calling(self):
        """Whether calls have begun that are not over, whatever became of their clients."""
        return self.open_calls > 0

    @property
    def deferring(self):
        """Whether there are slow calls that wait for fast ones to end."""
        return bool(self.deferred)

    @property
    def waits(self):
        """Whether there are calls that wait, and may be run now: slow ones, or such as are to read their body."""
        if self.deferred and (self.leadership.idle or self.leadership.now() - self.fast_tick > FAST_LATELY):
            return True
        return bool(self.uploads.waiting) and self.may_run_upload()

    def run_waiting(self):
        """Run the calls that wait, as far as there are threads for them.

        Returns:
            False when the thread has lost the lead.
        """
        return self.run_deferred() and self.run_uploads()

    def resume(self):
        """Do what the last leader's call left behind, as the new leader."""
        cdef Call call
        cdef object running = self.leadership.running
        if running is not None:
            call = running
            if call.detached and not call.finished:
                call.channel.adopt(call)
                try:
                    call.flush_held()
                except Exception as error:
                    self.abort_call(call, error)
                call.channel.flush()


cdef class Channel:
    """A call's connection."""

    cdef bint has_stream(self, Call call) except -1:
        raise NotImplementedError

    cdef bint may_start(self) except -1:
        raise NotImplementedError

    cdef int put_back(self, Call call) except -1:
        raise NotImplementedError

    cdef int drop(self, Call call) except -1:
        raise NotImplementedError

    cdef int adopt(self, Call call) except -1:
        raise NotImplementedError

    cdef int64_t send(self, Call call, bytes data, bint ends) except -2:
        raise NotImplementedError

    cdef int64_t unsent(self, Call call) except -2:
        raise NotImplementedError

    cdef int consume(self, Call call, int64_t octets) except -1:
        raise NotImplementedError

    cdef int extend_window(self, Call call) except -1:
        raise NotImplementedError

    cdef bint inform(self, Call call, int status, list fields) except -1:
        raise NotImplementedError

    cdef int reset(self, Call call, uint32_t code) except -1:
        raise NotImplementedError

    cdef int done(self, Call call) except -1:
        raise NotImplementedError

    cdef int flush(self) except -1:
        raise NotImplementedError


@cython.final
cdef class Call(Waiter):
    """A request and its response; what gunicorn's log and hooks see as the response too."""

    chunked = False
    upgrade = False
    must_close = False

    # The application's interface

    def start_response(self, status, headers, exc_info=None):
        """PEP 3333's ``start_response``.

        Args:
            status: Code and reason, ``"200 OK"``.
            headers: A list of ``(name, value)``, both str.
            exc_info: As from `sys.exc_info`, where an error replaces what was begun.

        Returns:
            ``write``.

        Raises:
            AssertionError: It was called before, and there is no ``exc_info``.
            TypeError: Something is of another type.
            ValueError: The status, a name or a value is none.
        """
        if exc_info:
            try:
                # What was handed over by the application counts as sent.
                if self.has_begun() or not self.begin_response(status, headers, True):
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        elif self.response is not None or not self.begin_response(status, headers, False):
            raise AssertionError("Response headers already set!")
        return self.write

    cdef bint begin_response(self, object status, object headers, bint replaces) except -1:
        """Whether a head could be taken: there is none before it, or it replaces one that is not sent."""
        cdef ResponseHead head = response_head(status, headers, self.is_head)
        # Other threads of the application may have done something while its headers were asked for.
        with cython.critical_section(self):
            if self.headers_sent or self.held is not None or (self.response is not None and not replaces):
                return False
            self.response = head
        return True

    cdef ResponseHead begun_response(self):
        """What `start_response` was called with last; ``None`` where it was not."""
        with cython.critical_section(self):
            return self.response

    cdef bint has_begun(self) except -1:
        """Whether a part of the response is sent, or about to be."""
        with cython.critical_section(self):
            return self.headers_sent or self.held is not None

    def write(self, data):
        """PEP 3333's ``write``: send a part of the body.

        Args:
            data: bytes.

        Raises:
            HTTP2StreamError: The client ended the stream, or took nothing for too long.
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
            # The response has ended meanwhile, or the worker stops: the connection is the leader's.
            raise ValueError("write() after the end of the response")
        try:
            if octets:
                self.put(octets, False)
        finally:
            if leading:
                self.dispatcher.leadership.leave_io(self)

    def send_early_hints(self, headers):
        """``wsgi.early_hints``: send 103 with these fields (RFC 8297); nothing once the response has begun.

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
            # Not answered where the response has ended meanwhile.
            self.dispatcher.submit(self, OP_INFORM, (103, fields), False)
            return
        try:
            self.channel.inform(self, 103, fields)
            self.channel.flush()
        finally:
            self.dispatcher.leadership.leave_io(self)

    def send_trailers(self, trailers):
        """``gunicorn.http2.send_trailers``: end the response with these fields (RFC 9113 section 8.1).

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

    cdef list take_trailers(self):
        """The trailers, for the one that sends them; ``None``: there are none."""
        cdef list trailers
        with cython.critical_section(self):
            trailers = self.trailers
            self.trailers = None
        return trailers

    # What log and hooks look at

    @property
    def status(self):
        """Code and reason, ``"200 OK"``; 499 where the client went before it; ``None`` where there is none yet."""
        cdef ResponseHead head = self.begun_response()
        if load_flag(&self.gone) and not self.headers_sent:
            return "499 Client Closed Request"
        return None if head is None else head.status

    @property
    def status_code(self):
        """The code, as `status` has it; 0 where there is none."""
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
        """What the Server field says where the application does not."""
        return self.dispatcher.server

    def is_chunked(self):
        """Whether the body is in chunks: never, in HTTP/2."""
        return False

    def should_close(self):
        """Whether the connection ends with this response: never, in HTTP/2."""
        return False

    def force_close(self):
        """Do nothing: other requests use the connection."""

    # Running

    cdef bint run(self) except -1:
        """Answer the request, whatever happens. Whether the thread leads still."""
        cdef Dispatcher dispatcher = self.dispatcher
        cdef bint limited
        dispatcher.served += 1
        dispatcher.open_calls += 1
        limited = dispatcher.served >= dispatcher.limit
        self.thread = PyThread_get_thread_ident()
        self.begun = dispatcher.leadership.now()
        try:
            if dispatcher.slow and self.path in dispatcher.slow:
                self.channel.adopt(self)
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
        """Remember whether requests like this one are slow."""
        cdef Dispatcher dispatcher = self.dispatcher
        cdef str path = self.path
        if self.predicted:
            if dispatcher.leadership.now() - self.begun <= 1:
                dispatcher.slow.pop(path, None)
        elif len(path) <= LONGEST_PATH and path not in dispatcher.slow:
            if len(dispatcher.slow) >= SLOW_PATHS:
                dispatcher.slow.clear()
            try:
                dispatcher.slow[path] = True
            except MemoryError:
                pass  # the next one like it is found slow too
        return 0

    cdef int call_observer(self, object hook) except -1:
        """Call what the face above has for it, which may take as long as the application."""
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
            # All there already, and nothing to close.
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
        """Send what an iterable yields, each part before the next is asked for, or meanwhile by another thread."""
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
        """Whether the response has begun and is its head alone: HEAD, 204 and 304 wait for nothing else."""
        cdef ResponseHead head = self.begun_response()
        return head is not None and head.omits_body

    cdef object next_part(self, object step):
        # However quick each part is, others do not wait for all of them.
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
        """The part that is held back, for the one that sends it."""
        cdef bytes held
        with cython.critical_section(self):
            held = self.held
            self.held = None
        return held

    cdef int flush_held(self) except -1:
        """As the leader that took over from this call: send what it holds back."""
        cdef bytes held
        if not self.detached:
            return 0
        # Its thread goes on meanwhile, but what it asks for comes after this.
        with cython.critical_section(self):
            held = self.held
            self.held = None
            if held is None or self.gone:
                return 0
            held = self.counted(held)
            self.headers_sent = True
        if self.channel.send(self, held, False) < 0:
            store_flag(&self.gone, True)
        return 0

    cdef bytes counted(self, bytes data):
        """What of a part is sent: no more than the Content-Length says, and nothing where there is no body."""
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
        """Send a part of the body. By the call's thread, outside the application."""
        cdef ResponseHead head
        cdef int64_t queued, sent
        cdef bint begun, lacks
        if load_flag(&self.gone):
            raise HTTP2StreamAborted(self.stream_id, "the stream was closed before the response was complete")
        # Other threads of the application may replace the head meanwhile: nothing is asked of it outside.
        with cython.critical_section(self):
            head = self.response
            if head is None:
                raise AssertionError("the application returned without a call of start_response()")
            if head.omits_body:
                if load_flag(&self.ended):
                    self.dropped += PyBytes_GET_SIZE(data)
                    if self.dropped > DROPPED:
                        raise HTTP2StreamAborted(self.stream_id, "the response has no body, however long it gets")
                    return 0
                # The head alone: it ends the stream, whatever the application has to add.
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
        queued = self.channel.send(self, data, ends)
        self.headers_sent = True
        store_flag(&self.ended, ends)
        if queued < 0:
            store_flag(&self.gone, True)
            raise HTTP2StreamAborted(self.stream_id, "the stream was closed before the response was complete")
        if queued > HIGH_WATER and not ends:
            self.make_room()
        return 0

    cdef int make_room(self) except -1:
        """As the leader: too much is unsent. Have it sent, and leave the lead where that takes time."""
        self.channel.flush()
        self.queued = self.channel.unsent(self)
        if self.queued > HIGH_WATER:
            self.channel.adopt(self)
            if self.dispatcher.leadership.hand_over(self):
                self.await_client(True)
        return 0

    cdef int await_client(self, bint room) except -1:
        """Wait for what `wait_for` waits for, but not for ever."""
        cdef double timeout = self.dispatcher.timeout
        if not self.wait_for(room, timeout):
            self.dispatcher.submit(self, OP_RESET, CANCEL, False)
            raise HTTP2StreamAborted(self.stream_id, f"the client has {'taken' if room else 'sent'} nothing "
                                                     f"for {timeout:g} seconds")
        return 0

    cdef int more(self) except -1:
        """The application reads, and nothing is at hand."""
        cdef Leadership leadership = self.dispatcher.leadership
        cdef bint leading
        if load_flag(&self.over):
            raise HTTP2StreamAborted(self.stream_id, "the request has been answered")
        leading = leadership.enter_io(self)
        if load_flag(&self.gone) or load_flag(&self.over):
            if leading:
                leadership.leave_io(self)
            raise self.abort_error("the stream was closed before its body was complete")
        if leading:
            try:
                if self.wants_continue and not self.headers_sent:
                    self.channel.inform(self, 100, [])
                self.channel.extend_window(self)
                self.channel.flush()
                self.channel.adopt(self)
            finally:
                while not leadership.hand_over(self):
                    if leadership.stops():
                        leadership.begin(self)
                        raise HTTP2StreamAborted(self.stream_id, "the worker stops")
                    leadership.pause()
        else:
            if self.wants_continue and not self.headers_sent:
                self.dispatcher.submit(self, OP_INFORM, (100, []), False)
            self.dispatcher.submit(self, OP_CONSUME, self.take_credit(0), True)
        self.wants_continue = False
        self.add_readers(1)
        try:
            return self.await_client(False)
        finally:
            self.add_readers(-1)

    cdef int taken(self, int64_t octets) except -1:
        with cython.critical_section(self):
            self.credit += octets
        if load_flag(&self.over):
            return self.dispatcher.submit(self, OP_CONSUME, self.take_credit(0), False)
        if self.dispatcher.leadership.enter_io(self):
            try:
                self.channel.consume(self, self.take_credit(0))
            finally:
                self.dispatcher.leadership.leave_io(self)
        else:
            octets = self.take_credit(CREDIT)
            if octets:
                self.dispatcher.submit(self, OP_CONSUME, octets, False)
        return 0

    # The end

    cdef int handle_error(self, object error) except -1:
        """The application has raised, or its answer is none."""
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
        """Answer instead of the application; whether that was possible still."""
        cdef bytes body = message.encode("latin-1", "replace")
        if not self.begin_response(f"{code} {reason}", [("content-type", "text/plain; charset=utf-8"),
                                                        ("content-length", str(len(body)))], True):
            return False
        self.take_trailers()
        self.sent = 0
        self.put(body, True)
        return True

    cdef int finish(self) except -1:
        """The call is over. Takes no memory where that is told to the leader."""
        if self.detached:
            return self.dispatcher.submit_end(self)
        return self.release()

    cdef int release(self) except -1:
        """As the leader: let go of the call that is over."""
        try:
            if self.broken:
                self.channel.reset(self, INTERNAL_ERROR)
        finally:
            self.channel.done(self)
        return 0
