# One request of a worker: the application's call and its response.
from libc.stdint cimport int64_t

from fasth2.wsgi.call_state cimport CallState
from fasth2.wsgi.call_streams cimport CallStreams
from fasth2.wsgi.dispatcher cimport Dispatcher


cdef class Call(CallState):
    cdef Dispatcher dispatcher
    cdef CallStreams streams         # of its connection
    cdef readonly list fields_received       # (name, value) pairs, or None if not requested
    cdef bint is_head                # the method is HEAD
    cdef bint wants_continue         # Expect: 100-continue
    cdef bint predicted              # its path was remembered as slow before it began
    cdef public object context       # for the observer
    # the response
    cdef readonly int64_t sent       # octets of body
    cdef int64_t dropped             # octets written to a response without a body
    cdef bytes held                  # the last part, until the next part or the end is known
    cdef readonly bint headers_sent
    cdef bint broken                 # its stream is reset at the end

    cdef bint run(self) except -1
    cdef int call_observer(self, object hook) except -1
    cdef int remember_speed(self) except -1
    cdef bytes counted(self, bytes data)
    cdef int serve(self) except -1
    cdef int serve_parts(self, object result) except -1
    cdef object next_part(self, object step)
    cdef bint omits_body(self) except -1
    cdef bytes part(self, object data)
    cdef bint begin_response(self, object status, object headers, bint replaces) except -1
    cdef bytes take_held(self)
    cdef int flush_held(self) except -1
    cdef int put(self, bytes data, bint ends) except -1
    cdef int make_room(self) except -1
    cdef int hand_over_to_read(self) except -1
    cdef bint has_begun(self) except -1
    cdef int await_client(self, bint room) except -1
    cdef int handle_error(self, object error) except -1
    cdef bint answer_error(self, int code, str reason, str message) except -1
    cdef int finish(self) except -1
    cdef int release(self) except -1
