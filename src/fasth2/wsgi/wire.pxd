# A connection's socket and TLS: reading, decryption, encryption and writing.
from fasth2.wsgi.session cimport Session


cdef class LoopState:
    # The state that a loop and its connections share.
    cdef public object current       # the client whose requests are being run, or None
    cdef public bint helping         # the leader is the thread that never calls the application
    cdef public bint alone           # only one connection has events
    cdef public double now           # time.monotonic() at the last poll
    cdef readonly object rx          # the ssl.MemoryBIO pair of all HTTP/2 connections
    cdef readonly object tx
    cdef readonly bytearray buffer   # octets read from a socket
    cdef readonly bytearray clear    # the same, decrypted


cdef class Wire:
    cdef readonly object sock
    cdef readonly int fd
    cdef public Session session
    cdef public object out           # octets that the socket did not accept, b"" for none
    cdef readonly object tls         # ssl.SSLObject, or None
    cdef readonly object rx          # ssl.MemoryBIO that TLS reads from
    cdef readonly object tx
    cdef object inner                # the object behind `tls`, or `tls`

    cdef int empty(self) except -1
    cdef Py_ssize_t receive(self, LoopState state) except -1
    cdef int decrypt(self, LoopState state) except -1
    cdef int put(self, bytes data) except -1
    cdef int send_all(self, LoopState state) except -1
    cdef int send_output(self) except -1
    cdef bint serve_round(self, LoopState state) except -1
