"""Parsing and storage of priorities of responses (RFC 9218 sections 4, 5 and 7)."""
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from libc.string cimport memmove


cdef struct Reader:
    const uint8_t *p
    const uint8_t *end


cdef enum:
    # Types of items; all types that no priority parameter has are ITEM_OTHER.
    ITEM_NONE = 0
    ITEM_OTHER = 1
    ITEM_INTEGER = 2
    ITEM_BOOLEAN = 3


cdef inline bint is_digit(uint8_t c) noexcept nogil:
    return 0x30 <= c <= 0x39


cdef inline bint is_lower(uint8_t c) noexcept nogil:
    return 0x61 <= c <= 0x7a


cdef inline bint is_alpha(uint8_t c) noexcept nogil:
    return is_lower(c | 0x20)


cdef inline bint at(Reader *r, uint8_t octet) noexcept nogil:
    """Return True if the next octet is this one."""
    return r.p < r.end and r.p[0] == octet


cdef inline bint take(Reader *r, uint8_t octet) noexcept nogil:
    """Consume the next octet if it is this one. Return False otherwise."""
    if not at(r, octet):
        return False
    r.p += 1
    return True


cdef inline void skip_spaces(Reader *r) noexcept nogil:
    while at(r, 0x20):
        r.p += 1


cdef inline void skip_whitespace(Reader *r) noexcept nogil:
    while at(r, 0x20) or at(r, 0x09):
        r.p += 1


cdef bint read_key(Reader *r) noexcept nogil:
    if r.p == r.end or not (is_lower(r.p[0]) or r.p[0] == 0x2a):
        return False
    while r.p < r.end and (is_lower(r.p[0]) or is_digit(r.p[0]) or r.p[0] in (0x5f, 0x2d, 0x2e, 0x2a)):
        r.p += 1
    return True


cdef int read_number(Reader *r, int64_t *value) noexcept nogil:
    cdef bint negative = take(r, 0x2d)
    cdef int digits = 0
    cdef int64_t number = 0
    while r.p < r.end and is_digit(r.p[0]):
        digits += 1
        if digits > 15:
            return ITEM_NONE
        number = number * 10 + (r.p[0] - 0x30)
        r.p += 1
    if digits == 0:
        return ITEM_NONE
    if not take(r, 0x2e):
        value[0] = -number if negative else number
        return ITEM_INTEGER
    if digits > 12:
        return ITEM_NONE
    digits = 0
    while r.p < r.end and is_digit(r.p[0]):
        digits += 1
        r.p += 1
    return ITEM_OTHER if 1 <= digits <= 3 else ITEM_NONE


cdef int read_string(Reader *r) noexcept nogil:
    """Parse the rest of a string, after its first quote."""
    cdef uint8_t octet
    while r.p < r.end:
        octet = r.p[0]
        r.p += 1
        if octet == 0x22:
            return ITEM_OTHER
        if octet == 0x5c:
            if not (at(r, 0x22) or at(r, 0x5c)):
                return ITEM_NONE
            r.p += 1
        elif octet < 0x20 or octet > 0x7e:
            return ITEM_NONE
    return ITEM_NONE


cdef int read_octets(Reader *r) noexcept nogil:
    """Parse the rest of a byte sequence, after its first colon."""
    while r.p < r.end and (is_alpha(r.p[0]) or is_digit(r.p[0]) or r.p[0] in (0x2b, 0x2f, 0x3d)):
        r.p += 1
    return ITEM_OTHER if take(r, 0x3a) else ITEM_NONE


cdef int read_token(Reader *r) noexcept nogil:
    while r.p < r.end and (
            is_alpha(r.p[0]) or is_digit(r.p[0])
            or r.p[0] in (0x21, 0x23, 0x24, 0x25, 0x26, 0x27, 0x2a, 0x2b, 0x2d, 0x2e, 0x5e, 0x5f, 0x60, 0x7c, 0x7e,
                          0x3a, 0x2f)):
        r.p += 1
    return ITEM_OTHER


cdef int read_bare_item(Reader *r, int64_t *value) noexcept nogil:
    cdef uint8_t first
    if r.p == r.end:
        return ITEM_NONE
    first = r.p[0]
    if first == 0x2d or is_digit(first):
        return read_number(r, value)
    if first == 0x2a or is_alpha(first):
        return read_token(r)
    r.p += 1
    if first == 0x22:
        return read_string(r)
    if first == 0x3a:
        return read_octets(r)
    if first == 0x3f and (at(r, 0x30) or at(r, 0x31)):
        value[0] = r.p[0] - 0x30
        r.p += 1
        return ITEM_BOOLEAN
    return ITEM_NONE


cdef bint skip_parameters(Reader *r) noexcept nogil:
    cdef int64_t ignored
    while take(r, 0x3b):
        skip_spaces(r)
        if not read_key(r):
            return False
        if take(r, 0x3d) and read_bare_item(r, &ignored) == ITEM_NONE:
            return False
    return True


