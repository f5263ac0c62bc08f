"""One request while the application runs: its ``receive()`` and ``send()``."""
cimport cython
from cpython.bytes cimport PyBytes_CheckExact, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint32_t

from fasth2._engine.error_codes cimport INTERNAL_ERROR
from fasth2.asgi.response_head cimport ResponseHead, lower_fields, response_head
from fasth2.asgi.streams cimport Streams
from fasth2.server._parts cimport add_part, joined_parts

import asyncio

from fasth2.asgi.errors import ClientDisconnected
from fasth2.asgi.files import send_file
from fasth2.exceptions import ProtocolError

__all__ = ["Exchange", "Operation"]

cdef object CancelledError = asyncio.CancelledError
cdef object NOTHING = object()

cdef bytes ERROR_BODY = b"Internal Server Error"
cdef list ERROR_FIELDS = [(b"content-type", b"text/plain; charset=utf-8")]

cdef str BODY = "http.response.body"
cdef str START = "http.response.start"
cdef str TRAILERS = "http.response.trailers"
cdef str PATHSEND = "http.response.pathsend"
cdef str EARLY_HINT = "http.response.early_hint"
cdef str INFORMATIONAL = "http.response.informational"
cdef str PRIORITY = "http.response.priority"


@cython.final
@cython.freelist(32)
cdef class Operation:
    """A ``receive()`` or ``send()`` of the application. It does nothing until it is awaited.

    A coroutine by its methods, so that it can be the body of a task, and be passed to another thread's event loop.
    """

    def __await__(self):
        return self

    def __next__(self):
        cdef object result = self.advance()
        if result is NOTHING:
            raise StopIteration
        return result

    def send(self, value):
        """Continue, as a coroutine does.

        Args:
            value: Ignored, since nothing that is awaited has a result.
        """
        cdef object result = self.advance()
        if result is NOTHING:
            raise StopIteration
        return result

    def throw(self, kind, value=None, traceback=None):
        """Raise an exception in what is awaited, as a coroutine does.

        Args:
            kind: The exception, or its class.
            value: The exception, if ``kind`` is its class.
            traceback: Its traceback, or ``None``.
        """
        cdef object inner = self.inner
        cdef object result
        cdef bint went_on = False
        if inner is not None:
            try:
                result = inner.throw(kind) if value is None and traceback is None else inner.throw(kind, value, traceback)
                went_on = True
            finally:
                if not went_on:
                    self.end()
            return result
        self.end()
        if isinstance(kind, BaseException):
            raise kind
        raise kind() if value is None else value

    def close(self):
        """End it without a result, as a coroutine does."""
        cdef object inner = self.inner
        self.end()
        close = getattr(inner, "close", None)
        if close is not None:
            close()

    cdef int end(self) except -1:
        cdef Exchange exchange = self.exchange
        self.exchange = None
        self.message = None
        self.inner = None
        if self.future is not None:
            exchange.forget_waiter(self.future)
            self.future = None
        return 0

    cdef object advance(self):
        """Do the next step. Return what the task is to wait for, or NOTHING at the end of a ``send()``."""
        cdef object result
        cdef bint went_well = False
        if self.exchange is None:
            raise RuntimeError("this receive() or send() has been awaited before")
        try:
            result = self.step()
            went_well = True
        finally:
            if not went_well:
                self.end()
        if self.inner is not None:
            return result
        self.exchange = None
        self.message = None
        if result is None:
            return NOTHING
        raise StopIteration(result)

    cdef object step(self):
        """Do the next step. Return what the task is to wait for, with `inner` set, or the result."""
        cdef Exchange exchange = self.exchange
        cdef object result
        if self.inner is not None:
            result = next(self.inner, NOTHING)
            if result is not NOTHING:
                return result
            self.inner = None
            self.future = None
        if self.message is None:
            result = exchange.next_message()
            if result is None:
                self.future = exchange.wait_for_message()
                self.inner = self.future.__await__()
                return next(self.inner)
            return result
        if not self.taken:
            self.taken = True
            result = exchange.take(self.message)
            if result is not None:
                # What takes several steps.
                self.inner = result.__await__()
                result = next(self.inner, NOTHING)
                if result is not NOTHING:
                    return result
                self.inner = None
        if exchange.must_wait():
            self.inner = exchange.streams.wait_for_room(exchange.stream_id).__await__()
            return next(self.inner)
        return None


