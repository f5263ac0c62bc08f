# Field blocks received: their fragments and their decoding, whatever they are.
from libc.stdint cimport uint8_t, uint32_t

from fasth2._engine.core cimport Core

cdef void block_begin(Core c, uint32_t stream_id, uint32_t promised, uint8_t flags) noexcept
cdef void block_free(Core c) noexcept
cdef int add_fragment(Core c, const uint8_t *p, Py_ssize_t n) except -1
cdef int decode(Core c, const uint8_t *p, Py_ssize_t n) except -1
