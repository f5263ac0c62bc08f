"""DATA received (RFC 9113 section 6.1): windows, content-length."""
from libc.stdint cimport uint8_t

from fasth2._engine.core cimport C_IDLE, Core, find_stream, is_idle, is_shut
from fasth2._engine.deliver cimport deliver_data
from fasth2._engine.errors cimport *
from fasth2._engine.flow_control cimport measure, return_unread
from fasth2._frames cimport *
from fasth2._frames cimport FrameHeader, Payload, read_data
from fasth2._engine.limits cimport count_late_data, count_suspicious
from fasth2._engine.role cimport is_inbound
from fasth2._engine.stream cimport (
    BY_SEND_RST_STREAM,
    S_HALF_CLOSED_REMOTE,
    H2Stream,
    stream_is_promised,
    stream_is_reserved,
)
from fasth2._window cimport window_consume


# DATA, RFC 9113 section 6.1

cdef int on_data(Core c, FrameHeader *h, const uint8_t *p) except -1:
    cdef Payload body
    cdef H2Stream s
    cdef int layout
    cdef bint ends = h.flags & FLAG_END_STREAM
    layout = read_data(p, h, &body)
    if layout != LAYOUT_OK:
        return FAULT_DATA_SHORT if layout == LAYOUT_SHORT else FAULT_DATA_PADDING
    if is_shut(c):
        return FAULT_CONNECTION_CLOSED
    if c.phase == C_IDLE:
        return FAULT_IDLE_STREAM
    if not window_consume(&c.window, h.length):
        c.fault_value = f"{h.length} octets"
        return FAULT_WINDOW_OVERRUN
    s = find_stream(c, h.stream_id)
    if s is None:
        if is_idle(c, h.stream_id):
            return FAULT_IDLE_STREAM
        return_unread(c, h.length)
        return on_late_frame(c, h)
    if s.phase == S_HALF_CLOSED_REMOTE:
        return_unread(c, h.length)
        return FAULT_HALF_CLOSED
    if not s.headers_received:
        return_unread(c, h.length)
        if not stream_is_reserved(s) and not stream_is_promised(s):
            return FAULT_DATA_EARLY
        return FAULT_RESERVED if c.rfc_errors else FAULT_HALF_CLOSED
    if not window_consume(&s.window, h.length):
        c.fault_value = f"{h.length} octets"
        return FAULT_STREAM_WINDOW_OVERRUN
    s.received += body.length
    if s.expected >= 0 and (s.received > s.expected or (ends and s.received != s.expected)):
        c.fault_value = (s.expected, s.received)
        if c.rfc_errors:
            return_unread(c, h.length)
        return FAULT_BODY_LENGTH
    c.limits.useful += body.length
    if c.windows is not None:
        measure(c, s, body.length)
    deliver_data(c, s, body.data, body.length, h.length, ends)
    if ends:
        return c.end_remote(s)
    if body.length == 0:
        return count_suspicious(&c.limits, c.clock, 0)
    return FAULT_NONE


cdef int on_late_frame(Core c, FrameHeader *h) except -1:
    """DATA on a closed stream (RFC 9113 section 5.1)."""
    if c.rfc_errors and ((h.stream_id > c.goaway_limit and is_inbound(&c.ids, h.stream_id))
                         or c.table.reason_of(h.stream_id) == BY_SEND_RST_STREAM):
        # In flight when we reset the stream, or above the last stream of our GOAWAY: ignored.
        return count_late_data(&c.limits, c.clock, h.length)
    return FAULT_CLOSED_BY_RESET
