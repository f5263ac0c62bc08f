"""Requests sent by a client: HEADERS that open a stream, and priorities (RFC 9113 section 8.1, RFC 7540 section 5.3)."""
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy

from fasth2._cursor cimport store32
from fasth2._engine.core cimport C_CLOSED
from fasth2._engine.headers cimport BLOCK_REQUEST
from fasth2._engine.role cimport HIGHEST_STREAM_ID, highest_of_side, is_inbound
from fasth2._engine.send cimport encode_block, header_flags, must_be_open
from fasth2._engine.stream cimport BY_NOTHING, H2Stream
from fasth2._frames cimport FRAME_HEADER, FRAME_HEADERS, FRAME_PRIORITY, out_reserve, write_frame_header

from fasth2.exceptions import (
    NoAvailableStreamIDError,
    ProtocolError,
    StreamClosedError,
    StreamIDTooLowError,
    TooManyStreamsError,
)


cdef int write_priority_of(Prefix *prefix, uint32_t stream_id, object weight, object depends_on,
                           object exclusive) except -1:
    """Check a priority, each part of which may be None, and write its five octets."""
    cdef uint32_t parent
    if weight is None:
        weight = 16
    elif not 1 <= weight <= 256:
        raise ProtocolError(f"Weight must be between 1 and 256, not {weight}")
    if depends_on is None:
        depends_on = 0
    elif not 0 <= depends_on <= HIGHEST_STREAM_ID:
        raise ProtocolError(f"stream {depends_on} does not fit 31 bits")
    parent = depends_on
    if parent == stream_id:
        raise ProtocolError(f"Stream {stream_id} may not depend on itself")
    store32(prefix.octets, parent | (<uint32_t>0x80000000 if exclusive else 0))
    prefix.octets[4] = <uint8_t>(<int>weight - 1)
    prefix.length = 5
    return 0


cdef int may_open(Core c, uint32_t stream_id) except -1:
    """Check that we may open this stream, which does not exist (RFC 9113 section 5.1.1 and 5.1.2)."""
    must_be_open(c)
    if c.phase == C_CLOSED:
        # Under rfc_errors existing streams continue (section 6.8).
        raise ProtocolError("no stream can be opened after GOAWAY")
    if <uint64_t>c.ids.open_outbound + 1 > c.remote.max_concurrent_streams_:
        raise TooManyStreamsError(
            f"Max outbound streams is {c.remote.max_concurrent_streams_}, {c.ids.open_outbound} open")
    if stream_id <= highest_of_side(&c.ids, stream_id):
        if c.table.reason_of(stream_id) != BY_NOTHING:
            raise StreamClosedError(stream_id)
        raise StreamIDTooLowError(stream_id, highest_of_side(&c.ids, stream_id))
    if is_inbound(&c.ids, stream_id):
        raise ProtocolError("Invalid stream ID for peer.")
    if stream_id > <uint32_t>HIGHEST_STREAM_ID:
        raise NoAvailableStreamIDError(f"stream {stream_id} does not fit 31 bits")
    return 0


cdef int send_request(Core c, uint32_t stream_id, object headers, bint end_stream, const Prefix *priority) except -1:
    """Send a request on a new stream."""
    cdef H2Stream s
    cdef bint sent = False
    c.outgoing.convert(headers)
    may_open(c, stream_id)
    c.outgoing.check(BLOCK_REQUEST)
    if c.outgoing.extended and c.rfc_errors and not c.remote.enable_connect_protocol_:
        raise ProtocolError("the peer has not sent SETTINGS_ENABLE_CONNECT_PROTOCOL: no request can have :protocol")
    s = c.make_request(stream_id)
    s.heads = c.outgoing.heads
    s.connected = c.outgoing.connects
    s.authority = c.outgoing.authority_value()
    try:
        encode_block(c, stream_id, FRAME_HEADERS, header_flags(end_stream, priority), priority)
        sent = True
    finally:
        # Not `except`, which allocates memory.
        if not sent:
            c.table.remove(s)
    c.open_request(s)
    if end_stream:
        c.end_local(s)
    return 0


cdef int send_priority(Core c, uint32_t stream_id, const Prefix *priority) except -1:
    """Send a PRIORITY frame, for a stream in any state."""
    cdef uint8_t *p
    must_be_open(c)
    if stream_id == 0 or stream_id > <uint32_t>HIGHEST_STREAM_ID:
        raise ProtocolError(f"stream {stream_id} has no priority")
    out_reserve(&c.out, FRAME_HEADER + 5)
    p = write_frame_header(c.out.data + c.out.length, 5, FRAME_PRIORITY, 0, stream_id)
    memcpy(p, priority.octets, 5)
    c.out.length += FRAME_HEADER + 5
    return 0
