# Frames on the wire (RFC 9113 section 4 and 6): header, payload layouts, the
# read buffer, the output buffer and the frame writers. No stream state.
from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memcpy

from fasth2._cursor cimport load16, load24, load32, store16, store24, store32

cdef enum:
    FRAME_HEADER = 9
    FRAME_DATA = 0x00
    FRAME_HEADERS = 0x01
    FRAME_PRIORITY = 0x02
    FRAME_RST_STREAM = 0x03
    FRAME_SETTINGS = 0x04
    FRAME_PUSH_PROMISE = 0x05
    FRAME_PING = 0x06
    FRAME_GOAWAY = 0x07
    FRAME_WINDOW_UPDATE = 0x08
    FRAME_CONTINUATION = 0x09
    FRAME_ALTSVC = 0x0A
    FRAME_ORIGIN = 0x0C
    FRAME_PRIORITY_UPDATE = 0x10

cdef enum:
    FLAG_END_STREAM = 0x01
    FLAG_ACK = 0x01
    FLAG_END_HEADERS = 0x04
    FLAG_PADDED = 0x08
    FLAG_PRIORITY = 0x20


cdef struct FrameHeader:
    uint32_t length      # octets of payload
    uint32_t stream_id   # the reserved bit masked out
    uint8_t type
    uint8_t flags


cdef inline void read_frame_header(const uint8_t *p, FrameHeader *h) noexcept nogil:
    """Read nine octets at p."""
    h.length = load24(p)
    h.type = p[3]
    h.flags = p[4]
    h.stream_id = load32(p + 5) & 0x7FFFFFFF


cdef inline uint8_t *write_frame_header(uint8_t *p, uint32_t length, uint8_t type, uint8_t flags,
                                        uint32_t stream_id) noexcept nogil:
    """Write nine octets at p; return the octet after them."""
    store24(p, length)
    p[3] = type
    p[4] = flags
    store32(p + 5, stream_id)
    return p + FRAME_HEADER


# Results of reading a payload.
cdef enum:
    LAYOUT_OK = 0
    LAYOUT_SHORT = 1         # too short: FRAME_SIZE_ERROR
    LAYOUT_PADDING = 2       # padding longer than the rest of the payload: PROTOCOL_ERROR


cdef struct Payload:
    const uint8_t *data      # body or field block fragment, without padding
    uint32_t length          # octets at data
    uint32_t depends_on      # HEADERS with FLAG_PRIORITY, PRIORITY
    uint16_t weight          # 1 to 256
    bint exclusive


cdef inline void read_priority(const uint8_t *p, Payload *out) noexcept nogil:
    """Read the five octets of RFC 9113 section 6.3 at p."""
    cdef uint32_t word = load32(p)
    out.exclusive = word >> 31
    out.depends_on = word & 0x7FFFFFFF
    out.weight = <uint16_t>(p[4] + 1)


cdef int read_data(const uint8_t *p, const FrameHeader *h, Payload *out) noexcept nogil
cdef int read_headers(const uint8_t *p, const FrameHeader *h, Payload *out, bint full) noexcept nogil
cdef int read_push_promise(const uint8_t *p, const FrameHeader *h, Payload *out, uint32_t *promised) noexcept nogil
cdef int read_altsvc(const uint8_t *p, const FrameHeader *h, uint32_t *origin_length) noexcept nogil


# The read buffer: octets of an unfinished frame, kept between reads.
cdef struct ReadBuffer:
    uint8_t *data            # owned
    Py_ssize_t length
    Py_ssize_t capacity

cdef int tail_reserve(ReadBuffer *b, Py_ssize_t capacity) except -1
cdef void tail_clear(ReadBuffer *b) noexcept


# The output buffer: consecutive frames in a bytes object without other references.
cdef struct OutBuffer:
    PyObject *holder         # owned bytes object, or NULL
    uint8_t *data            # its octets
    Py_ssize_t start         # octets already returned
    Py_ssize_t length        # octets written, returned ones included
    Py_ssize_t capacity
    Py_ssize_t last_size     # octets of the last buffer that was returned without a copy, 0 for none

