"""The receiving path: frames are cut from the input, checked against the stream states and converted to events.

Functions named on_... process a complete frame and return FAULT_NONE or a fault; only resolve_fault() converts a fault
to a stream error (RST_STREAM and an event) or a connection error (GOAWAY and an exception). RFC 9113 section 5.4.
"""
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport uint32_t, uint8_t
from libc.string cimport memcmp, memcpy

from fasth2._engine.core cimport C_CLOSED, C_IDLE, C_OPEN, PREFACE_LENGTH, Core, Merge, find_stream
from fasth2._engine.deliver cimport deliver_merged, deliver_merged_before, deliver_reset
from fasth2._engine.error_codes cimport INTERNAL_ERROR, REFUSED_STREAM
from fasth2._engine.errors cimport *
from fasth2._engine.errors cimport fault_code, fault_debug, fault_exception, fault_scope, fault_token
from fasth2._engine.flow_control cimport end_growth
from fasth2._frames cimport *
from fasth2._frames cimport FrameHeader, read_frame_header, tail_clear, tail_reserve
from fasth2._engine.limits cimport count_control, count_refusal, count_reset
from fasth2._engine.receive_control cimport (
    on_altsvc,
    on_goaway,
    on_ping,
    on_priority,
    on_priority_update,
    on_rst_stream,
    on_unknown,
    on_window_update,
)
from fasth2._engine.receive_data cimport on_data
from fasth2._engine.field_block cimport block_free
from fasth2._engine.role cimport is_client
from fasth2._engine.receive_headers cimport on_continuation, on_headers
from fasth2._engine.receive_push cimport on_push_promise
from fasth2._engine.receive_settings cimport on_settings
from fasth2._engine.stream cimport BY_SEND_RST_STREAM, H2Stream

from fasth2._redaction import RedactedFields

cdef const char *PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


cdef list receive(Core c, const uint8_t *p, Py_ssize_t n, bint slim):
    """Read n octets; return the events (slim: the objects of fasth2._engine.ready). Raises h2's exception on a
    connection error, with the events before it in its `events`."""
    cdef list events = []
    cdef int fault
    cdef bint whole = False
    if c.failed:
        return events
    c.events = events
    c.slim = slim
    try:
        fault = FAULT_NONE
        if c.preface_left:
            fault = on_preface(c, &p, &n)
        if fault == FAULT_NONE and n:
            fault = cut_frames(c, p, n)
        if fault != FAULT_NONE:
            end_connection(c, fault)
        whole = True
        if c.refusal_error is not None:
            raise_refusal_error(c)
    except BaseException as error:
        try:
            error.events = events
        except AttributeError:
            pass
        raise
    finally:
        c.events = None
        c.decoder.release()
        if not whole and not c.failed:
            # Memory ran out, or a user's callable raised: frames may be lost, so no more input is processed. Not in
            # `except`, which allocates memory.
            fail(c, INTERNAL_ERROR, b"")
    return events


cdef int fail(Core c, uint32_t code, bytes debug, bint says_goaway=True) except -1:
    """Stop reading, and queue GOAWAY."""
    c.failed = True
    c.refusal_error = None
    c.phase = C_CLOSED
    c.block.stream_id = 0
    block_free(c)
    tail_clear(&c.tail)
    c.drop_queues()
    end_growth(c)
    if says_goaway:
        c.write_goaway(c.ids.highest_inbound, code, debug)
    return 0


cdef int end_connection(Core c, int fault) except -1:
    """RFC 9113 section 5.4.1. Always raises."""
    cdef object error
    c.count(fault_token(fault))
    error = fault_exception(fault, c.fault_stream, c.fault_value)
    error.events = c.events
    c.fault_value = None
    # A peer that does not begin with the preface does not speak HTTP/2: no GOAWAY, as in h2 (section 3.4).
    fail(c, error.error_code, fault_debug(fault, c.rfc_errors), c.rfc_errors or fault != FAULT_PREFACE)
    if c.logger is not None:
        c.logger.debug("connection error: %s", error)
    raise error


cdef int end_by_refusals(Core c, int fault) except -1:
    """Send GOAWAY because too many streams were refused; open streams continue."""
    c.count(fault_token(fault))
    c.refusal_error = fault_exception(fault, c.fault_stream, None)
    c.refusal_goaway_sent = True
    c.phase = C_CLOSED
    c.write_goaway(c.ids.highest_inbound, fault_code(fault), fault_debug(fault, c.rfc_errors))
    return FAULT_NONE


cdef int raise_refusal_error(Core c) except -1:
    """Raise the exception made by end_by_refusals(), once the input is processed. Always raises."""
    cdef object error = c.refusal_error
    c.refusal_error = None
    if c.logger is not None:
        c.logger.debug("connection error: %s", error)
    raise error