cdef int read_inner_list(Reader *r) noexcept nogil:
    """Parse the rest of an inner list, after its parenthesis."""
    cdef int64_t ignored
    while True:
        skip_spaces(r)
        if take(r, 0x29):
            return ITEM_OTHER
        if read_bare_item(r, &ignored) == ITEM_NONE or not skip_parameters(r):
            return ITEM_NONE
        if not (at(r, 0x20) or at(r, 0x29)):
            return ITEM_NONE


cdef uint16_t with_member(uint16_t priority, uint8_t key, int item, int64_t value) noexcept nogil:
    """Add a member with a one-letter name to a value; one that is out of range or of another type is ignored."""
    if key == 0x75:
        priority &= ~<uint16_t>(PRIORITY_URGENCY | PRIORITY_HAS_URGENCY)
        priority |= PRIORITY_NAMES_URGENCY
        if item == ITEM_INTEGER and 0 <= value <= 7:
            return priority | PRIORITY_HAS_URGENCY | <uint16_t>value
        return priority | URGENCY_DEFAULT
    if key == 0x69:
        priority &= ~<uint16_t>(PRIORITY_INCREMENTAL | PRIORITY_HAS_INCREMENTAL)
        priority |= PRIORITY_NAMES_INCREMENTAL
        if item == ITEM_BOOLEAN:
            return <uint16_t>(priority | PRIORITY_HAS_INCREMENTAL | (PRIORITY_INCREMENTAL if value else 0))
    return priority


cdef uint16_t read_priority_field(const uint8_t *p, size_t n) noexcept nogil:
    cdef Reader r
    cdef const uint8_t *key
    cdef bint short_key
    cdef int item
    cdef int64_t value = 0
    cdef uint16_t priority = PRIORITY_PRESENT | URGENCY_DEFAULT
    cdef uint16_t failed = PRIORITY_PRESENT | PRIORITY_FAILED | URGENCY_DEFAULT
    r.p = p
    r.end = p + n
    skip_spaces(&r)
    while r.p < r.end:
        key = r.p
        if not read_key(&r):
            return failed
        short_key = r.p - key == 1
        if take(&r, 0x3d):
            item = read_inner_list(&r) if take(&r, 0x28) else read_bare_item(&r, &value)
            if item == ITEM_NONE:
                return failed
        else:
            item = ITEM_BOOLEAN
            value = 1
        if not skip_parameters(&r):
            return failed
        if short_key:
            priority = with_member(priority, key[0], item, value)
        skip_whitespace(&r)
        if r.p == r.end:
            break
        if not take(&r, 0x2c):
            return failed
        skip_whitespace(&r)
        if r.p == r.end:
            return failed
    return priority


cdef uint16_t join_priorities(uint16_t first, uint16_t second) noexcept nogil:
    cdef uint16_t mask = PRIORITY_PRESENT
    if first == 0 or second & PRIORITY_FAILED:
        return second
    if first & PRIORITY_FAILED:
        return first
    if second & PRIORITY_NAMES_URGENCY:
        mask |= PRIORITY_URGENCY | PRIORITY_HAS_URGENCY | PRIORITY_NAMES_URGENCY
    if second & PRIORITY_NAMES_INCREMENTAL:
        mask |= PRIORITY_INCREMENTAL | PRIORITY_HAS_INCREMENTAL | PRIORITY_NAMES_INCREMENTAL
    return (first & ~mask) | (second & mask)


# Updates received before their request.

cdef bint early_keep(EarlyUpdates *early, uint32_t stream_id, uint16_t value, uint32_t most) noexcept:
    cdef uint32_t at = early.count
    cdef uint32_t room
    cdef EarlyUpdate *grown
    while at and early.updates[at - 1].stream_id > stream_id:
        at -= 1
    if at and early.updates[at - 1].stream_id == stream_id:
        early.updates[at - 1].value = value
        return True
    if early.count >= most:
        return False
    if early.count == early.room:
        room = early.room * 2 if early.room else 4
        grown = <EarlyUpdate *>PyMem_Realloc(early.updates, room * sizeof(EarlyUpdate))
        if grown == NULL:
            return True
        early.updates = grown
        early.room = room
    memmove(early.updates + at + 1, early.updates + at, (early.count - at) * sizeof(EarlyUpdate))
    early.updates[at].stream_id = stream_id
    early.updates[at].value = value
    early.count += 1
    return True


cdef uint16_t early_take(EarlyUpdates *early, uint32_t stream_id) noexcept:
    cdef uint32_t gone = 0
    cdef uint16_t value = 0
    while gone < early.count and early.updates[gone].stream_id <= stream_id:
        if early.updates[gone].stream_id == stream_id:
            value = early.updates[gone].value
        gone += 1
    if gone == 0:
        return 0
    if gone == early.count:
        early_free(early)
        return value
    early.count -= gone
    memmove(early.updates, early.updates + gone, early.count * sizeof(EarlyUpdate))
    return value


cdef void early_free(EarlyUpdates *early) noexcept:
    PyMem_Free(early.updates)
    early.updates = NULL
    early.count = 0
    early.room = 0
