# Bounds for unsent responses.
from libc.stdint cimport int64_t

from fasth2._engine.core cimport Core


cdef class Unsent:
    # The unsent responses of all connections. Used by one thread at a time.
    cdef readonly int64_t connection_limit
    cdef readonly int64_t process_limit
    cdef readonly int64_t total      # octets, as last reported by the connections
    cdef readonly dict held_back     # connections whose requests may not be started

    cdef str refuses(self, Core c)
    cdef bint is_crowded(self, Core c) except -1
