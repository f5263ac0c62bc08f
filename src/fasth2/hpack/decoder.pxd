# The HPACK decoder (RFC 7541 sections 3.2 and 6) and the header fields it makes.
#
# A block's fields are pointers to entries that hold finished Python objects and
# the flags of hpack/fields.pxd, so that an indexed field costs a reference count.
cimport cython
from cpython.ref cimport PyObject
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

# The faults of a block. Each is a COMPRESSION_ERROR, except for the two hard
# limits, whose error code is chosen by the engine.
cdef enum:
    HPACK_NO_MEMORY = -2           # internal: decode_block() raises it
    HPACK_OK = 0
    HPACK_TRUNCATED = 1            # the block ends inside an integer or a string
    HPACK_BAD_INTEGER = 2          # over 5 octets after the prefix, or over 32 bits
    HPACK_BAD_INDEX = 3            # 0, or past the end of the dynamic table
    HPACK_BAD_HUFFMAN = 4
    HPACK_STRING_TOO_LONG = 5      # declared octets over max_string
    HPACK_UPDATE_LATE = 6          # table size update after a field
    HPACK_UPDATE_TOO_LARGE = 7     # table size update over max_allowed_table_size
    HPACK_UPDATE_MISSING = 8       # max_allowed_table_size was lowered and no update followed
    HPACK_LIST_TOO_LARGE = 9       # over hard_list_size
    HPACK_TOO_MANY_FIELDS = 10     # over hard_max_fields
    HPACK_BLOCK_TOO_LONG = 11      # over 1 GiB

# The type of names and values.
cdef enum:
    HPACK_BYTES = 0
    HPACK_UTF8 = 1
    HPACK_LATIN1 = 2
    HPACK_ASCII = 3

# One header field, freed with its last reference. The count is not atomic: an
# entry belongs to one connection, and may outlive its decoder. Static entries are
# immortal, shared by all decoders and not written after import. A full table has
# over a hundred entries: each octet of this struct counts.
cdef struct Entry:
    int32_t refs                   # below 0: immortal; a block of 1 GiB has 2**30 at most
    uint32_t flags                 # F_* | KIND_* << F_KIND_SHIFT
    uint32_t size                  # octets of name and value, and 32
    uint32_t name_len              # octets of the name
    int64_t number                 # value of a content-length, :status or Priority field, or -1
    PyObject *name                 # owned; bytes, or str under an encoding
    PyObject *value                # owned; likewise, bytes under F_UNDECODABLE
    PyObject *header               # owned HeaderTuple or NeverIndexedHeaderTuple; NULL before entry_header()
    PyObject *pair                 # owned plain (name, value); NULL before entry_pair()

# Release one reference.
cdef void entry_free(Entry *entry) noexcept
cdef inline void entry_release(Entry *entry) noexcept:
    if entry.refs > 0:
        entry.refs -= 1
        if entry.refs == 0:
            entry_free(entry)

cdef inline void entry_retain(Entry *entry) noexcept:
    if entry.refs > 0:
        entry.refs += 1

# The field as a header tuple or a plain tuple: a borrowed reference, valid as
# long as the entry. The make_ functions create it at the first use.
cdef PyObject *make_header(Entry *entry) except NULL
cdef PyObject *make_pair(Entry *entry) except NULL

cdef inline PyObject *entry_header(Entry *entry) except NULL:
    return entry.header if entry.header != NULL else make_header(entry)

cdef inline PyObject *entry_pair(Entry *entry) except NULL:
    return entry.pair if entry.pair != NULL else make_pair(entry)

# The entry of a static field, 1 <= index <= 61, for a decoder of this encoding. Immortal.
cdef Entry *static_entry(uint32_t index, int encoding) noexcept

# The message of a fault.
cdef str fault_message(int fault)


