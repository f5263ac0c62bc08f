# Where the messages of a body end: each has a prefix of five octets, flags and its size (the Length-Prefixed-Message
# of gRPC, the Enveloped-Message of Connect).
from libc.stdint cimport int64_t, uint32_t

cdef enum:
    PREFIX = 5


cdef struct Messages:
    bint followed        # the body consists of such messages
    int prefix           # octets of an unfinished prefix that have been read
    uint32_t size        # the size in it, as far as it has been read
    uint32_t left        # octets of the message that have not been read


cdef inline void messages_read(Messages *m, const unsigned char *octets, Py_ssize_t n) noexcept nogil:
    """Follow octets that the application reads."""
    cdef Py_ssize_t step
    while n > 0:
        if m.left > 0:
            step = n if <int64_t>n < <int64_t>m.left else <Py_ssize_t>m.left
            m.left -= <uint32_t>step
            octets += step
            n -= step
            continue
        if m.prefix > 0:
            m.size = m.size << 8 | octets[0]
        m.prefix += 1
        octets += 1
        n -= 1
        if m.prefix == PREFIX:
            m.left = m.size
            m.prefix = 0
            m.size = 0


cdef inline bint between_messages(Messages *m) noexcept nogil:
    """Return True if what was read ends with a message."""
    return m.followed and m.prefix == 0 and m.left == 0
