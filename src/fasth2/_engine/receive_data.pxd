# DATA received.
from libc.stdint cimport uint32_t, uint8_t

from fasth2._engine.core cimport Core
from fasth2._engine.events cimport StreamEnded
from fasth2._frames cimport FrameHeader

cdef int on_data(Core c, FrameHeader *h, const uint8_t *p) except -1
cdef int merge_done(Core c) except -1
cdef int return_credit(Core c, uint32_t octets) except -1
cdef StreamEnded stream_ended(object stream_id)
