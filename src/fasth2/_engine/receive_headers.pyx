"""Field blocks received (RFC 9113 section 4.3, 6.2 and 6.10): requests and trailers."""
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from libc.stdint cimport uint16_t, uint32_t, uint64_t, uint8_t
from libc.string cimport memcpy

from fasth2._engine.core cimport C_IDLE, C_OPEN, Core, find_stream, is_idle, is_shut
from fasth2._engine.deliver cimport (
    deliver_large_request,
    deliver_request,
    deliver_trailers,
    large_request_fields,
    late_decoded,
    request_fields,
    trailer_fields,
    wants_large_requests,
)
from fasth2._engine.errors cimport *
from fasth2.hpack.fields cimport F_CONNECT, KIND_PROTOCOL
from fasth2._frames cimport *
from fasth2._frames cimport FrameHeader, Payload, read_headers
from fasth2._engine.headers cimport (
    BLOCK_REQUEST,
    BLOCK_TRAILERS,
    RULE_CONNECT_PROTOCOL,
    BlockInfo,
    check_block,
    culprit_text,
)
from fasth2.hpack.decoder cimport (
    HPACK_LIST_TOO_LARGE,
    HPACK_OK,
    HPACK_STRING_TOO_LONG,
    HPACK_TOO_MANY_FIELDS,
    Decoder,
    fault_message,
)
from fasth2._engine.limits cimport count_late_frame, count_late_headers, count_priority, count_reset, count_suspicious
from fasth2._priority cimport early_take
from fasth2._engine.role cimport highest_of_side, is_inbound
from fasth2._engine.stream cimport (
    BY_NOTHING,
    BY_RECV_RST_STREAM,
    BY_SEND_RST_STREAM,
    S_HALF_CLOSED_REMOTE,
    H2Stream,
    stream_is_reserved,
)

cdef enum:
    # Octets of a block that allow one more CONTINUATION frame: the peer chooses the size of its frames.
    OCTETS_A_FRAGMENT = 256


# HEADERS and CONTINUATION, RFC 9113 section 6.2 and 6.10

