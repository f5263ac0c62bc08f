"""Classification of header fields: the flags of name and value (RFC 9113 section 8)."""
from libc.stdint cimport INT64_MAX, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

from fasth2._priority cimport read_priority_field

from types import MappingProxyType

# One octet repeated eight times in a word.
cdef extern from *:
    """
    #define FASTH2_EACH(octet) (UINT64_C(0x0101010101010101) * (uint64_t)(octet))
    """
    uint64_t EACH "FASTH2_EACH"(uint32_t octet) noexcept nogil


# Octets are tested eight at a time: the top bit of an octet of the result is set
# if the test is true. `low` are the octets without their top bits, so that no
# sum carries into the next octet.

cdef inline uint64_t equal_to(uint64_t low, uint32_t octet) noexcept nogil:
    return ~((low ^ EACH(octet)) + EACH(0x7f))


cdef inline uint64_t at_most(uint64_t low, uint32_t octet) noexcept nogil:
    return ~(low + EACH(0x7f - octet))


# tools/generate_static_table.py's fields by the hash of their names, open
# addressing; filled when the module is imported, never written afterwards.
cdef uint8_t static_slots[256]


cdef void fill_static_slots() noexcept:
    cdef uint32_t i, slot
    for i in range(256):
        static_slots[i] = 0
    for i in range(1, <uint32_t>(STATIC_TABLE_LENGTH + 1)):
        slot = hash_octets(static_name(i), static_name_len(i)) & 255
        while static_slots[slot]:
            slot = (slot + 1) & 255
        if i == 1 or static_last(i) != static_last(i - 1):
            static_slots[slot] = <uint8_t>i


fill_static_slots()


cdef uint32_t static_name_index(const uint8_t *name, size_t n, uint32_t hash) noexcept nogil:
    cdef uint32_t slot = hash & 255
    cdef uint32_t index
    # At most 52 of 256 slots are taken, so an empty one ends the search.
    while static_slots[slot]:
        index = static_slots[slot]
        if static_name_len(index) == n and memcmp(static_name(index), name, n) == 0:
            return index
        slot = (slot + 1) & 255
    return 0


cdef inline uint64_t next_octets(const uint8_t **p, size_t *left) noexcept nogil:
    """Return the next octets at ``p`` in one word, up to eight of the ``left`` ones (1 or more), and advance ``p``.

    If fewer than eight are left, some occur twice.
    """
    cdef uint64_t x
    if left[0] >= 8:
        memcpy(&x, p[0], 8)
        p[0] += 8
        left[0] -= 8
        return x
    x = load_octets(p[0], left[0])
    left[0] = 0
    return x


cdef inline bint same(const uint8_t *p, const char *text, size_t n) noexcept nogil:
    return memcmp(p, text, n) == 0


cdef inline uint32_t name_octets(const uint8_t *p, size_t n) noexcept nogil:
    """Return F_BAD_NAME and F_UPPER_NAME of a name; a colon is invalid at any position."""
    cdef uint64_t bad = 0
    cdef uint64_t upper = 0
    cdef uint64_t x, low, capital
    while n:
        x = next_octets(&p, &n)
        low = x & EACH(0x7f)
        capital = at_most(low, 0x5a) & ~at_most(low, 0x40) & ~x
        upper |= capital
        bad |= x | at_most(low, 0x20) | equal_to(low, 0x7f) | equal_to(low, 0x3a) | capital
    if upper & EACH(0x80):
        return F_BAD_NAME | F_UPPER_NAME
    return F_BAD_NAME if bad & EACH(0x80) else 0


