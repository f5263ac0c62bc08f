# The HPACK encoder (RFC 7541 section 2.3, 4 and 6). Its dynamic table is in C
# memory: no Python object is made or kept for a field.
cimport cython
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from fasth2.hpack.fields cimport OutField


cdef struct TableEntry:
    uint32_t pair_hash       # of name and value
    uint32_t name_hash
    uint32_t name_len        # octets
    uint32_t value_len       # octets
    size_t at                # where the name starts in `octets`; the value follows it
    uint64_t older_pair      # the next older entry in the same bucket of pairs
    uint64_t older_name      # likewise of names


cdef enum:
    ALIKE_NOT = 0
    ALIKE_NAME = 1
    ALIKE_FIELD = 2


@cython.final
cdef class Encoder:
    cdef object _max_table_size      # L14, octets; None: the peer's limit only
    cdef uint32_t limit              # octets the table may hold
    cdef uint32_t size               # octets it holds, 32 an entry
    cdef bint resized                # a size update must start the next block
    cdef uint32_t smallest           # the smallest limit since the last block
    # Entries are numbered from 1 in the order of insertion; those from oldest to newest are in the table.
    cdef uint64_t oldest
    cdef uint64_t newest
    cdef TableEntry *ring            # entry n at n & (ring_size - 1)
    cdef uint32_t ring_size          # a power of two, or 0
    cdef uint8_t *octets             # names and values, in the order of insertion
    cdef size_t octets_end           # where the next one goes
    cdef size_t octets_room
    cdef uint64_t *pairs             # newest entry of each bucket, 0 for none
    cdef uint64_t *names

    # Worst case of encode_fields() in octets.
    cdef size_t bound(self, const OutField *fields, size_t n) noexcept

    # Write a block at `out`, which has room for bound(); return its end. The memory for the table is allocated
    # first, so that a MemoryError leaves the table unchanged.
    # Sets the match of the fields that the block inserts.
    cdef uint8_t *encode_fields(self, OutField *fields, size_t n, uint8_t *out) except NULL

    # Look up a field: sets pair_hash and match. match is 0 for none, and a hint: an entry that is evicted meanwhile
    # is detected when the field is encoded.
    cdef void match(self, OutField *f) noexcept

    # Compare a field with the entry that `before` matched: name, or name and value (ALIKE_*).
    cdef int compare(self, const OutField *before, const OutField *f) noexcept

    # Encode what encode() takes. huffman=False: strings as they are. updates=False: no size update, which stays due.
    cdef bytes encode_list(self, object headers, bint huffman, bint updates)

    # Insert an entry into the table and write nothing.
    cdef int insert_pair(self, bytes name, bytes value) except -1

    cdef int reserve(self, const OutField *fields, size_t n) except -1
    cdef uint64_t find_pair(self, const OutField *f, uint64_t oldest) noexcept
    cdef uint32_t find_name(self, const OutField *f) noexcept
    cdef uint8_t *encode_field(self, OutField *f, uint64_t before, uint8_t *out) noexcept
    cdef void insert(self, OutField *f) noexcept
    cdef void evict_to(self, uint32_t size) noexcept
    cdef int set_limit(self, uint32_t limit) except -1


# Convert a name or a value as hpack does.
cdef bytes to_octets(object value)

# Return whether a field of a header list must never be indexed.
cdef bint is_sensitive(object header) except -1

# Return the items of a dict, pseudo-header fields first.
cdef list pseudo_fields_first(dict headers)
