# What a client says of a response's priority (RFC 9218): the value of the priority
# field and of PRIORITY_UPDATE, and updates whose request has not come yet.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t

# A value that was read. 0 stands for "nothing was said".
cdef enum:
    PRIORITY_URGENCY = 7             # mask: 0 (first) to 7; 3 where none is given
    PRIORITY_INCREMENTAL = 1 << 3
    PRIORITY_HAS_URGENCY = 1 << 4    # the value has an urgency that can be used
    PRIORITY_HAS_INCREMENTAL = 1 << 5
    PRIORITY_NAMES_URGENCY = 1 << 6  # usable or not
    PRIORITY_NAMES_INCREMENTAL = 1 << 7
    PRIORITY_FAILED = 1 << 8         # not a dictionary: the defaults hold
    PRIORITY_PRESENT = 1 << 9           # set in every value
    URGENCY_DEFAULT = 3

# Read a dictionary of structured fields (RFC 8941 section 3.2).
cdef uint16_t read_priority_field(const uint8_t *p, size_t n) noexcept nogil

# What two lines of one field say together; `first` may be 0.
cdef uint16_t join_priorities(uint16_t first, uint16_t second) noexcept nogil


# Updates for streams that are still idle, the latest of each, by ascending stream.
cdef struct EarlyUpdate:
    uint32_t stream_id
    uint16_t value

cdef struct EarlyUpdates:
    EarlyUpdate *updates             # owned
    uint32_t count
    uint32_t room

# Keep an update, unless it is for one stream more than `most` or memory runs out: it is
# advice. False: there is one stream more.
cdef bint early_keep(EarlyUpdates *early, uint32_t stream_id, uint16_t value, uint32_t most) noexcept

# Streams up to this one are not idle any more: forget their updates, return this one's or 0.
cdef uint16_t early_take(EarlyUpdates *early, uint32_t stream_id) noexcept

cdef void early_free(EarlyUpdates *early) noexcept
