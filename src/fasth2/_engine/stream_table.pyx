"""The streams of a connection by identifier, and a bounded memory of closed ones (RFC 9113 section 5.1)."""
cimport cython
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Realloc
from cpython.ref cimport Py_DECREF, Py_INCREF


cdef inline uint32_t slot_of(uint32_t stream_id, uint32_t mask) noexcept:
    return (stream_id * <uint32_t>0x9E3779B1) >> 7 & mask


@cython.final
cdef class StreamTable:
    def __cinit__(self):
        self.closed_limit = 1000

    def __dealloc__(self):
        cdef uint32_t i
        if self.slots != NULL:
            for i in range(<uint32_t>(self.mask + 1)):
                if self.slots[i].id != 0:
                    # Streams in the ring reference one another.
                    (<H2Stream>self.slots[i].stream).next = None
                    Py_DECREF(<object>self.slots[i].stream)
            PyMem_Free(self.slots)
        PyMem_Free(self.closed)

    cdef int add(self, H2Stream s) except -1:
        cdef Slot *old = self.slots
        cdef uint32_t i, j, mask, size
        if old == NULL or self.count * 2 > self.mask:
            size = <uint32_t>(8 if old == NULL else (self.mask + 1) * 2)
            self.slots = <Slot *>PyMem_Calloc(size, sizeof(Slot))
            if self.slots == NULL:
                self.slots = old
                raise MemoryError
            mask = size - 1
            if old != NULL:
                for i in range(<uint32_t>(self.mask + 1)):
                    if old[i].id != 0:
                        j = slot_of(old[i].id, mask)
                        while self.slots[j].id != 0:
                            j = (j + 1) & mask
                        self.slots[j] = old[i]
                PyMem_Free(old)
            self.mask = mask
        i = slot_of(s.id, self.mask)
        while self.slots[i].id != 0:
            i = (i + 1) & self.mask
        Py_INCREF(s)
        self.slots[i].id = s.id
        self.slots[i].stream = <void *>s
        self.count += 1
        return 0

    cdef void remove(self, H2Stream s) noexcept:
        """Remove a stream; the caller holds its own reference."""
        cdef uint32_t i, j, home
        if self.slots == NULL:
            return
        i = slot_of(s.id, self.mask)
        while self.slots[i].id != s.id:
            if self.slots[i].id == 0:
                return
            i = (i + 1) & self.mask
        self.count -= 1
        # Close the gap: move up entries that probing would no longer reach.
        j = i
        while True:
            j = (j + 1) & self.mask
            if self.slots[j].id == 0:
                break
            home = slot_of(self.slots[j].id, self.mask)
            if ((j - home) & self.mask) >= ((j - i) & self.mask):
                self.slots[i] = self.slots[j]
                i = j
        self.slots[i].id = 0
        self.slots[i].stream = NULL
        Py_DECREF(s)

    cdef void remember(self, uint32_t stream_id, int reason) noexcept:
        """Record how a stream ended; replaces the oldest record if the limit is reached or memory runs out."""
        cdef Closed *grown
        cdef Py_ssize_t room
        if self.closed_limit == 0:
            return
        if self.closed_size == self.closed_room and self.closed_room < self.closed_limit:
            room = self.closed_room * 2
            if room == 0:
                room = 8
            if room > self.closed_limit:
                room = self.closed_limit
            grown = <Closed *>PyMem_Realloc(self.closed, room * sizeof(Closed))
            if grown == NULL:
                if self.closed_room == 0:
                    return
            else:
                self.closed = grown
                self.closed_next = self.closed_size
                self.closed_room = room
        if self.closed_next == self.closed_room:
            self.closed_next = 0
        self.closed[self.closed_next].id = stream_id
        self.closed[self.closed_next].reason = <int8_t>reason
        self.closed_next += 1
        if self.closed_size < self.closed_room:
            self.closed_size += 1

    cdef int reason_of(self, uint32_t stream_id) noexcept:
        """Return how a closed stream ended; BY_NOTHING if unknown. Searches the newest first."""
        cdef Py_ssize_t i = self.closed_next
        cdef Py_ssize_t left = self.closed_size
        while left > 0:
            i = (i - 1) if i > 0 else self.closed_size - 1
            if self.closed[i].id == stream_id:
                return self.closed[i].reason
            left -= 1
        return -1

    cdef list all(self):
        """Return all streams, sorted by identifier."""
        cdef uint32_t i
        cdef list found = []
        if self.slots != NULL:
            for i in range(<uint32_t>(self.mask + 1)):
                if self.slots[i].id != 0:
                    found.append(<H2Stream>self.slots[i].stream)
            found.sort(key=lambda s: s.stream_id)
        return found
