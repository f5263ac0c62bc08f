# One request while the application runs: what its receive() and send() do.
from libc.stdint cimport int64_t, uint32_t

from fasth2.asgi.response_head cimport ResponseHead
from fasth2.asgi.streams cimport Streams

cdef enum:
    RESPONSE_NONE = 0        # nothing was sent
    RESPONSE_STARTED = 1     # http.response.start was received; the head is held back
    RESPONSE_SENT = 2        # the head was sent
    RESPONSE_TRAILERS = 3    # the body is complete, and trailers were announced
    RESPONSE_COMPLETE = 4


cdef class Exchange:
    cdef readonly Streams streams
    cdef readonly uint32_t stream_id
    cdef readonly dict scope
    cdef public object task          # that runs the application; None before it was made
    # the request
    cdef list parts                  # of the body, not yet received by the application; or None
    cdef readonly int64_t received   # octets of body
    cdef public list progress        # of the application's waiting for the body, or None
    cdef list waiters                # futures of waiting receive() calls, or None
    cdef bint body_complete
    cdef bint delivered              # the end of the body
    cdef bint expects_continue
    # the response
    cdef ResponseHead head
    cdef int state                   # RESPONSE_*
    cdef readonly int status         # of the response, 0 before its head was sent
    cdef readonly list fields        # names and values of its head, in turn, for an observer; or None
    cdef public object context       # of the observer
    cdef readonly int64_t sent       # octets of body
    cdef list trailers               # collected so far, or None
    cdef bint is_head                # the method is HEAD
    cdef bint announced_trailers
    cdef bint gone                   # nothing can be sent any more
    cdef bint told                   # the application is told to end, although the stream is open
    cdef bint told_of_end            # receive() or send() has reported that the client is gone
    cdef bint over                   # the application has ended
    cdef bint abandoned              # it runs although the client has reset the stream
    cdef bint cancelled              # by this server

    cdef int add_body(self, bytes data) except -1
    cdef int end_body(self) except -1
    cdef object next_message(self)
    cdef object wait_for_message(self)
    cdef int forget_waiter(self, object future) except -1
    cdef int wake(self) except -1
    cdef object take(self, object message)
    cdef int start_response(self, object message) except -1
    cdef int send_body(self, object message) except -1
    cdef int send_head_alone(self, bint more) except -1
    cdef int send_trailers(self, object message) except -1
    cdef int inform(self, int status, list fields) except -1
    cdef int prioritize(self, object message) except -1
    cdef int commit(self, bytes data, bint ends, list trailers) except -1
    cdef int complete(self) except -1
    cdef int mark_gone(self) except -1
    cdef int mark_reset(self) except -1
    cdef int tell_end(self) except -1
    cdef bint must_wait(self) except -1
    cdef int finish(self, object error) except -1
    cdef int fail(self) except -1
    cdef int answer(self, int status, bytes body) except -1
    cdef int abort(self, uint32_t code) except -1


cdef Exchange new_exchange(Streams streams, uint32_t stream_id, dict scope, bint complete)


cdef class Operation:
    cdef Exchange exchange           # None: it has ended
    cdef object message              # of send(); None: receive()
    cdef object inner                # iterator of what it waits for, or None
    cdef object future               # the future that a receive() waits for, or None
    cdef bint taken                  # the message was processed

    cdef object advance(self)
    cdef object step(self)
    cdef int end(self) except -1


cdef class Pause:
    cdef bint over
