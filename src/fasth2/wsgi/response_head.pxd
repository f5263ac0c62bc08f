# A response's status and fields from `start_response`.
from libc.stdint cimport int64_t


cdef class ResponseHead:
    # Immutable once it is made: other threads may read it.
    cdef object status       # "200 OK"
    cdef int code
    cdef list fields         # name, value, name, value, ...
    cdef int64_t length      # the Content-Length, -1: unknown
    cdef bint has_server
    cdef bint has_date
    cdef bint omits_body     # no body is sent (HEAD, 204, 304)

    cdef int add(self, object name, object value) except -1


cdef ResponseHead response_head(object status, object headers, bint is_head)
