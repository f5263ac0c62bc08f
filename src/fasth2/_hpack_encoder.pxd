from libc.stdint cimport uint8_t, uint32_t
from fasth2._fields cimport OutField
cdef class Encoder:
    cdef public object max_table_size
    cdef public object header_table_size
    cdef size_t bound(self, const OutField *fields, size_t n) noexcept
    cdef uint8_t *encode_fields(self, const OutField *fields, size_t n, uint8_t *out) except NULL
