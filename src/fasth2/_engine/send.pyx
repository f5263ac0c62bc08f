"""The sending path: headers, data and queues. RFC 9113 section 5.1, 6 and 8."""
cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE
from libc.stdint cimport uint16_t
from libc.string cimport memcpy, memset

from fasth2._engine.core cimport PREFACE_LENGTH, find_opened, find_stream, may_send
from fasth2._cursor cimport store16, store32
from fasth2._frames cimport *
from fasth2._frames cimport (
    data_chunk,
    field_block_overhead,
    out_reserve,
    put_data,
    split_field_block,
    write_frame_header,
)
from fasth2._engine.headers cimport (
    BLOCK_INFORMATIONAL,
    BLOCK_PROMISE,
    BLOCK_RESPONSE,
    BLOCK_TRAILERS,
    OutgoingFields,
)
from fasth2._engine.role cimport HIGHEST_STREAM_ID, is_inbound
from fasth2._engine.stream cimport (
    BY_SEND_RST_STREAM,
    new_stream,
    queue_body,
    stream_has_queue,
    stream_is_reserved,
    stream_may_send,
    stream_reserve,
)

from fasth2.exceptions import (
    FlowControlError,
    FrameTooLargeError,
    ProtocolError,
    StreamIDTooLowError,
    TooManyStreamsError,
)

# Bodies up to this many octets are written to the output at once, after their headers.
cdef Py_ssize_t DIRECT = 4096
# pull() cuts a frame short to fill its block, but not to less than this.
cdef enum:
    SHORTEST_CUT = 512


cdef const char *PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


cdef int must_be_open(Core c) except -1:
    if not may_send(c):
        raise ProtocolError("the connection is closed")
    return 0


cdef int encode_block(Core c, uint32_t stream_id, uint8_t type, uint8_t flags, const Prefix *before=NULL,
                      Py_ssize_t more=0) except -1:
    """Write the prepared fields as a HEADERS or PUSH_PROMISE frame, with the octets `before` the block (NULL: none).

    Memory for `more` octets after it is reserved, so that writing these cannot fail.
    """
    cdef OutgoingFields outgoing = c.outgoing
    cdef Py_ssize_t bound = <Py_ssize_t>c.encoder.bound(outgoing.fields, outgoing.count)
    cdef Py_ssize_t prefix = 0 if before == NULL else before.length
    cdef Py_ssize_t at
    cdef uint8_t *end
    out_reserve(&c.out, FRAME_HEADER + prefix + bound + field_block_overhead(prefix + bound, c.max_out_frame) + more)
    at = c.out.length
    if prefix:
        memcpy(c.out.data + at + FRAME_HEADER, before.octets, prefix)
    end = c.encoder.encode_fields(outgoing.fields, outgoing.count, c.out.data + at + FRAME_HEADER + prefix)
    c.out.length = end - c.out.data
    split_field_block(&c.out, at, flags, stream_id, type, c.max_out_frame)
    outgoing.sent()
    return 0


cdef int write_settings(Core c, dict settings, bint preface) except -1:
    """Queue a SETTINGS frame. preface: a client's first one."""
    cdef uint8_t *p
    cdef Py_ssize_t n = 6 * len(settings)
    cdef Py_ssize_t before = PREFACE_LENGTH if preface else 0
    out_reserve(&c.out, before + FRAME_HEADER + n)
    memcpy(c.out.data + c.out.length, PREFACE, before)
    p = write_frame_header(c.out.data + c.out.length + before, <uint32_t>n, FRAME_SETTINGS, 0, 0)
    for key, value in settings.items():
        store16(p, <uint32_t>key)
        store32(p + 2, <uint32_t>value)
        p += 6
    c.local.mark_sent()
    c.out.length += before + FRAME_HEADER + n
    c.acks_expected += 1
    return 0


