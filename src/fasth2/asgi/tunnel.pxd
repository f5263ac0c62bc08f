# A stream that an extended CONNECT has opened (RFC 8441).
from libc.stdint cimport uint32_t

from fasth2.asgi.streams cimport Streams


cdef class Tunnel:
    cdef readonly Streams streams
    cdef readonly uint32_t stream_id
    cdef public object receiver      # see the class; None once the stream has ended
    cdef bint answered               # the response was sent
    cdef bint ended                  # this side has ended
    cdef bint input_ended            # the client's side has ended
    cdef bint running                # an application serves it
    cdef bint abandoned              # and is counted in `streams.abandoned`

    cdef int abandon(self) except -1
    cdef int receive(self, bytes data) except -1
    cdef int receive_end(self) except -1
    cdef int leave(self) except -1
    cdef int lose(self) except -1
