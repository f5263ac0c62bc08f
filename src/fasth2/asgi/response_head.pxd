# The head of a response, from http.response.start.
from libc.stdint cimport int64_t


cdef class ResponseHead:
    cdef readonly int status
    cdef list fields         # name, value, name, value, ...
    cdef set defaults        # names of the host's default fields that the application has set, or None
    cdef int64_t length      # the Content-Length, -1: unknown
    cdef bint omits_body     # no body is sent (HEAD, 204, 304)

    cdef int add(self, object name, object value) except -1


cdef ResponseHead response_head(object status, object headers, bint is_head)
cdef list lower_fields(object headers)
