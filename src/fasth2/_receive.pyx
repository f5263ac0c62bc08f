"""The receiving path: frames are cut from the input, checked against the states and turned into events.

Functions named on_... take a whole frame and return FAULT_NONE or a fault; settle() alone turns a fault into a
stream error (RST_STREAM and an event) or a connection error (GOAWAY and an exception). RFC 9113 section 5.4.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

from fasth2._core cimport C_CLOSED, C_IDLE, C_OPEN, MERGE_MAX, Merge, find_stream
from fasth2._cursor cimport load16, load32
from fasth2._errors cimport *
from fasth2._errors cimport fault_code, fault_exception, fault_scope, fault_token
from fasth2._events cimport (
    ConnectionTerminated,
    DataReceived,
    ExtensionFrame,
    PingAckReceived,
    PingReceived,
    PriorityUpdated,
    RemoteSettingsChanged,
    RequestReceived,
    SettingsAcknowledged,
    StreamEnded,
    StreamReset,
    TrailersReceived,
    UnknownFrameReceived,
    WindowUpdated,
)
from fasth2._fields cimport F_CONNECT, KIND_PROTOCOL
from fasth2._frames cimport *
from fasth2._frames cimport (
    FrameHeader,
    Payload,
    out_clear,
    out_reserve,
    put_ping,
    put_settings_ack,
    read_altsvc,
    read_data,
    read_frame_header,
    read_headers,
    read_priority,
    read_push_promise,
    tail_clear,
    tail_reserve,
)
from fasth2._headers cimport (
    BLOCK_REQUEST,
    BLOCK_TRAILERS,
    RULE_CONNECT_PROTOCOL,
    BlockInfo,
    check_block,
    culprit_text,
    header_tuples,
    plain_pairs,
)
from fasth2._hpack_decoder cimport (
    HPACK_LIST_TOO_LARGE,
    HPACK_STRING_TOO_LONG,
    HPACK_TOO_MANY_FIELDS,
    Decoder,
    fault_message,
)
from fasth2._limits cimport (
    count_ack,
    count_control,
    count_priority,
    count_reset,
    count_suspicious,
    count_window_update,
    output_taken,
)
from fasth2._priority cimport read_priority_field, read_priority_value
from fasth2._ready cimport Data, Goaway, Priority, Request, Reset, Trailers
from fasth2._settings cimport (
    SETTING_HEADER_TABLE_SIZE,
    SETTING_INITIAL_WINDOW_SIZE,
    SETTING_MAX_FRAME_SIZE,
    SETTING_MAX_HEADER_LIST_SIZE,
    ChangedSetting,
    check_received,
    setting_code,
)
from fasth2._stream cimport (
    BY_NOTHING,
    BY_RECV_RST_STREAM,
    BY_SEND_RST_STREAM,
    S_HALF_CLOSED_REMOTE,
    S_RESERVED_LOCAL,
    H2Stream,
    stream_has_queue,
)
from fasth2._window cimport MAX_WINDOW, window_consume, window_process

from fasth2.errors import ErrorCodes, _error_code_from_int

cdef const char *PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
cdef enum:
    PREFACE_LENGTH = 24
    REFUSED_STREAM = 7
    # RFC 9218 section 2.1
    NO_RFC7540_PRIORITIES = 9
    # Settings that no RFC we know defines are kept for the user, up to this many.
    SETTINGS_KEPT = 64


cdef list receive(Core c, const uint8_t *p, Py_ssize_t n, bint slim):
    """Read n octets; return the events (slim: the objects of fasth2._ready). Raises h2's exception on a
    connection error, with the events before it in its `events`."""
    cdef list events = []
    cdef int fault
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
    except BaseException as error:
        if not c.failed:
            # Memory ran out, or a callable of the user's raised: frames may be lost, so nothing more is read.
            fail(c, ErrorCodes.INTERNAL_ERROR)
        try:
            error.events = events
        except AttributeError:
            pass
        raise
    finally:
        c.events = None
        c.decoder.release()
    return events


cdef int fail(Core c, uint32_t code) except -1:
    """Queue GOAWAY and stop reading."""
    c.failed = True
    c.phase = C_CLOSED
    c.block.stream_id = 0
    block_free(c)
    tail_clear(&c.tail)
    c.drop_queues()
    c.write_goaway(c.highest_inbound, code, b"")
    return 0


cdef int end_connection(Core c, int fault) except -1:
    """RFC 9113 section 5.4.1. Always raises."""
    cdef object error
    c.count(fault_token(fault))
    error = fault_exception(fault, c.fault_stream, c.fault_value)
    error.events = c.events
    c.fault_value = None
    fail(c, error.error_code)
    if c.logger is not None:
        c.logger.debug("connection error: %s", error)
    raise error


cdef int on_preface(Core c, const uint8_t **p, Py_ssize_t *n) except -1:
    """RFC 9113 section 3.4: refuse at the first octet that differs."""
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
    """Cut the input into frames. The slim objects of DATA frames that follow one another are one."""
    cdef Merge merge
    cdef int fault
    if not c.slim:
        return each_frame(c, p, n)
    merge.count = 0
    c.merge = &merge
    try:
        fault = each_frame(c, p, n)
        merge_done(c)
        return fault
    finally:
        c.merge = NULL
        c.merging = None


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


cdef int each_frame(Core c, const uint8_t *p, Py_ssize_t n) except -1:
    """Hand every whole frame to on_frame() where it lies; keep an unfinished one."""
    cdef FrameHeader h
    cdef Py_ssize_t need, take
    cdef int fault
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
                return fault
            if h.length:
                continue
        fault = settle(c, on_frame(c, &h, c.tail.data + FRAME_HEADER))
        merge_done(c)
        if fault != FAULT_NONE or c.failed:
            return fault
        tail_clear(&c.tail)
    while n >= FRAME_HEADER:
        read_frame_header(p, &h)
        fault = check_header(c, &h)
        if fault != FAULT_NONE:
            return fault
        if n - FRAME_HEADER < <Py_ssize_t>h.length:
            break
        fault = settle(c, on_frame(c, &h, p + FRAME_HEADER))
        if fault != FAULT_NONE or c.failed:
            return fault
        p += FRAME_HEADER + <Py_ssize_t>h.length
        n -= FRAME_HEADER + <Py_ssize_t>h.length
    if n:
        tail_reserve(&c.tail, n)
        memcpy(c.tail.data, p, n)
        c.tail.length = n
    return FAULT_NONE


cdef int check_header(Core c, FrameHeader *h) except -1:
    """What nine octets can tell already, so that no oversized payload is waited for."""
    c.fault_stream = h.stream_id
    c.opening = 0
    if h.length > c.max_in_frame:
        c.fault_value = f"{h.length} octets, the limit is {c.max_in_frame}"
        return FAULT_FRAME_TOO_LARGE
    if c.block.stream_id and (h.type != FRAME_CONTINUATION or h.stream_id != c.block.stream_id):
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
    if not c.settings_seen:
        if h.type != FRAME_SETTINGS or h.flags & FLAG_ACK:
            if c.rfc_errors:
                c.fault_value = f"type {h.type}"
                return FAULT_SETTINGS_FIRST
        c.settings_seen = True
    return FAULT_NONE


cdef int on_frame(Core c, FrameHeader *h, const uint8_t *p) except -1:
    """p: h.length octets of payload."""
    cdef int fault
    if c.slim and c.merge.count and (h.type != FRAME_DATA or h.stream_id != c.merging.id or c.merge.count == MERGE_MAX):
        merge_done(c)
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
        c.logger.debug("received frame: type %d, flags %#x, stream %d, %d octets", h.type, h.flags, h.stream_id,
                       h.length)
    return fault


cdef int settle(Core c, int fault) except -1:
    """Handle a stream error; FAULT_NONE then, or the fault that ends the connection (RFC 9113 section 5.4)."""
    cdef int scope
    cdef H2Stream s
    cdef uint32_t sid, code
    cdef bint quiet
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
        # The stream never came to be: its number is used up all the same.
        if c.phase == C_IDLE:
            c.phase = C_OPEN
        c.highest_inbound = sid
        c.limits.streams_opened += 1
        c.table.remember(sid, BY_SEND_RST_STREAM)
    code = REFUSED_STREAM if fault == FAULT_STREAMS_REFUSED else fault_code(fault)
    c.fault_value = None
    c.count(fault_token(fault))
    c.write_rst_stream(sid, code)
    if s is not None:
        c.close_stream(s, BY_SEND_RST_STREAM)
    if not quiet:
        add_reset(c, sid, code, False)
    fault = count_control(&c.limits, 13)
    if fault == FAULT_NONE:
        fault = count_reset(&c.limits, c.clock)
    return fault


cdef int add_reset(Core c, uint32_t sid, uint32_t code, bint remote) except -1:
    cdef StreamReset event
    cdef Reset ready
    if c.slim:
        merge_done(c)
        ready = Reset.__new__(Reset)
        ready.stream_id = sid
        ready.error_code = code
        ready.remote = remote
        c.events.append(ready)
        return 0
    event = StreamReset.__new__(StreamReset)
    event.stream_id = sid
    event.error_code = _error_code_from_int(code)
    event.remote_reset = remote
    c.events.append(event)
    return 0


cdef inline StreamEnded stream_ended(object stream_id):
    cdef StreamEnded event = StreamEnded.__new__(StreamEnded)
    event.stream_id = stream_id
    return event


cdef inline bint is_idle(Core c, uint32_t sid) noexcept:
    """Whether neither side has opened that stream yet (RFC 9113 section 5.1.1)."""
    return sid > (c.highest_inbound if sid & 1 else c.highest_outbound)


cdef inline bint is_shut(Core c) noexcept:
    """h2 refuses every frame but GOAWAY once a GOAWAY went either way; under rfc_errors streams go on."""
    return c.phase == C_CLOSED and not c.rfc_errors


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
        return count_suspicious(&c.limits, c.clock, 0)
    return FAULT_CLOSED_BY_RESET


# HEADERS and CONTINUATION, RFC 9113 section 6.2 and 6.10

cdef int on_headers(Core c, FrameHeader *h, const uint8_t *p) except -1:
    cdef Payload block
    cdef int layout = read_headers(p, h, &block)
    if layout != LAYOUT_OK:
        return FAULT_HEADERS_SHORT if layout == LAYOUT_SHORT else FAULT_HEADERS_PADDING
    if h.flags & FLAG_END_HEADERS:
        return on_block(c, h.stream_id, h.flags, block.data, block.length, block.depends_on, block.weight,
                        block.exclusive)
    c.block.length = 0
    c.block.frames = 0
    c.block.flags = h.flags
    if h.flags & FLAG_PRIORITY:
        c.block.depends_on = block.depends_on
        c.block.weight = block.weight
        c.block.exclusive = block.exclusive
    c.block.stream_id = h.stream_id
    return add_fragment(c, block.data, block.length)


cdef int on_continuation(Core c, FrameHeader *h, const uint8_t *p) except -1:
    cdef int fault
    cdef uint32_t sid
    if c.block.stream_id == 0:
        return FAULT_CONTINUATION_STRAY
    c.block.frames += 1
    if c.limits.continuation_frames >= 0 and c.block.frames >= c.limits.continuation_frames:
        c.fault_value = f"{c.block.frames} frames"
        return FAULT_CONTINUATION_FRAMES
    fault = add_fragment(c, p, h.length)
    if fault != FAULT_NONE or not h.flags & FLAG_END_HEADERS:
        return fault
    sid = c.block.stream_id
    c.block.stream_id = 0
    try:
        return on_block(c, sid, c.block.flags, c.block.data, c.block.length, c.block.depends_on, c.block.weight,
                        c.block.exclusive)
    finally:
        block_free(c)


cdef void block_free(Core c) noexcept:
    PyMem_Free(c.block.data)
    c.block.data = NULL
    c.block.capacity = 0
    c.block.length = 0


cdef int add_fragment(Core c, const uint8_t *p, Py_ssize_t n) except -1:
    """Keep a piece of a field block until its END_HEADERS; the limit on header lists bounds it (L13)."""
    cdef uint8_t *data
    cdef Py_ssize_t capacity
    cdef Py_ssize_t limit = c.max_in_frame
    if c.decoder.max_header_list_size > <uint32_t>limit:
        limit = min(c.decoder.max_header_list_size, 0x3FFFFFFF)
    if n > limit - c.block.length:
        c.fault_value = f"{c.block.length + n} octets"
        return FAULT_BLOCK_SIZE
    if n == 0:
        return count_suspicious(&c.limits, c.clock, 0)
    if c.block.capacity - c.block.length < n:
        capacity = c.block.capacity * 2
        if capacity < c.block.length + n:
            capacity = c.block.length + n
        data = <uint8_t *>PyMem_Realloc(c.block.data, capacity)
        if data == NULL:
            raise MemoryError
        c.block.data = data
        c.block.capacity = capacity
    memcpy(c.block.data + c.block.length, p, n)
    c.block.length += n
    return FAULT_NONE


cdef int on_block(Core c, uint32_t sid, uint8_t flags, const uint8_t *p, Py_ssize_t n, uint32_t depends_on,
                  uint16_t weight, bint exclusive) except -1:
    """A whole field block: a request, or the trailers of one."""
    cdef H2Stream s
    cdef Decoder decoder = c.decoder
    cdef BlockInfo info
    cdef bint ends = flags & FLAG_END_STREAM
    cdef int fault, hpack, reason, rules
    cdef list headers
    if is_shut(c):
        return FAULT_CONNECTION_CLOSED
    s = find_stream(c, sid)
    if s is None and not c.rfc_errors and too_many(c):
        c.fault_value = f"the limit is {c.local.max_concurrent_streams_}"
        return FAULT_STREAMS_REFUSED
    # Every block is decoded, or the table would fall out of step with the peer's.
    c.limits.useful += n
    hpack = decoder.decode_block(p, n)
    if hpack:
        if hpack == HPACK_LIST_TOO_LARGE:
            c.fault_value = f"the limit is {decoder.max_header_list_size} octets"
            return FAULT_LIST_SIZE_HARD
        if hpack == HPACK_TOO_MANY_FIELDS:
            c.fault_value = f"the limit is {decoder.max_fields}"
            return FAULT_FIELDS_HARD
        c.fault_value = fault_message(hpack)
        return FAULT_STRING_SIZE if hpack == HPACK_STRING_TOO_LONG else FAULT_COMPRESSION
    if s is None:
        if not sid & 1 and sid > c.highest_outbound:
            return FAULT_STREAM_ID_PARITY
        if sid & 1 and sid > c.goaway_limit:
            # After our GOAWAY the peer is told to retry elsewhere (RFC 9113 section 6.8).
            if sid > c.highest_inbound:
                c.highest_inbound = sid
            return count_suspicious(&c.limits, c.clock, n)
        if not is_idle(c, sid):
            reason = c.table.reason_of(sid)
            if reason == BY_SEND_RST_STREAM and c.rfc_errors:
                return count_suspicious(&c.limits, c.clock, 0)
            if reason == BY_SEND_RST_STREAM or reason == BY_RECV_RST_STREAM:
                return FAULT_CLOSED_BY_RESET
            if reason != BY_NOTHING:
                return FAULT_STREAM_CLOSED
            c.fault_value = c.highest_inbound if sid & 1 else c.highest_outbound
            return FAULT_STREAM_ID_TOO_LOW
        c.opening = sid
        if c.rfc_errors and too_many(c):
            return FAULT_STREAMS_REFUSED
    elif s.phase == S_HALF_CLOSED_REMOTE:
        return FAULT_HALF_CLOSED
    elif s.phase == S_RESERVED_LOCAL:
        return FAULT_RESERVED
    elif s.connected and s.headers_sent and c.rfc_errors:
        return FAULT_CONNECTED
    if decoder.oversized:
        if decoder.list_size > decoder.max_header_list_size:
            c.fault_value = f"{decoder.list_size} octets, the limit is {decoder.max_header_list_size}"
            return FAULT_LIST_SIZE
        c.fault_value = f"{decoder.field_count}, the limit is {decoder.max_fields}"
        return FAULT_FIELDS
    rules = c.rules
    if c.local.enable_connect_protocol_ or not c.rfc_errors:
        rules |= RULE_CONNECT_PROTOCOL
    if s is not None:
        fault = check_block(decoder.fields, decoder.count, BLOCK_TRAILERS, rules, &info)
        if not ends and fault != FAULT_CONTENT_LENGTH:
            info.culprit = NULL
            fault = FAULT_TRAILERS_OPEN
        elif fault == FAULT_NONE and s.expected >= 0 and s.received != s.expected:
            c.fault_value = (s.expected, s.received)
            return FAULT_BODY_LENGTH
    else:
        fault = check_block(decoder.fields, decoder.count, BLOCK_REQUEST, rules, &info)
        if fault == FAULT_NONE and ends and info.content_length > 0:
            c.fault_value = (info.content_length, 0)
            return FAULT_BODY_LENGTH
    if fault == FAULT_NONE and flags & FLAG_PRIORITY and depends_on == sid:
        info.culprit = NULL
        fault = FAULT_PRIORITY_SELF
    if fault != FAULT_NONE:
        if s is None and not c.rfc_errors:
            # The last stream that GOAWAY names, as h2 counts it.
            c.highest_inbound = sid
        if fault == FAULT_CONTENT_LENGTH_CONFLICT:
            c.fault_value = f"{info.content_length} and {info.culprit.number}"
        else:
            c.fault_value = culprit_text(info.culprit)
        return fault
    if c.slim:
        headers = plain_pairs(decoder.fields, decoder.count, info.cookies if c.join_cookies else 0)
    else:
        headers = header_tuples(decoder.fields, decoder.count, info.cookies if c.join_cookies else 0)
    if c.late_encoding is not None:
        try:
            headers = late_decoded(c, headers)
        except UnicodeError as error:
            c.fault_value = str(error)
            return FAULT_UNDECODABLE
    if c.phase == C_IDLE:
        c.phase = C_OPEN
    if s is None:
        s = c.open_stream(sid)
        s.expected = info.content_length
        s.headers_received = True
        s.connected = info.method != NULL and info.method.flags & F_CONNECT and not info.seen >> KIND_PROTOCOL & 1
        if info.priority != NULL:
            read_priority_value(s, <object>info.priority.value)
        add_request(c, s, headers, flags, depends_on, weight, exclusive)
    else:
        s.trailers_received = True
        add_trailers(c, s, headers, flags, depends_on, weight, exclusive)
    if flags & FLAG_PRIORITY:
        fault = count_priority(&c.limits)
    if ends:
        c.end_remote(s)
    return fault


cdef list late_decoded(Core c, list headers):
    """Pairs of bytes in the encoding that the decoder does not do itself; UnicodeError where that cannot be."""
    cdef list result = []
    for field in headers:
        pair = (late_text(c, field[0]), late_text(c, field[1]))
        result.append(pair if type(field) is tuple else type(field)(*pair))
    return result


cdef str late_text(Core c, bytes octets):
    try:
        return octets.decode(c.late_encoding)
    except UnicodeError:
        if not c.decoder.fallback:
            raise
        return octets.decode("latin-1")


cdef inline bint too_many(Core c) noexcept:
    """Whether one stream more would pass SETTINGS_MAX_CONCURRENT_STREAMS (L1)."""
    return <uint64_t>c.open_inbound + 1 > c.local.max_concurrent_streams_


cdef PriorityUpdated priority_event(object stream_id, uint32_t depends_on, uint16_t weight, bint exclusive):
    cdef PriorityUpdated event = PriorityUpdated.__new__(PriorityUpdated)
    event.stream_id = stream_id
    event.weight = weight
    event.depends_on = depends_on
    event.exclusive = exclusive
    return event


cdef int add_request(Core c, H2Stream s, list headers, uint8_t flags, uint32_t depends_on, uint16_t weight,
                     bint exclusive) except -1:
    cdef RequestReceived event
    cdef StreamEnded end_event
    cdef Request ready
    if c.slim:
        ready = Request.__new__(Request)
        ready.stream_id = s.stream_id
        ready.headers = headers
        ready.end_stream = flags & FLAG_END_STREAM
        if flags & FLAG_PRIORITY:
            ready.priority = (weight, depends_on, exclusive)
        c.events.append(ready)
        return 0
    event = RequestReceived.__new__(RequestReceived)
    event.stream_id = s.stream_id
    event.headers = headers
    c.events.append(event)
    if flags & FLAG_END_STREAM:
        end_event = stream_ended(s.stream_id)
        event.stream_ended = end_event
        c.events.append(end_event)
    if flags & FLAG_PRIORITY:
        event.priority_updated = priority_event(s.stream_id, depends_on, weight, exclusive)
        c.events.append(event.priority_updated)
    return 0


cdef int add_trailers(Core c, H2Stream s, list headers, uint8_t flags, uint32_t depends_on, uint16_t weight,
                      bint exclusive) except -1:
    cdef TrailersReceived event
    cdef Trailers ready
    if c.slim:
        ready = Trailers.__new__(Trailers)
        ready.stream_id = s.stream_id
        ready.headers = headers
        c.events.append(ready)
        return 0
    event = TrailersReceived.__new__(TrailersReceived)
    event.stream_id = s.stream_id
    event.headers = headers
    event.stream_ended = stream_ended(s.stream_id)
    c.events.append(event)
    c.events.append(event.stream_ended)
    if flags & FLAG_PRIORITY:
        event.priority_updated = priority_event(s.stream_id, depends_on, weight, exclusive)
        c.events.append(event.priority_updated)
    return 0


# PRIORITY, RFC 9113 section 6.3

cdef int on_priority(Core c, FrameHeader *h, const uint8_t *p) except -1:
    cdef Payload priority
    cdef Priority ready
    cdef int fault
    if h.length != 5:
        c.fault_value = f"{h.length} octets"
        return FAULT_PRIORITY_LENGTH
    if is_shut(c):
        return FAULT_CONNECTION_CLOSED
    read_priority(p, &priority)
    if priority.depends_on == h.stream_id:
        return FAULT_PRIORITY_SELF
    if c.slim:
        ready = Priority.__new__(Priority)
        ready.stream_id = h.stream_id
        ready.weight = priority.weight
        ready.depends_on = priority.depends_on
        ready.exclusive = priority.exclusive
        c.events.append(ready)
    else:
        c.events.append(priority_event(h.stream_id, priority.depends_on, priority.weight, priority.exclusive))
    fault = count_priority(&c.limits)
    if fault == FAULT_NONE:
        fault = count_suspicious(&c.limits, c.clock, 0)
    return fault


# RST_STREAM, RFC 9113 section 6.4

cdef int on_rst_stream(Core c, FrameHeader *h, const uint8_t *p) except -1:
    cdef H2Stream s
    if h.length != 4:
        c.fault_value = f"{h.length} octets"
        return FAULT_RST_STREAM_LENGTH
    if is_shut(c):
        return FAULT_CONNECTION_CLOSED
    s = find_stream(c, h.stream_id)
    if s is None:
        if is_idle(c, h.stream_id):
            return FAULT_IDLE_STREAM
        return count_suspicious(&c.limits, c.clock, 0)
    c.close_stream(s, BY_RECV_RST_STREAM)
    add_reset(c, h.stream_id, load32(p), True)
    return count_reset(&c.limits, c.clock)


# SETTINGS, RFC 9113 section 6.5

cdef int on_settings(Core c, FrameHeader *h, const uint8_t *p) except -1:
    cdef int fault
    if h.flags & FLAG_ACK:
        if h.length:
            c.fault_value = f"{h.length} octets"
            return FAULT_SETTINGS_ACK_PAYLOAD
        if is_shut(c):
            return FAULT_CONNECTION_CLOSED
        return on_settings_ack(c)
    if h.length % 6:
        c.fault_value = f"{h.length} octets"
        return FAULT_SETTINGS_LENGTH
    if is_shut(c):
        return FAULT_CONNECTION_CLOSED
    if c.limits.settings_per_frame >= 0 and h.length // 6 > c.limits.settings_per_frame:
        c.fault_value = f"{h.length // 6}, the limit is {c.limits.settings_per_frame}"
        return FAULT_LIMIT_SETTINGS
    fault = apply_remote_settings(c, p, h.length)
    if fault != FAULT_NONE:
        return fault
    out_reserve(&c.out, FRAME_HEADER)
    put_settings_ack(&c.out)
    fault = count_ack(&c.limits, FRAME_HEADER)
    if fault == FAULT_NONE:
        fault = count_suspicious(&c.limits, c.clock, 0)
    return fault


cdef int apply_remote_settings(Core c, const uint8_t *p, Py_ssize_t n) except -1:
    """Check and apply the settings in n octets, a multiple of six, and add their event."""
    cdef Py_ssize_t i
    cdef uint32_t code, value, error
    cdef dict received = {}
    cdef dict changes
    cdef RemoteSettingsChanged event
    cdef object key, number
    for i in range(0, n - 5, 6):
        code = load16(p + i)
        value = load32(p + i + 2)
        error = check_received(code, value, True)
        if code == NO_RFC7540_PRIORITIES and value > 1 and c.rfc_errors:
            error = ErrorCodes.PROTOCOL_ERROR
        if error:
            c.fault_value = f"{setting_code(code)!r} = {value}"
            return FAULT_SETTINGS_WINDOW if code == SETTING_INITIAL_WINDOW_SIZE else FAULT_SETTINGS_VALUE
        received[setting_code(code)] = value
    changes = {}
    for key, number in received.items():
        changes[key] = ChangedSetting(key, c.remote.get(key), number)
        if key in c.remote or len(c.remote) < SETTINGS_KEPT:
            c.remote.set_(key, number)
    fault = adopt_remote_settings(c, c.remote.acknowledge_all())
    if fault == FAULT_NONE and c.events is not None and not c.slim:
        event = RemoteSettingsChanged.__new__(RemoteSettingsChanged)
        event.changed_settings = changes
        c.events.append(event)
    return fault


cdef int adopt_remote_settings(Core c, dict changes) except -1:
    """RFC 9113 section 6.5.3: values take effect before the acknowledgement is sent."""
    cdef H2Stream s
    cdef void *found
    cdef uint32_t at
    cdef ChangedSetting change
    cdef int64_t delta
    change = changes.get(SETTING_INITIAL_WINDOW_SIZE)
    if change is not None:
        delta = <int64_t>change.new_value - <int64_t>(change.original_value or 0)
        if delta:
            at = 0
            while (found := c.table.following(&at)) != NULL:
                s = <H2Stream>found
                if s.out_window + delta > MAX_WINDOW:
                    c.fault_stream = s.id
                    c.fault_value = f"SETTINGS_INITIAL_WINDOW_SIZE {change.new_value}"
                    return FAULT_WINDOW_OVERFLOW
                s.out_window += delta
                if s.out_window > 0 and stream_has_queue(s):
                    c.enter_ring(s)
    change = changes.get(SETTING_HEADER_TABLE_SIZE)
    if change is not None:
        c.encoder.header_table_size = change.new_value
    change = changes.get(SETTING_MAX_FRAME_SIZE)
    if change is not None:
        c.max_out_frame = change.new_value
    return FAULT_NONE


cdef int on_settings_ack(Core c) except -1:
    """Our settings are in force at the peer."""
    cdef dict changes = c.local.acknowledge_all()
    cdef SettingsAcknowledged event
    cdef ChangedSetting change
    cdef H2Stream s
    cdef void *found
    cdef uint32_t at = 0
    cdef int64_t delta
    cdef bint asked = c.acks_expected > 0
    change = changes.get(SETTING_INITIAL_WINDOW_SIZE)
    if change is not None:
        delta = <int64_t>change.new_value - <int64_t>(change.original_value or 0)
        while (found := c.table.following(&at)) != NULL:
            s = <H2Stream>found
            if s.window.current + delta > MAX_WINDOW:
                c.fault_stream = s.id
                c.fault_value = f"SETTINGS_INITIAL_WINDOW_SIZE {change.new_value}"
                return FAULT_WINDOW_OVERFLOW
            s.window.current += delta
            s.window.maximum += delta
    change = changes.get(SETTING_MAX_HEADER_LIST_SIZE)
    if change is not None:
        c.limit_header_list(change.new_value)
    change = changes.get(SETTING_MAX_FRAME_SIZE)
    if change is not None:
        c.max_in_frame = change.new_value
    change = changes.get(SETTING_HEADER_TABLE_SIZE)
    if change is not None:
        c.decoder.max_allowed_table_size = change.new_value
    if not c.slim:
        event = SettingsAcknowledged.__new__(SettingsAcknowledged)
        event.changed_settings = changes
        c.events.append(event)
    if asked:
        c.acks_expected -= 1
        return FAULT_NONE
    return count_suspicious(&c.limits, c.clock, 0)


# PUSH_PROMISE, RFC 9113 section 6.6: no client may send it.

cdef int on_push_promise(Core c, FrameHeader *h, const uint8_t *p) except -1:
    cdef Payload block
    cdef uint32_t promised
    cdef int layout = read_push_promise(p, h, &block, &promised)
    if layout == LAYOUT_SHORT:
        return FAULT_HEADERS_SHORT
    return FAULT_PUSH_PROMISE


# PING, RFC 9113 section 6.7

cdef int on_ping(Core c, FrameHeader *h, const uint8_t *p) except -1:
    cdef PingReceived event
    cdef PingAckReceived ack_event
    cdef int fault = FAULT_NONE
    if h.length != 8:
        c.fault_value = f"{h.length} octets"
        return FAULT_PING_LENGTH
    if is_shut(c):
        return FAULT_CONNECTION_CLOSED
    if h.flags & FLAG_ACK:
        if not c.slim:
            ack_event = PingAckReceived.__new__(PingAckReceived)
            ack_event.ping_data = PyBytes_FromStringAndSize(<const char *>p, 8)
            c.events.append(ack_event)
    else:
        if not c.slim:
            event = PingReceived.__new__(PingReceived)
            event.ping_data = PyBytes_FromStringAndSize(<const char *>p, 8)
            c.events.append(event)
        out_reserve(&c.out, FRAME_HEADER + 8)
        put_ping(&c.out, p, FLAG_ACK)
        fault = count_ack(&c.limits, FRAME_HEADER + 8)
    if fault == FAULT_NONE:
        fault = count_suspicious(&c.limits, c.clock, 0)
    return fault


# GOAWAY, RFC 9113 section 6.8

cdef int on_goaway(Core c, FrameHeader *h, const uint8_t *p) except -1:
    cdef ConnectionTerminated event
    cdef Goaway ready
    cdef uint32_t last, code
    cdef bint again = c.goaway_received
    if h.length < 8:
        c.fault_value = f"{h.length} octets"
        return FAULT_GOAWAY_LENGTH
    last = load32(p) & 0x7FFFFFFF
    code = load32(p + 4)
    if again and c.rfc_errors and last >= c.peer_goaway_last:
        # Said before; and a higher number cannot take back a lower one.
        return count_suspicious(&c.limits, c.clock, h.length)
    c.goaway_received = True
    c.peer_goaway_last = last
    c.phase = C_CLOSED
    if not c.rfc_errors:
        out_clear(&c.out)
        output_taken(&c.limits, 0, 0)
        c.drop_queues()
    if c.slim:
        ready = Goaway.__new__(Goaway)
        ready.error_code = code
        ready.last_stream_id = last
        ready.additional_data = PyBytes_FromStringAndSize(<const char *>p + 8, h.length - 8)
        c.events.append(ready)
    else:
        event = ConnectionTerminated.__new__(ConnectionTerminated)
        event.error_code = _error_code_from_int(code)
        event.last_stream_id = last
        if h.length > 8:
            event.additional_data = PyBytes_FromStringAndSize(<const char *>p + 8, h.length - 8)
        c.events.append(event)
    if again:
        return count_suspicious(&c.limits, c.clock, h.length)
    return FAULT_NONE


# WINDOW_UPDATE, RFC 9113 section 6.9

cdef int on_window_update(Core c, FrameHeader *h, const uint8_t *p) except -1:
    cdef uint32_t increment
    cdef WindowUpdated event
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
        if c.out_window + increment > MAX_WINDOW:
            c.fault_value = f"{c.out_window} + {increment}"
            return FAULT_WINDOW_OVERFLOW
        c.out_window += increment
    else:
        s = find_stream(c, h.stream_id)
        if s is None:
            return FAULT_IDLE_STREAM if is_idle(c, h.stream_id) else FAULT_NONE
        if increment == 0:
            return FAULT_WINDOW_UPDATE_ZERO
        if s.out_window + increment > MAX_WINDOW:
            c.fault_value = f"{s.out_window} + {increment}"
            return FAULT_STREAM_WINDOW_OVERFLOW
        s.out_window += increment
        if s.out_window > 0 and not s.in_turns and stream_has_queue(s):
            c.enter_ring(s)
    if not c.slim:
        event = WindowUpdated.__new__(WindowUpdated)
        event.stream_id = h.stream_id
        event.delta = increment
        c.events.append(event)
    return FAULT_NONE


# ALTSVC, RFC 7838 section 4: a server ignores it.

cdef int on_altsvc(Core c, FrameHeader *h, const uint8_t *p) except -1:
    cdef uint32_t origin_length
    if read_altsvc(p, h, &origin_length) != LAYOUT_OK and not c.rfc_errors:
        # RFC 7838 would have it ignored; h2 refuses it.
        return FAULT_ALTSVC_LENGTH
    if is_shut(c):
        return FAULT_CONNECTION_CLOSED
    return count_suspicious(&c.limits, c.clock, h.length)


# PRIORITY_UPDATE, RFC 9218 section 7.1

cdef int on_priority_update(Core c, FrameHeader *h, const uint8_t *p) except -1:
    cdef uint32_t sid
    cdef H2Stream s
    cdef int fault
    if h.stream_id:
        return FAULT_STREAM_ID_NOT_ZERO
    if h.length < 4:
        c.fault_value = f"{h.length} octets"
        return FAULT_PRIORITY_UPDATE_LENGTH
    sid = load32(p) & 0x7FFFFFFF
    if sid == 0 or not sid & 1:
        c.fault_value = f"stream {sid}"
        return FAULT_PRIORITY_UPDATE_STREAM
    s = find_stream(c, sid)
    if s is not None:
        read_priority_field(s, p + 4, h.length - 4)
    fault = count_priority(&c.limits)
    if fault != FAULT_NONE:
        return fault
    return on_unknown(c, h, p)


# Any other type, RFC 9113 section 5.5; ORIGIN (RFC 8336) among them, which only clients read.

cdef int on_unknown(Core c, FrameHeader *h, const uint8_t *p) except -1:
    cdef UnknownFrameReceived event
    cdef ExtensionFrame frame
    if not c.slim:
        frame = ExtensionFrame.__new__(ExtensionFrame)
        frame.type = h.type
        frame.flag_byte = h.flags
        frame.stream_id = h.stream_id
        frame.body = PyBytes_FromStringAndSize(<const char *>p, h.length)
        event = UnknownFrameReceived.__new__(UnknownFrameReceived)
        event.frame = frame
        c.events.append(event)
    return count_suspicious(&c.limits, c.clock, h.length)
