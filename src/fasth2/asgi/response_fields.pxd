# Validation of the fields of an ASGI response (RFC 9110 section 5).
from libc.stdint cimport int64_t

cdef enum:
    FIELD_PLAIN = 0
    FIELD_LENGTH = 1
    FIELD_DEFAULT = 2        # one that a host sets by default: date and server
    FIELD_HOP = 3            # connection-specific, not allowed in HTTP/2 (RFC 9113 section 8.2.2)


cdef class FieldName:
    cdef bytes lower
    cdef int kind


cdef FieldName field_name(object name)
cdef bytes field_value(object name, object value)
cdef int64_t content_length_of(bytes value) except -1
