# A response's status and fields, as `start_response` has them.
from libc.stdint cimport int64_t


cdef class ResponseHead:
    # Not changed once it is made: other threads may look at it.
    cdef object status       # "200 OK"
    cdef int code
    cdef list fields         # name, value, name, value, ...
    cdef int64_t length      # the Content-Length, -1: not known
    cdef bint has_server
    cdef bint has_date
    cdef bint omits_body     # the body is not sent, whatever it is

    cdef int add(self, object name, object value) except -1


cdef ResponseHead response_head(object status, object headers, bint is_head)