@cython.final
cdef class Pause:
    """Awaiting it lets other tasks run once, as ``asyncio.sleep(0)`` does."""

    def __await__(self):
        return self

    def __next__(self):
        if self.over:
            raise StopIteration
        self.over = True

    def throw(self, error, value=None, traceback=None):
        """Raise an exception, such as that of a task that is cancelled.

        Args:
            error: The exception, or its class.
            value: The exception, if ``error`` is its class.
            traceback: Ignored.
        """
        raise error if value is None else value


cdef Exchange new_exchange(Streams streams, uint32_t stream_id, dict scope, bint complete):
    """Return the exchange of a request. complete: it has no body."""
    cdef Exchange exchange = Exchange.__new__(Exchange)
    exchange.streams = streams
    exchange.stream_id = stream_id
    exchange.scope = scope
    exchange.body_complete = complete
    exchange.is_head = scope["method"] == "HEAD"
    return exchange


@cython.final
cdef class Exchange:
    """One request while the application runs."""

    def __repr__(self):
        return f"<Exchange stream_id={self.stream_id} state={self.state} gone={self.gone}>"

    # The application's callables

    def receive(self):
        """ASGI's ``receive()``."""
        cdef Operation operation = Operation.__new__(Operation)
        operation.exchange = self
        return operation

    def send(self, message not None):
        """ASGI's ``send()``.

        Args:
            message: A mapping with ``type``.
        """
        cdef Operation operation = Operation.__new__(Operation)
        operation.exchange = self
        operation.message = message
        return operation

    # The request

    cdef int add_body(self, bytes data) except -1:
        """Keep a part of the body for the application."""
        if self.parts is None:
            self.parts = []
        add_part(self.parts, data)
        self.received += PyBytes_GET_SIZE(data)
        return self.wake()

    cdef int end_body(self) except -1:
        """The body is complete."""
        self.body_complete = True
        return self.wake()

    cdef object next_message(self):
        """Return the next message for the application; ``None``: it has to wait."""
        cdef bytes body
        if self.gone or self.told or self.state == RESPONSE_COMPLETE:
            self.told_of_end = True
            return {"type": "http.disconnect"}
        if self.parts is not None:
            body = joined_parts(self.parts)
            self.parts = None
            if self.body_complete:
                self.delivered = True
            else:
                self.streams.read(self.stream_id, PyBytes_GET_SIZE(body))
            return {"type": "http.request", "body": body, "more_body": not self.body_complete}
        if self.body_complete and not self.delivered:
            self.delivered = True
            return {"type": "http.request", "body": b"", "more_body": False}
        return None

    cdef object wait_for_message(self):
        """Return a future that is done when `next_message` may have another result."""
        cdef object future = self.streams.service.loop.create_future()
        if self.expects_continue:
            # The client waits for it before it sends the body (RFC 9110 section 10.1.1).
            self.expects_continue = False
            if self.state < RESPONSE_SENT:
                self.inform(100, [])
        if self.waiters is None:
            self.waiters = [future]
        else:
            self.waiters.append(future)
        return future

    cdef int forget_waiter(self, object future) except -1:
        """Forget the future of a ``receive()`` that was cancelled."""
        if self.waiters is not None and future in self.waiters:
            self.waiters.remove(future)
        return 0

    cdef int wake(self) except -1:
        """Wake every waiting ``receive()``."""
        cdef list waiters = self.waiters
        if waiters is not None:
            self.waiters = None
            for future in waiters:
                if not future.done():
                    future.set_result(None)
        return 0

    # The response

    cdef object take(self, object message):
        """Process a message of the application. Return an awaitable if that takes several steps, else ``None``.

        Raises RuntimeError for a message that ASGI does not allow now.
        """
        cdef object kind = message["type"]
        if self.gone:
            self.told_of_end = True
            if self.streams.service.raises:
                raise ClientDisconnected("the client has gone")
            # An application that does nothing but send must not keep the loop.
            return Pause.__new__(Pause)
        if self.state == RESPONSE_STARTED or self.state == RESPONSE_SENT:
            if kind == BODY:
                self.send_body(message)
                if self.state == RESPONSE_SENT and not message.get("body"):
                    # Empty parts never fill the stream: others run meanwhile.
                    return Pause.__new__(Pause)
                return None
            if kind == PATHSEND:
                if self.head.omits_body:
                    self.send_head_alone(False)
                    return None
                return send_file(self, message["path"])
            if kind == PRIORITY:
                self.prioritize(message)
                return None
            if self.state == RESPONSE_STARTED:
                if kind == EARLY_HINT or kind == INFORMATIONAL:
                    self.send_interim(kind, message)
                    return None
            raise RuntimeError(f"Expected ASGI message '{BODY}', but got '{kind}'.")
        if self.state == RESPONSE_NONE:
            if kind == START:
                self.start_response(message)
            elif kind == EARLY_HINT or kind == INFORMATIONAL:
                self.send_interim(kind, message)
            elif kind == PRIORITY:
                self.prioritize(message)
            else:
                raise RuntimeError(f"Expected ASGI message '{START}', but got '{kind}'.")
            return None
        if self.state == RESPONSE_TRAILERS:
            if kind == PRIORITY:
                self.prioritize(message)
            elif kind == TRAILERS:
                self.send_trailers(message)
            else:
                raise RuntimeError(f"Expected ASGI message '{TRAILERS}', but got '{kind}'.")
            return None
        raise RuntimeError(f"Unexpected ASGI message '{kind}' sent, after response already completed.")

    cdef int start_response(self, object message) except -1:
        # Held back until the first part of the body, as ASGI asks: an exception before it is still answered with 500.
        self.head = response_head(message["status"], message.get("headers", ()), self.is_head)
        self.announced_trailers = message.get("trailers", False)
        self.state = RESPONSE_STARTED
        return 0

    cdef int send_body(self, object message) except -1:
        cdef object given = message.get("body", b"")
        cdef bint more = message.get("more_body", False)
        cdef bytes data
        cdef ResponseHead head = self.head
        cdef int64_t sent
        data = given if PyBytes_CheckExact(given) else bytes(given)
        if head.omits_body:
            return self.send_head_alone(more)
        sent = self.sent + PyBytes_GET_SIZE(data)
        if head.length >= 0:
            if sent > head.length:
                raise RuntimeError("Response content longer than Content-Length")
            if sent < head.length and not more:
                raise RuntimeError("Response content shorter than Content-Length")
        self.commit(data, not more and not self.announced_trailers, None)
        self.sent = sent
        if not more and not self.gone:
            if self.announced_trailers:
                self.state = RESPONSE_TRAILERS
            else:
                self.complete()
        return 0

    cdef int send_head_alone(self, bint more) except -1:
        """Send the head of a response without a body (RFC 9110 section 6.4.1) at the first http.response.body."""
        self.commit(b"", True, None)
        if not self.gone and self.announced_trailers and not more:
            self.state = RESPONSE_TRAILERS
        elif not self.gone:
            self.complete()
            if more:
                # Nobody waits for the rest: the application is to end.
                self.mark_gone()
        return 0

    cdef int send_trailers(self, object message) except -1:
        cdef list fields = lower_fields(message.get("headers", ()))
        # CPython 3.11 leaks a list that finds no memory to be added to an empty one.
        if self.trailers is None:
            self.trailers = fields
        else:
            self.trailers += fields
        if message.get("more_trailers", False):
            return 0
        if not self.head.omits_body:
            self.commit(b"", True, self.trailers or None)
        if not self.gone:
            self.complete()
        return 0

    def send_interim(self, kind, message):
        """Send an interim response.

        Args:
            kind: The message's type.
            message: Early hints as uvicorn has them (``links``), or gunicorn's message with ``status`` and ``headers``.
        """
        cdef list fields = []
        if kind == EARLY_HINT:
            for link in message["links"]:
                fields.append((b"link", link))
            self.inform(103, lower_fields(fields))
            return
        status = message["status"]
        if not 100 <= status <= 199 or status == 101:
            raise RuntimeError(f"invalid status {status!r} of {INFORMATIONAL}")
        self.inform(status, lower_fields(message.get("headers", ())))

    cdef int inform(self, int status, list fields) except -1:
        if not self.streams.inform(self.stream_id, status, fields):
            self.mark_gone()
        return self.streams.output_due()

    cdef int prioritize(self, object message) except -1:
        cdef int urgency = message.get("urgency", 3)
        if not 0 <= urgency <= 7:
            raise RuntimeError(f"the urgency {urgency} is not from 0 to 7 (RFC 9218 section 4.1)")
        return self.streams.prioritize(self.stream_id, urgency, message.get("incremental", False))

    cdef int commit(self, bytes data, bint ends, list trailers) except -1:
        """Queue a part of the response, the head first."""
        cdef bint there
        try:
            if self.state == RESPONSE_STARTED:
                there = self.streams.respond(self.stream_id, self.head, data, ends, trailers)
                self.state = RESPONSE_SENT
                self.status = self.head.status
                if self.streams.service.observer is not None:
                    self.fields = self.head.fields
                if self.streams.access_log is not None:
                    self.streams.access_log(self.scope, self.head.status)
            else:
                there = self.streams.write(self.stream_id, data, ends, trailers)
        except ProtocolError as error:
            raise RuntimeError(str(error)) from error
        if not there:
            self.mark_gone()
        return self.streams.output_due()

    cdef int complete(self) except -1:
        """The response is complete; what is left of the request is not read."""
        self.state = RESPONSE_COMPLETE
        self.head = None
        if not self.body_complete:
            self.parts = None
            self.streams.leave_unread(self.stream_id)
        self.wake()
        return self.streams.response_ended()

    cdef bint must_wait(self) except -1:
        """Return True if ``send()`` has to wait for the client."""
        return (self.state == RESPONSE_SENT and not self.gone and self.streams.is_full(self.stream_id))

    def flush(self):
        """Send what is queued, without waiting for the end of the loop's turn."""
        self.streams.flush()

    # The end

    cdef int mark_gone(self) except -1:
        """Nothing can be sent any more: every waiting call of the application wakes."""
        if self.gone:
            return 0
        self.gone = True
        self.parts = None
        self.wake()
        if self.streams.rooms is not None:
            self.streams.open_room(self.stream_id)
        return 0

    cdef int mark_reset(self) except -1:
        """The client has reset the stream, or has vanished."""
        if self.gone:
            return 0
        self.mark_gone()
        if self.over or self.state == RESPONSE_COMPLETE:
            return 0
        self.abandoned = True
        self.streams.abandoned += 1
        if self.task is not None and self.streams.service.settings.cancel_on_reset:
            self.cancelled = True
            self.streams.core.count("cancelled_tasks")
            self.task.cancel()
        return 0

    def cancel(self):
        """Cancel the application's task."""
        if self.task is not None:
            self.cancelled = True
            self.task.cancel()

    cdef int tell_end(self) except -1:
        """Have ``receive()`` return ``http.disconnect``, so that the application ends; the stream is still open."""
        self.streams.core.count("told_disconnects")
        self.told = True
        return self.wake()

    def task_done(self, task):
        """Called when the application's task has ended.

        Args:
            task: The task.
        """
        cdef object error = None
        self.streams.service.tasks.discard(task)
        if task.cancelled():
            error = CancelledError()
        else:
            error = task.exception()
            if error is None and task.result() is not None:
                self.streams.service.host.report(
                    f"ASGI callable should return None, but returned '{task.result()}'.", None, False)
        self.finish(error)

    cdef int finish(self, object error) except -1:
        """The application has ended: complete the response in any case."""
        cdef Streams streams = self.streams
        if self.over:
            return 0
        self.over = True
        self.task = None
        streams.exchanges.pop(self.stream_id, None)
        if self.abandoned:
            streams.abandoned -= 1
        if error is not None:
            if not self.cancelled and not (self.gone and isinstance(error, ClientDisconnected)):
                streams.service.host.report("Exception in ASGI application\n", error, self.gone and self.told_of_end)
            self.fail()
        elif self.state != RESPONSE_COMPLETE and not self.gone:
            if self.state == RESPONSE_NONE:
                streams.service.host.report("ASGI callable returned without starting response.", None, False)
            else:
                streams.service.host.report("ASGI callable returned without completing response.", None, False)
            self.fail()
        self.parts = None
        if streams.service.observer is not None:
            streams.service.observer.end(self)
        return streams.output_due()

    cdef int fail(self) except -1:
        """Answer with 500 if no part of the response was sent, or reset the stream."""
        if self.gone or self.state == RESPONSE_COMPLETE:
            return 0
        if self.state < RESPONSE_SENT:
            return self.answer(500, ERROR_BODY)
        return self.abort(INTERNAL_ERROR)

    cdef int answer(self, int status, bytes body) except -1:
        """Answer in place of the application."""
        self.announced_trailers = False
        self.state = RESPONSE_STARTED
        self.head = response_head(status, [*ERROR_FIELDS, (b"content-length", b"%d" % len(body))], self.is_head)
        self.send_body({"body": body})
        # What the application still sends goes nowhere.
        return self.mark_gone()

    cdef int abort(self, uint32_t code) except -1:
        """Reset the stream."""
        self.streams.reset(self.stream_id, code)
        return self.mark_gone()
