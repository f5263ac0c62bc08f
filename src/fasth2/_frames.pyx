"""Frame layouts, the read buffer and the output buffer (RFC 9113 section 4 and 6)."""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_CLEAR, Py_XDECREF
from libc.string cimport memcpy, memmove


cdef extern from "Python.h":
    const Py_ssize_t PY_SSIZE_T_MAX
    int _PyBytes_Resize(PyObject **bytes, Py_ssize_t newsize) except -1
    PyObject *make_bytes "PyBytes_FromStringAndSize"(const char *v, Py_ssize_t n) except NULL

# Above this many octets the buffer itself is returned; below it, a copy is
# cheaper than a new buffer.
cdef Py_ssize_t HAND_OVER = 4096
cdef Py_ssize_t FIRST_CAPACITY = 479


# DATA, 6.1. Length: any. Flags: END_STREAM, PADDED. Stream: not zero.
cdef int read_data(const uint8_t *p, const FrameHeader *h, Payload *out) noexcept nogil:
    cdef uint32_t pad
    if not (h.flags & FLAG_PADDED):
        out.data = p
        out.length = h.length
        return LAYOUT_OK
    if h.length < 1:
        return LAYOUT_SHORT
    pad = p[0]
    if pad >= h.length:
        return LAYOUT_PADDING
    out.data = p + 1
    out.length = h.length - 1 - pad
    return LAYOUT_OK


# HEADERS, 6.2. Length: any. Flags: END_STREAM, END_HEADERS, PADDED, PRIORITY. Stream: not zero.
cdef int read_headers(const uint8_t *p, const FrameHeader *h, Payload *out, bint full) noexcept nogil:
    cdef uint32_t left = h.length
    cdef uint32_t pad = 0
    if h.flags & FLAG_PADDED:
        if left < 1:
            return LAYOUT_SHORT
        pad = p[0]
        p += 1
        left -= 1
        # `full`: padding may fill the rest of the frame, which h2 refuses.
        if pad and pad >= left and not full:
            if h.flags & FLAG_PRIORITY and left < 5:
                return LAYOUT_SHORT
            return LAYOUT_PADDING
    if h.flags & FLAG_PRIORITY:
        if left < 5:
            return LAYOUT_SHORT
        read_priority(p, out)
        p += 5
        left -= 5
    if pad > left:
        return LAYOUT_PADDING
    out.data = p
    out.length = left - pad
    return LAYOUT_OK


# PUSH_PROMISE, 6.6. Length: 4 at least. Flags: END_HEADERS, PADDED. Stream: not zero.
cdef int read_push_promise(const uint8_t *p, const FrameHeader *h, Payload *out, uint32_t *promised) noexcept nogil:
    cdef uint32_t left = h.length
    cdef uint32_t pad = 0
    if h.flags & FLAG_PADDED:
        if left < 1:
            return LAYOUT_SHORT
        pad = p[0]
        p += 1
        left -= 1
    if left < 4:
        return LAYOUT_SHORT
    promised[0] = load32(p) & 0x7FFFFFFF
    p += 4
    left -= 4
    if pad > left:
        return LAYOUT_PADDING
    out.data = p
    out.length = left - pad
    return LAYOUT_OK


# ALTSVC, RFC 7838 section 4. Length: 2 at least. Flags: none. Stream: any.
cdef int read_altsvc(const uint8_t *p, const FrameHeader *h, uint32_t *origin_length) noexcept nogil:
    if h.length < 2:
        return LAYOUT_SHORT
    origin_length[0] = load16(p)
    if origin_length[0] > h.length - 2:
        return LAYOUT_SHORT
    return LAYOUT_OK


cdef int tail_reserve(ReadBuffer *b, Py_ssize_t capacity) except -1:
    """Grow the buffer to hold `capacity` octets in all."""
    cdef uint8_t *data
    if capacity <= b.capacity:
        return 0
    if capacity < 64:
        capacity = 64
    data = <uint8_t *>PyMem_Realloc(b.data, capacity)
    if data == NULL:
        raise MemoryError
    b.data = data
    b.capacity = capacity
    return 0


cdef void tail_clear(ReadBuffer *b) noexcept:
    """Empty the buffer, and free a large one, so that idle connections stay small."""
    b.length = 0
    if b.capacity > 1024:
        PyMem_Free(b.data)
        b.data = NULL
        b.capacity = 0


