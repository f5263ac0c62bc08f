"""DATA received (RFC 9113 section 6.1): windows, content-length, events."""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint32_t, uint8_t
from libc.string cimport memcpy

from fasth2._engine.core cimport C_IDLE, Core, Merge, find_stream, is_idle, is_shut
from fasth2._engine.errors cimport *
from fasth2._engine.events cimport DataReceived, StreamEnded
from fasth2._frames cimport *
from fasth2._frames cimport FrameHeader, Payload, read_data
from fasth2._engine.limits cimport count_control, count_late_data, count_suspicious
from fasth2._engine.ready cimport Data
from fasth2._engine.stream cimport BY_SEND_RST_STREAM, S_HALF_CLOSED_REMOTE, S_RESERVED_LOCAL, H2Stream
from fasth2._window cimport window_consume, window_process


cdef int merge_done(Core c) except -1:
    """Copy the DATA frames that were held back into one object."""
    cdef Merge *m = c.merge
    cdef Data ready
    cdef bytes data
    cdef uint8_t *to
    cdef int i
    if m == NULL or m.count == 0:
        return 0
    data = PyBytes_FromStringAndSize(NULL, m.octets)
    to = <uint8_t *>PyBytes_AS_STRING(data)
    for i in range(m.count):
        memcpy(to, m.data[i], m.length[i])
        to += m.length[i]
    ready = Data.__new__(Data)
    ready.stream_id = c.merging.stream_id
    ready.data = data
    ready.flow_controlled_length = m.flow
    ready.end_stream = m.ends
    c.events.append(ready)
    m.count = 0
    return 0


cdef StreamEnded stream_ended(object stream_id):
    cdef StreamEnded event = StreamEnded.__new__(StreamEnded)
    event.stream_id = stream_id
    return event


# DATA, RFC 9113 section 6.1

cdef int on_data(Core c, FrameHeader *h, const uint8_t *p) except -1:
    cdef Payload body
    cdef H2Stream s
    cdef int layout
    cdef bint ends = h.flags & FLAG_END_STREAM
    cdef bytes data
    cdef DataReceived event
    cdef StreamEnded end_event
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
        return_credit(c, h.length)
        return on_late_frame(c, h)
    if s.phase == S_HALF_CLOSED_REMOTE:
        return_credit(c, h.length)
        return FAULT_HALF_CLOSED
    if s.phase == S_RESERVED_LOCAL:
        return_credit(c, h.length)
        return FAULT_RESERVED if c.rfc_errors else FAULT_HALF_CLOSED
    if not window_consume(&s.window, h.length):
        c.fault_value = f"{h.length} octets"
        return FAULT_STREAM_WINDOW_OVERRUN
    s.received += body.length
    if s.expected >= 0 and (s.received > s.expected or (ends and s.received != s.expected)):
        c.fault_value = (s.expected, s.received)
        if c.rfc_errors:
            return_credit(c, h.length)
        return FAULT_BODY_LENGTH
    c.limits.useful += body.length
    if c.slim:
        if c.merge.count == 0:
            c.merging = s
            c.merge.octets = 0
            c.merge.flow = 0
        c.merge.data[c.merge.count] = body.data
        c.merge.length[c.merge.count] = body.length
        c.merge.count += 1
        c.merge.octets += body.length
        c.merge.flow += h.length
        c.merge.ends = ends
    else:
        data = PyBytes_FromStringAndSize(<const char *>body.data, body.length)
        event = DataReceived.__new__(DataReceived)
        event.stream_id = s.stream_id
        event.data = data
        event.flow_controlled_length = h.length
        c.events.append(event)
        if ends:
            end_event = stream_ended(s.stream_id)
            event.stream_ended = end_event
            c.events.append(end_event)
    if ends:
        return c.end_remote(s)
    if body.length == 0:
        return count_suspicious(&c.limits, c.clock, 0)
    return FAULT_NONE


cdef int return_credit(Core c, uint32_t octets) except -1:
    """Nobody will read these octets: the connection's window gets them back (RFC 9113 section 6.9)."""
    cdef int64_t increment = window_process(&c.window, octets)
    if increment:
        c.write_window_update(0, increment)
        count_control(&c.limits, 13)
    return 0


cdef int on_late_frame(Core c, FrameHeader *h) except -1:
    """DATA on a stream that is over (RFC 9113 section 5.1, closed)."""
    if c.rfc_errors and (h.stream_id > c.goaway_limit or c.table.reason_of(h.stream_id) == BY_SEND_RST_STREAM):
        # In flight when we reset the stream, or above the last one that our GOAWAY let in: ignored.
        return count_late_data(&c.limits, c.clock, h.length)
    return FAULT_CLOSED_BY_RESET
