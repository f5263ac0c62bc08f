"""HEADERS and CONTINUATION received (RFC 9113 section 6.2 and 6.10): requests, responses and trailers."""
from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t, uint8_t

from fasth2._engine.core cimport C_IDLE, C_OPEN, Core, find_stream, is_idle, is_shut
from fasth2._engine.deliver cimport (
    deliver_interim_response,
    deliver_large_request,
    deliver_request,
    deliver_response,
    deliver_trailers,
    large_request_fields,
    late_decoded,
    head_fields,
    trailer_fields,
    wants_large_requests,
)
from fasth2._engine.errors cimport *
from fasth2._engine.field_block cimport add_fragment, block_begin, block_free, decode
from fasth2.hpack.fields cimport F_CONNECT, KIND_PROTOCOL
from fasth2._frames cimport *
from fasth2._frames cimport FrameHeader, Payload, read_headers
from fasth2._engine.headers cimport (
    BLOCK_REQUEST,
    BLOCK_RESPONSE,
    BLOCK_TRAILERS,
    RULE_CONNECT_PROTOCOL,
    BlockInfo,
    check_block,
    culprit_text,
    is_interim,
)
from fasth2.hpack.decoder cimport Decoder
from fasth2._engine.limits cimport count_late_frame, count_late_headers, count_priority, count_reset, count_suspicious
from fasth2._priority cimport early_take
from fasth2._engine.receive_push cimport on_promise
from fasth2._engine.role cimport highest_of_side, is_inbound, peer_opens_by_headers
from fasth2._engine.stream cimport (
    BY_NOTHING,
    BY_RECV_RST_STREAM,
    BY_SEND_RST_STREAM,
    S_HALF_CLOSED_REMOTE,
    H2Stream,
    stream_is_promised,
    stream_is_reserved,
)

cdef enum:
    # Octets of a block that allow one more CONTINUATION frame under rfc_errors: the peer chooses the size of its frames.
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
    block_begin(c, h.stream_id, 0, h.flags)
    if h.flags & FLAG_PRIORITY:
        c.block.depends_on = block.depends_on
        c.block.weight = block.weight
        c.block.exclusive = block.exclusive
    return add_fragment(c, block.data, block.length)