cdef inline uint32_t classify_pseudo(const uint8_t *name, size_t n) noexcept nogil:
    if n == 7:
        if same(name, b":method", 7):
            return <uint32_t>KIND_METHOD << F_KIND_SHIFT
        if same(name, b":scheme", 7):
            return <uint32_t>KIND_SCHEME << F_KIND_SHIFT
        if same(name, b":status", 7):
            return <uint32_t>KIND_STATUS << F_KIND_SHIFT
    elif n == 5:
        if same(name, b":path", 5):
            return <uint32_t>KIND_PATH << F_KIND_SHIFT
    elif n == 10:
        if same(name, b":authority", 10):
            return <uint32_t>KIND_AUTHORITY << F_KIND_SHIFT
    elif n == 9:
        if same(name, b":protocol", 9):
            return <uint32_t>KIND_PROTOCOL << F_KIND_SHIFT
    return F_UNKNOWN_PSEUDO


cdef inline uint32_t classify_regular(const uint8_t *name, size_t n) noexcept nogil:
    # F_NO_TRAILER is for framing, routing, request modifiers, authentication
    # and content format (RFC 9110 section 6.5.1).
    if n == 2:
        if same(name, b"te", 2):
            return (<uint32_t>KIND_TE << F_KIND_SHIFT) | F_NO_TRAILER
    elif n == 3:
        if same(name, b"age", 3):
            return F_NO_TRAILER
    elif n == 4:
        if same(name, b"host", 4):
            return F_HOST | F_NO_TRAILER
    elif n == 5:
        if same(name, b"range", 5):
            return F_NO_TRAILER
    elif n == 6:
        if same(name, b"cookie", 6):
            return F_COOKIE | F_NO_TRAILER
        if same(name, b"expect", 6) or same(name, b"pragma", 6):
            return F_NO_TRAILER
    elif n == 7:
        if same(name, b"upgrade", 7):
            return F_CONNECTION | F_NO_TRAILER
        if same(name, b"trailer", 7):
            return F_NO_TRAILER
    elif n == 8:
        if same(name, b"priority", 8):
            return <uint32_t>KIND_PRIORITY << F_KIND_SHIFT
        if same(name, b"if-match", 8) or same(name, b"if-range", 8):
            return F_NO_TRAILER
    elif n == 10:
        if same(name, b"connection", 10) or same(name, b"keep-alive", 10):
            return F_CONNECTION | F_NO_TRAILER
        if same(name, b"set-cookie", 10):
            return F_NO_TRAILER
    elif n == 12:
        if same(name, b"content-type", 12) or same(name, b"max-forwards", 12):
            return F_NO_TRAILER
    elif n == 13:
        if same(name, b"authorization", 13):
            return F_SENSITIVE | F_NO_TRAILER
        if (same(name, b"content-range", 13) or same(name, b"cache-control", 13)
                or same(name, b"if-none-match", 13)):
            return F_NO_TRAILER
    elif n == 14:
        if same(name, b"content-length", 14):
            return F_CONTENT_LENGTH | F_NO_TRAILER
    elif n == 16:
        if same(name, b"proxy-connection", 16):
            return F_CONNECTION | F_NO_TRAILER
        if same(name, b"content-encoding", 16) or same(name, b"www-authenticate", 16):
            return F_NO_TRAILER
    elif n == 17:
        if same(name, b"transfer-encoding", 17):
            return F_CONNECTION | F_NO_TRAILER
        if same(name, b"if-modified-since", 17):
            return F_NO_TRAILER
    elif n == 18:
        if same(name, b"proxy-authenticate", 18):
            return F_NO_TRAILER
    elif n == 19:
        if same(name, b"proxy-authorization", 19):
            return F_SENSITIVE | F_NO_TRAILER
        if same(name, b"if-unmodified-since", 19):
            return F_NO_TRAILER
    return 0


cdef uint32_t classify_name(const uint8_t *name, size_t n) noexcept nogil:
    if n == 0:
        return F_EMPTY_NAME
    if name[0] == 0x3a:
        return F_PSEUDO | name_octets(name + 1, n - 1) | classify_pseudo(name, n)
    return name_octets(name, n) | classify_regular(name, n)


cdef inline bint is_digit(uint8_t c) noexcept nogil:
    return 0x30 <= c <= 0x39


