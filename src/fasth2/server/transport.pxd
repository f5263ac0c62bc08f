# A connection's socket and TLS: reading, decryption, encryption and writing.
from libc.stdint cimport uint8_t


cdef class ReadBuffers:
    # What the connections of a loop share.
    cdef readonly object rx          # the ssl.MemoryBIO pair of all HTTP/2 connections
    cdef readonly object tx
    cdef readonly bytearray buffer   # octets read from a socket
    cdef readonly bytearray clear    # the same, decrypted
    cdef object reading              # the connection whose octets are being decrypted, or None


cdef class Transport:
    cdef readonly object sock
    cdef readonly int fd
    cdef public object out           # octets that the socket did not accept, b"" for none
    cdef readonly object tls         # ssl.SSLObject, or None
    cdef readonly object rx          # ssl.MemoryBIO that TLS reads from
    cdef readonly object tx
    cdef object inner                # the object behind `tls`, or `tls`

    cdef int take(self, const uint8_t *p, Py_ssize_t n) except -1
    cdef int empty(self) except -1
    cdef Py_ssize_t receive(self, ReadBuffers buffers) except -1
    cdef int receive_tls(self, ReadBuffers buffers, Py_ssize_t n) except -1
    cdef int decrypt(self, ReadBuffers buffers) except -1
    cdef int put(self, bytes data) except -1
    cdef int put_clear(self, bytes data) except -1
