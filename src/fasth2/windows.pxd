# How far receive windows that adapt to the link may grow.
from libc.stdint cimport int64_t


cdef class WindowBudget:
    cdef int64_t _limit              # octets
    cdef int64_t _granted            # octets
    cdef int64_t _connections        # that could use more than their base windows, or have more
    cdef int64_t _refused
    cdef double _pressed_until       # seconds

    cdef void join(self) noexcept
    cdef void leave(self, int64_t octets) noexcept
    cdef int64_t reserve(self, int64_t octets, int64_t held, double now) noexcept
    cdef void release(self, int64_t octets) noexcept
    cdef int64_t share(self, double now) noexcept


cdef class AdaptiveWindows:
    cdef readonly int64_t stream             # octets
    cdef readonly int64_t connection         # octets
    cdef readonly WindowBudget budget