@cython.final
cdef class Decoder:
    # The fields of the last block, until release() or the next decode_block(); one reference each.
    cdef Entry **fields
    cdef Py_ssize_t count
    cdef uint32_t list_size        # size of all fields, discarded ones included; stops at 2**32 - 1
    cdef uint32_t field_count      # number of all fields, discarded ones included
    cdef bint oversized            # max_header_list_size or max_fields was exceeded: further fields
                                   # are discarded, and the table is still updated

    # Limits; 2**32 - 1: no limit.
    cdef public uint32_t max_header_list_size    # SETTINGS_MAX_HEADER_LIST_SIZE's octets
    cdef public uint32_t hard_list_size          # octets; above it: HPACK_LIST_TOO_LARGE at once
    cdef public uint32_t max_fields
    cdef public uint32_t hard_max_fields         # above it: HPACK_TOO_MANY_FIELDS at once
    cdef public uint32_t max_string              # encoded octets of one string
    cdef public uint32_t max_allowed_table_size  # octets; the acknowledged SETTINGS_HEADER_TABLE_SIZE

    cdef int encoding              # HPACK_BYTES, HPACK_UTF8, HPACK_LATIN1 or HPACK_ASCII
    cdef bint fallback             # decode as latin-1 what the encoding cannot decode

    # Private state.
    cdef bint reading              # a block is being decoded: no other may be started
    cdef Entry *statics            # the static entries of its encoding; there is no entry 0
    cdef Py_ssize_t capacity       # of fields
    cdef Entry **ring              # the dynamic table, newest at (first + length - 1) & (ring_size - 1)
    cdef uint32_t ring_size        # a power of two, or 0
    cdef uint32_t first            # place of the oldest entry
    cdef uint32_t length           # entries
    cdef uint32_t table_size       # octets
    cdef uint32_t table_limit      # octets

    # Choose the type of names and values. Only before the first block.
    cdef void set_encoding(self, int encoding, bint fallback) noexcept

    # The same at any time: the entries of the table are converted.
    cdef int change_encoding(self, int encoding, bint fallback) except -1

    # Decode a complete block into `fields`. Returns HPACK_OK or a fault, after
    # which the dynamic table differs from the peer's; so does a MemoryError (-2).
    # `fields` then holds the fields before the fault. Raises RuntimeError if called
    # during another call, from a finalizer or another thread. The caller holds the
    # decoder's critical section until it has taken the fields.
    cdef int decode_block(self, const uint8_t *p, Py_ssize_t n) except -2

    # Release the fields of the last block.
    cdef void release(self) noexcept

    # Remove the fields with a flag from the last block.
    cdef void drop_fields(self, uint32_t flag) noexcept

    # Replace all content-length fields of the last block, at least one, by a single one.
    cdef int merge_lengths(self, int64_t octets) except -1

    # Return the last block's fields as header tuples.
    cdef list headers(self)

    # Decode a block into header tuples, for callers of Python's: raise an exception for a fault. If the table is empty,
    # `encoding` (HPACK_BYTES ...) is chosen; it receives the one in use, `flags` the flags of all fields.
    cdef list decode_buffer(self, object data, int *encoding, uint32_t *flags)

    # Insert an entry into the table without a block.
    cdef int insert_pair(self, bytes name, bytes value) except -1

    # These return HPACK_OK, a fault, or HPACK_NO_MEMORY without raising.
    cdef int read_block(self, const uint8_t *p, Py_ssize_t n) noexcept
    cdef int read_fields(self, const uint8_t *p, const uint8_t *end) noexcept
    cdef Py_ssize_t room(self) noexcept
    cdef int grow(self) noexcept
    cdef int read_literal(self, const uint8_t **cursor, const uint8_t *end, Entry *entry) noexcept
    cdef int read_name(self, const uint8_t **cursor, const uint8_t *end, uint32_t mask, Entry *entry) noexcept
    cdef int read_value(self, const uint8_t **cursor, const uint8_t *end, Entry *entry) noexcept
    cdef int insert(self, Entry *entry) noexcept
    cdef Entry *entry_at(self, uint32_t index) noexcept
    cdef void set_table_limit(self, uint32_t limit) noexcept
    cdef void evict_to(self, uint32_t size) noexcept
    cdef PyObject *text(self, const uint8_t *p, size_t n, uint32_t *flags) noexcept


# Return header tuples of bytes as header tuples of str; raise HPACKDecodingError for what is not UTF-8.
cdef list as_text(list fields)

# Return header tuples of str, or of bytes that are not UTF-8, as header tuples of bytes.
cdef list as_octets(list fields)
