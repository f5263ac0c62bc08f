# SETTINGS received.
from libc.stdint cimport uint8_t

from fasth2._engine.core cimport Core
from fasth2._frames cimport FrameHeader

cdef int on_settings(Core c, FrameHeader *h, const uint8_t *p) except -1
cdef int apply_remote_settings(Core c, const uint8_t *p, Py_ssize_t n) except -1
