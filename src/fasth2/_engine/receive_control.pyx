"""The frames received other than HEADERS, CONTINUATION, DATA and SETTINGS (RFC 9113 section 6)."""
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp

from fasth2._engine.core cimport C_CLOSED, Core, find_stream, is_idle, is_shut
from fasth2._cursor cimport load32
from fasth2._engine.deliver cimport (
    deliver_alternative,
    deliver_goaway,
    deliver_ping,
    deliver_ping_ack,
    deliver_priority,
    deliver_reset,
    deliver_unknown,
    deliver_window_update,
)
from fasth2._engine.error_codes cimport REFUSED_STREAM
from fasth2._engine.errors cimport *
from fasth2._engine.flow_control cimport credit_connection, credit_stream
from fasth2._frames cimport *
from fasth2._frames cimport (
    FrameHeader,
    Payload,
    out_clear,
    out_reserve,
    put_ping,
    read_altsvc,
    read_priority,
)
from fasth2._engine.limits cimport (
    count_ack,
    count_late_frame,
    count_ping,
    count_priority,
    count_priority_load,
    count_reset,
    count_suspicious,
    count_window_update,
    output_taken,
)
from fasth2._priority cimport early_keep, early_take, read_priority_field
from fasth2._engine.role cimport is_inbound, peer_advertises, peer_updates_priorities
from fasth2._engine.stream cimport BY_RECV_RST_STREAM, S_HALF_CLOSED_LOCAL, H2Stream, stream_is_promised
from fasth2._engine.window_growth cimport WINDOW_PING
from fasth2._window cimport MAX_WINDOW

cdef enum:
    # Largest number of idle streams whose priority is kept, even with a higher SETTINGS_MAX_CONCURRENT_STREAMS.
    EARLY_MOST = 1000


# PRIORITY, RFC 9113 section 6.3

cdef int on_priority(Core c, FrameHeader *h, const uint8_t *p) except -1:
    cdef Payload priority
    cdef int fault
    if h.length != 5:
        c.fault_value = f"{h.length} octets"
        return FAULT_PRIORITY_LENGTH
    if is_shut(c):
        return FAULT_CONNECTION_CLOSED
    read_priority(p, &priority)
    if c.no_rfc7540:
        # RFC 9218 section 2.1: ignored.
        pass
    elif priority.depends_on == h.stream_id:
        return FAULT_PRIORITY_SELF
    else:
        deliver_priority(c, h.stream_id, priority.depends_on, priority.weight, priority.exclusive)
    fault = count_priority(&c.limits)
    if fault == FAULT_NONE:
        fault = count_priority_load(&c.limits, c.clock)
    return fault


# RST_STREAM, RFC 9113 section 6.4

cdef int on_rst_stream(Core c, FrameHeader *h, const uint8_t *p) except -1:
    cdef H2Stream s
    cdef bint free
    if h.length != 4:
        c.fault_value = f"{h.length} octets"
        return FAULT_RST_STREAM_LENGTH
    if is_shut(c):
        return FAULT_CONNECTION_CLOSED
    s = find_stream(c, h.stream_id)
    if s is None:
        if is_idle(c, h.stream_id):
            return FAULT_IDLE_STREAM
        return count_late_frame(&c.limits, c.clock)
    # A reset after the complete response only stops the rest of the request, which costs nothing, as does one of a
    # request of ours.
    free = (s.phase == S_HALF_CLOSED_LOCAL and s.headers_sent) or not is_inbound(&c.ids, h.stream_id)
    c.close_stream(s, BY_RECV_RST_STREAM)
    deliver_reset(c, h.stream_id, load32(p), True)
    return FAULT_NONE if free else count_reset(&c.limits, c.clock)


# PING, RFC 9113 section 6.7

