# The octets of a connection of the WSGI server: read, run, written.
from libc.stdint cimport uint8_t

from fasth2.server.transport cimport ReadBuffers, Transport
from fasth2.wsgi.session cimport Session


cdef class LoopState:
    # The state that a loop and its connections share.
    cdef readonly ReadBuffers buffers
    cdef public object current       # the client whose requests are being run, or None
    cdef public bint helping         # the leader is the thread that never calls the application
    cdef public bint alone           # only one connection has events
    cdef public double now           # time.monotonic() at the last poll


cdef class Wire(Transport):
    cdef public Session session

    cdef int send_all(self, LoopState state) except -1
    cdef int send_output(self) except -1
    cdef bint serve_round(self, LoopState state) except -1
