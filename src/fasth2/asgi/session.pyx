"""One HTTP/2 connection of the ASGI server: octets in, requests started, octets out."""
cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.math cimport INFINITY
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memcmp

from fasth2._engine.error_codes cimport CANCEL, REFUSED_STREAM
from fasth2._engine.ready cimport Data, Goaway, LargeRequest, Request, Reset, Trailers
from fasth2.asgi.exchange cimport RESPONSE_COMPLETE, RESPONSE_SENT, Exchange, new_exchange
from fasth2.asgi.scope cimport ScopeMaker
from fasth2.asgi.service cimport Service
from fasth2.asgi.streams cimport Streams
from fasth2.asgi.tunnel cimport Tunnel
from fasth2.server._protocol cimport ServerProtocol

import asyncio
import random
import types

from fasth2.server._closing import ASYNCIO_CLOSING_WAIT
from fasth2.server._progress import MIN_RATE, BodyWait
from fasth2.server._protocol import DRAINING_WAIT

__all__ = ["Session"]

cdef enum:
    # Tasks made in one turn of the loop, of those that do not start at once.
    MOST_TASKS = 32

#: Octets that a transport holds when it takes no more, at most: asyncio's limit.
MOST_HELD = 65536

#: Seconds in which input that has arrived is read before the final GOAWAY of a shutdown.
INPUT_WAIT = 0.01

cdef object Coroutine = types.CoroutineType
cdef object iscoroutine = asyncio.iscoroutine


async def awaited(awaitable):
    """Await an object that is not a coroutine, of an application that returns one.

    Args:
        awaitable: The object.
    """
    return await awaitable