cdef int out_grow(OutBuffer *b, Py_ssize_t extra) except -1:
    cdef Py_ssize_t live = b.length - b.start
    cdef Py_ssize_t capacity, needed
    cdef PyObject *larger
    if b.start >= live and b.capacity - live >= extra:
        # At most as much is moved as was returned, so the cost is amortised.
        if live:
            memcpy(b.data, b.data + b.start, live)
        b.length = live
        b.start = 0
        return 0
    if extra > PY_SSIZE_T_MAX // 2 - live:
        raise MemoryError
    needed = live + extra
    capacity = b.capacity * 2
    if capacity > 4 * needed:
        capacity = 4 * needed
    if capacity < FIRST_CAPACITY:
        capacity = FIRST_CAPACITY
    if capacity < b.last_size and b.capacity:
        # The size of the last buffer and a little more, to avoid several reallocations.
        capacity = b.last_size + 256
    if capacity < needed:
        capacity = needed
    # Copied, not resized: a failed resize would lose the queued octets.
    larger = make_bytes(NULL, capacity)
    if live:
        memcpy(PyBytes_AS_STRING(<object>larger), b.data + b.start, live)
    Py_XDECREF(b.holder)
    b.holder = larger
    b.data = <uint8_t *>PyBytes_AS_STRING(<object>b.holder)
    b.start = 0
    b.length = live
    b.capacity = capacity
    return 0


cdef void out_clear(OutBuffer *b) noexcept:
    """Drop the queued octets, and free a large buffer."""
    b.start = 0
    b.length = 0
    if b.capacity > HAND_OVER:
        out_free(b)


cdef void out_free(OutBuffer *b) noexcept:
    """Free the memory, with any queued octets."""
    b.start = 0
    b.length = 0
    b.capacity = 0
    b.data = NULL
    Py_CLEAR(b.holder)


cdef bytes out_take(OutBuffer *b, Py_ssize_t amount):
    """Take up to `amount` octets (negative: all) from the buffer. If memory runs out they may be lost."""
    cdef Py_ssize_t n = b.length - b.start
    cdef PyObject *whole
    cdef bytes result
    if amount >= 0 and amount < n:
        result = PyBytes_FromStringAndSize(<char *>b.data + b.start, amount)
        b.start += amount
        return result
    if n == 0:
        return b""
    if n <= HAND_OVER or b.start:
        result = PyBytes_FromStringAndSize(<char *>b.data + b.start, n)
        out_clear(b)
        b.last_size = 0
        return result
    b.last_size = n
    whole = b.holder
    b.holder = NULL
    b.data = NULL
    b.start = 0
    b.length = 0
    b.capacity = 0
    _PyBytes_Resize(&whole, n)
    result = <bytes>whole
    Py_XDECREF(whole)
    return result


cdef Py_ssize_t field_block_overhead(Py_ssize_t block, uint32_t max_frame_size) noexcept nogil:
    """Return the octets of frame headers for a field block of `block` octets."""
    return FRAME_HEADER * (1 + block // <Py_ssize_t>max_frame_size)


cdef void split_field_block(OutBuffer *b, Py_ssize_t at, uint8_t flags, uint32_t stream_id, uint8_t type,
                            uint32_t max_frame_size) noexcept nogil:
    """Write the frame header at `at` for the field block that ends at b.length, and split it into CONTINUATION
    frames if it exceeds a frame (RFC 9113 section 6.2 and 6.10).

    Nine octets at `at` are left free for the header. A prefix before the block (a priority, a promised stream)
    is shorter than a frame. The caller has reserved field_block_overhead() octets after the block.
    """
    cdef Py_ssize_t payload = b.length - at - FRAME_HEADER
    cdef Py_ssize_t size = max_frame_size
    cdef Py_ssize_t frames, i, n
    cdef uint8_t *first = b.data + at
    if payload <= size:
        write_frame_header(first, <uint32_t>payload, type, flags | FLAG_END_HEADERS, stream_id)
        return
    # Move the fragments from the last one on, so that none is overwritten.
    frames = (payload + size - 1) // size
    for i in range(frames - 1, 0, -1):
        n = payload - i * size
        if n > size:
            n = size
        memmove(first + FRAME_HEADER + i * (size + FRAME_HEADER), first + FRAME_HEADER + i * size, n)
        write_frame_header(first + i * (size + FRAME_HEADER), <uint32_t>n, FRAME_CONTINUATION,
                           FLAG_END_HEADERS if i == frames - 1 else 0, stream_id)
    write_frame_header(first, <uint32_t>size, type, flags, stream_id)
    b.length += (frames - 1) * FRAME_HEADER