cdef int on_ping(Core c, FrameHeader *h, const uint8_t *p) except -1:
    cdef int fault = FAULT_NONE
    if h.length != 8:
        c.fault_value = f"{h.length} octets"
        return FAULT_PING_LENGTH
    if h.flags & FLAG_ACK and c.growth is not None and c.growth.waiting and memcmp(p, WINDOW_PING, 8) == 0:
        c.growth.ping_answered(c.clock)
        return FAULT_NONE
    if is_shut(c):
        return FAULT_CONNECTION_CLOSED
    if h.flags & FLAG_ACK:
        deliver_ping_ack(c, p)
        if c.limits.pings_asked > 0:
            c.limits.pings_asked -= 1
            return FAULT_NONE
        return count_suspicious(&c.limits, c.clock, 0)
    else:
        deliver_ping(c, p)
        out_reserve(&c.out, FRAME_HEADER + 8)
        put_ping(&c.out, p, FLAG_ACK)
        c.pings_received += 1
        fault = count_ack(&c.limits, FRAME_HEADER + 8)
    if fault == FAULT_NONE:
        fault = count_ping(&c.limits, c.clock)
    return fault


# GOAWAY, RFC 9113 section 6.8

cdef int on_goaway(Core c, FrameHeader *h, const uint8_t *p) except -1:
    cdef uint32_t last, code
    cdef bint again = c.goaway_received
    if h.length < 8:
        c.fault_value = f"{h.length} octets"
        return FAULT_GOAWAY_LENGTH
    last = load32(p) & 0x7FFFFFFF
    code = load32(p + 4)
    if again and c.rfc_errors and last >= c.peer_goaway_last:
        # No new information: a higher number does not replace a lower one.
        return count_suspicious(&c.limits, c.clock, h.length)
    c.goaway_received = True
    c.peer_goaway_last = last
    c.phase = C_CLOSED
    if not c.rfc_errors:
        out_clear(&c.out)
        output_taken(&c.limits, 0, 0)
        c.drop_queues()
    deliver_goaway(c, code, last, p + 8, <Py_ssize_t>h.length - 8)
    if c.rfc_errors and last < c.ids.highest_outbound:
        drop_unprocessed(c, last)
    if again:
        return count_suspicious(&c.limits, c.clock, h.length)
    return FAULT_NONE


cdef int drop_unprocessed(Core c, uint32_t last) except -1:
    """Close our streams above the last one that the peer has processed or will: they may be repeated."""
    cdef H2Stream s
    for s in c.table.all():
        if s.id > last and not is_inbound(&c.ids, s.id):
            c.close_stream(s, BY_RECV_RST_STREAM)
            deliver_reset(c, s.id, REFUSED_STREAM, True)
    return 0


# WINDOW_UPDATE, RFC 9113 section 6.9

cdef int on_window_update(Core c, FrameHeader *h, const uint8_t *p) except -1:
    cdef uint32_t increment
    cdef H2Stream s
    cdef int fault
    if h.length != 4:
        c.fault_value = f"{h.length} octets"
        return FAULT_WINDOW_UPDATE_LENGTH
    increment = load32(p)
    if increment > MAX_WINDOW:
        if not c.rfc_errors:
            c.fault_value = increment
            return FAULT_WINDOW_UPDATE_RESERVED
        increment &= MAX_WINDOW
    if increment == 0 and (h.stream_id == 0 or not c.rfc_errors):
        return FAULT_WINDOW_UPDATE_ZERO
    if is_shut(c):
        return FAULT_CONNECTION_CLOSED
    fault = count_window_update(&c.limits)
    if fault != FAULT_NONE:
        return fault
    if h.stream_id == 0:
        fault = credit_connection(c, increment)
    else:
        s = find_stream(c, h.stream_id)
        if s is None:
            return FAULT_IDLE_STREAM if is_idle(c, h.stream_id) else FAULT_NONE
        if c.rfc_errors and stream_is_promised(s):
            return FAULT_RESERVED
        if increment == 0:
            return FAULT_WINDOW_UPDATE_ZERO
        fault = credit_stream(c, s, increment)
    if fault != FAULT_NONE:
        return fault
    deliver_window_update(c, h.stream_id, increment)
    return FAULT_NONE


