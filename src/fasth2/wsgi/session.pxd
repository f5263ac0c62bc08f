# One HTTP/2 connection of a worker: octets in, calls that are run, octets out.
from libc.stdint cimport uint8_t

from fasth2._engine.core cimport Core
from fasth2._engine.ready cimport LargeRequest, Request
from fasth2.server._protocol cimport ServerProtocol
from fasth2.wsgi.call cimport Call
from fasth2.wsgi.call_streams cimport CallStreams
from fasth2.wsgi.dispatcher cimport Dispatcher
from fasth2.wsgi.environ cimport EnvironMaker
from fasth2.wsgi.uploads cimport UploadQueue


cdef class Session:
    cdef readonly ServerProtocol protocol
    cdef Core core           # the protocol's
    cdef readonly CallStreams streams
    cdef Dispatcher dispatcher
    cdef EnvironMaker maker
    cdef object fallback        # handles requests that the maker declines
    cdef list ready          # `streams.ready`: calls to run
    cdef dict calls          # `streams.calls`: by stream, those whose body is incomplete or which are detached
    cdef UploadQueue queue   # calls that are to read their body while it arrives; None before the first
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
    cdef bint run_from(self, list queue, bint alone) except -1
