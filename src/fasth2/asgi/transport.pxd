# A connection on an asyncio event loop, without a transport object of the loop.
from libc.stdint cimport uint8_t

from fasth2.asgi.session cimport Session
from fasth2.server.transport cimport ReadBuffers, Transport


cdef class LoopTransport(Transport):
    cdef readonly object loop
    cdef readonly ReadBuffers buffers    # the loop's
    cdef public Session session          # serves HTTP/2, or None
    cdef public object protocol          # an asyncio.Protocol that serves the connection instead, or None
    cdef Py_ssize_t high                 # octets in `out` above which the protocol is told to pause writing
    cdef Py_ssize_t low                  # and those at which it may go on
    cdef readonly double blocked_since   # time since which the socket's buffer is full; 0: it is not
    cdef readonly Py_ssize_t blocked_size    # octets that waited then
    cdef bint reading                    # the loop watches for input
    cdef bint paused                     # the session or protocol was told to pause writing
    cdef bint wants_eof                  # the sending side is shut down once all is sent
    cdef readonly bint eof_sent
    cdef readonly bint input_open        # the client has not closed its sending side
    cdef readonly bint closing           # nothing more is taken; it is closed once all is sent
    cdef readonly bint lost              # its end is scheduled

    cdef int finish_close(self) except -1
    cdef int send_close_notify(self) except -1
