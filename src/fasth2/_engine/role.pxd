# Our side of the connection, and the stream identifiers that both sides have used (RFC 9113 section 5.1.1).
# No other file uses an identifier's parity.
from libc.stdint cimport int64_t, uint8_t, uint32_t

cdef enum:
    # The lowest bit of the identifiers of the streams that the side opens.
    SERVER = 0
    CLIENT = 1

cdef enum:
    HIGHEST_STREAM_ID = 0x7FFFFFFF


cdef struct Identifiers:
    uint8_t role                 # ours: SERVER or CLIENT
    uint32_t highest_inbound     # highest stream that the peer has opened, 0: none
    uint32_t highest_outbound    # highest stream that we have opened or promised, 0: none
    int64_t open_inbound         # streams that count against our SETTINGS_MAX_CONCURRENT_STREAMS
    int64_t open_outbound        # streams that count against the peer's
    int64_t promised             # streams that the peer has promised and not opened yet


cdef inline bint is_client(const Identifiers *ids) noexcept:
    return ids.role == CLIENT


# What only one side does. Everything else is the same for both.

cdef inline bint sends_preface(const Identifiers *ids) noexcept:
    """Return True if we send the octets of the connection preface before SETTINGS (section 3.4)."""
    return ids.role == CLIENT


cdef inline bint opens_by_headers(const Identifiers *ids) noexcept:
    """Return True if HEADERS of ours open a stream: a request (section 8.1)."""
    return ids.role == CLIENT


cdef inline bint peer_opens_by_headers(const Identifiers *ids) noexcept:
    """Return True if HEADERS of the peer open a stream."""
    return ids.role == SERVER


cdef inline bint may_prioritize(const Identifiers *ids) noexcept:
    """Return True if we send priorities (RFC 7540 section 5.3)."""
    return ids.role == CLIENT


cdef inline bint peer_may_push(const Identifiers *ids) noexcept:
    """Return True if the peer may send PUSH_PROMISE (section 8.4)."""
    return ids.role == CLIENT


cdef inline bint may_advertise(const Identifiers *ids) noexcept:
    """Return True if we may send ALTSVC (RFC 7838 section 4)."""
    return ids.role == SERVER


cdef inline bint peer_advertises(const Identifiers *ids) noexcept:
    """Return True if the peer may send ALTSVC (RFC 7838 section 4)."""
    return ids.role == CLIENT


cdef inline bint peer_updates_priorities(const Identifiers *ids) noexcept:
    """Return True if the peer may send PRIORITY_UPDATE (RFC 9218 section 7.1)."""
    return ids.role == SERVER


cdef inline bint is_inbound(const Identifiers *ids, uint32_t stream_id) noexcept:
    """Return True if the stream belongs to the peer, by its parity."""
    return (stream_id & 1) != ids.role


cdef inline uint32_t highest_of_side(const Identifiers *ids, uint32_t stream_id) noexcept:
    """Return the highest stream opened by the side to which the stream belongs."""
    return ids.highest_inbound if is_inbound(ids, stream_id) else ids.highest_outbound


cdef inline bint is_last_inbound(const Identifiers *ids, uint32_t stream_id) noexcept:
    """Return True if the peer has no identifier left after this one of its own."""
    return stream_id > <uint32_t>HIGHEST_STREAM_ID - 2


cdef inline uint32_t next_outbound(const Identifiers *ids) noexcept:
    """Return the identifier of the next stream that we open or promise; 0: all are used."""
    cdef uint32_t following = 2 - <uint32_t>ids.role if ids.highest_outbound == 0 else ids.highest_outbound + 2
    return following if following <= <uint32_t>HIGHEST_STREAM_ID else 0


cdef inline void count_open(Identifiers *ids, uint32_t stream_id, int change) noexcept:
    """Count one stream more (1) or less (-1) against SETTINGS_MAX_CONCURRENT_STREAMS (section 5.1.2)."""
    if is_inbound(ids, stream_id):
        ids.open_inbound += change
    else:
        ids.open_outbound += change