cdef int on_preface(Core c, const uint8_t **p, Py_ssize_t *n) except -1:
    """Check the connection preface (RFC 9113 section 3.4); refuse it at the first octet that differs."""
    cdef Py_ssize_t take = c.preface_left
    if n[0] < take:
        take = n[0]
    if memcmp(p[0], PREFACE + (PREFACE_LENGTH - c.preface_left), take) != 0:
        c.fault_stream = 0
        c.fault_value = PyBytes_FromStringAndSize(<const char *>p[0], take)
        return FAULT_PREFACE
    c.preface_left -= <int>take
    p[0] += take
    n[0] -= take
    return FAULT_NONE


cdef int cut_frames(Core c, const uint8_t *p, Py_ssize_t n) except -1:
    """Cut the input into frames. Consecutive DATA frames of a stream may be delivered as one object."""
    cdef Merge merge
    cdef int fault
    merge.count = 0
    c.merge = &merge
    try:
        fault = each_frame(c, p, n)
        deliver_merged(c)
        return fault
    finally:
        c.merge = NULL
        c.merging = None


cdef int each_frame(Core c, const uint8_t *p, Py_ssize_t n) except -1:
    """Pass every complete frame to on_frame() in place; buffer an unfinished one."""
    cdef FrameHeader h
    cdef Py_ssize_t need, take
    cdef int fault
    if c.overlong.left:
        return skip_overlong(c, n)
    while c.tail.length and n:
        # An unfinished frame from earlier reads: add what it still needs.
        need = FRAME_HEADER
        if c.tail.length >= FRAME_HEADER:
            read_frame_header(c.tail.data, &h)
            need = FRAME_HEADER + <Py_ssize_t>h.length
        take = need - c.tail.length
        if take > n:
            take = n
        tail_reserve(&c.tail, need if take == need - c.tail.length or need < 4096 else c.tail.length + take)
        memcpy(c.tail.data + c.tail.length, p, take)
        c.tail.length += take
        p += take
        n -= take
        if c.tail.length < need:
            return FAULT_NONE
        if need == FRAME_HEADER:
            read_frame_header(c.tail.data, &h)
            fault = check_header(c, &h)
            if fault != FAULT_NONE:
                return begin_overlong(c, &h, n) if fault == FAULT_FRAME_TOO_LARGE else fault
            if h.length:
                continue
        fault = resolve_fault(c, on_frame(c, &h, c.tail.data + FRAME_HEADER))
        deliver_merged(c)
        if fault != FAULT_NONE or c.failed:
            return fault
        tail_clear(&c.tail)
    while n >= FRAME_HEADER:
        read_frame_header(p, &h)
        fault = check_header(c, &h)
        if fault != FAULT_NONE:
            return begin_overlong(c, &h, n - FRAME_HEADER) if fault == FAULT_FRAME_TOO_LARGE else fault
        if n - FRAME_HEADER < <Py_ssize_t>h.length:
            break
        fault = resolve_fault(c, on_frame(c, &h, p + FRAME_HEADER))
        if fault != FAULT_NONE or c.failed:
            return fault
        p += FRAME_HEADER + <Py_ssize_t>h.length
        n -= FRAME_HEADER + <Py_ssize_t>h.length
    if n:
        tail_reserve(&c.tail, n)
        memcpy(c.tail.data, p, n)
        c.tail.length = n
    return FAULT_NONE


cdef inline bint may_be_no_frame(Core c) noexcept:
    """Return True if these are a client's first octets: the peer may speak no HTTP/2. Programs expect it to close then, and
    take an error of ours for their own fault."""
    return not c.settings_seen and not c.rfc_errors and is_client(&c.ids)


cdef int begin_overlong(Core c, FrameHeader *h, Py_ssize_t n) except -1:
    """Refuse a frame that is too long: at once, or once its payload has arrived, as h2 does. The payload, n octets of which
    are here, is not kept."""
    if not may_be_no_frame(c):
        return FAULT_FRAME_TOO_LARGE
    tail_clear(&c.tail)
    c.overlong.left = c.overlong.length = h.length
    c.overlong.stream_id = h.stream_id
    return skip_overlong(c, n)


cdef int skip_overlong(Core c, Py_ssize_t n) except -1:
    """Skip n octets of the payload of a frame that is too long; it is refused after the last."""
    if n < <Py_ssize_t>c.overlong.left:
        c.overlong.left -= <uint32_t>n
        return FAULT_NONE
    c.fault_stream = c.overlong.stream_id
    c.fault_value = f"{c.overlong.length} octets, the limit is {c.max_in_frame}"
    return FAULT_FRAME_TOO_LARGE


