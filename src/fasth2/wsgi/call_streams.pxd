# The streams of one connection's calls. Used by the leader only.
from libc.stdint cimport int64_t, uint32_t

from fasth2._engine.core cimport Core
from fasth2.server._protocol cimport ServerProtocol
from fasth2.wsgi.call_state cimport CallState
from fasth2.wsgi.dispatcher cimport Dispatcher


cdef class CallStreams:
    cdef ServerProtocol protocol
    cdef Core core                   # the protocol's
    cdef Dispatcher dispatcher
    cdef readonly object client      # flush() sends the output; None once it is closed
    cdef list ready                  # calls to run
    cdef dict calls                  # stream id -> call: body incomplete, or detached
    cdef int64_t counted             # queued octets last reported to `Dispatcher.unsent`
    cdef int64_t held_back_at        # queued octets when calls were held back
    cdef str held_back_by            # name of the bound that was exceeded
    cdef bint held_back              # true while no call may be started

    cdef bint has_stream(self, CallState call) except -1
    cdef bint may_start(self) except -1
    cdef int put_back(self, CallState call) except -1
    cdef int drop(self, CallState call) except -1
    cdef int mark_reset(self, CallState call) except -1
    cdef int adopt(self, CallState call) except -1
    cdef int64_t send(self, CallState call, bytes data, bint ends) except -2
    cdef int64_t unsent(self, CallState call) except -1
    cdef bint inform(self, CallState call, int status, list fields) except -1
    cdef int reset(self, CallState call, uint32_t code) except -1
    cdef int done(self, CallState call) except -1
    cdef int credit(self, uint32_t stream_id, int64_t octets) except -1
    cdef int drop_octets(self, uint32_t stream_id, int64_t octets) except -1
    cdef int consume(self, CallState call, int64_t octets) except -1
    cdef int extend_window(self, CallState starved) except -1
    cpdef int update_calls(self) except -1
    cdef int flush(self) except -1
    cdef int count_unsent(self) except -1