cdef int send_headers(Core c, uint32_t stream_id, object headers, bint end_stream, const Prefix *before) except -1:
    """Send response headers, an informational response, or trailers on an existing stream."""
    cdef H2Stream s
    cdef int block
    cdef uint16_t priority = 0
    c.outgoing.convert(headers)
    must_be_open(c)
    s = c.stream_or_raise(stream_id)
    if stream_is_reserved(s) and <int64_t>(c.ids.open_outbound + 1) > <int64_t>c.remote.max_concurrent_streams_:
        raise TooManyStreamsError(
            f"Max outbound streams is {c.remote.max_concurrent_streams_}, {c.ids.open_outbound} open")
    if not stream_may_send(s) and not stream_is_reserved(s):
        raise ProtocolError(f"stream {stream_id} has ended: no headers can follow")
    if s.headers_sent:
        block = BLOCK_TRAILERS
        if stream_has_queue(s):
            raise ProtocolError(f"stream {stream_id} has unsent data: trailers cannot come before it")
    else:
        block = BLOCK_RESPONSE
    c.outgoing.check(block)
    if c.outgoing.informational:
        if end_stream:
            raise ProtocolError("Cannot set END_STREAM on informational responses.")
        if s.headers_sent:
            raise ProtocolError("Information response after final response")
        if stream_is_reserved(s):
            raise ProtocolError("informational response on a stream that is not open yet")
        block = BLOCK_INFORMATIONAL
    elif block == BLOCK_TRAILERS and not end_stream:
        raise ProtocolError("Trailers must have END_STREAM set.")
    if block == BLOCK_RESPONSE and not end_stream:
        priority = c.outgoing.priority()
    encode_block(c, stream_id, FRAME_HEADERS, header_flags(end_stream, before), before)
    if priority:
        c.merge_priority(s, priority)
    if stream_is_reserved(s):
        c.open_reserved(s)
    if block == BLOCK_RESPONSE:
        s.headers_sent = True
    if end_stream:
        c.end_local(s)
    return 0


cdef int send_data(Core c, uint32_t stream_id, const uint8_t *data, Py_ssize_t n, bint end_stream,
                   int pad_length) except -1:
    """Send one DATA frame, as h2 does. pad_length: -1 for none."""
    cdef H2Stream s
    cdef Py_ssize_t size = n
    cdef int64_t window
    cdef uint8_t *p
    cdef uint8_t flags
    s = c.stream_or_raise(stream_id)
    if pad_length >= 0:
        size += pad_length + 1
    if size > 0:
        window = min(c.out_window, s.out_window)
        if size > window:
            raise FlowControlError(f"Cannot send {size} bytes, flow control window is {window}")
    if size > <Py_ssize_t>c.max_out_frame:
        raise FrameTooLargeError(f"Cannot send frame size {size}, max frame size is {c.max_out_frame}")
    must_be_open(c)
    if not stream_may_send(s):
        raise ProtocolError(f"stream {stream_id} has ended: no data can follow")
    if stream_has_queue(s):
        raise FlowControlError(f"stream {stream_id} has {s.queued} octets queued before this data")
    out_reserve(&c.out, FRAME_HEADER + size)
    if pad_length < 0:
        put_data(&c.out, stream_id, data, <uint32_t>n, end_stream)
    else:
        flags = <uint8_t>(FLAG_PADDED | (FLAG_END_STREAM if end_stream else 0))
        p = write_frame_header(c.out.data + c.out.length, <uint32_t>size, FRAME_DATA, flags, stream_id)
        p[0] = <uint8_t>pad_length
        if n:
            memcpy(p + 1, data, n)
        memset(p + 1 + n, 0, pad_length)
        c.out.length += FRAME_HEADER + size
    c.out_window -= size
    s.out_window -= size
    c.limits.data_sent += 1
    c.limits.octets_sent += size
    if end_stream:
        c.end_local(s)
    return 0


cdef int end_stream(Core c, uint32_t stream_id) except -1:
    """Send an empty DATA frame with END_STREAM."""
    cdef H2Stream s
    must_be_open(c)
    s = c.stream_or_raise(stream_id)
    if not stream_may_send(s):
        raise ProtocolError(f"stream {stream_id} has ended already")
    if stream_has_queue(s):
        raise FlowControlError(f"stream {stream_id} has {s.queued} octets queued before its end")
    out_reserve(&c.out, FRAME_HEADER)
    put_data(&c.out, stream_id, NULL, 0, True)
    c.limits.data_sent += 1
    return c.end_local(s)


cdef int push_stream(Core c, uint32_t stream_id, uint32_t promised, object headers) except -1:
    """Send PUSH_PROMISE (RFC 9113 section 6.6 and 8.4)."""
    cdef H2Stream s, new
    cdef Prefix prefix
    c.outgoing.convert(headers)
    if not c.remote.enable_push_:
        raise ProtocolError("Remote peer has disabled stream push")
    must_be_open(c)
    if c.goaway_received:
        # RFC 9113 section 6.8: the receiver of GOAWAY opens no more streams.
        raise ProtocolError("the peer has sent GOAWAY: no stream can be promised")
    if promised > <uint32_t>HIGHEST_STREAM_ID:
        raise ProtocolError(f"stream {promised} does not fit 31 bits")
    s = c.stream_or_raise(stream_id)
    if not is_inbound(&c.ids, stream_id):
        raise ProtocolError("Cannot recursively push streams.")
    if promised <= c.ids.highest_outbound or c.table.find(promised) != NULL:
        raise StreamIDTooLowError(promised, c.ids.highest_outbound)
    if is_inbound(&c.ids, promised):
        raise ProtocolError("Invalid stream ID for peer.")
    if not stream_may_send(s):
        raise ProtocolError(f"stream {stream_id} has ended: nothing can be pushed on it")
    c.outgoing.check(BLOCK_PROMISE)
    new = new_stream(promised, c.local.initial_window_size_, c.remote.initial_window_size_)
    stream_reserve(new)
    store32(prefix.octets, promised)
    prefix.length = 4
    c.table.add(new)
    try:
        encode_block(c, stream_id, FRAME_PUSH_PROMISE, 0, &prefix)
        c.ids.highest_outbound = promised
    finally:
        # Not `except`, which allocates memory.
        if c.ids.highest_outbound != promised:
            c.table.remove(new)
    return 0