cdef int on_continuation(Core c, FrameHeader *h, const uint8_t *p) except -1:
    cdef int fault
    cdef uint32_t sid
    if c.block.stream_id == 0:
        return FAULT_CONTINUATION_STRAY
    c.block.frames += 1
    if (c.limits.continuation_frames >= 0 and c.block.frames >= c.limits.continuation_frames + (
            c.block.length // OCTETS_A_FRAGMENT if c.rfc_errors else 0)):
        c.fault_value = f"{c.block.frames} frames"
        return FAULT_CONTINUATION_FRAMES
    fault = add_fragment(c, p, h.length)
    if fault != FAULT_NONE or not h.flags & FLAG_END_HEADERS:
        return fault
    sid = c.block.stream_id
    c.block.stream_id = 0
    try:
        if c.block.promised:
            return on_promise(c, sid, c.block.promised, c.block.data, c.block.length)
        return on_block(c, sid, c.block.flags, c.block.data, c.block.length, c.block.depends_on, c.block.weight,
                        c.block.exclusive)
    finally:
        block_free(c)


cdef int on_block(Core c, uint32_t sid, uint8_t flags, const uint8_t *p, Py_ssize_t n, uint32_t depends_on,
                  uint16_t weight, bint exclusive) except -1:
    """Process a complete field block, a request, a response or trailers: decode, admit, deliver."""
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
        if stream_is_promised(s) and too_many(c):
            c.fault_value = f"the limit is {c.local.max_concurrent_streams_}"
            return FAULT_STREAMS_REFUSED
        if s.connected and s.headers_sent and s.headers_received and c.rfc_errors:
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
    if not peer_opens_by_headers(&c.ids):
        return FAULT_RESPONSE_UNASKED
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
    """Check the decoded fields (RFC 9113 section 8): a request's if there is no stream (None), else a response's or
    trailers'."""
    cdef int fault
    cdef int rules = c.rules
    if c.local.enable_connect_protocol_ or not c.rfc_errors:
        rules |= RULE_CONNECT_PROTOCOL
    if s is None:
        fault = check_request(c, flags, rules, info)
    elif s.headers_received:
        fault = check_trailers(c, s, flags, rules, info)
    else:
        fault = check_response(c, s, flags, rules, info)
    if fault == FAULT_NONE and flags & FLAG_PRIORITY and depends_on == sid:
        info.culprit = NULL
        fault = FAULT_PRIORITY_SELF
    if fault != FAULT_NONE and fault != FAULT_BODY_LENGTH and fault != FAULT_LIMIT_INTERIM:
        if s is None and not c.rfc_errors:
            # The last stream id of the GOAWAY, as in h2.
            c.ids.highest_inbound = sid
        if fault == FAULT_CONTENT_LENGTH_CONFLICT:
            c.fault_value = f"{info.content_length} and {info.culprit.number}"
        else:
            c.fault_value = culprit_text(info.culprit)
    return fault


cdef int check_request(Core c, uint8_t flags, int rules, BlockInfo *info) except -1:
    cdef int fault = check_block(c.decoder.fields, c.decoder.count, BLOCK_REQUEST, rules, info)
    if fault == FAULT_NONE:
        fault = check_length(c, info.content_length, flags, info)
    return fault


cdef int check_trailers(Core c, H2Stream s, uint8_t flags, int rules, BlockInfo *info) except -1:
    cdef int fault = check_block(c.decoder.fields, c.decoder.count, BLOCK_TRAILERS, rules, info)
    if not flags & FLAG_END_STREAM and fault != FAULT_CONTENT_LENGTH:
        info.culprit = NULL
        return FAULT_TRAILERS_OPEN
    if fault == FAULT_NONE and s.expected >= 0 and s.received != s.expected:
        c.fault_value = (s.expected, s.received)
        return FAULT_BODY_LENGTH
    return fault


cdef int check_response(Core c, H2Stream s, uint8_t flags, int rules, BlockInfo *info) except -1:
    """Check a response. Informational ones are limited, so that a request cannot be kept waiting by them (L19)."""
    cdef int fault = check_block(c.decoder.fields, c.decoder.count, BLOCK_RESPONSE, rules, info)
    if is_interim(c.decoder.fields, c.decoder.count):
        if flags & FLAG_END_STREAM:
            info.culprit = NULL
            return FAULT_INTERIM_END
        if stream_is_promised(s):
            info.culprit = NULL
            return FAULT_RESERVED
        if fault == FAULT_NONE and c.limits.informational_responses >= 0 and (
                s.interim >= c.limits.informational_responses):
            c.fault_value = f"{s.interim + 1}"
            return FAULT_LIMIT_INTERIM
        return fault
    if fault == FAULT_NONE:
        fault = check_length(c, expected_content(s, info), flags, info)
    return fault


cdef int64_t expected_content(H2Stream s, BlockInfo *info) noexcept:
    """Return the octets of content that a final response has to have (RFC 9113 section 8.1.1); -1: any number."""
    if s.heads or info.status == 204 or info.status == 304:
        return 0
    if s.connected and info.status // 100 == 2:
        # RFC 9110 section 9.3.6: content-length is ignored.
        return -1
    return info.content_length


cdef inline int check_length(Core c, int64_t expected, uint8_t flags, BlockInfo *info) except -1:
    """Check the length of content that ends with the header fields, and make several equal lengths one field."""
    if expected > 0 and flags & FLAG_END_STREAM:
        c.fault_value = (expected, 0)
        return FAULT_BODY_LENGTH
    if info.lengths > 1 and c.rfc_errors:
        c.decoder.merge_lengths(info.content_length)
    return FAULT_NONE


cdef int deliver_block(Core c, H2Stream s, uint32_t sid, uint8_t flags, uint32_t depends_on, uint16_t weight,
                       bint exclusive, BlockInfo *info) except -1:
    """Deliver a request, which opens its stream, a response, or trailers."""
    cdef bint is_trailers = s is not None and s.headers_received
    cdef object headers = trailer_fields(c, info) if is_trailers else head_fields(c, info)
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
    if is_trailers:
        deliver_trailers(c, s, headers, flags, depends_on, weight, exclusive)
    elif s is None:
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
    elif is_interim(c.decoder.fields, c.decoder.count):
        s.interim += 1
        deliver_interim_response(c, s, headers, flags, depends_on, weight, exclusive)
    else:
        begin_response(c, s, info)
        deliver_response(c, s, headers, flags, depends_on, weight, exclusive)
    if flags & FLAG_PRIORITY:
        fault = count_priority(&c.limits)
    if flags & FLAG_END_STREAM:
        c.end_remote(s)
    return fault


cdef void begin_response(Core c, H2Stream s, BlockInfo *info) noexcept:
    """Apply the header fields of a final response to its stream."""
    s.headers_received = True
    s.expected = expected_content(s, info)
    if info.status // 100 != 2:
        # A CONNECT that was refused is no tunnel.
        s.connected = False
    if stream_is_promised(s):
        c.open_promised(s)


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
