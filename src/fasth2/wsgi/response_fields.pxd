# Validation of a response's status and fields (RFC 9110 section 5, PEP 3333).
from libc.stdint cimport int64_t

# Kinds of response fields.
cdef enum:
    FIELD_PLAIN = 0
    FIELD_LENGTH = 1
    FIELD_SERVER = 2
    FIELD_DATE = 3
    FIELD_HOP = 4            # connection-specific, not allowed in HTTP/2 (RFC 9113 section 8.2.2)


cdef class FieldName:
    cdef str lower
    cdef int kind


cdef FieldName field_name(object name)
cdef int status_code(object status) except -1
cdef bint check_value(str value, object name) except -1
cdef int64_t content_length_of(str value) except -1