cdef bint respond(Core c, uint32_t stream_id, int status, object headers, object body, object trailers,
                  bint end_stream) except -1:
    """Send a response, complete or its first part. Return False if the stream is gone."""
    cdef list prepared = None
    cdef bint copied = not PyBytes_CheckExact(body)
    if trailers is not None:
        prepared = prepared_trailers(c, trailers)
        end_stream = True
    if copied:
        body = b"" if body is None else checked_copy(c, 0, body)
    c.outgoing.convert_status(status, headers)
    return respond_converted(c, stream_id, status, body, copied, prepared, end_stream)


cdef list prepared_trailers(Core c, object trailers):
    """Check trailers, to be encoded when they are sent."""
    c.outgoing.convert(trailers)
    c.outgoing.check(BLOCK_TRAILERS)
    return c.outgoing.frozen()


cdef bint respond_converted(Core c, uint32_t stream_id, int status, bytes body, bint copied, list prepared,
                            bint end_stream) except -1:
    """Send a response with the fields of `outgoing`; see respond(). copied: `body` is a copy made by the engine."""
    cdef H2Stream s
    cdef Py_ssize_t n = PyBytes_GET_SIZE(body)
    cdef bint ends_here, direct
    cdef uint16_t priority = 0
    if not may_send(c):
        return False
    s = find_opened(c, stream_id)
    if s is None:
        return False
    if not stream_may_send(s):
        raise ProtocolError(f"stream {stream_id} has ended: no headers can follow")
    if s.headers_sent:
        raise ProtocolError(f"stream {stream_id} has its response headers already")
    c.outgoing.check(BLOCK_RESPONSE)
    if status < 200 and (end_stream or n):
        raise ProtocolError("an informational response has no body and does not end the stream")
    ends_here = end_stream and n == 0 and prepared is None
    direct = n and n <= DIRECT and prepared is None and n <= s.out_window and n <= c.out_window
    if status >= 200 and not ends_here and not (direct and end_stream):
        priority = c.outgoing.priority()
    encode_block(c, stream_id, FRAME_HEADERS, FLAG_END_STREAM if ends_here else 0, NULL,
                 FRAME_HEADER + n if direct else 0)
    if status >= 200:
        s.headers_sent = True
        if priority:
            c.merge_priority(s, priority)
    if ends_here:
        c.end_local(s)
        return True
    if direct:
        put_data(&c.out, stream_id, <const uint8_t *>PyBytes_AS_STRING(body), <uint32_t>n, end_stream)
        c.out_window -= n
        s.out_window -= n
        c.limits.data_sent += 1
        c.limits.octets_sent += n
        if end_stream:
            c.end_local(s)
        return True
    if n:
        queue_body(s, body)
        c.unsent += n
        if copied:
            s.copied = n
    s.ends = end_stream
    s.trailers = prepared
    if stream_has_queue(s):
        c.enter_ring(s)
    return True


cdef bytes checked_copy(Core c, int64_t copied, object data):
    """Copy a buffer that is not bytes. Raises FlowControlError if a stream would hold too many copied octets (L17)."""
    cdef Py_ssize_t n
    cdef int64_t held
    view = memoryview(data)
    try:
        n = view.nbytes
        held = copied + n
        if c.limits.unsent_body >= 0 and held > c.limits.unsent_body:
            c.count("unsent_body")
            raise FlowControlError(
                f"{held} octets would be copied and held, the limit is {c.limits.unsent_body}; "
                "send what is queued first, or pass bytes, which are not copied")
        return view.tobytes()
    finally:
        view.release()


