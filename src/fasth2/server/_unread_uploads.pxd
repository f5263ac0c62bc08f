# Uploads that nobody reads: their requests were answered while the client was still sending.
from libc.stdint cimport int64_t

from fasth2._engine.stream cimport H2Stream


cdef class UnreadUploads:
    cdef list uploads        # of _Upload

    cdef int add(self, H2Stream stream, int64_t octets, double deadline) except -1
    cdef list take_due(self, double now, double seconds, double full_window_wait)
    cdef double next_deadline(self) noexcept