# ALTSVC, RFC 7838 section 4: a server ignores it.

cdef int on_altsvc(Core c, FrameHeader *h, const uint8_t *p) except -1:
    cdef uint32_t origin_length
    cdef bint whole = read_altsvc(p, h, &origin_length) == LAYOUT_OK
    if not whole and not c.rfc_errors:
        # RFC 7838 says to ignore it; h2 refuses it.
        return FAULT_ALTSVC_LENGTH
    if is_shut(c):
        return FAULT_CONNECTION_CLOSED
    if whole and peer_advertises(&c.ids):
        on_alternative(c, h.stream_id, p + 2, origin_length, h.length - 2)
    return count_suspicious(&c.limits, c.clock, h.length)


cdef int on_alternative(Core c, uint32_t sid, const uint8_t *p, uint32_t origin_length, uint32_t n) except -1:
    """Deliver an alternative service of the n octets at p: an origin, for stream 0 only, and the field's value. On a
    stream it is for the request's origin, and ignored once the response has begun."""
    cdef H2Stream s
    cdef object origin
    if sid == 0:
        if origin_length == 0:
            return 0
        origin = PyBytes_FromStringAndSize(<const char *>p, origin_length)
    else:
        s = find_stream(c, sid)
        if s is None or s.headers_received or origin_length:
            return 0
        origin = s.authority
        if type(origin) is str:
            origin = origin.encode(c._config.header_encoding if is_inbound(&c.ids, sid) else "utf-8")
    return deliver_alternative(c, origin, p + origin_length, n - origin_length)


# PRIORITY_UPDATE, RFC 9218 section 7.1

cdef int on_priority_update(Core c, FrameHeader *h, const uint8_t *p) except -1:
    cdef uint32_t sid
    cdef H2Stream s
    cdef int fault
    if not peer_updates_priorities(&c.ids):
        return FAULT_PRIORITY_UPDATE_SERVER
    if h.stream_id:
        return FAULT_STREAM_ID_NOT_ZERO
    if h.length < 4:
        c.fault_value = f"{h.length} octets"
        return FAULT_PRIORITY_UPDATE_LENGTH
    sid = load32(p) & 0x7FFFFFFF
    if not is_inbound(&c.ids, sid) and is_idle(c, sid):
        c.fault_value = f"stream {sid}"
        return FAULT_PRIORITY_UPDATE_STREAM
    fault = count_priority(&c.limits)
    if fault != FAULT_NONE:
        return fault
    s = find_stream(c, sid)
    if s is not None:
        c.set_priority(s, read_priority_field(p + 4, h.length - 4))
    elif is_idle(c, sid):
        fault = keep_early_update(c, sid, read_priority_field(p + 4, h.length - 4))
        if fault != FAULT_NONE:
            return fault
    deliver_unknown(c, h, p)
    return count_priority_load(&c.limits, c.clock)


cdef int keep_early_update(Core c, uint32_t sid, uint16_t priority) noexcept:
    """Keep the priority of an idle stream. Such streams and open streams together are limited by
    SETTINGS_MAX_CONCURRENT_STREAMS."""
    cdef uint64_t most = c.local.max_concurrent_streams_
    early_take(&c.early, c.ids.highest_inbound)
    most = most - <uint64_t>c.ids.open_inbound if most > <uint64_t>c.ids.open_inbound else 0
    if early_keep(&c.early, sid, priority, <uint32_t>min(most, <uint64_t>EARLY_MOST)) or most > EARLY_MOST:
        return FAULT_NONE
    # A peer that has not acknowledged our SETTINGS may not know the limit.
    return FAULT_NONE if c.acks_expected else FAULT_PRIORITY_UPDATE_IDLE


# Any other type, RFC 9113 section 5.5; also ORIGIN (RFC 8336), which is for clients only.

cdef int on_unknown(Core c, FrameHeader *h, const uint8_t *p) except -1:
    deliver_unknown(c, h, p)
    return count_suspicious(&c.limits, c.clock, h.length)
