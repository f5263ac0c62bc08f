from libc.stdint cimport uint32_t

from fasth2._engine.core cimport Core
from fasth2._engine.send cimport Prefix

cdef int write_priority_of(Prefix *prefix, uint32_t stream_id, object weight, object depends_on,
                           object exclusive) except -1
cdef int send_request(Core c, uint32_t stream_id, object headers, bint end_stream, const Prefix *priority) except -1
cdef int send_priority(Core c, uint32_t stream_id, const Prefix *priority) except -1
