# Flags of a header field, computed once from its name and value and stored with
# it. The rules of RFC 9113 section 8 (_engine/headers.pyx) use these flags only.
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef enum:
    # name
    F_PSEUDO = 1 << 0            # starts with a colon
    F_BAD_NAME = 1 << 1          # an octet RFC 9113 section 8.2.1 forbids, or a colon after the first octet
    F_UPPER_NAME = 1 << 2        # 0x41 to 0x5a in the name (F_BAD_NAME is set too)
    F_EMPTY_NAME = 1 << 3
    F_UNKNOWN_PSEUDO = 1 << 4
    F_CONNECTION = 1 << 5        # connection, proxy-connection, keep-alive, transfer-encoding, upgrade
    F_COOKIE = 1 << 6
    F_HOST = 1 << 7
    F_CONTENT_LENGTH = 1 << 8
    F_SENSITIVE = 1 << 9         # authorization, proxy-authorization, cookie under 20 octets: never index
    # value
    F_BAD_VALUE = 1 << 10        # NUL, CR or LF
    F_PADDED_VALUE = 1 << 11     # starts or ends with SP or HTAB
    F_BAD_TE = 1 << 12           # te whose value is not "trailers" (any case)
    F_BAD_LENGTH = 1 << 13       # content-length that is not 1*DIGIT, or over 2**63 - 1
    F_LENGTH_LIST = 1 << 14      # content-length "5, 5": equal members (with F_BAD_LENGTH; number is the member)
    F_BAD_TARGET = 1 << 15       # :path with a control, SP, DEL or "#"; a :method, :scheme, :authority or host
                                 # not of its grammar
    F_EMPTY_VALUE = 1 << 16
    F_CONNECT = 1 << 17          # :method CONNECT
    F_OPTIONS = 1 << 18          # :method OPTIONS
    F_CONTROL = 1 << 19          # a control that RFC 9110 section 5.5 forbids and RFC 9113 does not: all but HTAB
    F_INFORMATIONAL = 1 << 20    # :status that starts with "1"
    F_PATH_NOT_ABSOLUTE = 1 << 21  # :path that does not start with "/"
    F_PATH_ASTERISK = 1 << 22    # :path "*" (with F_PATH_NOT_ABSOLUTE)
    F_NON_ASCII_TARGET = 1 << 23  # :path with an octet above 0x7f
    F_USERINFO = 1 << 24         # "@" in :authority or host
    F_NO_TRAILER = 1 << 25       # no meaning in trailers (RFC 9110 section 6.5.1): content-length, host, te, ...
    # encoding
    F_UNDECODABLE = 1 << 26      # octets that the header encoding cannot decode; the value is bytes
    F_NEVER_INDEXED = 1 << 27
    # which pseudo-header or regular field, in the top four bits
    F_KIND_SHIFT = 28

cdef enum:
    KIND_NONE = 0
    KIND_METHOD = 1
    KIND_SCHEME = 2
    KIND_AUTHORITY = 3
    KIND_PATH = 4
    KIND_STATUS = 5
    KIND_PROTOCOL = 6
    KIND_PRIORITY = 7            # the regular field "priority" (RFC 9218)
    KIND_TE = 8                  # the regular field "te"

cdef enum:
    # The flags set by classify_name(); the others depend on the value or the encoding.
    NAME_FLAGS = (F_PSEUDO | F_BAD_NAME | F_UPPER_NAME | F_EMPTY_NAME | F_UNKNOWN_PSEUDO | F_CONNECTION
                  | F_COOKIE | F_HOST | F_CONTENT_LENGTH | F_NO_TRAILER)

# A field about to be encoded. Borrowed pointers; the caller owns the memory.
ctypedef struct OutField:
    const uint8_t *name          # lower case
    const uint8_t *value
    uint32_t name_len            # octets
    uint32_t value_len           # octets
    uint32_t flags               # F_*; F_SENSITIVE or F_NEVER_INDEXED: encode never-indexed
    uint32_t name_hash           # hash_octets(name)
    uint32_t static_name         # lowest index of the name in the static table, 0: none
    uint32_t pair_hash           # of name and value; set by the encoder
    uint64_t match               # the table entry with this name and value; set by the encoder


cdef inline uint64_t load_octets(const uint8_t *p, size_t n) noexcept nogil:
    """Return the ``n`` octets at ``p`` in one word, 1 <= n <= 8; for n < 8 some occur twice, in any order."""
    cdef uint32_t first, last
    cdef uint64_t a
    if n >= 4:
        memcpy(&first, p, 4)
        memcpy(&last, p + n - 4, 4)
        return (<uint64_t>last << 32) | first
    a = p[0]
    return a * 0x0101010101000001ULL | (<uint64_t>p[n >> 1] << 8) | (<uint64_t>p[n - 1] << 16)


cdef inline uint32_t hash_octets(const uint8_t *p, size_t n) noexcept nogil:
    """Return a hash of ``n`` octets. It is the same within one process, not between machines."""
    cdef uint64_t h = (<uint64_t>n + 1) * 0x9e3779b97f4a7c15ULL
    cdef uint64_t x
    while n > 8:
        memcpy(&x, p, 8)
        h = (h ^ x) * 0xff51afd7ed558ccdULL
        h ^= h >> 32
        p += 8
        n -= 8
    if n:
        h = (h ^ load_octets(p, n)) * 0xff51afd7ed558ccdULL
        h ^= h >> 32
    h *= 0xc4ceb9fe1a85ec53ULL
    return <uint32_t>(h >> 32)


cdef extern from "hpack/static_table.h" nogil:
    """
    #define static_name(i) ((const uint8_t *)static_table[i].name)
    #define static_value(i) ((const uint8_t *)static_table[i].value)
    #define static_name_len(i) static_table[i].name_len
    #define static_value_len(i) static_table[i].value_len
    #define static_last(i) static_table[i].last
    """
    enum:
        STATIC_TABLE_LENGTH
    const uint8_t *static_name(uint32_t index)
    const uint8_t *static_value(uint32_t index)
    uint32_t static_name_len(uint32_t index)
    uint32_t static_value_len(uint32_t index)
    uint32_t static_last(uint32_t index)     # highest index with the name of this one


# Lowest index in the static table of the name whose hash_octets() is `hash`, 0: none.
cdef uint32_t static_name_index(const uint8_t *name, size_t n, uint32_t hash) noexcept nogil

# Return the flags of a name and its KIND_* << F_KIND_SHIFT: NAME_FLAGS, and F_SENSITIVE for a
# name that is sensitive with any value.
cdef uint32_t classify_name(const uint8_t *name, size_t n) noexcept nogil

# Return all flags of a field, from classify_name()'s. `number` receives the value of a content-length,
# :status or Priority field (_priority.pxd), else -1.
cdef uint32_t classify_value(uint32_t name_flags, const uint8_t *value, size_t n,
                             int64_t *number) noexcept nogil

# Return classify_name()'s flags, from all flags of a field.
cdef inline uint32_t name_flags_of(uint32_t flags) noexcept nogil:
    cdef uint32_t kept = flags & (<uint32_t>NAME_FLAGS | (<uint32_t>15 << F_KIND_SHIFT))
    if flags & F_COOKIE:
        return kept
    return kept | (flags & F_SENSITIVE)
