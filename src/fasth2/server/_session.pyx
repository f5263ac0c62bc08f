"""One connection of a worker: the engine, the requests' calls, and what is done for detached ones."""
cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_GET_SIZE
from libc.math cimport INFINITY
from libc.stdint cimport int64_t, uint8_t, uint32_t

from fasth2._core cimport enter, find_stream, leave
from fasth2._frames cimport out_reserve
from fasth2._ready cimport Data, Request, Reset, Trailers
from fasth2._receive cimport receive
from fasth2._send cimport (
    acknowledge,
    prepared_trailers,
    pull,
    reset_stream,
    respond_converted,
    write_body,
    write_trailers,
)
from fasth2._stream cimport S_HALF_CLOSED_LOCAL, H2Stream
from fasth2._turns cimport waits_behind
from fasth2._window cimport window_process
from fasth2.server._atomics cimport load_flag, store_flag, store_number
from fasth2.server._call cimport CANCEL, Call, Channel, Site
from fasth2.server._environ cimport EnvironMaker
from fasth2.server._input cimport Input
from fasth2.server._response_head cimport ResponseHead
from fasth2.server._waiting cimport MIN_SEND_RATE

from fasth2.exceptions import H2Error
from fasth2.server.send_progress import SendProgress

cdef enum:
    # Calls after which a connection that is alone has its answers sent.
    EARLY = 2
    # Octets of the connection's window below which a body may be held up.
    SHORT_WINDOW = 16384
    NO_ERROR = 0


