# Priorities of responses (RFC 9218): the value of the Priority field and of
# PRIORITY_UPDATE, and updates received before their request.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t

# A parsed value; 0: none.
cdef enum:
    PRIORITY_URGENCY = 7             # mask: 0 (first) to 7; default 3
    PRIORITY_INCREMENTAL = 1 << 3
    PRIORITY_HAS_URGENCY = 1 << 4    # the value has a valid urgency
    PRIORITY_HAS_INCREMENTAL = 1 << 5
    PRIORITY_NAMES_URGENCY = 1 << 6  # valid or not
    PRIORITY_NAMES_INCREMENTAL = 1 << 7
    PRIORITY_FAILED = 1 << 8         # not a dictionary: the defaults apply
    PRIORITY_PRESENT = 1 << 9        # set in every value
    URGENCY_DEFAULT = 3

# Parse a dictionary of structured fields (RFC 8941 section 3.2).
cdef uint16_t read_priority_field(const uint8_t *p, size_t n) noexcept nogil

# Combine the values of two lines of one field; `first` may be 0.
cdef uint16_t join_priorities(uint16_t first, uint16_t second) noexcept nogil


# The latest update of each idle stream, by ascending stream.
cdef struct EarlyUpdate:
    uint32_t stream_id
    uint16_t value

cdef struct EarlyUpdates:
    EarlyUpdate *updates             # owned
    uint32_t count
    uint32_t room

# Keep an update, unless it exceeds `most` streams or memory runs out: updates are
# advisory. Return False if it exceeds `most`.
cdef bint early_keep(EarlyUpdates *early, uint32_t stream_id, uint16_t value, uint32_t most) noexcept

# Remove the updates of the streams up to this one, which are not idle any more. Return this one's or 0.
cdef uint16_t early_take(EarlyUpdates *early, uint32_t stream_id) noexcept

cdef void early_free(EarlyUpdates *early) noexcept
