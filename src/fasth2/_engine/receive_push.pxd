from libc.stdint cimport uint8_t, uint32_t

from fasth2._engine.core cimport Core
from fasth2._frames cimport FrameHeader

cdef int on_push_promise(Core c, FrameHeader *h, const uint8_t *p) except -1
cdef int on_promise(Core c, uint32_t sid, uint32_t promised, const uint8_t *p, Py_ssize_t n) except -1