cdef int64_t write_body(Core c, uint32_t stream_id, object data, bint end_stream) except -1:
    """Queue a part of a body. Return the stream's unsent octets."""
    cdef H2Stream s
    cdef bint copied = not PyBytes_CheckExact(data)
    if copied:
        s = find_stream(c, stream_id)
        data = checked_copy(c, 0 if s is None else s.copied, data)
    must_be_open(c)
    s = c.stream_or_raise(stream_id)
    if not stream_may_send(s) or s.ends or s.trailers is not None:
        raise ProtocolError(f"stream {stream_id} has ended: no data can follow")
    if not s.headers_sent:
        raise ProtocolError(f"stream {stream_id} has no response headers yet")
    queue_body(s, data)
    c.unsent += PyBytes_GET_SIZE(<bytes>data)
    if copied:
        s.copied += PyBytes_GET_SIZE(data)
    s.ends = end_stream
    if stream_has_queue(s):
        c.enter_ring(s)
    return s.queued


cdef int write_trailers(Core c, uint32_t stream_id, list prepared) except -1:
    """Queue trailers after the body; they end the stream."""
    cdef H2Stream s
    must_be_open(c)
    s = c.stream_or_raise(stream_id)
    if not stream_may_send(s) or s.ends or s.trailers is not None or not s.headers_sent:
        raise ProtocolError(f"stream {stream_id} cannot send trailers")
    s.trailers = prepared
    s.ends = True
    return c.enter_ring(s)


cdef int reset_stream(Core c, uint32_t stream_id, uint32_t code) except -1:
    cdef H2Stream s
    must_be_open(c)
    s = c.stream_or_raise(stream_id)
    c.write_rst_stream(stream_id, code)
    c.expect_late_data(s)
    return c.close_stream(s, BY_SEND_RST_STREAM)


cdef int send_queued(Core c, H2Stream s, Py_ssize_t room) except -1:
    """Send one frame of a stream's queue. room: octets, frame header included; -1: no limit.

    Returns 1 if a frame was written, 0 if the connection's window or the room is exhausted.
    """
    cdef uint32_t n
    cdef bint last
    cdef uint8_t *p
    cdef Py_ssize_t part, left
    if s.queued == 0:
        if s.trailers is not None:
            return send_queued_trailers(c, s)
        out_reserve(&c.out, FRAME_HEADER)
        put_data(&c.out, s.id, NULL, 0, True)
        c.limits.data_sent += 1
        c.leave_ring(s)
        s.ends = False
        c.end_local(s)
        return 1
    n = data_chunk(s.queued, s.out_window, c.out_window, c.max_out_frame)
    if n == 0:
        if s.out_window <= 0:
            # Its own window is exhausted: WINDOW_UPDATE puts it back into the ring.
            c.leave_ring(s)
            return 1
        return 0
    if room >= 0 and <Py_ssize_t>n > room - FRAME_HEADER:
        if room >= FRAME_HEADER + SHORTEST_CUT:
            n = <uint32_t>(room - FRAME_HEADER)
        elif c.out.length > c.out.start:
            return 0
        elif n > SHORTEST_CUT:
            # A block smaller than the shortest frame: the rest of the frame stays in the output.
            n = SHORTEST_CUT
    out_reserve(&c.out, FRAME_HEADER + <Py_ssize_t>n)
    last = n == s.queued and s.ends and s.trailers is None
    p = write_frame_header(c.out.data + c.out.length, n, FRAME_DATA, FLAG_END_STREAM if last else 0, s.id)
    left = n
    while left:
        part = PyBytes_GET_SIZE(s.chunk) - s.offset
        if part > left:
            part = left
        memcpy(p, PyBytes_AS_STRING(s.chunk) + s.offset, part)
        p += part
        left -= part
        s.offset += part
        if s.offset == PyBytes_GET_SIZE(s.chunk):
            s.offset = 0
            if s.later:
                s.chunk = s.later.popleft()
            else:
                s.chunk = None
    c.out.length += FRAME_HEADER + <Py_ssize_t>n
    s.queued -= n
    c.unsent -= n
    s.out_window -= n
    c.out_window -= n
    c.limits.data_sent += 1
    c.limits.octets_sent += n
    if s.copied > s.queued:
        s.copied = s.queued
    if s.queued == 0:
        if last:
            s.ends = False
            c.leave_ring(s)
            c.end_local(s)
        elif s.trailers is None:
            c.leave_ring(s)
    return 1


cdef int send_queued_trailers(Core c, H2Stream s) except -1:
    """Send queued trailers. They are encoded now, since the dynamic table depends on the order of blocks."""
    with cython.critical_section(c.encoder):
        c.outgoing.convert(s.trailers)
        c.outgoing.check(BLOCK_TRAILERS)
        encode_block(c, s.id, FRAME_HEADERS, FLAG_END_STREAM)
    c.leave_ring(s)
    s.trailers = None
    s.ends = False
    c.end_local(s)
    return 1
