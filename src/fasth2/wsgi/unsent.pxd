# Answers that wait for their clients.
from libc.stdint cimport int64_t

from fasth2._engine.core cimport Core


cdef class Unsent:
    # Those of all connections. Used by the leader only.
    cdef readonly int64_t connection_limit
    cdef readonly int64_t process_limit
    cdef readonly int64_t total      # octets, as their connections said last
    cdef readonly dict held_back     # sessions that have no request started

    cdef str refuses(self, Core c)