cdef inline bint is_alpha(uint8_t c) noexcept nogil:
    return 0x61 <= (c | 0x20) <= 0x7a


# A bit for each octet that an authority may have.
cdef uint32_t[8] AUTHORITY_OCTETS


cdef void fill_authority_octets() noexcept:
    cdef uint32_t octet
    for octet in range(8):
        AUTHORITY_OCTETS[octet] = 0
    for octet in range(0x21, 0x7f):
        # All visible characters except " # , / < > ? @ \ ^ ` { | }
        if octet not in (0x22, 0x23, 0x2c, 0x2f, 0x3c, 0x3e, 0x3f, 0x40, 0x5c, 0x5e, 0x60, 0x7b, 0x7c, 0x7d):
            AUTHORITY_OCTETS[octet >> 5] |= <uint32_t>1 << (octet & 31)


fill_authority_octets()


cdef bint is_method(const uint8_t *p, size_t n) noexcept nogil:
    """Return True if the octets are a token (RFC 9110 section 5.6.2)."""
    cdef size_t i
    for i in range(n):
        if is_alpha(p[i]) or is_digit(p[i]):
            continue
        if p[i] in (0x21, 0x23, 0x24, 0x25, 0x26, 0x27, 0x2a, 0x2b, 0x2d, 0x2e, 0x5e, 0x5f, 0x60, 0x7c, 0x7e):
            continue
        return False
    return n > 0


cdef bint is_scheme(const uint8_t *p, size_t n) noexcept nogil:
    """Return True if the octets are a scheme (RFC 3986 section 3.1)."""
    cdef size_t i
    if n == 0 or not is_alpha(p[0]):
        return False
    for i in range(1, n):
        if not (is_alpha(p[i]) or is_digit(p[i]) or p[i] in (0x2b, 0x2d, 0x2e)):
            return False
    return True


cdef bint is_authority(const uint8_t *p, size_t n) noexcept nogil:
    """Return True if the octets are in the alphabet of an authority without user information (RFC 3986 section 3.2).

    The comma is in that alphabet and is refused: proxies parse it as a list.
    """
    cdef size_t i
    for i in range(n):
        if AUTHORITY_OCTETS[p[i] >> 5] >> (p[i] & 31) & 1 == 0:
            return False
    return n > 0


cdef bint has_bad_octet(const uint8_t *p, size_t n) noexcept nogil:
    """Return True if an octet is NUL, CR or LF."""
    cdef uint64_t bad = 0
    cdef uint64_t x, low
    while n:
        x = next_octets(&p, &n)
        low = x & EACH(0x7f)
        bad |= (equal_to(low, 0) | equal_to(low, 0x0a) | equal_to(low, 0x0d)) & ~x
    return (bad & EACH(0x80)) != 0


cdef bint has_control(const uint8_t *p, size_t n) noexcept nogil:
    """Return True if an octet is a control character, HTAB included."""
    cdef uint64_t found = 0
    cdef uint64_t x, low
    while n:
        x = next_octets(&p, &n)
        low = x & EACH(0x7f)
        found |= (at_most(low, 0x1f) | equal_to(low, 0x7f)) & ~x
    return (found & EACH(0x80)) != 0


cdef bint has_control_but_tab(const uint8_t *p, size_t n) noexcept nogil:
    cdef size_t i
    for i in range(n):
        if (p[i] < 0x20 and p[i] != 0x09) or p[i] == 0x7f:
            return True
    return False


cdef uint32_t classify_path(const uint8_t *p, size_t n) noexcept nogil:
    cdef uint64_t bad = 0
    cdef uint64_t high = 0
    cdef uint64_t x, low
    cdef uint32_t flags = 0
    if n == 0 or p[0] != 0x2f:
        flags |= F_PATH_NOT_ABSOLUTE
        if n == 1 and p[0] == 0x2a:
            flags |= F_PATH_ASTERISK
    while n:
        x = next_octets(&p, &n)
        low = x & EACH(0x7f)
        high |= x
        bad |= (at_most(low, 0x20) | equal_to(low, 0x7f) | equal_to(low, 0x23)) & ~x
    if bad & EACH(0x80):
        flags |= F_BAD_TARGET
    if high & EACH(0x80):
        flags |= F_NON_ASCII_TARGET
    return flags