@cython.final
cdef class Session(Channel):
    """One connection's requests. Used by the leader only.

    Args:
        connection: The engine, a server's `H2Connection` with ``rfc_errors`` and latin-1 text.
        site: What the worker's requests share.
        maker: Makes the environments.
        refer: Called with ``client`` and the request's ``(name, value)`` list for what the maker leaves; returns an
            environment and ``None``, or ``None`` and an answer ``(code, reason, message)``.
        client: The connection's socket; its ``flush`` is called to send what there is.
    """

    def __init__(self, H2Connection connection not None, Site site not None, EnvironMaker maker not None, refer,
                 client):
        self.core = connection
        self.core.maker = maker
        self.site = site
        self.maker = maker
        self.refer = refer
        self.client = client
        self.ready = []
        self.young = []
        self.calls = {}
        self.unread = []

    @property
    def connection(self):
        """The engine."""
        return self.core

    @property
    def waiting(self):
        """Whether there are calls to run."""
        return bool(self.ready)

    @property
    def has_young(self):
        """Whether there are calls to run at the round's end."""
        return bool(self.young)

    @property
    def idle(self):
        """Whether no request is open and nothing of a call is left."""
        return self.core.open_inbound == 0 and not self.calls and not self.ready and not self.young

    # Input

    def feed(self, data):
        """Take octets from the client. After a connection error ``error`` is set, and what is to be sent is there.

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
        cdef object events
        cdef Core c = self.core
        enter(c)
        try:
            with cython.critical_section(c.decoder):
                events = receive(c, p, n, True)
        except H2Error as error:
            self.error = error
            self.end_calls()
            return 0
        finally:
            leave(c)
        if events:
            self.take(events)
        if self.calls:
            self.settle()
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
                if call is None or call.finished:
                    if call is not None:
                        call.unread += data.flow_controlled_length
                    self.consume_octets(data.stream_id, data.flow_controlled_length)
                else:
                    padding = <int64_t>data.flow_controlled_length - PyBytes_GET_SIZE(<bytes>data.data)
                    if padding:
                        self.consume_octets(data.stream_id, padding)
                    if PyBytes_GET_SIZE(<bytes>data.data):
                        call.input.add(data.data)
                    if not data.end_stream:
                        call.notify()
                if data.end_stream:
                    self.body_complete(data.stream_id, None)
            elif kind is Trailers:
                self.body_complete((<Trailers>event).stream_id, (<Trailers>event).headers)
            elif kind is Reset:
                call = self.calls.pop((<Reset>event).stream_id, None)
                if call is not None:
                    call.lose()
        return 0

    def body_complete(self, stream_id, trailers):
        """A request's body is whole.

        Args:
            stream_id: Its stream.
            trailers: A list of ``(name, value)``, or ``None``.
        """
        cdef Call call = self.calls.get(stream_id)
        if call is None:
            return
        call.input.finish(trailers)
        call.notify()
        if call.finished or not call.detached:
            del self.calls[stream_id]

    cdef int take_request(self, Request request) except -1:
        cdef object made = request.headers
        cdef object pairs = None
        cdef object answer = None
        cdef Call call
        cdef dict environ = None
        if type(made) is dict:
            environ = made
        elif type(made) is tuple:
            environ, pairs = made
        else:
            pairs = made
            environ, answer = self.refer(self.client, made)
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
            self.young.append(call)
        return 0

    cdef int refuse(self, object stream_id, list pairs, tuple answer, bint complete) except -1:
        """Answer a request that the face above refuses."""
        cdef dict environ = dict(self.maker.template)
        cdef dict fields = dict(pairs)
        cdef Call call
        environ["REQUEST_METHOD"] = fields.get(":method", "-")
        environ["RAW_URI"] = fields.get(":path") or fields.get(":authority") or "-"
        environ["PATH_INFO"], _, environ["QUERY_STRING"] = environ["RAW_URI"].partition("?")
        call = self.new_call(stream_id, environ, complete)
        call.fields_received = pairs
        call.answer_error(answer[0], answer[1], answer[2])
        if self.site.observer is not None:
            try:
                self.site.observer.refused(call)
            except Exception as error:
                self.site.note(call, error)
        return call.finish()

    cdef Call new_call(self, object stream_id, dict environ, bint complete):
        cdef Call call = Call.__new__(Call)
        cdef Input body = Input.__new__(Input)
        cdef object method = environ.get("REQUEST_METHOD")
        call.site = self.site
        call.channel = self
        call.stream_id = stream_id
        call.environ = environ
        call.input = body
        call.path = environ.get("PATH_INFO")
        call.is_head = method is not None and len(<str>method) == 4 and method == "HEAD"
        if complete:
            body.complete = True
        else:
            body.source = call
            self.calls[stream_id] = call
        environ["wsgi.input"] = body
        environ["wsgi.early_hints"] = call.send_early_hints
        environ["gunicorn.http2.send_trailers"] = call.send_trailers
        return call

    def begin_upgraded(self, list pairs not None, bytes body not None):
        """Take the request of an HTTP/1.1 ``Upgrade: h2c``, which is stream 1 (RFC 7540 section 3.2).

        Args:
            pairs: Its ``(name, value)`` fields, as HTTP/2 has them.
            body: Its body.
        """
        cdef Call call
        environ, answer = self.refer(self.client, pairs)
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
        """Run the calls whose request is whole.

        Args:
            alone: Whether no other connection has anything: then answers are sent early.

        Returns:
            Whether the thread leads still; if not, it must not touch anything any more.
        """
        return self.run_from(self.ready, alone)

    def run_young(self):
        """Run the calls whose body has yet to come.

        Returns:
            As `run`.
        """
        return self.run_from(self.young, False)

    cdef bint run_from(self, list queue, bint alone) except -1:
        cdef Call call
        cdef unsigned long tick = self.site.lead.now()
        cdef int held = 0
        while queue:
            call = queue.pop(0)
            if find_stream(self.core, call.stream_id) is None:
                # Reset meanwhile.
                self.drop(call)
                continue
            if self.site.slow and self.site.defers(call):
                continue
            if not call.run():
                return False
            if not queue:
                break
            held += 1
            if (alone and held >= EARLY) or self.site.lead.now() != tick:
                # No answer waits for a slow neighbour.
                self.flush()
                tick = self.site.lead.now()
                held = 0
        return True

    def end_input(self):
        """The client sends nothing any more: requests that are not whole are given up.

        Returns:
            Whether whole ones are served still.
        """
        cdef Call call
        for call in list(self.calls.values()):
            if not call.input.complete:
                del self.calls[call.stream_id]
                call.lose()
                self.reset(call, CANCEL)
        return not self.closed and not self.core.failed and not self.idle

    def end_responses(self):
        """Cut off the responses that have begun and do not end: their applications find the client gone."""
        cdef Call call
        for call in list(self.calls.values()):
            if call.detached and not call.finished and call.begun_response() is not None and not load_flag(&call.ended):
                del self.calls[call.stream_id]
                call.lose()
                self.reset(call, CANCEL)

    # What calls ask for

    cdef bint has(self, Call call) except -1:
        return not self.closed and not self.core.failed and find_stream(self.core, call.stream_id) is not None

    cdef int drop(self, Call call) except -1:
        """A call that will not be run: its stream is gone."""
        cdef int64_t octets = call.input.discard()
        call.finished = True
        store_flag(&call.over, True)
        self.calls.pop(call.stream_id, None)
        call.environ = None
        call.input.end()
        if octets:
            self.consume_octets(call.stream_id, octets)
        return 0

    cdef int adopt(self, Call call) except -1:
        if self.closed or self.core.failed:
            # Nobody would tell it.
            return call.lose()
        self.calls[call.stream_id] = call
        return 0

    cdef int64_t send(self, Call call, bytes data, bint ends) except -2:
        cdef Core c = self.core
        cdef uint32_t sid = call.stream_id
        cdef H2Stream s
        cdef ResponseHead head
        cdef list fields
        cdef list trailers = None
        cdef Py_ssize_t i, n
        if self.closed or c.failed:
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
                if not head.has_server and self.site.server:
                    c.outgoing._one("server", self.site.server, False)
                if not head.has_date:
                    c.outgoing._one("date", self.site.now(), False)
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

    cdef int64_t unsent(self, Call call) except -2:
        cdef H2Stream s = find_stream(self.core, call.stream_id)
        return 0 if s is None else s.queued

    def consume_octets(self, stream_id, int64_t octets):
        """Give the client credit for octets of a stream (RFC 9113 section 6.9).

        Where the response is over only the connection gets it: nobody reads the rest of the request, and there are
        clients that fail on a stream's WINDOW_UPDATE behind its END_STREAM.

        Args:
            stream_id: The stream.
            octets: How many, padding included.
        """
        cdef Core c = self.core
        cdef H2Stream s
        cdef int64_t increment
        if self.closed or c.failed:
            return
        enter(c)
        try:
            s = find_stream(c, stream_id)
            if s is not None and (s.phase == S_HALF_CLOSED_LOCAL or s.ends or s.trailers is not None):
                out_reserve(&c.out, 13)
                increment = window_process(&c.window, octets)
                if increment:
                    c.write_window_update(0, increment)
            else:
                acknowledge(c, octets, stream_id)
        finally:
            leave(c)

    cdef int lend(self) except -1:
        """A call waits for its body: have a connection whose window is full of other bodies, which wait for a thread,
        let it through. Each body stays within its stream's window; what is lent is kept back when those are read.
        """
        cdef Core c = self.core
        cdef int64_t increment = c.window.maximum - c.window.current
        if self.closed or c.failed or c.window.current >= SHORT_WINDOW or increment <= 0:
            return 0
        enter(c)
        try:
            c.write_window_update(0, increment)
            c.window.current += increment
            c.window.processed = 0
        finally:
            leave(c)
        return 0

    cdef int consume(self, Call call, int64_t octets) except -1:
        self.consume_octets(call.stream_id, octets)
        return 0

    cdef bint inform(self, Call call, int status, list fields) except -1:
        cdef Core c = self.core
        cdef H2Stream s
        cdef Py_ssize_t i
        enter(c)
        try:
            s = find_stream(c, call.stream_id)
            # Not `call.headers_sent`: a detached call may have asked for its response since.
            if s is None or s.headers_sent:
                return False
            c.outgoing.convert_status(status, ())
            for i in range(0, len(fields) - 1, 2):
                c.outgoing._one(fields[i], fields[i + 1], False)
            return respond_converted(c, call.stream_id, status, b"", False, None, False)
        finally:
            c.outgoing.clear()
            leave(c)

    cdef int reset(self, Call call, uint32_t code) except -1:
        enter(self.core)
        try:
            if find_stream(self.core, call.stream_id) is not None and not self.core.failed:
                reset_stream(self.core, call.stream_id, code)
        finally:
            leave(self.core)
        return 0

    cdef int done(self, Call call) except -1:
        cdef int64_t octets
        call.finished = True
        # It has methods of the call: no cycle is left to the garbage collector.
        call.environ = None
        call.input.end()
        # Threads of the application's own may wait still.
        call.notify()
        if self.closed:
            self.calls.pop(call.stream_id, None)
            call.input.discard()
            return 0
        if call.input.complete or load_flag(&call.gone):
            if self.calls:
                self.calls.pop(call.stream_id, None)
            octets = call.take_credit(0)
            if call.input.parts is not None:
                octets += call.input.discard()
            if octets:
                self.consume_octets(call.stream_id, octets)
            return 0
        # The rest of its body is of no use: the client is told once it has the response (RFC 9113 section 8.1).
        octets = call.input.discard() + call.take_credit(0)
        if octets:
            self.consume_octets(call.stream_id, octets)
        self.calls[call.stream_id] = call
        self.unread.append(call)
        return 0

    cdef bint end_unread(self, double now) except -1:
        """Reset the streams that are answered, and whose request goes on for too long. Whether there are any.

        The reset is not for the write that has the response's end: clients that find both at once report an error, and
        none of the response.
        """
        cdef Call call
        cdef list kept = []
        cdef H2Stream s
        cdef bint any_reset = False
        cdef double soonest = INFINITY
        for call in self.unread:
            s = find_stream(self.core, call.stream_id)
            if s is None:
                self.calls.pop(call.stream_id, None)
            elif call.input.complete:
                pass
            elif s.queued or s.ends or s.trailers is not None:
                kept.append(call)
            else:
                if call.reset_at == 0.0:
                    call.reset_at = now + self.site.unread_seconds
                if now >= call.reset_at or call.unread > self.site.unread_octets:
                    self.reset(call, NO_ERROR)
                    self.core.count("unread_uploads")
                    self.calls.pop(call.stream_id, None)
                    any_reset = True
                else:
                    kept.append(call)
                    soonest = min(soonest, call.reset_at)
        self.unread = kept
        if soonest < INFINITY:
            self.client.reset_later(soonest)
        return any_reset

    cdef int flush(self) except -1:
        if not self.closed:
            self.client.flush()
        return 0

    def settle(self):
        """After octets were sent or received: let the calls go on that waited for it."""
        cdef Call call
        cdef H2Stream s
        cdef bint starves = False
        for call in list(self.calls.values()):
            if not call.detached:
                continue
            s = find_stream(self.core, call.stream_id)
            if s is None and not load_flag(&call.ended) and not call.finished:
                call.lose()
            if call.see(0 if s is None else s.queued):
                # The client has taken some.
                store_number(&self.site.taken, self.site.taken + 1)
            if call.starves():
                starves = True
        if starves:
            self.lend()

    def on_flushed(self):
        """Something was done for a detached call: send what there is, and let calls go on."""
        self.settle()
        self.flush()

    def reset_stuck(self, dict progress not None, double now, double timeout):
        """Reset the streams of which the client takes nothing, or less than a slow one would.

        Args:
            progress: Stream ids to `SendProgress`, kept by the caller from look to look and changed here.
            now: Seconds.
            timeout: Seconds that a stream may stand still.
        """
        cdef H2Stream s
        cdef Call call
        cdef list stuck = []
        cdef set seen = set()
        for s in self.core.table.all():
            if s.queued <= 0:
                continue
            seen.add(s.stream_id)
            known = progress.get(s.stream_id)
            if known is None:
                progress[s.stream_id] = SendProgress(s.queued, now)
                continue
            known.update(s.queued, now)
            if now < known.deadline(timeout, MIN_SEND_RATE):
                continue
            if waits_behind(self.core, s):
                # What goes before it by priority is looked at itself.
                known.restart(s.queued, now)
            else:
                stuck.append(s.stream_id)
        for stream_id in list(progress):
            if stream_id not in seen:
                del progress[stream_id]
        for stream_id in stuck:
            del progress[stream_id]
            call = self.calls.pop(stream_id, None)
            if call is not None:
                call.lose()
            self.reset_octets(stream_id)

    cdef int reset_octets(self, uint32_t stream_id) except -1:
        enter(self.core)
        try:
            reset_stream(self.core, stream_id, CANCEL)
        finally:
            leave(self.core)
        return 0

    # Output

    def pull(self, Py_ssize_t most):
        """Take octets to send.

        Args:
            most: How many at most.

        Returns:
            bytes, empty when there is nothing to send now.
        """
        return self.take_output(most)

    cdef bytes take_output(self, Py_ssize_t most):
        cdef bytes data = self.pull_octets(most)
        if not data and self.calls:
            self.settle()
            if self.core.out.length > self.core.out.start:
                return self.take_output(most)
        return data

    cdef bytes pull_octets(self, Py_ssize_t most):
        enter(self.core)
        try:
            return pull(self.core, most)
        finally:
            leave(self.core)

    cdef bint has_output(self) noexcept:
        """Whether another pull may bring something."""
        return self.core.out.length > self.core.out.start or self.core.ring is not None

    # The end

    cdef int end_calls(self) except -1:
        cdef Call call
        while self.ready:
            self.drop(self.ready.pop(0))
        while self.young:
            self.drop(self.young.pop(0))
        for call in list(self.calls.values()):
            call.lose()
        self.calls.clear()
        self.unread = []
        return 0

    def close(self):
        """The connection is over: nobody listens to its calls any more."""
        self.closed = True
        self.end_calls()
        # These would keep one another until the garbage collector comes.
        self.client = None
        self.refer = None
