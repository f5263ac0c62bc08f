# DATA received.
from libc.stdint cimport uint8_t

from fasth2._engine.core cimport Core
from fasth2._frames cimport FrameHeader

cdef int on_data(Core c, FrameHeader *h, const uint8_t *p) except -1