cdef bint has_octet(const uint8_t *p, size_t n, uint32_t octet) noexcept nogil:
    cdef size_t i
    for i in range(n):
        if p[i] == octet:
            return True
    return False


cdef uint32_t classify_content_length(const uint8_t *p, size_t n, int64_t *number) noexcept nogil:
    """Return the flags of a content-length (RFC 9110 section 8.6), which may be a list of equal lengths."""
    cdef int64_t value
    cdef int64_t first = -1
    cdef bint is_list = False
    cdef size_t i = 0
    while True:
        if i == n or not is_digit(p[i]):
            return F_BAD_LENGTH
        value = 0
        while i < n and is_digit(p[i]):
            if value > (INT64_MAX - (p[i] - 0x30)) // 10:
                return F_BAD_LENGTH
            value = value * 10 + (p[i] - 0x30)
            i += 1
        if is_list and value != first:
            return F_BAD_LENGTH
        first = value
        if i == n:
            break
        while i < n and (p[i] == 0x20 or p[i] == 0x09):
            i += 1
        if i == n or p[i] != 0x2c:
            return F_BAD_LENGTH
        i += 1
        while i < n and (p[i] == 0x20 or p[i] == 0x09):
            i += 1
        is_list = True
    number[0] = first
    return F_BAD_LENGTH | F_LENGTH_LIST if is_list else 0


cdef bint is_trailers(const uint8_t *p, size_t n) noexcept nogil:
    """Return True if the octets are "trailers" in any case."""
    cdef const char *text = b"trailers"
    cdef size_t i
    if n != 8:
        return False
    for i in range(8):
        if (p[i] | 0x20) != <uint8_t>text[i]:
            return False
    return True


cdef int64_t status_number(const uint8_t *value, size_t n) noexcept nogil:
    """Return the number of a status, three digits of which the first is not 0 (RFC 9110 section 15); else -1."""
    if n != 3 or not (0x31 <= value[0] <= 0x39 and 0x30 <= value[1] <= 0x39 and 0x30 <= value[2] <= 0x39):
        return -1
    return 100 * (value[0] - 0x30) + 10 * (value[1] - 0x30) + (value[2] - 0x30)


cdef uint32_t classify_special(uint32_t name_flags, const uint8_t *value, size_t n,
                               int64_t *number) noexcept nogil:
    """Return the additional flags of the value of a known name."""
    cdef uint32_t kind = name_flags >> F_KIND_SHIFT
    if kind == KIND_PATH:
        return classify_path(value, n)
    if kind == KIND_METHOD:
        if n == 7:
            if same(value, b"CONNECT", 7):
                return F_CONNECT
            if same(value, b"OPTIONS", 7):
                return F_OPTIONS
        return 0 if is_method(value, n) else F_BAD_TARGET
    if kind == KIND_SCHEME:
        return 0 if is_scheme(value, n) else F_BAD_TARGET
    if kind == KIND_AUTHORITY or name_flags & F_HOST:
        if has_octet(value, n, 0x40):
            return F_USERINFO
        return 0 if is_authority(value, n) else F_BAD_TARGET
    if kind == KIND_STATUS:
        number[0] = status_number(value, n)
        return F_INFORMATIONAL if n and value[0] == 0x31 else 0
    if kind == KIND_TE:
        return 0 if is_trailers(value, n) else F_BAD_TE
    if kind == KIND_PRIORITY:
        number[0] = read_priority_field(value, n)
        return 0
    if name_flags & F_COOKIE:
        return F_SENSITIVE if n < 20 else 0
    if name_flags & F_CONTENT_LENGTH:
        return classify_content_length(value, n, number)
    return 0


