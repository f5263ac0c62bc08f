# The other frames received.
from libc.stdint cimport uint8_t

from fasth2._engine.core cimport Core
from fasth2._frames cimport FrameHeader

cdef int on_priority(Core c, FrameHeader *h, const uint8_t *p) except -1
cdef int on_rst_stream(Core c, FrameHeader *h, const uint8_t *p) except -1
cdef int on_ping(Core c, FrameHeader *h, const uint8_t *p) except -1
cdef int on_goaway(Core c, FrameHeader *h, const uint8_t *p) except -1
cdef int on_window_update(Core c, FrameHeader *h, const uint8_t *p) except -1
cdef int on_altsvc(Core c, FrameHeader *h, const uint8_t *p) except -1
cdef int on_priority_update(Core c, FrameHeader *h, const uint8_t *p) except -1
cdef int on_unknown(Core c, FrameHeader *h, const uint8_t *p) except -1
