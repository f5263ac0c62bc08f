# Field blocks received.
from libc.stdint cimport uint8_t

from fasth2._engine.core cimport Core
from fasth2._frames cimport FrameHeader

cdef int on_headers(Core c, FrameHeader *h, const uint8_t *p) except -1
cdef int on_continuation(Core c, FrameHeader *h, const uint8_t *p) except -1
