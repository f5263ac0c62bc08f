"""Delivery to the user: h2's events, or the slim objects of `ready_requests`.

The `deliver_*` functions append to `Core.events`; they check nothing and change no stream. The `*_fields` functions
convert the decoded fields; `trailer_fields` removes some of them from the decoder.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.string cimport memcpy

from fasth2._engine.core cimport Merge
from fasth2._engine.errors cimport FAULT_NONE
from fasth2._engine.events cimport (
    AlternativeServiceAvailable,
    ConnectionTerminated,
    DataReceived,
    ExtensionFrame,
    InformationalResponseReceived,
    PingAckReceived,
    PingReceived,
    PriorityUpdated,
    PushedStreamReceived,
    RemoteSettingsChanged,
    RequestReceived,
    ResponseReceived,
    SettingsAcknowledged,
    StreamEnded,
    StreamReset,
    TrailersReceived,
    UnknownFrameReceived,
    WindowUpdated,
)
from fasth2._engine.headers cimport BLOCK_REQUEST, RULE_CONNECT_PROTOCOL, check_block, header_tuples, plain_pairs
from fasth2._engine.ready cimport Data, Goaway, LargeRequest, Priority, Request, Reset, Trailers
from fasth2._frames cimport FLAG_END_STREAM, FLAG_PRIORITY
from fasth2.hpack.decoder cimport Decoder
from fasth2.hpack.fields cimport F_NO_TRAILER

from fasth2.errors import _error_code_from_int


# Fields

cdef object head_fields(Core c, BlockInfo *info):
    """Convert the fields of a request or a response: by the user's RequestMaker, or to a list of pairs."""
    cdef Decoder decoder = c.decoder
    cdef object headers
    if not c.slim:
        headers = header_tuples(decoder.fields, decoder.count, info.cookies if c.join_cookies else 0)
    elif c.maker is not None:
        headers = c.maker.make(decoder.fields, decoder.count, info)
    else:
        headers = plain_pairs(decoder.fields, decoder.count, info.cookies if c.join_cookies else 0)
    return headers


cdef list trailer_fields(Core c, BlockInfo *info):
    """Convert the fields of trailers to a list of pairs."""
    cdef Decoder decoder = c.decoder
    cdef list headers
    if not c.slim:
        headers = header_tuples(decoder.fields, decoder.count, info.cookies if c.join_cookies else 0)
    else:
        if info.flags & F_NO_TRAILER:
            # RFC 9110 section 6.5.1: fields for framing, routing or authentication have no meaning in trailers.
            decoder.drop_fields(F_NO_TRAILER)
            info.cookies = 0
        headers = plain_pairs(decoder.fields, decoder.count, info.cookies if c.join_cookies else 0)
    return headers


cdef list large_request_fields(Core c):
    """Convert the fields within the limit of a request that exceeds it, if they are valid; otherwise its method alone,
    which tells whether the response has a body. Empty without a method."""
    cdef BlockInfo info
    cdef Decoder decoder = c.decoder
    cdef list headers
    cdef int fault
    fault = check_block(decoder.fields, decoder.count, BLOCK_REQUEST, c.rules | RULE_CONNECT_PROTOCOL, &info)
    try:
        headers = plain_pairs(decoder.fields, decoder.count,
                              info.cookies if c.join_cookies and fault == FAULT_NONE else 0)
        if c.late_encoding is not None:
            headers = late_decoded(c, headers)
    except UnicodeError:
        return []
    if fault != FAULT_NONE:
        headers = [pair for pair in headers if pair[0] in (":method", b":method") and pair[1].isalpha()][:1]
    return headers


cdef list late_decoded(Core c, list headers):
    """Decode pairs of bytes in an encoding that the decoder does not support. Raises UnicodeError."""
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


# Streams

cdef StreamEnded stream_ended(object stream_id):
    cdef StreamEnded event = StreamEnded.__new__(StreamEnded)
    event.stream_id = stream_id
    return event


cdef PriorityUpdated priority_event(object stream_id, uint32_t depends_on, uint16_t weight, bint exclusive):
    cdef PriorityUpdated event = PriorityUpdated.__new__(PriorityUpdated)
    event.stream_id = stream_id
    event.weight = weight
    event.depends_on = depends_on
    event.exclusive = exclusive
    return event


cdef int deliver_request(Core c, H2Stream s, object headers, uint8_t flags, uint32_t depends_on, uint16_t weight,
                         bint exclusive) except -1:
    cdef RequestReceived event
    cdef StreamEnded end_event
    cdef Request ready
    if c.slim:
        ready = Request.__new__(Request)
        ready.stream_id = s.stream_id
        ready.headers = headers
        ready.end_stream = (flags & FLAG_END_STREAM) != 0
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


cdef int deliver_large_request(Core c, uint32_t sid, list headers, str reason, bint ends) except -1:
    """Deliver a request over the limit on header lists, as a slim object."""
    cdef LargeRequest ready = LargeRequest.__new__(LargeRequest)
    ready.stream_id = sid
    ready.headers = headers
    ready.reason = reason
    ready.end_stream = ends
    c.events.append(ready)
    return 0


