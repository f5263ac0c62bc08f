# Field blocks received.
from libc.stdint cimport uint16_t, uint32_t, uint8_t

from fasth2._engine.core cimport Core
from fasth2._engine.events cimport PriorityUpdated
from fasth2._frames cimport FrameHeader

cdef int on_headers(Core c, FrameHeader *h, const uint8_t *p) except -1
cdef int on_continuation(Core c, FrameHeader *h, const uint8_t *p) except -1
cdef void block_free(Core c) noexcept
cdef PriorityUpdated priority_event(object stream_id, uint32_t depends_on, uint16_t weight, bint exclusive)
