"""PUSH_PROMISE received (RFC 9113 section 6.6 and 8.4)."""
from fasth2._engine.core cimport find_stream, is_idle, is_shut
from fasth2._engine.deliver cimport deliver_promise, head_fields, late_decoded
from fasth2._engine.error_codes cimport REFUSED_STREAM
from fasth2._engine.errors cimport (
    FAULT_CONNECTION_CLOSED,
    FAULT_FIELDS,
    FAULT_LIST_SIZE,
    FAULT_NONE,
    FAULT_PROMISED_CONTENT,
    FAULT_PROMISED_ID,
    FAULT_PROMISED_METHOD,
    FAULT_PROMISE_PARENT,
    FAULT_PUSH_PROMISE,
    FAULT_PUSH_PROMISE_PADDING,
    FAULT_PUSH_PROMISE_SHORT,
    FAULT_UNDECODABLE,
)
from fasth2._engine.field_block cimport add_fragment, block_begin, decode
from fasth2._engine.headers cimport BLOCK_REQUEST, RULE_VALIDATE, BlockInfo, check_block, culprit_text, has_value
from fasth2._engine.limits cimport count_control, count_reset, count_suspicious
from fasth2._engine.role cimport is_inbound, peer_may_push
from fasth2._engine.stream cimport BY_SEND_RST_STREAM, H2Stream, stream_may_receive
from fasth2._frames cimport FLAG_END_HEADERS, LAYOUT_OK, LAYOUT_SHORT, Payload, read_push_promise
from fasth2.hpack.decoder cimport Decoder

cdef enum Admission:
    ACCEPTED = 0
    REFUSED = 1              # RST_STREAM
    IGNORED = 2              # above the last stream of our GOAWAY


cdef int on_push_promise(Core c, FrameHeader *h, const uint8_t *p) except -1:
    cdef Payload block
    cdef uint32_t promised
    cdef int layout = read_push_promise(p, h, &block, &promised)
    if layout == LAYOUT_SHORT:
        return FAULT_PUSH_PROMISE_SHORT
    if not peer_may_push(&c.ids) or not c.local.enable_push_:
        return FAULT_PUSH_PROMISE
    if layout != LAYOUT_OK:
        return FAULT_PUSH_PROMISE_PADDING
    if not is_inbound(&c.ids, promised) or not is_idle(c, promised) or promised == 0:
        c.fault_value = f"stream {promised}"
        return FAULT_PROMISED_ID
    if h.flags & FLAG_END_HEADERS:
        return on_promise(c, h.stream_id, promised, block.data, block.length)
    block_begin(c, h.stream_id, promised, h.flags)
    return add_fragment(c, block.data, block.length)


cdef int on_promise(Core c, uint32_t sid, uint32_t promised, const uint8_t *p, Py_ssize_t n) except -1:
    """Process the complete field block of a promise on stream `sid`."""
    cdef BlockInfo info
    cdef Admission admission = ACCEPTED
    cdef int fault
    if is_shut(c):
        return FAULT_CONNECTION_CLOSED
    # Every block is decoded, or the dynamic table would differ from the peer's.
    fault = decode(c, p, n)
    if fault == FAULT_NONE:
        fault = admit_promise(c, sid, promised, &admission)
    if fault != FAULT_NONE:
        return fault
    if admission == IGNORED:
        c.use_identifier(promised)
        return count_suspicious(&c.limits, c.clock, n)
    if admission == REFUSED:
        return refuse_promise(c, promised)
    # A malformed promise costs the promised stream.
    c.fault_stream = promised
    c.opening = promised
    fault = check_promise(c, &info)
    if fault != FAULT_NONE:
        return fault
    return deliver(c, sid, promised, &info)


cdef int admit_promise(Core c, uint32_t sid, uint32_t promised, Admission *admission) except -1:
    """Check that the streams allow a promise (RFC 9113 section 6.6)."""
    cdef H2Stream s
    if is_inbound(&c.ids, sid):
        return FAULT_PROMISE_PARENT
    if promised > c.goaway_limit:
        admission[0] = IGNORED
        return FAULT_NONE
    s = find_stream(c, sid)
    if s is None:
        # After our RST_STREAM it was in flight.
        if is_idle(c, sid) or c.table.reason_of(sid) != BY_SEND_RST_STREAM:
            return FAULT_PROMISE_PARENT
        admission[0] = REFUSED
    elif not stream_may_receive(s):
        return FAULT_PROMISE_PARENT
    elif c.limits.promised_streams >= 0 and c.ids.promised >= c.limits.promised_streams:
        c.count("promised_streams")
        admission[0] = REFUSED
    return FAULT_NONE


cdef int check_promise(Core c, BlockInfo *info) except -1:
    """Check the promised request: complete, safe, cacheable and without content (section 8.4.1)."""
    cdef Decoder decoder = c.decoder
    cdef int fault
    if decoder.oversized:
        if decoder.list_size > decoder.max_header_list_size:
            c.fault_value = f"{decoder.list_size} octets, the limit is {decoder.max_header_list_size}"
            return FAULT_LIST_SIZE
        c.fault_value = f"{decoder.field_count}, the limit is {decoder.max_fields}"
        return FAULT_FIELDS
    fault = check_block(decoder.fields, decoder.count, BLOCK_REQUEST, c.rules, info)
    if fault == FAULT_NONE and c.rules & RULE_VALIDATE:
        if not has_value(info.method, b"GET", "GET") and not has_value(info.method, b"HEAD", "HEAD"):
            info.culprit = info.method
            fault = FAULT_PROMISED_METHOD
        elif info.content_length > 0:
            fault = FAULT_PROMISED_CONTENT
    if fault != FAULT_NONE:
        c.fault_value = culprit_text(info.culprit)
    return fault


cdef int refuse_promise(Core c, uint32_t promised) except -1:
    """Reset a promised stream of which the user does not learn. It counts like other resets."""
    cdef int fault
    c.use_identifier(promised)
    c.table.remember(promised, BY_SEND_RST_STREAM)
    c.write_rst_stream(promised, REFUSED_STREAM)
    c.limits.late_octets += c.local.initial_window_size_
    fault = count_control(&c.limits, 13)
    return fault if fault != FAULT_NONE else count_reset(&c.limits, c.clock)


cdef int deliver(Core c, uint32_t sid, uint32_t promised, BlockInfo *info) except -1:
    """Reserve the promised stream and deliver the promise."""
    cdef H2Stream s
    cdef object headers = head_fields(c, info)
    if c.late_encoding is not None:
        try:
            headers = late_decoded(c, headers)
        except UnicodeError as error:
            c.fault_value = str(error)
            return FAULT_UNDECODABLE
    s = c.reserve_promised(promised)
    s.heads = info.method != NULL and has_value(info.method, b"HEAD", "HEAD")
    if info.authority != NULL:
        s.authority = <object>info.authority.value
    deliver_promise(c, sid, promised, headers)
    return FAULT_NONE