cdef uint32_t classify_value(uint32_t name_flags, const uint8_t *value, size_t n,
                             int64_t *number) noexcept nogil:
    cdef uint32_t flags = name_flags
    number[0] = -1
    if n == 0:
        flags |= F_EMPTY_VALUE
    else:
        if value[0] == 0x20 or value[0] == 0x09 or value[n - 1] == 0x20 or value[n - 1] == 0x09:
            flags |= F_PADDED_VALUE
        if name_flags >> F_KIND_SHIFT == KIND_PATH:
            # A path without an invalid octet contains none of these.
            flags |= classify_path(value, n)
            if flags & F_BAD_TARGET and has_bad_octet(value, n):
                flags |= F_BAD_VALUE
            return flags
        if has_control(value, n) and has_control_but_tab(value, n):
            flags |= F_BAD_VALUE if has_bad_octet(value, n) else F_CONTROL
    if name_flags & (F_COOKIE | F_HOST | F_CONTENT_LENGTH | (<uint32_t>15 << F_KIND_SHIFT)):
        flags |= classify_special(name_flags, value, n, number)
    return flags


# For Python's callers: the engine uses the C functions and the C table.

# RFC 7541 Appendix A.
STATIC_TABLE = tuple([((<const char *>static_name(_index))[:static_name_len(_index)],
                       (<const char *>static_value(_index))[:static_value_len(_index)])
                      for _index in range(1, STATIC_TABLE_LENGTH + 1)])

FLAGS = MappingProxyType({
    "PSEUDO": F_PSEUDO,
    "BAD_NAME": F_BAD_NAME,
    "UPPER_NAME": F_UPPER_NAME,
    "EMPTY_NAME": F_EMPTY_NAME,
    "UNKNOWN_PSEUDO": F_UNKNOWN_PSEUDO,
    "CONNECTION": F_CONNECTION,
    "COOKIE": F_COOKIE,
    "HOST": F_HOST,
    "CONTENT_LENGTH": F_CONTENT_LENGTH,
    "SENSITIVE": F_SENSITIVE,
    "BAD_VALUE": F_BAD_VALUE,
    "PADDED_VALUE": F_PADDED_VALUE,
    "BAD_TE": F_BAD_TE,
    "BAD_LENGTH": F_BAD_LENGTH,
    "LENGTH_LIST": F_LENGTH_LIST,
    "BAD_TARGET": F_BAD_TARGET,
    "EMPTY_VALUE": F_EMPTY_VALUE,
    "CONNECT": F_CONNECT,
    "OPTIONS": F_OPTIONS,
    "CONTROL": F_CONTROL,
    "INFORMATIONAL": F_INFORMATIONAL,
    "PATH_NOT_ABSOLUTE": F_PATH_NOT_ABSOLUTE,
    "PATH_ASTERISK": F_PATH_ASTERISK,
    "NON_ASCII_TARGET": F_NON_ASCII_TARGET,
    "USERINFO": F_USERINFO,
    "NO_TRAILER": F_NO_TRAILER,
    "UNDECODABLE": F_UNDECODABLE,
    "NEVER_INDEXED": F_NEVER_INDEXED,
})


def classify(bytes name not None, bytes value not None):
    """Classify a header field.

    Args:
        name: The field's name, as on the wire.
        value: The field's value.

    Returns:
        The names of its flags (keys of ``FLAGS``) as a frozenset, its kind (0 for most fields)
        and the value of a content-length, :status or Priority field, -1 for any other field.
    """
    cdef int64_t number
    cdef uint32_t flags = classify_value(classify_name(name, len(name)), value, len(value), &number)
    return (frozenset([key for key, bit in FLAGS.items() if flags & <uint32_t>bit]),
            flags >> F_KIND_SHIFT, number)