cdef int on_headers(Core c, FrameHeader *h, const uint8_t *p) except -1:
    cdef Payload block
    cdef int layout = read_headers(p, h, &block, c.rfc_errors)
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
    if (c.limits.continuation_frames >= 0
            and c.block.frames >= c.limits.continuation_frames + c.block.length // OCTETS_A_FRAGMENT):
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
    """Buffer a fragment of a field block until END_HEADERS, bounded by the limit on header lists (L13)."""
    cdef uint8_t *data
    cdef Py_ssize_t capacity
    cdef Py_ssize_t limit = c.max_in_frame
    if c.decoder.max_header_list_size > <uint32_t>limit:
        limit = min(c.decoder.max_header_list_size, <uint32_t>0x3FFFFFFF)
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
    """Process a complete field block, a request or trailers: decode, admit, deliver."""
    cdef H2Stream s
    cdef BlockInfo info
    cdef bint ignored = False
    cdef int fault
    if is_shut(c):
        return FAULT_CONNECTION_CLOSED
    if c.no_rfc7540:
        # RFC 9218 section 2.1: the priority in HEADERS is ignored.
        flags &= ~<uint8_t>FLAG_PRIORITY
    s = find_stream(c, sid)
    if s is None and not c.rfc_errors and too_many(c):
        c.fault_value = f"the limit is {c.local.max_concurrent_streams_}"
        return FAULT_STREAMS_REFUSED
    # Every block is decoded, or the dynamic table would differ from the peer's.
    fault = decode(c, p, n)
    if fault == FAULT_NONE:
        fault = admit(c, s, sid, flags, n, &ignored)
    if fault != FAULT_NONE or ignored:
        return fault
    if c.decoder.oversized:
        return on_oversized(c, s, sid, flags)
    fault = check_fields(c, s, sid, flags, depends_on, &info)
    if fault != FAULT_NONE:
        return fault
    return deliver_block(c, s, sid, flags, depends_on, weight, exclusive, &info)


cdef int decode(Core c, const uint8_t *p, Py_ssize_t n) except -1:
    """Decode a block into the decoder's fields. A block between the limit and the hard limit (L11) is no fault yet."""
    cdef Decoder decoder = c.decoder
    cdef int hpack
    c.limits.useful += n
    hpack = decoder.decode_block(p, n)
    if hpack == HPACK_OK:
        return FAULT_NONE
    if hpack == HPACK_LIST_TOO_LARGE:
        c.fault_value = f"the limit is {decoder.max_header_list_size} octets"
        return FAULT_LIST_SIZE_HARD
    if hpack == HPACK_TOO_MANY_FIELDS:
        c.fault_value = f"the limit is {decoder.max_fields}"
        return FAULT_FIELDS_HARD
    c.fault_value = fault_message(hpack)
    return FAULT_STRING_SIZE if hpack == HPACK_STRING_TOO_LONG else FAULT_COMPRESSION


cdef int admit(Core c, H2Stream s, uint32_t sid, uint8_t flags, Py_ssize_t n, bint *ignored) except -1:
    """Check that a block of n octets is allowed in the stream's state (RFC 9113 section 5.1). s: None for no stream.

    `ignored` becomes True for a block to be skipped: it was in flight when the stream or the connection ended.
    """
    cdef int reason
    if s is not None:
        if s.phase == S_HALF_CLOSED_REMOTE:
            return FAULT_HALF_CLOSED
        if stream_is_reserved(s):
            return FAULT_RESERVED
        if s.connected and s.headers_sent and c.rfc_errors:
            return FAULT_CONNECTED
        return FAULT_NONE
    if not is_inbound(&c.ids, sid) and is_idle(c, sid):
        return FAULT_STREAM_ID_PARITY
    if is_inbound(&c.ids, sid) and sid > c.goaway_limit:
        # The peer will retry it on another connection, by our GOAWAY (RFC 9113 section 6.8).
        ignored[0] = True
        if sid > c.ids.highest_inbound:
            c.ids.highest_inbound = sid
            if not flags & FLAG_END_STREAM:
                c.limits.late_octets += c.local.initial_window_size_
        if c.refusal_goaway_sent:
            # After too many refusals: probably in flight when we sent GOAWAY.
            return count_late_headers(&c.limits, c.clock, n)
        return count_suspicious(&c.limits, c.clock, n)
    if not is_idle(c, sid):
        reason = c.table.reason_of(sid)
        if reason == BY_SEND_RST_STREAM and c.rfc_errors:
            ignored[0] = True
            return count_late_frame(&c.limits, c.clock)
        if reason == BY_SEND_RST_STREAM or reason == BY_RECV_RST_STREAM:
            return FAULT_CLOSED_BY_RESET
        if reason != BY_NOTHING:
            return FAULT_STREAM_CLOSED
        c.fault_value = highest_of_side(&c.ids, sid)
        return FAULT_STREAM_ID_TOO_LOW
    c.opening = sid
    if c.rfc_errors and too_many(c) and not c.decoder.oversized:
        return FAULT_STREAMS_REFUSED
    return FAULT_NONE


cdef int on_oversized(Core c, H2Stream s, uint32_t sid, uint8_t flags) except -1:
    """Handle a block over the limit (L11), with discarded fields: a fault, or a request that the user answers."""
    cdef Decoder decoder = c.decoder
    cdef list headers
    cdef int fault
    if decoder.list_size > decoder.max_header_list_size:
        c.fault_value = f"{decoder.list_size} octets, the limit is {decoder.max_header_list_size}"
        fault = FAULT_LIST_SIZE
    else:
        c.fault_value = f"{decoder.field_count}, the limit is {decoder.max_fields}"
        fault = FAULT_FIELDS
    if s is None and wants_large_requests(c) and c.rfc_errors and not too_many(c):
        headers = large_request_fields(c)
        if headers:
            return open_large_request(c, sid, fault, flags, headers)
    return fault


cdef int check_fields(Core c, H2Stream s, uint32_t sid, uint8_t flags, uint32_t depends_on,
                      BlockInfo *info) except -1:
    """Check the decoded fields as a request's, or as trailers if the stream exists (RFC 9113 section 8)."""
    cdef Decoder decoder = c.decoder
    cdef bint ends = flags & FLAG_END_STREAM
    cdef int fault
    cdef int rules = c.rules
    if c.local.enable_connect_protocol_ or not c.rfc_errors:
        rules |= RULE_CONNECT_PROTOCOL
    if s is not None:
        fault = check_block(decoder.fields, decoder.count, BLOCK_TRAILERS, rules, info)
        if not ends and fault != FAULT_CONTENT_LENGTH:
            info.culprit = NULL
            fault = FAULT_TRAILERS_OPEN
        elif fault == FAULT_NONE and s.expected >= 0 and s.received != s.expected:
            c.fault_value = (s.expected, s.received)
            return FAULT_BODY_LENGTH
    else:
        fault = check_block(decoder.fields, decoder.count, BLOCK_REQUEST, rules, info)
        if fault == FAULT_NONE and ends and info.content_length > 0:
            c.fault_value = (info.content_length, 0)
            return FAULT_BODY_LENGTH
        if fault == FAULT_NONE and info.lengths > 1 and c.rfc_errors:
            decoder.merge_lengths(info.content_length)
    if fault == FAULT_NONE and flags & FLAG_PRIORITY and depends_on == sid:
        info.culprit = NULL
        fault = FAULT_PRIORITY_SELF
    if fault != FAULT_NONE:
        if s is None and not c.rfc_errors:
            # The last stream id of the GOAWAY, as in h2.
            c.ids.highest_inbound = sid
        if fault == FAULT_CONTENT_LENGTH_CONFLICT:
            c.fault_value = f"{info.content_length} and {info.culprit.number}"
        else:
            c.fault_value = culprit_text(info.culprit)
    return fault


cdef int deliver_block(Core c, H2Stream s, uint32_t sid, uint8_t flags, uint32_t depends_on, uint16_t weight,
                       bint exclusive, BlockInfo *info) except -1:
    """Deliver a request, which opens its stream, or trailers."""
    cdef object headers = request_fields(c, info) if s is None else trailer_fields(c, info)
    cdef int fault = FAULT_NONE
    cdef uint16_t priority
    if c.late_encoding is not None and type(headers) is list:
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
        s.connected = info.method != NULL and info.method.flags & F_CONNECT and not info.seen >> KIND_PROTOCOL & 1
        # An early PRIORITY_UPDATE overrides the Priority field (RFC 9218 section 7).
        priority = early_take(&c.early, sid) if c.early.count else 0
        if priority == 0:
            priority = info.priority
        if priority:
            c.set_priority(s, priority)
        deliver_request(c, s, headers, flags, depends_on, weight, exclusive)
    else:
        deliver_trailers(c, s, headers, flags, depends_on, weight, exclusive)
    if flags & FLAG_PRIORITY:
        fault = count_priority(&c.limits)
    if flags & FLAG_END_STREAM:
        c.end_remote(s)
    return fault


cdef int open_large_request(Core c, uint32_t sid, int fault, uint8_t flags, list headers) except -1:
    """Deliver a request with discarded fields (L11), to be refused by the user. It counts like a reset."""
    cdef H2Stream s
    cdef object culprit = "header list" if fault == FAULT_LIST_SIZE else "fields in the header list"
    cdef str reason = f"{culprit} over the limit: {c.fault_value}"
    c.fault_value = None
    c.count(fault_token(fault))
    if c.phase == C_IDLE:
        c.phase = C_OPEN
    s = c.open_stream(sid)
    s.expected = -1
    if c.early.count:
        early_take(&c.early, sid)
    deliver_large_request(c, sid, headers, reason, flags & FLAG_END_STREAM)
    if flags & FLAG_END_STREAM:
        c.end_remote(s)
    fault = count_priority(&c.limits) if flags & FLAG_PRIORITY else FAULT_NONE
    return fault if fault != FAULT_NONE else count_reset(&c.limits, c.clock)


cdef inline bint too_many(Core c) noexcept:
    """Return True if one more stream would exceed SETTINGS_MAX_CONCURRENT_STREAMS (L1)."""
    return <uint64_t>c.ids.open_inbound + 1 > c.local.max_concurrent_streams_