cdef int check_header(Core c, FrameHeader *h) except -1:
    """Validate the frame header before buffering its payload."""
    cdef bint overlong = h.length > c.max_in_frame
    c.fault_stream = h.stream_id
    c.opening = 0
    if overlong and not may_be_no_frame(c):
        c.fault_value = f"{h.length} octets, the limit is {c.max_in_frame}"
        return FAULT_FRAME_TOO_LARGE
    if not overlong and c.block.stream_id and (h.type != FRAME_CONTINUATION or h.stream_id != c.block.stream_id):
        c.fault_value = f"type {h.type} on stream {h.stream_id} inside the block of stream {c.block.stream_id}"
        return FAULT_CONTINUATION_EXPECTED
    if h.type <= FRAME_CONTINUATION:
        if h.type == FRAME_SETTINGS or h.type == FRAME_PING or h.type == FRAME_GOAWAY:
            if h.stream_id:
                c.fault_value = f"type {h.type}"
                return FAULT_STREAM_ID_NOT_ZERO
        elif h.stream_id == 0 and h.type != FRAME_WINDOW_UPDATE:
            c.fault_value = f"type {h.type}"
            return FAULT_STREAM_ID_ZERO
    if overlong:
        return FAULT_FRAME_TOO_LARGE
    if not c.settings_seen:
        if h.type != FRAME_SETTINGS or h.flags & FLAG_ACK:
            if c.rfc_errors:
                c.fault_value = f"type {h.type}"
                return FAULT_SETTINGS_FIRST
        c.settings_seen = True
    return FAULT_NONE


cdef int on_frame(Core c, FrameHeader *h, const uint8_t *p) except -1:
    """Process a complete frame. p: h.length octets of payload."""
    cdef int fault
    cdef Py_ssize_t delivered
    deliver_merged_before(c, h)
    delivered = len(c.events)
    if h.type == FRAME_HEADERS:
        fault = on_headers(c, h, p)
    elif h.type == FRAME_DATA:
        fault = on_data(c, h, p)
    elif h.type == FRAME_WINDOW_UPDATE:
        fault = on_window_update(c, h, p)
    elif h.type == FRAME_CONTINUATION:
        fault = on_continuation(c, h, p)
    elif h.type == FRAME_SETTINGS:
        fault = on_settings(c, h, p)
    elif h.type == FRAME_PING:
        fault = on_ping(c, h, p)
    elif h.type == FRAME_RST_STREAM:
        fault = on_rst_stream(c, h, p)
    elif h.type == FRAME_PRIORITY:
        fault = on_priority(c, h, p)
    elif h.type == FRAME_GOAWAY:
        fault = on_goaway(c, h, p)
    elif h.type == FRAME_PUSH_PROMISE:
        fault = on_push_promise(c, h, p)
    elif h.type == FRAME_ALTSVC:
        fault = on_altsvc(c, h, p)
    elif h.type == FRAME_PRIORITY_UPDATE:
        fault = on_priority_update(c, h, p)
    else:
        fault = on_unknown(c, h, p)
    if c.logger is not None:
        log_received(c, h, delivered)
    return fault


cdef int log_received(Core c, const FrameHeader *h, Py_ssize_t delivered) except -1:
    """Log a frame, and the fields that its objects have: those after the first `delivered`."""
    c.logger.debug("received frame: type %d, flags %#x, stream %d, %d octets", h.type, h.flags, h.stream_id, h.length)
    if c.slim and c.maker is not None:
        return 0
    for item in c.events[delivered:]:
        headers = getattr(item, "headers", None)
        if headers is not None:
            c.logger.debug("received on stream %d: %s", h.stream_id, RedactedFields(headers))
    return 0


cdef int resolve_fault(Core c, int fault) except -1:
    """Handle a stream error. Return FAULT_NONE then, or the fault that ends the connection (RFC 9113 section 5.4)."""
    cdef int scope
    cdef H2Stream s
    cdef uint32_t sid, code
    cdef bint quiet, refused
    if fault == FAULT_NONE:
        return FAULT_NONE
    scope = fault_scope(fault)
    if scope == SCOPE_CONNECTION or (scope == SCOPE_RFC and not c.rfc_errors):
        return fault
    sid = c.fault_stream
    s = find_stream(c, sid)
    quiet = fault == FAULT_CLOSED_BY_RESET
    if s is None and not quiet:
        if sid == 0 or sid != c.opening:
            return fault
        # The stream was never opened, but its identifier is used.
        if c.phase == C_IDLE:
            c.phase = C_OPEN
        c.use_identifier(sid)
        c.table.remember(sid, BY_SEND_RST_STREAM)
    refused = fault == FAULT_STREAMS_REFUSED
    code = REFUSED_STREAM if refused else fault_code(fault)
    c.fault_value = None
    c.count(fault_token(fault))
    c.write_rst_stream(sid, code)
    if s is not None:
        c.expect_late_data(s)
        c.close_stream(s, BY_SEND_RST_STREAM)
    elif not quiet:
        c.limits.late_octets += c.local.initial_window_size_
    if not quiet:
        deliver_reset(c, sid, code, False)
    fault = count_control(&c.limits, 13)
    if fault != FAULT_NONE:
        return fault
    if not refused:
        return count_reset(&c.limits, c.clock)
    fault = count_refusal(&c.limits, c.clock)
    return FAULT_NONE if fault == FAULT_NONE else end_by_refusals(c, fault)
