# One HTTP/2 connection of a worker: the engine, and the calls of its requests.
from libc.stdint cimport int64_t, uint8_t, uint32_t

from fasth2._engine.core cimport Core
from fasth2._engine.ready cimport LargeRequest, Request
from fasth2.server._protocol cimport ServerProtocol
from fasth2.wsgi.call cimport Call, Channel, Dispatcher
from fasth2.wsgi.environ cimport EnvironMaker
from fasth2.wsgi.uploads cimport UploadQueue


cdef class Session(Channel):
    cdef readonly ServerProtocol protocol
    cdef Core core           # the protocol's
    cdef Dispatcher dispatcher
    cdef EnvironMaker maker
    cdef object fallback        # handles requests that the maker declines
    cdef readonly object client      # flush() sends the output; None once it is closed
    cdef list ready          # calls to run
    cdef dict calls          # stream id -> call: body incomplete, or detached
    cdef UploadQueue queue       # calls that are to read their body while it arrives
    cdef int64_t counted     # queued octets last reported to `Dispatcher.unsent`
    cdef int64_t held_back_at        # queued octets when calls were held back
    cdef str held_back_by    # name of the bound that was exceeded
    cdef bint held_back      # true while no call may be started
    cdef readonly unsigned long begun        # number of requests

    cdef int feed_octets(self, const uint8_t *p, Py_ssize_t n) except -1
    cdef bytes take_output(self, Py_ssize_t most)
    cdef bytes pull_octets(self, Py_ssize_t most)
    cdef bint has_output(self) noexcept
    cdef int take(self, object events) except -1
    cdef int take_request(self, Request request) except -1
    cdef int refuse_large(self, LargeRequest request) except -1
    cdef int refuse(self, object stream_id, list pairs, tuple answer, bint complete) except -1
    cdef Call new_call(self, object stream_id, dict environ, bint complete)
    cdef int end_calls(self) except -1
    cdef bint end_unread(self, double now) except -1
    cdef int drop_octets(self, uint32_t stream_id, int64_t octets) except -1
    cdef int credit(self, Call call, int64_t octets) except -1
    cdef int count_unsent(self) except -1
    cdef int mark_reset(self, Call call) except -1
    cdef bint run_from(self, list queue, bint alone) except -1
