# Percent-encoding (RFC 3986 section 2.1).
from libc.stdint cimport uint8_t


cdef inline int hex_value(uint8_t c) noexcept nogil:
    """Return the value of a hexadecimal digit, -1 for another octet."""
    if 0x30 <= c <= 0x39:
        return c - 0x30
    c |= 0x20
    if 0x61 <= c <= 0x66:
        return c - 0x57
    return -1


cdef inline Py_ssize_t percent_decode(const uint8_t *p, Py_ssize_t n, uint8_t *out) noexcept nogil:
    """Decode octets to `out`, which has room for as many; a "%" without two digits stays. Return their number."""
    cdef Py_ssize_t i = 0
    cdef Py_ssize_t at = 0
    cdef int high, low
    while i < n:
        if p[i] == 0x25 and n - i > 2:
            high = hex_value(p[i + 1])
            low = hex_value(p[i + 2])
            if high >= 0 and low >= 0:
                out[at] = <uint8_t>(high << 4 | low)
                at += 1
                i += 3
                continue
        out[at] = p[i]
        at += 1
        i += 1
    return at