cdef int out_grow(OutBuffer *b, Py_ssize_t extra) except -1
cdef bytes out_take(OutBuffer *b, Py_ssize_t amount)
cdef void out_clear(OutBuffer *b) noexcept
cdef void out_free(OutBuffer *b) noexcept


cdef inline int out_reserve(OutBuffer *b, Py_ssize_t extra) except -1:
    """Reserve `extra` more octets at b.data + b.length."""
    if b.capacity - b.length < extra:
        return out_grow(b, extra)
    return 0


cdef inline void put_rst_stream(OutBuffer *b, uint32_t stream_id, uint32_t error_code) noexcept nogil:
    """Write 13 octets, reserved by the caller as for all put_ functions."""
    cdef uint8_t *p = write_frame_header(b.data + b.length, 4, FRAME_RST_STREAM, 0, stream_id)
    store32(p, error_code)
    b.length += FRAME_HEADER + 4


cdef inline void put_window_update(OutBuffer *b, uint32_t stream_id, uint32_t increment) noexcept nogil:
    cdef uint8_t *p = write_frame_header(b.data + b.length, 4, FRAME_WINDOW_UPDATE, 0, stream_id)
    store32(p, increment)
    b.length += FRAME_HEADER + 4


cdef inline void put_ping(OutBuffer *b, const uint8_t *opaque, uint8_t flags) noexcept nogil:
    """opaque: eight octets."""
    cdef uint8_t *p = write_frame_header(b.data + b.length, 8, FRAME_PING, flags, 0)
    memcpy(p, opaque, 8)
    b.length += FRAME_HEADER + 8


cdef inline void put_settings_ack(OutBuffer *b) noexcept nogil:
    write_frame_header(b.data + b.length, 0, FRAME_SETTINGS, FLAG_ACK, 0)
    b.length += FRAME_HEADER


cdef inline void put_goaway(OutBuffer *b, uint32_t last_stream_id, uint32_t error_code,
                            const uint8_t *debug, Py_ssize_t debug_length) noexcept nogil:
    """Write 17 octets and the debug data."""
    cdef uint8_t *p = write_frame_header(b.data + b.length, <uint32_t>(8 + debug_length), FRAME_GOAWAY, 0, 0)
    store32(p, last_stream_id & 0x7FFFFFFF)
    store32(p + 4, error_code)
    if debug_length:
        memcpy(p + 8, debug, debug_length)
    b.length += FRAME_HEADER + 8 + debug_length


cdef inline void put_data(OutBuffer *b, uint32_t stream_id, const uint8_t *data, uint32_t length,
                          bint end_stream) noexcept nogil:
    """Write nine octets and the payload."""
    cdef uint8_t *p = write_frame_header(b.data + b.length, length, FRAME_DATA,
                                         FLAG_END_STREAM if end_stream else 0, stream_id)
    if length:
        memcpy(p, data, length)
    b.length += FRAME_HEADER + <Py_ssize_t>length


cdef inline uint32_t data_chunk(int64_t left, int64_t stream_window, int64_t connection_window,
                                uint32_t max_frame_size) noexcept nogil:
    """Return the octets of the next DATA frame of a body (RFC 9113 section 4.2 and 5.2); 0: no credit."""
    cdef int64_t n = left
    if stream_window < n:
        n = stream_window
    if connection_window < n:
        n = connection_window
    if <int64_t>max_frame_size < n:
        n = max_frame_size
    return <uint32_t>n if n > 0 else 0


cdef void split_field_block(OutBuffer *b, Py_ssize_t at, uint8_t flags, uint32_t stream_id, uint8_t type,
                            uint32_t max_frame_size) noexcept nogil
cdef Py_ssize_t field_block_overhead(Py_ssize_t block, uint32_t max_frame_size) noexcept nogil