@cython.final
cdef class Session:
    """One HTTP/2 connection of the ASGI server.

    The host passes octets to `feed`, and calls `connection_lost`, `eof_received`, `pause_writing` and `resume_writing`
    as asyncio calls those of a protocol. About once a second it calls `check_timeouts`. Output goes to the transport.

    Args:
        service: What the connections share.
        transport: As an asyncio transport: ``write``, ``close``, ``abort``, ``can_write_eof``, ``write_eof``,
            ``get_write_buffer_size``, ``pause_reading``, ``resume_reading``.
        maker: Makes the scopes.
        access_log: Called with each scope and status when the head of a response is sent; ``None``: no log.
        app: The application; ``None``: the service's.
        forwarded_app: The application for requests with ``x-forwarded-`` fields; ``None``: the same.
        open_websocket: Called with a `Tunnel` and the scope of an extended CONNECT for a WebSocket (RFC 8441), with
            ``type`` "websocket"; returns the tunnel's receiver. ``None``: there are none.
        fallback: Called with the ``(name, value)`` pairs of a request that the maker declines; returns its scope, or the
            status and the body of its refusal. ``None``: it is refused with 501.
    """

    def __init__(self, Service service not None, transport, ScopeMaker maker not None, *, access_log=None, app=None,
                 forwarded_app=None, open_websocket=None, fallback=None):
        cdef ServerProtocol protocol = ServerProtocol(service.options)
        self.protocol = protocol
        self.core = protocol.core
        self.core.maker = maker
        self.core.answers_large_requests = True
        self.service = service
        self.transport = transport
        self.maker = maker
        self.app = service.app if app is None else app
        self.forwarded_app = forwarded_app
        self.open_websocket = open_websocket
        self.fallback = fallback
        self.streams = Streams(protocol, service, transport)
        self.tunnels = self.streams.tunnels
        self.streams.access_log = access_log
        self.exchanges = self.streams.exchanges
        self.idle_since = protocol.began
        self.paused_at = -1
        self.ends_at = INFINITY
        self.input_open = True
        settings = service.settings
        if settings.max_age is not None:
            self.ends_at = protocol.began + settings.max_age * (1 + random.random() * settings.max_age_jitter)
        protocol.advertise()
        self.streams.flush()

    def __repr__(self):
        return f"<Session requests={self.begun} open={self.core.ids.open_inbound} ended={self.ended}>"

    @property
    def idle(self):
        """True if no stream is open and all output was written."""
        return self.is_idle()

    cdef bint is_idle(self) noexcept:
        return (self.core.ids.open_inbound == 0 and self.core.out.length == self.core.out.start
                and not self.streams.paused)

    # Input

    def feed(self, data, Py_ssize_t n=-1):
        """Process octets from the client.

        Args:
            data: Any buffer.
            n: Number of its octets; -1: all.
        """
        cdef Py_buffer view
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            self.feed_octets(<const uint8_t *>view.buf, view.len if n < 0 else min(n, view.len))
        finally:
            PyBuffer_Release(&view)

    cdef int feed_octets(self, const uint8_t *p, Py_ssize_t n) except -1:
        cdef ServerProtocol protocol = self.protocol
        cdef Streams streams = self.streams
        cdef object events, interrupt
        cdef object before = protocol.error
        if self.ended or protocol.closed:
            return 0
        streams.alone = self.service.last is self
        self.service.last = self
        streams.receiving = True
        streams.started_tasks = False
        self.may_be_eager = self.service.may_be_eager()
        try:
            events = protocol.receive_octets(p, n)
            if events:
                self.take(events)
        finally:
            streams.receiving = False
        if protocol.closed:
            self.service.host.connection_failed(protocol.error)
            self.end()
        elif streams.started_tasks:
            # They run before it.
            streams.output_due()
        else:
            streams.flush()
        if protocol.error is not before and not protocol.closed:
            # Too many refused streams: the open ones are answered first.
            self.service.host.connection_failed(protocol.error)
            self.leave()
        if self.interrupt is not None:
            interrupt, self.interrupt = self.interrupt, None
            raise interrupt
        return 0

    cdef int take(self, object events) except -1:
        cdef object event
        cdef Exchange exchange
        for event in events:
            kind = type(event)
            if kind is Request:
                self.take_request(event)
            elif kind is Data:
                self.take_data(event)
            elif kind is Trailers:
                exchange = self.exchanges.get((<Trailers>event).stream_id)
                if exchange is not None:
                    exchange.end_body()
                elif self.tunnels:
                    self.end_tunnel((<Trailers>event).stream_id)
            elif kind is Reset:
                self.take_reset((<Reset>event).stream_id)
            elif kind is LargeRequest:
                self.take_large(event)
            elif kind is Goaway:
                # RFC 9113 section 6.8: the receiver opens no more streams.
                self.protocol.draining = True
        return 0

    cdef int take_data(self, Data data) except -1:
        cdef Exchange exchange = self.exchanges.get(data.stream_id)
        cdef int64_t octets = data.flow_controlled_length
        cdef Py_ssize_t n = PyBytes_GET_SIZE(<bytes>data.data)
        self.streams.arrived(data.stream_id, octets, octets - n)
        if exchange is None:
            if self.tunnels:
                self.take_tunnel_data(data)
            return 0
        if n and not exchange.gone and exchange.state != RESPONSE_COMPLETE:
            exchange.add_body(data.data)
            limit = self.service.settings.max_body
            if limit is not None and exchange.received > <int64_t>limit:
                self.refuse_body(exchange)
        if data.end_stream:
            exchange.end_body()
        return 0

    def refuse_body(self, Exchange exchange):
        """Answer a request whose body is too long with 413, or reset its stream if the response has begun.

        Args:
            exchange: The request.
        """
        self.core.count("max_body")
        if exchange.state >= RESPONSE_SENT:
            exchange.abort(CANCEL)
        else:
            exchange.answer(413, b"Content Too Large")

    cdef int take_reset(self, object stream_id) except -1:
        cdef Exchange exchange = self.exchanges.get(stream_id)
        cdef Tunnel tunnel
        if exchange is not None:
            exchange.mark_reset()
        else:
            tunnel = self.tunnels.pop(stream_id, None)
            if tunnel is not None:
                tunnel.lose()
        return 0

    # Tunnels

    cdef int take_tunnel(self, object stream_id, dict scope, bint complete) except -1:
        """Process an extended CONNECT (RFC 8441)."""
        cdef Tunnel tunnel
        if scope.pop("protocol") != b"websocket" or self.open_websocket is None or complete:
            return self.refuse_scope(stream_id, scope, complete, 501, b"Not Implemented")
        self.count_request()
        tunnel = Tunnel(self.streams, stream_id)
        self.tunnels[stream_id] = tunnel
        try:
            tunnel.receiver = self.open_websocket(tunnel, scope)
        except Exception as error:
            tunnel.fail(error)
        return 0

    cdef int take_tunnel_data(self, Data data) except -1:
        cdef Tunnel tunnel = self.tunnels.get(data.stream_id)
        if tunnel is None:
            return 0
        if data.data:
            tunnel.receive(data.data)
        if data.end_stream:
            self.end_tunnel(data.stream_id)
        return 0

    cdef int end_tunnel(self, object stream_id) except -1:
        """Process the end of the client's side of a tunnel."""
        cdef Tunnel tunnel = self.tunnels.pop(stream_id, None)
        if tunnel is not None:
            tunnel.receive_end()
        return 0

    # Requests

    cdef bint refuses(self, uint32_t stream_id) except -1:
        """Return True if a new request is refused, with RST_STREAM queued.

        Applications whose client has reset the stream count against the limit on streams, so that resets do not give a
        client more of the application than waiting would.
        """
        cdef ServerProtocol protocol = self.protocol
        if protocol.refused_above is not None and stream_id > <uint32_t>protocol.refused_above:
            protocol.reset(stream_id, REFUSED_STREAM)
            return True
        if self.streams.abandoned == 0 or not protocol.options.limits.unreleased_requests:
            return False
        if self.streams.abandoned + <Py_ssize_t>self.core.ids.open_inbound <= protocol.options.max_concurrent_streams:
            return False
        protocol.refuse_unreleased(stream_id)
        return True

    cdef int take_request(self, Request request) except -1:
        cdef object made = request.headers
        cdef object stream_id = request.stream_id
        if not self.streams.has_stream(stream_id) or self.refuses(stream_id):
            # The first: reset by a later frame of the same input.
            return 0
        if type(made) is not dict:
            return self.take_declined(request)
        return self.take_scope(stream_id, made, request.end_stream)

    cdef int take_declined(self, Request request) except -1:
        """Process a request of which the maker has made no scope."""
        cdef object answer = (501, b"Not Implemented")
        if self.fallback is not None:
            answer = self.fallback(request.headers)
            if type(answer) is dict:
                return self.take_scope(request.stream_id, answer, request.end_stream)
        status, body = answer
        return self.refuse(request.stream_id, request.headers, request.end_stream, status, body)

    cdef int count_request(self) except -1:
        self.begun += 1
        return self.service.count()

    cdef int take_scope(self, object stream_id, dict scope, bint complete) except -1:
        cdef Exchange exchange
        cdef object limit
        if "protocol" in scope:
            return self.take_tunnel(stream_id, scope, complete)
        exchange = new_exchange(self.streams, stream_id, scope, complete)
        self.exchanges[stream_id] = exchange
        self.count_request()
        if not complete:
            exchange.expects_continue = expects_continue(scope["headers"])
        limit = self.service.limit_concurrency
        if limit is not None and (len(self.service.connections) >= limit or len(self.service.tasks) >= limit):
            self.service.host.refused("Exceeded concurrency limit.")
            exchange.answer(503, b"Service Unavailable")
            return exchange.finish(None)
        if self.pending is not None or not self.may_start():
            return self.hold_back(exchange, self.application_of(scope))
        return self.start(exchange, self.application_of(scope))

    # Requests that wait to be started

    cdef bint may_start(self) except -1:
        """Return True if a request may be started: few octets of responses wait for the client.

        Tasks that do not run at once are made a few in a turn of the loop, so that they count before more are made.
        """
        cdef Streams streams = self.streams
        cdef str bound
        if self.core.unsent != 0:
            streams.count_unsent()
            bound = self.service.unsent.refuses(self.core)
            if bound is not None:
                if not self.is_held_back:
                    self.is_held_back = True
                    self.core.count(bound)
                if bound == "unsent_process":
                    self.service.unsent.held_back[self.start_pending] = None
                return False
        return self.may_be_eager or streams.tasks_made < MOST_TASKS

    cdef int hold_back(self, Exchange exchange, object app) except -1:
        """Have a request wait until one more may be started; it counts as an open stream."""
        if self.pending is None:
            self.pending = {}
            self.streams.start_pending = self.start_pending
        self.pending[exchange] = app
        return 0

    def start_pending(self):
        """Start requests that wait, as far as they may be started. Called after output was sent."""
        cdef Exchange exchange
        cdef object interrupt
        if self.pending is None:
            return
        self.may_be_eager = self.service.may_be_eager()
        while self.pending:
            exchange = next(iter(self.pending))
            if exchange.gone:
                del self.pending[exchange]
                exchange.finish(None)
            elif self.may_start():
                self.start(exchange, self.pending.pop(exchange))
            else:
                break
        else:
            self.pending = self.streams.start_pending = None
            self.is_held_back = False
        if self.streams.tasks_made:
            self.streams.output_due()
        if self.interrupt is not None:
            interrupt, self.interrupt = self.interrupt, None
            raise interrupt

    cdef int take_large(self, LargeRequest request) except -1:
        if not self.streams.has_stream(request.stream_id) or self.refuses(request.stream_id):
            return 0
        return self.refuse(request.stream_id, request.headers, request.end_stream, 431,
                           b"Request Header Fields Too Large")

    cdef int refuse(self, object stream_id, list pairs, bint complete, int status, bytes body) except -1:
        """Answer a request for which the application is not called."""
        cdef dict scope = dict(self.maker.template)
        cdef dict fields = dict(pairs)
        cdef list headers = [pair for pair in pairs if not pair[0].startswith(b":")]
        if b":authority" in fields and b"host" not in fields:
            headers.insert(0, (b"host", fields[b":authority"]))
        scope["headers"] = headers
        scope["method"] = fields.get(b":method", b"-").decode("latin-1")
        target = fields.get(b":path") or fields.get(b":authority") or b"-"
        path, _, scope["query_string"] = target.partition(b"?")
        scope["path"] = path.decode("latin-1")
        scope["raw_path"] = path
        return self.refuse_scope(stream_id, scope, complete, status, body)

    cdef int refuse_scope(self, object stream_id, dict scope, bint complete, int status, bytes body) except -1:
        cdef Exchange exchange = new_exchange(self.streams, stream_id, scope, complete)
        self.count_request()
        exchange.answer(status, body)
        return exchange.finish(None)

    cdef object application_of(self, dict scope):
        """Return the application for a request: that for forwarded ones only where it is needed."""
        cdef bytes name
        if self.forwarded_app is None:
            return self.app
        for pair in <list>scope["headers"]:
            name = (<tuple>pair)[0]
            if PyBytes_GET_SIZE(name) > 12 and memcmp(PyBytes_AS_STRING(name), b"x-forwarded-", 12) == 0:
                return self.forwarded_app
        return self.app

    cdef int start(self, Exchange exchange, object app) except -1:
        """Call the application in a task of its own, and end the response if that fails."""
        try:
            self.call(exchange, app)
        except Exception as error:
            exchange.finish(error)
        except BaseException as error:
            # SystemExit or KeyboardInterrupt, which ends the loop once the state is consistent.
            self.interrupt = error
            exchange.finish(error)
        return 0

    cdef int call(self, Exchange exchange, object app) except -1:
        cdef Service service = self.service
        cdef object coroutine, task
        if service.observer is not None:
            service.observer.begin(exchange)
        coroutine = app(exchange.scope, exchange.receive, exchange.send)
        if type(coroutine) is not Coroutine and not iscoroutine(coroutine):
            coroutine = awaited(coroutine)
        task = service.start(coroutine, self.may_be_eager)
        if self.may_be_eager and task.done():
            exchange.task_done(task)
            return 0
        if not self.may_be_eager:
            self.streams.started_tasks = True
            self.streams.tasks_made += 1
        exchange.task = task
        service.tasks.add(task)
        task.add_done_callback(exchange.task_done)
        return 0

    # Output

    def flush(self):
        """Send the output."""
        self.streams.flush()

    def pause_writing(self):
        """Called when the transport takes no more output."""
        self.streams.pause_writing()

    def resume_writing(self):
        """Called when the transport takes output again."""
        self.streams.resume_writing()

    # Time-outs

    def check_timeouts(self, double now):
        """Act on expired time-outs. Called about once a second.

        Args:
            now: Seconds, of the protocol's clock.
        """
        cdef unsigned long uses
        settings = self.service.settings
        if self.ended:
            return
        if settings.send_timeout is not None:
            for stream_id in self.protocol.stuck_streams(now, settings.send_timeout):
                self.core.count("stuck_streams")
                self.protocol.reset(stream_id, CANCEL)
                self.take_reset(stream_id)
            if self.takes_nothing(now):
                self.paused_at = INFINITY
                self.core.count("stuck_connections")
                self.transport.abort()
                return
        if settings.body_timeout is not None:
            self.check_bodies(now)
        self.streams.flush()
        uses = self.begun + self.core.pings_received if settings.keep_alive_pings else self.begun
        if not self.is_idle() or uses != self.seen or not self.was_idle:
            # Counted from the first check that finds it idle: never less than the time-out.
            self.was_idle = self.is_idle()
            self.seen = uses
            self.idle_since = now
        elif self.protocol.draining and now - self.idle_since >= DRAINING_WAIT:
            self.leave()
        elif (settings.keep_alive is not None and now - self.idle_since >= settings.keep_alive
              and self.protocol.shutdown is None):
            self.leave()
        if now >= self.ends_at and not self.ended:
            self.ends_at = INFINITY
            self.core.count("max_age")
            self.shutdown()

    cdef bint takes_nothing(self, double now) except -1:
        """Return True if the transport has taken no more output for too long.

        The octets that it holds are not seen: as many as it may hold get the time that the minimum rate gives them.
        """
        if not self.streams.paused or self.streams.resumed != self.resumed or self.paused_at < 0:
            self.resumed = self.streams.resumed
            self.paused_at = now if self.streams.paused else -1
            return False
        return now - self.paused_at >= <double>self.service.settings.send_timeout + MOST_HELD / MIN_RATE

    cdef int check_bodies(self, double now) except -1:
        """Reset the streams whose application waits for a body that arrives too slowly."""
        cdef Exchange exchange
        settings = self.service.settings
        for exchange in list(self.exchanges.values()):
            if exchange.body_complete or exchange.waiters is None:
                exchange.progress = None
                continue
            if exchange.progress is None:
                # Time of waiting, octets at the last check, and its time.
                exchange.progress = [BodyWait(exchange.stream_id), exchange.received, now]
                continue
            wait, octets, last = exchange.progress
            wait.add(now - last, exchange.received - octets)
            exchange.progress[1:] = exchange.received, now
            # A stream in both directions needs no rate.
            if wait.left(settings.body_timeout, 0 if exchange.state >= RESPONSE_SENT else settings.min_body_rate) <= 0:
                self.core.count("slow_bodies")
                exchange.abort(CANCEL)
        return 0

    # The end

    def cancel_applications(self):
        """Cancel the tasks of every application that runs."""
        cdef Exchange exchange
        for exchange in list(self.exchanges.values()):
            exchange.cancel()
        self.tell_tunnels("cancel")

    def tell_tunnels(self, str name):
        """Call a method of the tunnels' receivers, of those that have it.

        Args:
            name: The method.
        """
        cdef Tunnel tunnel
        for tunnel in list(self.tunnels.values()):
            method = getattr(tunnel.receiver, name, None)
            if method is not None:
                method()

    def shutdown(self):
        """Begin a graceful shutdown: requests that are open, or on their way, are served (RFC 9113 section 6.8)."""
        settings = self.service.settings
        if self.ended or self.protocol.closed or self.protocol.shutdown is not None:
            return
        self.protocol.begin_shutdown(self.protocol.clock() + settings.goaway_after)
        if settings.disconnect_on_shutdown is not None:
            self.tell_timer = self.service.loop.call_later(settings.disconnect_on_shutdown, self.tell_end)
        self.streams.on_flushed = self.flushed
        self.tell_tunnels("shutdown")
        self.advance_shutdown()

    def advance_shutdown(self):
        """Take the step of the graceful shutdown that is due."""
        if self.ended or self.protocol.closed:
            return
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        cdef bint idle = self.is_idle()
        wait = self.protocol.advance_shutdown(self.protocol.clock(), idle)
        if wait is None:
            self.leave()
            return
        self.timer = self.service.loop.call_later(wait or INPUT_WAIT, self.advance_shutdown)
        self.advancing = True
        self.streams.flush()
        self.advancing = False
        if not idle and self.is_idle():
            self.advance_shutdown()

    def tell_end(self):
        """Have ``receive()`` return ``http.disconnect`` to every application that still responds."""
        cdef Exchange exchange
        for exchange in list(self.exchanges.values()):
            exchange.tell_end()

    def leave(self):
        """Send the final GOAWAY, and end the connection once its requests are answered."""
        if self.ended or self.protocol.closed:
            return
        self.leaving = True
        self.streams.on_flushed = self.flushed
        self.protocol.refuse_new_streams()
        self.streams.flush()

    def flushed(self):
        """Called after output was sent while the connection is about to end."""
        if self.ended or not self.is_idle():
            return
        if self.leaving or not self.input_open:
            self.end()
        elif not self.advancing and self.protocol.shutdown is not None and self.protocol.shutdown.announced_at is None:
            self.advance_shutdown()

    def end(self):
        """End the connection: send what is queued, and close the transport when the client has read it."""
        if self.ended:
            return
        self.ended = True
        if not self.protocol.closed and self.protocol.refused_above is None:
            self.protocol.end(0)
        self.streams.on_flushed = None
        self.streams.flush()
        self.release()
        try:
            if self.transport.can_write_eof():
                self.transport.write_eof()
        except OSError:
            pass  # the client is gone
        if not self.input_open:
            self.transport.close()
        else:
            self.timer = self.service.loop.call_later(ASYNCIO_CLOSING_WAIT, self.close_transport)

    def close_transport(self):
        """Close the transport, even if the client takes no more of what is to be sent."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.transport.close()

    def eof_received(self, bint half_closed):
        """Process the end of the client's input. Complete requests are still answered, where the transport can do that.

        Args:
            half_closed: True if the transport can still send.

        Returns:
            True if the transport is to stay open.
        """
        cdef Exchange exchange
        self.input_open = False
        if self.ended or not half_closed:
            return False
        for exchange in list(self.exchanges.values()):
            if not exchange.body_complete and exchange.state != RESPONSE_COMPLETE:
                self.streams.reset(exchange.stream_id, CANCEL)
                exchange.mark_reset()
        for stream_id in list(self.tunnels):
            self.end_tunnel(stream_id)
        self.streams.on_flushed = self.flushed
        self.streams.flush()
        return not self.ended

    def connection_lost(self):
        """Process the end of the transport: every application is told."""
        self.ended = True
        self.protocol.closed = True
        self.release()
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def release(self):
        """Wake all that waits for the client, which is gone or will not be read from any more."""
        cdef Exchange exchange
        cdef Tunnel tunnel
        self.protocol.closed = True
        self.protocol.give_back_growth()
        for exchange in list(self.exchanges.values()):
            exchange.mark_reset()
        # Those that wait to be started end here.
        self.start_pending()
        self.service.unsent.held_back.pop(self.start_pending, None)
        for tunnel in list(self.tunnels.values()):
            tunnel.lose()
        self.tunnels.clear()
        self.streams.on_flushed = None
        self.streams.close()
        for timer in (self.timer, self.tell_timer):
            if timer is not None:
                timer.cancel()
        if self.service.last is self:
            self.service.last = None


cdef bint expects_continue(list headers) except -1:
    """Return True if a request's fields contain Expect: 100-continue."""
    cdef bytes name
    for pair in headers:
        name = (<tuple>pair)[0]
        if PyBytes_GET_SIZE(name) == 6 and memcmp(PyBytes_AS_STRING(name), b"expect", 6) == 0:
            return (<bytes>(<tuple>pair)[1]).strip().lower() == b"100-continue"
    return False
