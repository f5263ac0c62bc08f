"""Field blocks received: fragments are gathered until END_HEADERS, then decoded (RFC 9113 section 4.3)."""
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from libc.string cimport memcpy

from fasth2._engine.errors cimport (
    FAULT_BLOCK_SIZE,
    FAULT_COMPRESSION,
    FAULT_FIELDS_HARD,
    FAULT_LIST_SIZE_HARD,
    FAULT_NONE,
    FAULT_STRING_SIZE,
)
from fasth2._engine.limits cimport count_suspicious
from fasth2.hpack.decoder cimport (
    HPACK_LIST_TOO_LARGE,
    HPACK_OK,
    HPACK_STRING_TOO_LONG,
    HPACK_TOO_MANY_FIELDS,
    Decoder,
    fault_message,
)


cdef void block_begin(Core c, uint32_t stream_id, uint32_t promised, uint8_t flags) noexcept:
    """Expect CONTINUATION frames after a HEADERS frame, or after the PUSH_PROMISE of `promised` (0: HEADERS)."""
    c.block.length = 0
    c.block.frames = 0
    c.block.flags = flags
    c.block.promised = promised
    c.block.stream_id = stream_id


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
