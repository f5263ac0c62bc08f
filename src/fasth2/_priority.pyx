"""The priority field's value (RFC 9218 section 4), as the header and PRIORITY_UPDATE carry it."""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE


cdef extern from "Python.h":
    const char *PyUnicode_AsUTF8AndSize(object unicode, Py_ssize_t *size) except NULL


cdef void read_priority_field(H2Stream s, const uint8_t *p, Py_ssize_t n) noexcept:
    """Read `u=` and `i` out of a structured dictionary; what is unknown or out of range is left as it was."""
    cdef Py_ssize_t i = 0
    cdef Py_ssize_t start, end
    s.urgency = 3
    s.incremental = False
    while i < n:
        while i < n and (p[i] == 0x20 or p[i] == 0x09 or p[i] == 0x2C):
            i += 1
        start = i
        while i < n and p[i] != 0x2C:
            i += 1
        end = i
        while end > start and (p[end - 1] == 0x20 or p[end - 1] == 0x09):
            end -= 1
        if end - start == 3 and p[start] == 0x75 and p[start + 1] == 0x3D and 0x30 <= p[start + 2] <= 0x37:
            s.urgency = p[start + 2] - 0x30
        elif end - start >= 1 and p[start] == 0x69:
            if end - start == 1:
                s.incremental = True
            elif end - start == 4 and p[start + 1] == 0x3D and p[start + 2] == 0x3F:
                s.incremental = p[start + 3] == 0x31


cdef int read_priority_value(H2Stream s, object value) except -1:
    """As read_priority_field(), from a decoded header value, bytes or str."""
    cdef Py_ssize_t n
    cdef const char *p
    if PyBytes_CheckExact(value):
        read_priority_field(s, <const uint8_t *>PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))
    else:
        p = PyUnicode_AsUTF8AndSize(value, &n)
        read_priority_field(s, <const uint8_t *>p, n)
    return 0
