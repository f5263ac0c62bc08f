# One HTTP/2 connection of the ASGI server: octets in, requests started, octets out.
from libc.stdint cimport uint8_t, uint32_t

from fasth2._engine.core cimport Core
from fasth2._engine.ready cimport Data, LargeRequest, Request
from fasth2.asgi.exchange cimport Exchange
from fasth2.asgi.scope cimport ScopeMaker
from fasth2.asgi.service cimport Service
from fasth2.asgi.streams cimport Streams
from fasth2.server._protocol cimport ServerProtocol


cdef class Session:
    cdef readonly ServerProtocol protocol
    cdef Core core                   # the protocol's
    cdef readonly Streams streams
    cdef readonly Service service
    cdef readonly object transport
    cdef ScopeMaker maker
    cdef object app                  # for requests without x-forwarded fields
    cdef object forwarded_app        # for those with such fields, or None: `app`
    cdef dict exchanges              # of `streams`
    cdef dict tunnels                # of `streams`
    cdef object open_websocket       # see the class
    cdef dict pending                # exchange -> application of requests that wait to be started, or None
    cdef bint is_held_back           # it was counted that they do
    cdef object fallback             # see the class
    cdef readonly unsigned long begun        # number of requests
    cdef unsigned long seen          # requests and PING frames at the last check
    cdef double idle_since           # time of the last check with another number of them
    cdef double paused_at            # time of the first check since the transport takes no more output, or negative
    cdef unsigned long resumed       # `streams.resumed` at that check
    cdef double ends_at              # the time at which `max_age` ends it, or infinite
    cdef object timer                # of the graceful shutdown, or None
    cdef object tell_timer
    cdef object interrupt            # SystemExit or KeyboardInterrupt of an application, or None
    cdef readonly bint ended         # GOAWAY is sent; input is discarded
    cdef bint was_idle               # at the last check
    cdef bint advancing              # a step of the shutdown is being sent
    cdef bint leaving                # it ends once it is idle
    cdef bint input_open             # the client has not closed its sending side
    cdef bint may_be_eager

    cdef int feed_octets(self, const uint8_t *p, Py_ssize_t n) except -1
    cdef int take(self, object events) except -1
    cdef int take_data(self, Data data) except -1
    cdef int take_request(self, Request request) except -1
    cdef int take_declined(self, Request request) except -1
    cdef int take_scope(self, object stream_id, dict scope, bint complete) except -1
    cdef int count_request(self) except -1
    cdef int take_large(self, LargeRequest request) except -1
    cdef bint refuses(self, uint32_t stream_id) except -1
    cdef int take_tunnel(self, object stream_id, dict scope, bint complete) except -1
    cdef int take_tunnel_data(self, Data data) except -1
    cdef int end_tunnel(self, object stream_id) except -1
    cdef int take_reset(self, object stream_id) except -1
    cdef int refuse(self, object stream_id, list pairs, bint complete, int status, bytes body) except -1
    cdef int refuse_scope(self, object stream_id, dict scope, bint complete, int status, bytes body) except -1
    cdef object application_of(self, dict scope)
    cdef bint may_start(self) except -1
    cdef int hold_back(self, Exchange exchange, object app) except -1
    cdef int start(self, Exchange exchange, object app) except -1
    cdef int call(self, Exchange exchange, object app) except -1
    cdef bint is_idle(self) noexcept
    cdef bint takes_nothing(self, double now) except -1
    cdef int check_bodies(self, double now) except -1
