# Credit of a connection and of a stream by themselves (RFC 9113 section 6.9).
from libc.stdint cimport int64_t, uint32_t

from fasth2._engine.core cimport Core


cdef int return_connection_credit(Core c, int64_t octets) except -1
cdef int return_stream_credit(Core c, uint32_t stream_id, int64_t octets) except -1
cdef int reserve_update(Core c) except -1
cdef int extend_connection_window(Core c, int64_t octets) except -1
