# The streams of a connection: the existing ones by identifier, and how the
# latest closed ones ended.
from libc.stdint cimport int8_t, uint32_t

from fasth2._engine.stream cimport H2Stream


cdef struct Slot:
    uint32_t id              # 0: free
    void *stream             # owned H2Stream


cdef struct Closed:
    uint32_t id
    int8_t reason            # BY_*


cdef class StreamTable:
    cdef Slot *slots
    cdef uint32_t mask       # slots - 1, a power of two less one
    cdef uint32_t count
    cdef Closed *closed      # ring
    cdef Py_ssize_t closed_size      # entries in use
    cdef Py_ssize_t closed_room      # entries allocated
    cdef Py_ssize_t closed_next      # where the next one goes
    cdef Py_ssize_t closed_limit     # entries at most

    cdef int add(self, H2Stream s) except -1
    cdef void remove(self, H2Stream s) noexcept
    cdef void remember(self, uint32_t stream_id, int reason) noexcept
    cdef int reason_of(self, uint32_t stream_id) noexcept
    cdef list all(self)

    cdef inline void *following(self, uint32_t *at) noexcept:
        """Return the stream (borrowed) in slot `at` or the first after it; NULL at the end. `at` moves past it."""
        while self.slots != NULL and at[0] <= self.mask:
            at[0] += 1
            if self.slots[at[0] - 1].id != 0:
                return self.slots[at[0] - 1].stream
        return NULL

    cdef inline void *find(self, uint32_t stream_id) noexcept:
        """Return the stream (borrowed) or NULL."""
        cdef uint32_t i
        if self.slots == NULL:
            return NULL
        i = (stream_id * <uint32_t>0x9E3779B1) >> 7 & self.mask
        while self.slots[i].id != 0:
            if self.slots[i].id == stream_id:
                return self.slots[i].stream
            i = (i + 1) & self.mask
        return NULL
