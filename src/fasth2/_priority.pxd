# Priorities of RFC 9218.
from libc.stdint cimport uint8_t

from fasth2._stream cimport H2Stream

cdef void read_priority_field(H2Stream s, const uint8_t *p, Py_ssize_t n) noexcept
cdef int read_priority_value(H2Stream s, object value) except -1