cdef int deliver_trailers(Core c, H2Stream s, list headers, uint8_t flags, uint32_t depends_on, uint16_t weight,
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


# Only clients receive responses and promises, and they have no slim objects.

cdef int deliver_response(Core c, H2Stream s, list headers, uint8_t flags, uint32_t depends_on, uint16_t weight,
                          bint exclusive) except -1:
    cdef ResponseReceived event = ResponseReceived.__new__(ResponseReceived)
    event.stream_id = s.stream_id
    event.headers = headers
    c.events.append(event)
    if flags & FLAG_END_STREAM:
        event.stream_ended = stream_ended(s.stream_id)
        c.events.append(event.stream_ended)
    if flags & FLAG_PRIORITY:
        event.priority_updated = priority_event(s.stream_id, depends_on, weight, exclusive)
        c.events.append(event.priority_updated)
    return 0


cdef int deliver_interim_response(Core c, H2Stream s, list headers, uint8_t flags, uint32_t depends_on,
                                  uint16_t weight, bint exclusive) except -1:
    cdef InformationalResponseReceived event
    event = InformationalResponseReceived.__new__(InformationalResponseReceived)
    event.stream_id = s.stream_id
    event.headers = headers
    c.events.append(event)
    if flags & FLAG_PRIORITY:
        event.priority_updated = priority_event(s.stream_id, depends_on, weight, exclusive)
        c.events.append(event.priority_updated)
    return 0


cdef int deliver_promise(Core c, uint32_t sid, uint32_t promised, list headers) except -1:
    cdef PushedStreamReceived event = PushedStreamReceived.__new__(PushedStreamReceived)
    event.pushed_stream_id = promised
    event.parent_stream_id = sid
    event.headers = headers
    c.events.append(event)
    return 0


cdef int deliver_data_event(Core c, H2Stream s, const uint8_t *p, uint32_t n, uint32_t flow, bint ends) except -1:
    cdef DataReceived event
    cdef StreamEnded end_event
    cdef bytes data = PyBytes_FromStringAndSize(<const char *>p, n)
    event = DataReceived.__new__(DataReceived)
    event.stream_id = s.stream_id
    event.data = data
    event.flow_controlled_length = flow
    c.events.append(event)
    if ends:
        end_event = stream_ended(s.stream_id)
        event.stream_ended = end_event
        c.events.append(end_event)
    return 0


cdef int deliver_merged(Core c) except -1:
    """Copy the held DATA frames into one object."""
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


cdef int deliver_reset(Core c, uint32_t sid, uint32_t code, bint remote) except -1:
    cdef StreamReset event
    cdef Reset ready
    if c.slim:
        deliver_merged(c)
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


cdef int deliver_priority(Core c, uint32_t sid, uint32_t depends_on, uint16_t weight, bint exclusive) except -1:
    cdef Priority ready
    if c.slim:
        ready = Priority.__new__(Priority)
        ready.stream_id = sid
        ready.weight = weight
        ready.depends_on = depends_on
        ready.exclusive = exclusive
        c.events.append(ready)
        return 0
    c.events.append(priority_event(sid, depends_on, weight, exclusive))
    return 0


# The connection. Frames that need no action of a server have no slim object.

cdef int deliver_settings(Core c, dict changes) except -1:
    """Deliver the peer's settings. `events` is None for those of an upgrade request."""
    cdef RemoteSettingsChanged event
    if c.events is not None and not c.slim:
        event = RemoteSettingsChanged.__new__(RemoteSettingsChanged)
        event.changed_settings = changes
        c.events.append(event)
    return 0


cdef int deliver_settings_ack(Core c, dict changes) except -1:
    cdef SettingsAcknowledged event
    if not c.slim:
        event = SettingsAcknowledged.__new__(SettingsAcknowledged)
        event.changed_settings = changes
        c.events.append(event)
    return 0


cdef int deliver_ping(Core c, const uint8_t *p) except -1:
    cdef PingReceived event
    if not c.slim:
        event = PingReceived.__new__(PingReceived)
        event.ping_data = PyBytes_FromStringAndSize(<const char *>p, 8)
        c.events.append(event)
    return 0


cdef int deliver_ping_ack(Core c, const uint8_t *p) except -1:
    cdef PingAckReceived event
    if not c.slim:
        event = PingAckReceived.__new__(PingAckReceived)
        event.ping_data = PyBytes_FromStringAndSize(<const char *>p, 8)
        c.events.append(event)
    return 0


cdef int deliver_goaway(Core c, uint32_t code, uint32_t last, const uint8_t *debug, Py_ssize_t n) except -1:
    cdef ConnectionTerminated event
    cdef Goaway ready
    if c.slim:
        ready = Goaway.__new__(Goaway)
        ready.error_code = code
        ready.last_stream_id = last
        ready.additional_data = PyBytes_FromStringAndSize(<const char *>debug, n)
        c.events.append(ready)
        return 0
    event = ConnectionTerminated.__new__(ConnectionTerminated)
    event.error_code = _error_code_from_int(code)
    event.last_stream_id = last
    if n:
        event.additional_data = PyBytes_FromStringAndSize(<const char *>debug, n)
    c.events.append(event)
    return 0


cdef int deliver_window_update(Core c, uint32_t sid, uint32_t increment) except -1:
    cdef WindowUpdated event
    if not c.slim:
        event = WindowUpdated.__new__(WindowUpdated)
        event.stream_id = sid
        event.delta = increment
        c.events.append(event)
    return 0


cdef int deliver_alternative(Core c, object origin, const uint8_t *value, Py_ssize_t n) except -1:
    cdef AlternativeServiceAvailable event = AlternativeServiceAvailable.__new__(AlternativeServiceAvailable)
    event.origin = origin
    event.field_value = PyBytes_FromStringAndSize(<const char *>value, n)
    c.events.append(event)
    return 0


cdef int deliver_unknown(Core c, FrameHeader *h, const uint8_t *p) except -1:
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
    return 0
